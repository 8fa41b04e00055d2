"""Parquet and Arrow in the forms that Hugging Face's hub has, with and without photographs inside."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from dvsa.data import DataError, Dataset, check, load

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

Picture = Callable[[int], bytes]
Files = Callable[[Path, Mapping[str, bytes | str]], Path]

SENTENCES = {1: ["a dog", "a dog runs"], 2: ["a cat", "two cats"], 3: ["a cow", "the cow"]}
SPLITS = {1: "train", 2: "validation", 3: "test"}


def image(data: bytes | None, name: str | None) -> dict[str, object]:
    return {"bytes": data, "path": name}


def rows_of(kind: str, k: int, data: bytes) -> list[dict[str, object]]:
    own, name = SENTENCES[k], f"{k}.jpg"
    match kind:
        case "a row for each sentence":
            return [{"image": image(data, name), "caption": s} for s in own]
        case "numbered columns":  # such as jxie/flickr8k
            return [{"image": image(data, None), **{f"caption_{n}": s for n, s in enumerate(own)}}]
        case "lists":  # such as lmms-lab/flickr30k
            return [
                {"image": image(data, None), "caption": own, "sentids": [1], "img_id": "1", "filename": name}
            ]
        case "objects":  # such as HuggingFaceM4/COCO
            sentences = [{"raw": s, "tokens": s.split(), "imgid": k, "sentid": 0} for s in own]
            return [{"image": image(data, None), "filepath": name, "filename": name, "sentences": sentences}]
        case "clip benchmark":
            return [{"jpg": image(data, None), "txt": own, "__key__": f"s{k}", "__url__": "https://"}]
        case "names":
            return [{"file_name": name, "text": s} for s in own]
    raise AssertionError(kind)


KINDS = ["clip benchmark", "a row for each sentence", "numbered columns", "lists", "objects", "names"]


def said(dataset: Dataset) -> list[tuple[str, tuple[str, ...], bytes]]:
    return sorted(((e.split, e.sentences, e.read()) for e in dataset.examples), key=str)


def write_arrow(path: Path, table: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:  # type: ignore[attr-defined]
        writer.write_table(table, max_chunksize=1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["data/{split}-00000-of-00001.parquet", "{split}/0000.parquet", "arrow"])
def test_every_form_of_a_table_is_read_as_the_same(
    tmp_path: Path, picture: Picture, write_files: Files, kind: str, form: str
) -> None:
    for k, split in SPLITS.items():
        table = pa.Table.from_pylist(rows_of(kind, k, picture(k)))
        if form == "arrow":  # as `datasets.DatasetDict.save_to_disk` writes them
            write_arrow(tmp_path / split / "data-00000-of-00001.arrow", table)
            write_files(tmp_path, {f"{split}/state.json": "{}", f"{split}/dataset_info.json": "{}"})
        else:
            path = tmp_path / form.format(split=split)
            path.parent.mkdir(exist_ok=True)
            pq.write_table(table, path, row_group_size=1)
        if kind == "names":
            write_files(tmp_path, {f"{split}/{k}.jpg": picture(k)})
    if form == "arrow":
        write_files(tmp_path, {"dataset_dict.json": json.dumps({"splits": list(SPLITS.values())})})

    dataset = load(tmp_path)
    canonical = {"train": "train", "validation": "val", "test": "test"}
    wanted = [(canonical[SPLITS[k]], tuple(own), picture(k)) for k, own in SENTENCES.items()]
    assert said(dataset) == sorted(wanted, key=str)
    assert dataset.problems == ()
    report = check(tmp_path)
    assert report.ok
    assert "columns" in report.why


def test_a_column_of_splits_goes_before_the_name_of_the_file(tmp_path: Path, picture: Picture) -> None:
    rows = [
        {"image": image(picture(k), f"{k}.jpg"), "caption": own, "split": SPLITS[k]}
        for k, own in SENTENCES.items()
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "test-00000.parquet")
    assert [e.split for e in load(tmp_path).examples] == ["train", "val", "test"]


def test_photographs_of_one_name_in_two_splits_are_two(tmp_path: Path, picture: Picture) -> None:
    for k, split in ((1, "train"), (2, "test")):
        rows = [{"image": image(picture(k), "0.jpg"), "caption": f"a {split} dog"}]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / f"{split}.parquet")
    found = {(e.name, e.sentences, e.read()) for e in load(tmp_path).examples}
    assert found == {
        ("train/0.jpg", ("a train dog",), picture(1)),
        ("test/0.jpg", ("a test dog",), picture(2)),
    }


def test_photographs_of_many_row_groups_are_read_in_any_order(tmp_path: Path, picture: Picture) -> None:
    rows = [{"image": image(picture(k), f"{k}.jpg"), "caption": f"dog {k}"} for k in range(23)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "photographs.parquet", row_group_size=5)
    examples = load(tmp_path).examples
    for k in np.random.default_rng(0).permutation(23):
        assert examples[k].read() == picture(int(k))
    assert examples[7].file.length == len(picture(7))


def test_damaged_files_and_rows_are_named(tmp_path: Path, picture: Picture, write_files: Files) -> None:
    write_files(tmp_path, {"captions.parquet": b"PAR1 and no more", "1.jpg": picture(1)})
    with pytest.raises(DataError, match=r"captions\.parquet.*damaged"):
        load(tmp_path)
    rows = [{"file_name": "1.jpg", "text": "a dog"}, {"file_name": None, "text": "a cat"}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "captions.parquet")
    with pytest.raises(DataError, match=r"captions\.parquet, row 2: .* it has no photo"):
        load(tmp_path)


def test_without_pyarrow_the_extra_is_named(
    tmp_path: Path, picture: Picture, write_files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    pq.write_table(pa.Table.from_pylist([{"file_name": "1.jpg", "text": "a dog"}]), tmp_path / "a.parquet")
    write_files(tmp_path, {"1.jpg": picture(1)})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match=r"a\.parquet: .*pip install 'dvsa\[parquet\]'"):
        load(tmp_path)
    write_files(tmp_path, {"captions.csv": "photo,sentence\n1.jpg,a dog\n"})
    (problem,) = load(tmp_path).problems
    assert (problem.kind, problem.name) == ("ignored file", "a.parquet")


def test_a_damaged_table_among_others_is_left_out_and_named(tmp_path: Path, picture: Picture) -> None:
    for shard in range(3):
        rows = [{"image": picture(n), "caption": f"number {n}"} for n in range(4 * shard, 4 * shard + 4)]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / f"train-{shard}.parquet")
    content = (tmp_path / "train-1.parquet").read_bytes()
    (tmp_path / "train-1.parquet").write_bytes(content[: len(content) // 2])
    data = load(tmp_path)
    assert [e.sentences[0] for e in data.examples] == [f"number {n}" for n in (0, 1, 2, 3, 8, 9, 10, 11)]
    assert [(p.kind, p.name) for p in data.problems] == [("broken file", "train-1.parquet")]
