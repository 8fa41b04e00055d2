"""Captions in files: references by people and hypotheses by a system. Errors name file and photograph."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from dvsa.data.names import NameIndex, plain, without_number
from dvsa.data.photographs import Photographs
from dvsa.data.text_files import read_json, read_text
from dvsa.metrics.caption_layouts import References, are_objects, caption_of, is_json, open_table, read
from dvsa.photo import Photo
from dvsa.photo import read as read_photo


def read_pairs(
    references: Path, hypotheses: Path, split: str | None = None
) -> tuple[dict[str, list[str]], dict[str, str]]:
    r"""References and hypotheses of the same photographs, however the two files write their names.

    If the references have splits, and none is named, the one is taken whose photographs have hypotheses.

    Raises:
        OSError: a file cannot be read.
        ValueError: a file is malformed, or the two are not for the same photographs.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     refs, hyps = Path(folder, "references.json"), Path(folder, "captions.csv")
    ...     _ = refs.write_text('{"000000000042.jpg": ["a dog runs", "the dog"]}')
    ...     _ = hyps.write_text("image_id,caption\n42,a dog\n")
    ...     read_pairs(refs, hyps)
    ({'000000000042.jpg': ['a dog runs', 'the dog']}, {'000000000042.jpg': 'a dog'})
    """
    known = read(references)
    said = _named_hypotheses(hypotheses)
    if split is not None:
        known = known.of_split(split)
    elif len(set(known.splits.values())) > 1:
        known = _own_split(known, said, hypotheses)

    photos = list(known.sentences)
    if said is None:
        return known.sentences, _by_line(hypotheses, photos)
    return known.sentences, _matched(said, photos, known.numbers, hypotheses)


def read_references(path: Path) -> dict[str, list[str]]:
    """Sentences by photograph, in the order of the file.

    The file is a JSON object `{"photo": ["sentence", ...]}`, or has the layout of COCO's captions or of
    Karpathy's JSON, or is a table (CSV, TSV, JSON Lines, Parquet) whose rows have a photograph and a
    sentence. Numbers become strings.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file has another layout, or a photograph is there twice or without sentences.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "references.json")
    ...     _ = path.write_text('{"dog.jpg": ["a dog runs", "the dog"]}')
    ...     read_references(path)
    {'dog.jpg': ['a dog runs', 'the dog']}
    """
    return read(path).sentences


def read_hypotheses(path: Path, photos: Sequence[str]) -> dict[str, str]:
    r"""One sentence for each of the photographs.

    The file has the layout of COCO's results, `[{"image_id": "photo", "caption": "sentence"}]`, or is a JSON
    object `{"photo": "sentence"}`, or a table. Any other file has one sentence on each line, in the order of
    `photos`.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file has another layout, or a photograph is missing, there twice or not in `photos`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "captions.txt")
    ...     _ = path.write_text("a dog\na cat\n")
    ...     read_hypotheses(path, ["1.jpg", "2.jpg"])
    {'1.jpg': 'a dog', '2.jpg': 'a cat'}
    """
    said = _named_hypotheses(path)
    return _by_line(path, photos) if said is None else _matched(said, photos, {}, path)


def photographs(folder: Path, names: Sequence[str]) -> Callable[[str], Photo]:
    """A reader of photographs in a folder, at any depth, by the names that captions have.

    Raises:
        ValueError: the folder is missing, or a photograph is not in it, or several may be meant.

    >>> read = photographs(Path("examples"), ["photographer"])
    >>> read("photographer").width
    512
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder: name the folder of the photographs")
    known = Photographs(folder).found
    index, sources = NameIndex([plain(name) for name, _ in known]), {}
    for name in names:
        found = [known[place] for place in index.find(plain(name))]
        if len(found) != 1:
            reason = " or ".join(other for other, _ in found) or "not there"
            raise ValueError(f"{folder}: photograph {name!r} is {reason}: give one file for each")
        sources[name] = found[0][1]
    return lambda name: read_photo(sources[name].read(), name=name)


