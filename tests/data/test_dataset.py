from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa.data import DataError, Dataset, Example, GroundedPhrase, Source
from dvsa.records import Box

fractions = st.integers(0, 64).map(lambda k: k / 64)
boxes = st.tuples(fractions, fractions, fractions, fractions).filter(lambda b: b[0] < b[2] and b[1] < b[3])


def phrase(*of: Box) -> GroundedPhrase:
    return GroundedPhrase(0, 0, 0, "dog", "1", ("animals",), of)


@given(st.lists(boxes, min_size=1, max_size=4), fractions, fractions)
def test_the_box_of_a_phrase_is_the_smallest_that_holds_all(of: list[Box], x: float, y: float) -> None:
    union = phrase(*of).box
    assert union is not None
    for k in range(4):
        assert union[k] in {box[k] for box in of}  # tight: each side touches a box
    for box in of:
        if box[0] <= x <= box[2] and box[1] <= y <= box[3]:
            assert union[0] <= x <= union[2]
            assert union[1] <= y <= union[3]


def test_a_phrase_without_boxes_has_no_box() -> None:
    assert phrase().box is None


def example(name: str, split: str) -> Example:
    return Example(name, split, ("a dog",), Source(Path(name)))


def test_split_takes_restval_only_when_asked() -> None:
    dataset = Dataset("coco", Path(), tuple(example(s, s) for s in ("train", "restval", "test", "val")))
    assert [e.name for e in dataset.split("train")] == ["train"]
    assert [e.name for e in dataset.split("train", restval=True)] == ["train", "restval"]
    assert [e.name for e in dataset.split("test", restval=True)] == ["test"]
    assert len(dataset.split("all")) == 4


def test_a_split_that_is_not_there_is_an_error() -> None:
    dataset = Dataset("toy", Path("here"), (example("a", "train"),))
    with pytest.raises(DataError, match=r"toy in here has no split 'test'; it has 'train'"):
        dataset.split("test")


def test_too_few_photographs_for_a_split_say_how_many_are_needed() -> None:
    dataset = Dataset("own", Path("here"), (example("a.jpg", ""),)).divided()
    with pytest.raises(
        DataError,
        match=r"here has no lists of splits, and too few photographs \(1\) .* 'train': .* at least 2",
    ):
        dataset.split("train")
    with pytest.raises(DataError, match=r"no split 'exam'; it has 'val'"):
        dataset.split("exam")


@given(st.sets(st.text("abc", min_size=1, max_size=6), min_size=1, max_size=60), st.text("d", min_size=1))
def test_photographs_without_splits_are_divided_each_by_its_name(names: set[str], other: str) -> None:
    dataset = Dataset("own", Path(), tuple(example(name, "") for name in sorted(names)))
    splits = {e.name: e.split for e in dataset.divided().examples}
    assert [*splits] == [e.name for e in dataset.examples]
    assert "val" in splits.values()
    assert len(names) < 2 or "train" in splits.values()
    more = replace(dataset, examples=(*dataset.examples, example(other, ""))).divided()
    moved = [e.name for e in more.examples if splits.get(e.name, e.split) != e.split]
    assert len(moved) <= 2  # photographs that were moved to fill an empty split
    assert more.divided() is more


def test_about_a_tenth_each_is_for_val_and_test() -> None:
    dataset = Dataset("own", Path(), tuple(example(f"{n}.jpg", "") for n in range(2000))).divided()
    for split in ("val", "test"):
        assert 160 < len(dataset.split(split)) < 240


def test_existing_splits_are_kept() -> None:
    dataset = Dataset("own", Path(), (example("a", ""), example("b", "train")))
    assert dataset.divided() is dataset


def test_source_reads_a_part_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(bytes(range(100)))
    assert Source(path).read() == bytes(range(100))
    assert Source(path, 10, 5).read() == bytes(range(10, 15))
    with ThreadPoolExecutor(8) as pool:
        stretches = [Source(path, k % 90, 10) for k in range(500)]
        assert all(d[0] == s.offset for s, d in zip(stretches, pool.map(Source.read, stretches), strict=True))


def test_source_refuses_a_file_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(bytes(20))
    with pytest.raises(DataError, match=r"bytes ends at byte 20"):
        Source(path, 15, 10).read()
    with pytest.raises(FileNotFoundError):
        Source(tmp_path / "none").read()
