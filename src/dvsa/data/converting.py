"""Writes a data set in another layout, with its photographs."""

import csv
import io
import json
import shutil
import tarfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from dvsa.data.annotating import annotate
from dvsa.data.dataset import DataError, Dataset, Example, GroundedPhrase
from dvsa.data.names import without_suffix

SHARD = 1000
"""Photographs in a tar file or a Parquet file."""

Advance = Callable[[], None]


def convert(
    dataset: Dataset, layout: str, out: Path, advance: Advance = lambda: None
) -> list[GroundedPhrase]:
    """Write the examples of a data set, which `load` then reads as the same.

    Sentences, splits and the bytes of photographs are kept. Phrases and their boxes are written beside them,
    into the folder `entities`, in the format of Flickr30k Entities.

    Args:
        dataset: the data set; every example needs a photograph.
        layout: one of `WRITERS`.
        out: the new folder, which must not exist. It is complete, or not there.
        advance: called after each photograph.

    Returns:
        The phrases that this format cannot hold (see `dvsa.data.annotating`).

    Raises:
        DataError: the layout is unknown, or the data set has no sentences.
        OSError: the folder exists, or cannot be written.
    """
    if layout not in WRITERS:
        raise DataError(f"the layout {layout!r} cannot be written: choose {', '.join(WRITERS)}")
    dataset.with_sentences()
    if out.exists():
        raise FileExistsError(f"{out} exists: name a new folder")

    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        WRITERS[layout](dataset, partial, advance)
        examples = [(n, e) for own in _by_split(dataset).values() for n, e in enumerate(own)]
        names = [_member(n, e) if layout == "webdataset" else e.name for n, e in examples]
        lost = annotate([e for _, e in examples], names, partial)
        partial.rename(out)
        return lost
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _csv(dataset: Dataset, out: Path, advance: Advance) -> None:
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    split = any(e.split for e in dataset.examples)
    writer.writerow(["image", "caption", "split"][: 2 + split])
    for e in dataset.examples:
        writer.writerows([e.name, _cell(sentence), e.split][: 2 + split] for sentence in e.sentences)
    _photographs(dataset.examples, out / "images", advance)
    _write(out / "captions.csv", rows.getvalue())


def _imagefolder(dataset: Dataset, out: Path, advance: Advance) -> None:
    for split, examples in _by_split(dataset).items():
        folder = out / split
        _photographs(examples, folder, advance)
        records = ({"file_name": e.name, "text": _cell(s)} for e in examples for s in e.sentences)
        _write(folder / "metadata.jsonl", "".join(f"{_json(record)}\n" for record in records))


def _karpathy(dataset: Dataset, out: Path, advance: Advance) -> None:
    """The JSON with the fields that other programs expect as well."""
    images, count = [], 0
    for number, e in enumerate(dataset.examples):
        ids = list(range(count, count + len(e.sentences)))
        count += len(ids)
        sentences = [
            {"raw": raw, "tokens": raw.lower().split(), "imgid": number, "sentid": sentid}
            for raw, sentid in zip(e.sentences, ids, strict=True)
        ]
        image: dict[str, object] = {
            "filename": e.name,
            "imgid": number,
            "sentids": ids,
            "sentences": sentences,
        }
        images.append({**image, **({"split": e.split} if e.split else {})})
    _photographs(dataset.examples, out / "images", advance)
    _write(out / f"dataset_{_word(dataset.name)}.json", _json({"images": images, "dataset": dataset.name}))


def _coco(dataset: Dataset, out: Path, advance: Advance) -> None:
    number = sentence = 0
    for split, examples in _by_split(dataset).items():
        images: list[dict[str, object]] = []
        annotations: list[dict[str, object]] = []
        for e in examples:
            number += 1
            images.append({"id": number, "file_name": e.name})
            for caption in e.sentences:
                sentence += 1
                annotations.append({"id": sentence, "image_id": number, "caption": caption})
        _photographs(examples, out / (split or "images"), advance)
        name = f"captions_{split}.json" if split else "captions_all.json"
        _write(out / "annotations" / name, _json({"images": images, "annotations": annotations}))


