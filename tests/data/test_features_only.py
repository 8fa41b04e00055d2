"""Data sets without photographs, whose features are given: how they are loaded and checked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from dvsa.data import DataError, RegionCounts, RegionsReport, check, load, load_regions

Picture = Callable[[int], bytes]
Files = Callable[[Path, Mapping[str, bytes | str]], Path]
Karpathy = Callable[[Sequence[tuple[str, str, Sequence[str]]]], str]


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """SCAN's folder of Flickr30K, with two photographs in each split."""
    folder = tmp_path / "f30k_precomp"
    folder.mkdir()
    for split in ("train", "dev", "test"):
        seed = len(split) + ord(split[0])
        np.save(folder / f"{split}_ims.npy", np.random.default_rng(seed).random((2, 3, 4), np.float32))
        lines = [f"a {split} dog number {n}\n" for n in range(9)]
        (folder / f"{split}_caps.txt").write_text("".join(lines) + " ! \n")
    return folder


def test_the_folder_of_scan_is_a_data_set(scan: Path) -> None:
    dataset = load(scan)
    assert dataset.name == "flickr30k"
    assert [(e.name, e.split, len(e.sentences)) for e in dataset.examples] == [
        (f"{split}#00000{k}", split, 5 - k) for split in ("train", "val", "test") for k in (0, 1)
    ]
    first = dataset.split("val")[0]
    assert first.sentences == tuple(f"a dev dog number {n}" for n in range(5))
    assert first.source is None
    assert {problem.kind for problem in dataset.problems} == {"empty sentence"}
    assert dataset.regions is not None
    assert len(dataset.regions.of(first)) == 3


def test_features_without_any_sentence_are_not_called_missing(scan: Path) -> None:
    for split in ("train", "dev", "test"):
        (scan / f"{split}_caps.txt").write_text("\n" * 10)
    with pytest.raises(DataError, match=r"no photograph that flickr30k lists in .* has a sentence"):
        load(scan)


def test_another_folder_of_this_layout_has_its_own_name(scan: Path) -> None:
    assert load(scan.rename(scan.with_name("mine"))).name == "mine"


def test_an_example_without_a_photograph_cannot_be_read(scan: Path) -> None:
    with pytest.raises(
        DataError, match="train#000000: the data set has features of its regions, but not the"
    ):
        load(scan).examples[0].read()


def test_ids_are_matched_with_phrases_and_photographs(
    scan: Path, write_files: Files, picture: Picture
) -> None:
    for split, ids in (("train", "11\n12\n"), ("dev", "13\n14\n"), ("test", "15\n16\n")):
        (scan / f"{split}_ids.txt").write_text(ids)
    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>4</xmax><ymax>8</ymax></bndbox>"
    xml = f"<annotation><size><width>8</width><height>8</height></size><object><name>1</name>{box}</object>"
    marked = "[/EN#1/animals a train dog] number 0"
    entities = {"Annotations/11.xml": f"{xml}</annotation>", "Sentences/11.txt": marked}
    write_files(scan / "entities", entities)
    write_files(scan, {"images/12.jpg": picture(1)})
    first, second = load(scan).split("train")
    assert (first.name, first.source) == ("11", None)
    assert [phrase.box for phrase in first.phrases] == [(0, 0, 0.5, 1)]
    assert second.source is None  # 12 is the name of the features; a list would say 12.jpg


def test_listed_photographs_are_kept_if_their_features_are_given(
    tmp_path: Path, write_files: Files, picture: Picture, karpathy: Karpathy
) -> None:
    listed = [(f"{k}.jpg", "train", ["a dog"]) for k in range(3)]
    write_files(tmp_path / "data", {"dataset_toy.json": karpathy(listed), "0.jpg": picture(0)})
    for k in (0, 1):
        (tmp_path / "features").mkdir(exist_ok=True)
        np.savez(tmp_path / "features" / f"{k}.npz", x=np.full((2, 3), k, np.float32))
    regions = load_regions(tmp_path / "features")

    dataset = load(tmp_path / "data", regions=regions)
    assert [(e.name, e.source is None) for e in dataset.examples] == [("0.jpg", False), ("1.jpg", True)]
    assert dataset.regions is regions
    assert [(p.kind, p.name) for p in dataset.problems] == [("no photograph", "2.jpg")]
    assert [e.name for e in load(tmp_path / "data").examples] == ["0.jpg"]

    # Without any photograph.
    (tmp_path / "data" / "0.jpg").unlink()
    assert [e.name for e in load(tmp_path / "data", regions=regions).examples] == ["0.jpg", "1.jpg"]
    with pytest.raises(DataError, match="data has no photographs"):
        load(tmp_path / "data")