def _named_hypotheses(path: Path) -> list[tuple[str, str]] | None:
    """Photographs and their captions; None if the file only has a sentence on each line."""
    table = open_table(path)
    if table is not None:
        return [(row.photo, _one(row.sentences, row.photo, path)) for row in table.rows()]
    if path.suffix != ".json" and not is_json(path):
        return None

    content = read_json(path)
    if isinstance(content, dict) and content and not are_objects(content.get("annotations")):
        pairs = ((photo, [said] if isinstance(said, str) else said) for photo, said in content.items())
        return [(photo, _one(said, photo, path)) for photo, said in pairs]
    if isinstance(content, dict) and content:
        content = content["annotations"]
    if not isinstance(content, list):
        raise ValueError(f"{path}: must be a list of objects with image_id and caption")
    return [caption_of(entry, path) for entry in content]


def _one(sentences: object, photo: str, path: Path) -> str:
    """The one caption of a photograph."""
    if not isinstance(sentences, Sequence) or len(sentences) != 1 or not isinstance(sentences[0], str):
        raise ValueError(f"{path}: photograph {photo!r} needs one caption, not {str(sentences)[:60]}")
    return sentences[0]


def _by_line(path: Path, photos: Sequence[str]) -> dict[str, str]:
    lines = read_text(path).removesuffix("\n").split("\n")
    said = _labelled([line for line in lines if line.strip()], photos, path)
    if said is not None:
        return _matched(said, photos, {}, path)
    if len(lines) != len(photos):
        raise ValueError(
            f"{path} has {len(lines)} lines for {len(photos)} photographs: give one for each, or name the "
            "photographs in a table or in COCO results"
        )
    return dict(zip(photos, lines, strict=True))


def _labelled(lines: Sequence[str], photos: Sequence[str], path: Path) -> list[tuple[str, str]] | None:
    """Photographs and captions if every line begins with the name of a photograph and a tab; else None.

    Raises:
        ValueError: something else is between the names and the captions.
    """
    index = NameIndex(list(map(plain, photos)))
    pairs = [
        (without_number(name.strip()), said) for name, _, said in (line.partition("\t") for line in lines)
    ]
    if pairs and all(said and index.find(plain(name)) for name, said in pairs):
        return pairs

    first = [re.split(r"[\s,;|]", line.lstrip(), maxsplit=1) for line in lines]
    names = [
        without_number(name.strip("\"':")) for name, *said in first if said and re.search(r"\d|\.", name)
    ]
    if 1 < len(lines) == len(names) and all(index.find(plain(name)) for name in names):
        raise ValueError(
            f"{path}: its lines begin with names of photographs: put a tab after each name, or leave them out"
        )
    return None


def _matched(
    said: Iterable[tuple[str, str]], photos: Sequence[str], numbers: Mapping[str, str], path: Path
) -> dict[str, str]:
    """One caption for each photograph, found by its name or number."""
    index, place = NameIndex(list(map(plain, photos))), {photo: k for k, photo in enumerate(photos)}
    captions: dict[str, str] = {}
    for name, caption in said:
        known = name if name in place else numbers.get(name, name)
        found = [place[known]] if known in place else index.find(plain(name))
        if len(found) != 1:
            reason = "may be several of the references" if found else "has no references: leave it out"
            raise ValueError(f"{path}: photograph {name!r} {reason}")
        photo = photos[found[0]]
        if photo in captions:
            raise ValueError(f"{path}: photograph {photo!r} is there twice: give it one caption")
        captions[photo] = caption

    missing = next((photo for photo in photos if photo not in captions), None)
    if missing is not None:
        raise ValueError(f"{path}: photograph {missing!r} has no caption: give every photograph one")
    return {photo: captions[photo] for photo in photos}


def _own_split(known: References, said: list[tuple[str, str]] | None, path: Path) -> References:
    """The references of the split that the hypotheses are for; all of them if they are for all."""
    count = len(read_text(path).removesuffix("\n").split("\n")) if said is None else len(said)
    if count == len(known.sentences):
        return known
    fitting = []
    for split in sorted(set(known.splits.values())):
        part = known.of_split(split)
        if len(part.sentences) == count and (said is None or _fits(said[0][0], part)):
            fitting.append(part)
    if len(fitting) != 1:
        splits = ", ".join(sorted(set(known.splits.values())))
        raise ValueError(
            f"{path} has {count} captions: name the split of the references ({splits}) by --split"
        )
    return fitting[0]


def _fits(name: str, part: References) -> bool:
    index = NameIndex(list(map(plain, part.sentences)))
    return part.numbers.get(name) in part.sentences or bool(index.find(plain(name)))