def _sidecars(dataset: Dataset, out: Path, advance: Advance) -> None:
    _refuse_shared_stems(dataset.examples)
    for split, examples in _by_split(dataset).items():
        _photographs(examples, out / split, advance)
        for e in examples:
            _write((out / split / e.name).with_suffix(".txt"), _lines(e))


def _webdataset(dataset: Dataset, out: Path, advance: Advance) -> None:
    for split, examples in _by_split(dataset).items():
        for start in range(0, len(examples), SHARD):
            with tarfile.open(out / f"{_shard(split, start)}.tar", "w") as archive:
                for number, e in enumerate(examples[start : start + SHARD], start):
                    key = _key(number, e)
                    _add(archive, f"{key}{PurePosixPath(e.name).suffix}", e.read())
                    _add(archive, f"{key}.txt", _lines(e).encode())
                    advance()


def _key(number: int, example: Example) -> str:
    """What the members of a photograph are called: it ends at its first dot, and is unique in a split."""
    stem = PurePosixPath(without_suffix(example.name)).name.replace(".", "_")
    return f"{number:06d}/{stem}"


def _member(number: int, example: Example) -> str:
    """The name that a photograph then has: that of its tar file, and that inside."""
    suffix = PurePosixPath(example.name).suffix
    return f"{_shard(example.split, number)}/{_key(number, example)}{suffix}"


def _shard(split: str, number: int) -> str:
    """The name of the tar file with a photograph of a split."""
    return f"{split or 'all'}-{number // SHARD:06d}"


def _parquet(dataset: Dataset, out: Path, advance: Advance) -> None:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise DataError("writing Parquet needs pyarrow: pip install 'dvsa[parquet]'") from error

    (out / "data").mkdir()
    for split, examples in _by_split(dataset).items():
        files = -(-len(examples) // SHARD)
        for file in range(files):
            rows = []
            for e in examples[file * SHARD : (file + 1) * SHARD]:
                rows.append({"image": {"bytes": e.read(), "path": e.name}, "caption": list(e.sentences)})
                advance()
            path = out / "data" / f"{split or 'all'}-{file:05d}-of-{files:05d}.parquet"
            pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=100)


WRITERS: Mapping[str, Callable[[Dataset, Path, Advance], None]] = {
    "csv": _csv,
    "imagefolder": _imagefolder,
    "karpathy": _karpathy,
    "coco": _coco,
    "sidecars": _sidecars,
    "webdataset": _webdataset,
    "parquet": _parquet,
}
"""The layouts that can be written, by name."""


def _by_split(dataset: Dataset) -> dict[str, list[Example]]:
    splits: defaultdict[str, list[Example]] = defaultdict(list)
    for example in dataset.examples:
        splits[example.split].append(example)
    return splits


def _photographs(examples: Sequence[Example], folder: Path, advance: Advance) -> None:
    """Copy photographs, under their names."""
    for e in examples:
        path = folder / e.name
        if not path.resolve().is_relative_to(folder.resolve()):
            raise DataError(f"{e.name} leads out of its folder: rename it")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(e.read())
        advance()


def _cell(sentence: str) -> str:
    """A sentence in a table, where a text that begins like a list may be read as one."""
    return _json([sentence]) if sentence.startswith("[") else sentence


def _lines(example: Example) -> str:
    """The text beside a photograph; raises DataError for a sentence that reads like a box."""
    for sentence in example.sentences:
        if not any(map(str.isalpha, sentence)):
            raise DataError(f"{example.name}: {sentence!r} has no letter: choose a layout without sidecars")
    return "".join(f"{sentence}\n" for sentence in example.sentences)


def _refuse_shared_stems(examples: Sequence[Example]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for e in examples:
        other = seen.setdefault((e.split, str(PurePosixPath(e.name).with_suffix(""))), e.name)
        if other != e.name:
            raise DataError(f"{other} and {e.name} would share one sidecar: choose another layout")


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def _word(name: str) -> str:
    """A name with letters, digits and `_` only."""
    return "".join(c if c.isalnum() else "_" for c in name) or "mine"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