def test_boxes_do_not_replace_photographs(
    tmp_path: Path, write_files: Files, picture: Picture, karpathy: Karpathy
) -> None:
    listed = [(f"{k}.jpg", "train", ["a dog"]) for k in range(2)]
    write_files(tmp_path / "data", {"dataset_toy.json": karpathy(listed)})
    write_files(tmp_path, {"boxes.json": '{"0.jpg": [[0, 0, 5, 5]], "1.jpg": [[0, 0, 5, 5]]}'})
    boxes = load_regions(tmp_path / "boxes.json")
    with pytest.raises(DataError, match="data has no photographs"):
        load(tmp_path / "data", regions=boxes)

    write_files(tmp_path / "data", {"0.jpg": picture(0)})
    dataset = load(tmp_path / "data", regions=boxes)
    assert [e.name for e in dataset.examples] == ["0.jpg"]
    assert [(p.kind, p.name) for p in dataset.problems] == [("no photograph", "1.jpg")]


def test_features_of_other_photographs_are_named(
    tmp_path: Path, write_files: Files, karpathy: Karpathy, scan: Path
) -> None:
    write_files(tmp_path / "data", {"dataset_toy.json": karpathy([("0.jpg", "train", ["a dog"])])})
    with pytest.raises(
        DataError, match=r"none of the photographs that toy lists is in .*data or .*f30k_precomp"
    ):
        load(tmp_path / "data", regions=load_regions(scan))


# The check


def test_the_check_reports_on_regions(scan: Path) -> None:
    steps: list[tuple[int, int]] = []
    report = check(scan, progress=lambda done, total: steps.append((done, total)))
    assert report.regions == RegionsReport(str(scan), 4, False, RegionCounts(6, 3, 3, 3.0), unused=0)
    assert steps == [(k, 6) for k in range(1, 7)]
    assert {problem.kind for problem in report.problems} == {"empty sentence"}
    assert asdict(report)["regions"]["counts"]["fewest"] == 3


def test_the_check_finds_one_photograph_in_two_splits_by_its_features(scan: Path) -> None:
    feature_KIF = np.load(scan / "test_ims.npy")
    feature_KIF[1] = np.load(scan / "train_ims.npy")[0]
    np.save(scan / "test_ims.npy", feature_KIF)
    (problem,) = [p for p in check(scan).problems if p.kind == "doubled photograph"]
    assert problem.name == "train#000000"
    assert problem.detail.endswith("train#000000 (train), test#000001 (test)")


def test_the_check_names_every_fault_of_regions(tmp_path: Path, write_files: Files, picture: Picture) -> None:
    names = ["a.jpg", "b.jpg", "in/c.jpg", "d.jpg", "1.jpg", "01.jpg"]
    rows = "".join(f"{name},a dog,train\n" for name in names)
    write_files(tmp_path / "data", {"captions.csv": f"photo,sentence,split\n{rows}"})
    write_files(tmp_path / "data", {name: picture(k) for k, name in enumerate(names)})
    features = {"a": 1, "b": np.nan, "x/d": 1, "y/d": 1, "1": 1, "other": 1}
    for k, (name, value) in enumerate(features.items()):
        path = tmp_path / "features" / f"{name}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, x=np.full((1 + k, 3), value, np.float32))

    report = check(tmp_path / "data", regions=load_regions(tmp_path / "features"))
    assert sorted((problem.kind, problem.name) for problem in report.problems) == [
        ("broken regions", "b.jpg"),
        ("broken regions", "d.jpg"),
        ("no regions", "in/c.jpg"),
        ("shared regions", "1.jpg"),
    ]
    assert not report.ok
    assert report.regions is not None
    assert report.regions.counts == RegionCounts(3, 1, 5, 11 / 3)  # a, and 1 twice
    assert report.regions.unused == 3  # x/d, y/d, other
