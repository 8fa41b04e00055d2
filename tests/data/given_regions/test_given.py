"""The regions of a data set: names, checks before training, digests and stamps."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dvsa.data import DataError, Example, RegionCounts, Source, load_regions
from dvsa.photo import PhotoError

Picture = Callable[[int], bytes]


def save(folder: Path, *names: str, regions: int = 2) -> Path:
    """Features of photographs, each with one region more than the one before."""
    for k, name in enumerate(names):
        path = folder / f"{name}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, x=np.full((regions + k, 3), k, np.float32))
    return folder


def examples(*names: str) -> list[Example]:
    return [Example(name, "", (), None) for name in names]


def test_photographs_are_found_by_any_of_their_names(tmp_path: Path) -> None:
    given = load_regions(save(tmp_path, "in/a.jpg", "b", "1000268201", "COCO_val2014_000000000042"))
    names = ["a.jpg", "photographs/b.png", "1000268201_693b08cb0e.jpg", "val2017/000000000042.jpg"]
    assert [given.find(name) for name in names] == [
        "in/a.jpg",
        "b",
        "1000268201",
        "COCO_val2014_000000000042",
    ]
    assert given.matches(examples(*names, "c.jpg")) == {
        "in/a.jpg": ["a.jpg"],
        "b": ["photographs/b.png"],
        "1000268201": ["1000268201_693b08cb0e.jpg"],
        "COCO_val2014_000000000042": ["val2017/000000000042.jpg"],
    }


def test_a_check_counts_regions_and_reports_each_step(tmp_path: Path) -> None:
    given = load_regions(save(tmp_path, "a", "b", "c"))
    steps: list[tuple[int, int]] = []
    counts = given.check(examples("c.jpg", "a.jpg"), lambda done, total: steps.append((done, total)))
    assert counts == RegionCounts(photographs=2, fewest=2, most=4, mean=3.0)
    assert steps == [(1, 2), (2, 2)]
    assert given.check([]) == RegionCounts(0, 0, 0, 0.0)


def test_a_check_finds_missing_photographs_before_it_reads(tmp_path: Path) -> None:
    given = load_regions(save(tmp_path, "a", "b"))
    (tmp_path / "b.npz").write_bytes(b"")
    with pytest.raises(DataError, match=r"has no regions of c\.jpg: add them, or leave it out"):
        given.check(examples("b.jpg", "c.jpg"))
    with pytest.raises(DataError, match=r"b\.npz is not a file of arrays"):
        given.check(examples("b.jpg"))
    (tmp_path / "b.npz").unlink()
    with pytest.raises(FileNotFoundError, match=r"b\.npz"):
        given.check(examples("b.jpg"))


def test_a_check_refuses_names_that_may_mean_two_photographs(tmp_path: Path) -> None:
    given = load_regions(save(tmp_path, "train/a", "val/a", "1"))
    given.check(examples("train/a.jpg", "val/a.jpg", "1.jpg"))
    with pytest.raises(DataError, match=r": a\.jpg may be train/a and val/a: give longer names"):
        given.check(examples("a.jpg"))
    with pytest.raises(DataError, match=r": 1 may be 1\.jpg or 001\.jpg: give longer names"):
        given.check(examples("1.jpg", "001.jpg"))


def test_an_empty_folder_or_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none is missing: name a file or a folder with regions"):
        load_regions(tmp_path / "none")
    with pytest.raises(DataError, match="has no regions in a layout"):
        load_regions(tmp_path)


def test_one_digest_for_the_same_features_in_any_file(tmp_path: Path) -> None:
    feature_IF = np.random.default_rng(0).normal(size=(2, 3)).astype(np.float16)
    (tmp_path / "one").mkdir()
    np.savez(tmp_path / "one" / "a.npz", x=feature_IF)
    (tmp_path / "two").mkdir()
    np.savez(
        tmp_path / "two" / "a.npz",
        features=feature_IF.astype(">f4"),
        bbox=[[0, 0, 5, 5]] * 2,
        img_w=9,
        img_h=9,
    )
    wanted = hashlib.sha256(feature_IF.astype(np.float32).tobytes()).hexdigest()
    found = [load_regions(tmp_path / folder).of(examples("a.jpg")[0]).digest for folder in ("one", "two")]
    assert found == [wanted, wanted]


def test_boxes_alone_have_no_digest(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"boxes": [[0, 0, 5, 5]], "width": 9, "height": 9}))
    assert load_regions(tmp_path).of(examples("a.jpg")[0]).digest is None


def test_the_stamp_changes_with_every_file(tmp_path: Path) -> None:
    given = load_regions(save(tmp_path, "a", "b"))
    before = given.stamp
    assert load_regions(tmp_path).stamp == before
    np.savez(tmp_path / "b.npz", x=np.ones((9, 3), np.float32))
    assert given.stamp != before


def test_a_broken_photograph_has_no_size(tmp_path: Path, picture: Picture) -> None:
    (tmp_path / "boxes.json").write_text(json.dumps({"a.jpg": [[0, 0, 5, 8]]}))
    (tmp_path / "a.jpg").write_bytes(picture(1)[:30])
    given = load_regions(tmp_path / "boxes.json")
    with pytest.raises(PhotoError, match=r"^a\.jpg: damaged"):
        given.of(Example("a.jpg", "", (), Source(tmp_path / "a.jpg")))
    with pytest.raises(FileNotFoundError):
        given.of(Example("a.jpg", "", (), Source(tmp_path / "none.jpg")))
