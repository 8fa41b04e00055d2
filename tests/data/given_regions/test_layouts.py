"""Every layout reads what was written, and refuses the same faults by name; the tests write the files."""

import base64
import json
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dvsa.data import DataError, Example, GivenRegions, RegionCounts, load_regions
from dvsa.data.given_regions import LAYOUTS as READERS
from dvsa.regions import MAX_REGIONS

Array = NDArray[Any]


class Photograph(NamedTuple):
    """What a test writes about one photograph."""

    name: str
    width: int
    height: int
    box_I4: Array
    """Corners in pixels."""
    feature_IF: Array
    score_I: Array


class Layout(NamedTuple):
    """A way to write regions, and what can be read back."""

    write: Callable[[Path, Sequence[Photograph]], Path]
    boxes: bool = True
    features: bool = True
    scores: bool = False
    fixed: bool = False
    """Whether all photographs need the same number of regions."""
    level: bool = False
    """Whether either all names or none have folders."""


def photograph(name: str, regions: int = 2, width: int = 3, seed: int = 0) -> Photograph:
    random = np.random.default_rng([seed, regions, width])
    corner_I2 = random.integers(0, 50, (regions, 2))
    box_I4 = np.concatenate([corner_I2, corner_I2 + random.integers(1, 50, (regions, 2))], axis=1)
    feature_IF = random.normal(size=(regions, width)).astype(np.float32)
    return Photograph(name, 100, 120, box_I4, feature_IF, random.random(regions).astype(np.float32))


def example(name: str) -> Example:
    """A photograph that is not there, only its name."""
    return Example(name, "test", ("a dog",), None)


# Features


def write_precomp(folder: Path, photographs: Sequence[Photograph], *, repeat: int = 1) -> Path:
    feature_KIF = np.stack([p.feature_IF for p in photographs])
    np.save(folder / "test_ims.npy", np.repeat(feature_KIF, repeat, axis=0))
    (folder / "test_caps.txt").write_text("a dog\n" * (5 * len(photographs)))
    (folder / "test_ids.txt").write_text("".join(f"{p.name}\n" for p in photographs))
    return folder


def write_npz(folder: Path, photographs: Sequence[Photograph], *, turned: bool = False) -> Path:
    for p in photographs:
        path = folder / f"{p.name}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        x = p.feature_IF.T if turned else p.feature_IF
        arrays = {"x": x, "bbox": p.box_I4, "num_bbox": np.array(len(p.box_I4)), "info": np.array({}, object)}
        sizes = {"image_w": np.array(p.width), "image_h": np.array(p.height)}
        np.savez_compressed(path, allow_pickle=True, **arrays, **sizes)
    return folder


def text(array: Array) -> str:
    return base64.b64encode(array.astype("<f4").tobytes()).decode()


def tsv_row(p: Photograph) -> str:
    fields = [p.name, p.width, p.height, len(p.box_I4), text(p.box_I4), text(p.feature_IF)]
    return "\t".join(map(str, fields))


def write_tsv(folder: Path, photographs: Sequence[Photograph]) -> Path:
    half = len(photographs) // 2
    for n, part in enumerate((photographs[:half], photographs[half:])):
        rows = "".join(f"{tsv_row(p)}\r\n" for p in part)
        (folder / f"features.tsv.{n}").write_text(rows, newline="")
    return folder


def write_lxmert(folder: Path, photographs: Sequence[Photograph]) -> Path:
    rows = []
    for p in photographs:
        objects = [text(p.score_I), text(p.score_I), text(p.score_I), text(p.score_I)]
        fields = [p.name, p.height, p.width, *objects, len(p.box_I4), text(p.box_I4), text(p.feature_IF)]
        rows.append("\t".join(map(str, fields)))
    path = folder / "obj36.tsv"
    path.write_text("\n".join(rows))
    return path


def write_indexed(folder: Path, photographs: Sequence[Photograph]) -> Path:
    with h5py.File(folder / "train36.hdf5", "w") as file:
        file["image_features"] = np.stack([p.feature_IF for p in photographs])
        file["image_bb"] = np.stack([p.box_I4 for p in photographs])
        file["image_w"] = [p.width for p in photographs]
        file["image_h"] = [p.height for p in photographs]
        file["image_ids"] = [p.name for p in photographs]
    return folder


def write_adaptive(folder: Path, photographs: Sequence[Photograph]) -> Path:
    """All regions one after the other; boxes in fractions, followed by width and height."""
    parts = [p.box_I4 / [p.width, p.height, p.width, p.height] for p in photographs]
    box_N4, ends_K = np.concatenate(parts), np.cumsum([len(part) for part in parts])
    with h5py.File(folder / "train.hdf5", "w") as file:
        file["image_features"] = np.concatenate([p.feature_IF for p in photographs])
        file["spatial_features"] = np.concatenate([box_N4, box_N4[:, 2:] - box_N4[:, :2]], axis=1)
        file["pos_boxes"] = np.stack([np.concatenate([[0], ends_K[:-1]]), ends_K], axis=1)
    rows = {p.name: k for k, p in sorted(enumerate(photographs), key=lambda item: item[1].name)}
    (folder / "train_imgid2idx.json").write_text(json.dumps(rows))
    return folder / "train.hdf5"


def write_grouped(folder: Path, photographs: Sequence[Photograph]) -> Path:
    with h5py.File(folder / "all.h5", "w") as file:
        for n, p in enumerate(photographs):
            group = file.create_group(p.name)
            group["features"], group["boxes"], group["scores"] = p.feature_IF, p.box_I4, p.score_I
            if n % 2:
                group["img_w"], group["img_h"] = p.width, p.height
            else:
                group.attrs["image_w"], group.attrs["image_h"] = p.width, p.height
    return folder


# Boxes


def write_by_photograph(folder: Path, photographs: Sequence[Photograph]) -> Path:
    content = {}
    for p in photographs:
        boxes, scores = p.box_I4.tolist(), p.score_I.tolist()
        content[p.name] = {"boxes": boxes, "scores": scores, "width": p.width, "height": p.height}
    (folder / "boxes.json").write_text(json.dumps(content))
    return folder / "boxes.json"


def write_json_files(folder: Path, photographs: Sequence[Photograph]) -> Path:
    for p in photographs:
        path = folder / f"{p.name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = np.concatenate([p.box_I4, p.score_I[:, None]], axis=1).tolist()
        path.write_text(json.dumps({"boxes": rows, "width": p.width, "height": p.height}))
    return folder


def images(photographs: Sequence[Photograph]) -> list[dict[str, object]]:
    return [
        {"id": 7 + k, "file_name": p.name, "width": p.width, "height": p.height}
        for k, p in enumerate(photographs)
    ]


def entries(photographs: Sequence[Photograph]) -> list[dict[str, object]]:
    return [
        {"image_id": 7 + k, "bbox": [*box_4[:2], *(box_4[2:] - box_4[:2])], "score": score}
        for k, p in enumerate(photographs)
        for box_4, score in zip(p.box_I4.astype(float), p.score_I.tolist(), strict=True)
    ]


def write_results(folder: Path, photographs: Sequence[Photograph]) -> Path:
    (folder / "results.json").write_text(json.dumps(entries(photographs)))
    lists = {"images": images(photographs), "annotations": []}
    (folder / "instances.json").write_text(json.dumps(lists))
    return folder


def write_annotations(folder: Path, photographs: Sequence[Photograph]) -> Path:
    twice = [entry for entry in entries(photographs) for _ in range(2)]
    content = {"images": images(photographs), "annotations": twice}
    (folder / "mdetr.json").write_text(json.dumps(content))
    return folder / "mdetr.json"


LAYOUTS = {
    "precomp": Layout(write_precomp, boxes=False, fixed=True),
    "precomp-5N": Layout(lambda f, ps: write_precomp(f, ps, repeat=5), boxes=False, fixed=True),
    "npz": Layout(write_npz),
    "npz-turned": Layout(lambda f, ps: write_npz(f, ps, turned=True)),
    "tsv": Layout(write_tsv),
    "tsv-lxmert": Layout(write_lxmert, scores=True),
    "hdf5-indexed": Layout(write_indexed, fixed=True),
    "hdf5-adaptive": Layout(write_adaptive),
    "hdf5-grouped": Layout(write_grouped, scores=True, level=True),
    "json": Layout(write_by_photograph, features=False, scores=True),
    "json-files": Layout(write_json_files, features=False, scores=True),
    "coco-results": Layout(write_results, features=False, scores=True),
    "coco-annotations": Layout(write_annotations, features=False, scores=True),
}


TSV = ("tsv", "tsv-lxmert")


def layouts(
    *without: str, features: bool = False, boxes: bool = False, scores: bool = False
) -> pytest.MarkDecorator:
    """Run a test for the layouts that have these arrays, without some of them."""
    chosen = {
        name: layout
        for name, layout in LAYOUTS.items()
        if name not in without
        and (layout.features or not features)
        and (layout.boxes or not boxes)
        and (layout.scores or not scores)
    }
    return pytest.mark.parametrize("layout", chosen.values(), ids=chosen)


def written(folder: Path, layout: Layout, *photographs: Photograph) -> GivenRegions:
    return load_regions(layout.write(folder, photographs))


def refusal(regions: GivenRegions, name: str) -> str:
    with pytest.raises(DataError) as caught:
        regions.of(example(name))
    message = str(caught.value)
    assert "\n" not in message
    assert name in message
    return message


# What is written is what is read


def assert_same(regions: GivenRegions, layout: Layout, p: Photograph) -> None:
    found = regions.of(example(p.name))
    assert len(found) == len(p.box_I4)
    assert (found.feature_IF is not None) == layout.features
    assert (found.box_I4 is not None) == layout.boxes
    assert (found.score_I is not None) == layout.scores
    if found.feature_IF is not None:
        assert found.feature_IF.dtype == np.float32
        np.testing.assert_array_equal(found.feature_IF, p.feature_IF)
    if found.box_I4 is not None:
        wanted_I4 = p.box_I4 / [p.width, p.height, p.width, p.height]
        np.testing.assert_allclose(found.box_I4, wanted_I4, rtol=1e-6)
    if found.score_I is not None:
        np.testing.assert_array_equal(found.score_I, p.score_I)


NAMES = ["a.jpg", "b.jpg", "c.png", "in/a.jpg", "12345", "COCO_val2014_000000000042", "\u00e9.jpg"]
some_names = st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True)
numbers = st.integers(1, 5)


@layouts()
@settings(max_examples=15)
@given(some_names, st.lists(numbers, min_size=5, max_size=5), st.integers(6, 9), st.integers(0, 99))
def test_what_is_written_is_what_is_read(
    layout: Layout, names: list[str], counts: list[int], width: int, seed: int
) -> None:
    if layout.level:
        names = [name for name in names if "/" not in name] or names
    counts = counts[:1] * len(names) if layout.fixed else counts[: len(names)]
    photographs = [
        photograph(name, count, width, seed + k)
        for k, (name, count) in enumerate(zip(names, counts, strict=True))
    ]
    with TemporaryDirectory() as folder:
        regions = written(Path(folder), layout, *photographs)
        assert sorted(regions.names) == sorted(names)
        assert regions.features == (width if layout.features else 0)
        assert regions.boxed == layout.boxes
        for p in photographs:
            assert_same(regions, layout, p)
        found = regions.check([example(name) for name in names])
        assert found == RegionCounts(len(names), min(counts), max(counts), float(np.mean(counts)))


@layouts(*TSV, features=True)
@pytest.mark.parametrize("kind", ["<f2", ">f4", "<f8"])
def test_other_precisions_become_single(tmp_path: Path, layout: Layout, kind: str) -> None:
    p = photograph("a.jpg")
    feature_IF = p.feature_IF.astype(kind)
    regions = written(tmp_path, layout, p._replace(feature_IF=feature_IF))
    assert_same(regions, layout, p._replace(feature_IF=feature_IF.astype(np.float32)))


@layouts()
def test_only_the_layout_of_a_folder_is_read(tmp_path: Path, layout: Layout) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    assert [read(tmp_path) for read in READERS] == [None] * len(READERS)
    assert [read(tmp_path / "notes.txt") for read in READERS] == [None] * len(READERS)
    with pytest.raises(DataError, match="has no regions in a layout of docs/data"):
        load_regions(tmp_path)
    assert_same(written(tmp_path, layout, photograph("a.jpg")), layout, photograph("a.jpg"))


@layouts()
def test_threads_read_at_the_same_time(tmp_path: Path, layout: Layout) -> None:
    photographs = [photograph(f"{k}.jpg", seed=k) for k in range(20)]
    regions = written(tmp_path, layout, *photographs)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda p: assert_same(regions, layout, p), photographs))


# What is refused, in every layout


@layouts()
def test_a_photograph_without_regions_is_named(tmp_path: Path, layout: Layout) -> None:
    regions = written(tmp_path, layout, photograph("a.jpg"))
    assert regions.find("b.jpg") is None
    assert refusal(regions, "b.jpg").endswith("has no regions of b.jpg: add them, or leave it out")


# Folders, JSON and HDF5 cannot have two of one name, and MDETR repeats photographs.
@layouts("npz", "npz-turned", "json", "json-files", "hdf5-grouped", "hdf5-adaptive", "coco-annotations")
def test_two_records_of_one_name_are_refused(tmp_path: Path, layout: Layout) -> None:
    path = layout.write(tmp_path, [photograph("b.jpg"), photograph("a.jpg"), photograph("a.jpg", seed=1)])
    with pytest.raises(DataError, match=r"a\.jpg.*: keep one of them"):
        load_regions(path)


@layouts(features=True)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(tmp_path: Path, layout: Layout, value: float) -> None:
    bad = photograph("bad.jpg", seed=1)
    bad.feature_IF[1, 2] = value
    regions = written(tmp_path, layout, photograph("a.jpg"), bad)
    assert_same(regions, layout, photograph("a.jpg"))
    assert refusal(regions, "bad.jpg").endswith("features of row 1 (from 0) have NaN or infinite values")


@layouts(*TSV, features=True)
def test_doubles_beyond_single_precision_are_refused(tmp_path: Path, layout: Layout) -> None:
    p = photograph("a.jpg")
    with pytest.raises(DataError, match=r"a\.jpg.*: features of row 0 \(from 0\) have NaN or infinite"):
        written(tmp_path, layout, p._replace(feature_IF=np.full((2, 3), 1e300)))


@layouts(features=True)
@pytest.mark.parametrize("scale", [65_505, -1e30, 6e-5, 1e-9, 1e-45])
def test_features_that_half_precision_would_lose_are_refused(
    tmp_path: Path, layout: Layout, scale: float
) -> None:
    bad = photograph("bad.jpg")
    bad.feature_IF[:] = 0
    bad.feature_IF[1, 2] = scale
    message = refusal(written(tmp_path, layout, photograph("a.jpg"), bad), "bad.jpg")
    assert "features of this scale are lost (the largest is " in message
    assert message.endswith("half precision has 6e-05 to 65504): rescale all features")


@layouts(features=True)
@pytest.mark.parametrize("scale", [65_504, -65_504, 6.2e-5, 0])
def test_features_that_half_precision_keeps_are_read(tmp_path: Path, layout: Layout, scale: float) -> None:
    p = photograph("a.jpg")
    p.feature_IF[:] = 0
    p.feature_IF[1, 2] = scale
    assert_same(written(tmp_path, layout, p), layout, p)
    assert np.isfinite(p.feature_IF.astype(np.float16)).all()
    assert p.feature_IF.astype(np.float16).any() == (scale != 0)


@layouts()
def test_more_regions_than_training_can_hold_are_refused(tmp_path: Path, layout: Layout) -> None:
    most = photograph("most.jpg", MAX_REGIONS)
    (tmp_path / "good").mkdir()
    assert_same(written(tmp_path / "good", layout, most), layout, most)
    (tmp_path / "bad").mkdir()
    regions = written(tmp_path / "bad", layout, photograph("bad.jpg", MAX_REGIONS + 1))
    assert refusal(regions, "bad.jpg").endswith("has 257 regions: keep the best 256 or fewer")


# One array has one width.
@layouts("precomp", "precomp-5N", "hdf5-indexed", "hdf5-adaptive", features=True)
def test_another_width_in_one_photograph_is_refused(tmp_path: Path, layout: Layout) -> None:
    regions = written(tmp_path, layout, photograph("a.jpg"), photograph("wide.jpg", width=4))
    assert "has features of width 4, unlike 3 of" in refusal(regions, "wide.jpg")


@layouts(*TSV, features=True)
def test_whole_numbers_are_no_features(tmp_path: Path, layout: Layout) -> None:
    p = photograph("a.jpg")
    with pytest.raises(DataError, match=r"a\.jpg.*: features of type int64; use float16"):
        written(tmp_path, layout, p._replace(feature_IF=p.feature_IF.astype(np.int64)))


@layouts("hdf5-adaptive", boxes=True)
@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ([30, 10, 20, 40], "row 1 (from 0) is [30.0, 10.0, 20.0, 40.0]; x0 must be below x1"),
        ([10, 40, 20, 30], "y0 below y1"),
        ([10, 20, 10, 30], "x0 must be below x1"),  # no area
        ([100, 20, 140, 30], "it is outside the 100 x 120 pixels"),
        ([-20, -20, 0, 30], "it is outside the 100 x 120 pixels"),
        ([0, 0, 151, 30], "row 1 (from 0), with corners [0.0, 0.0, 151.0, 30.0], reaches far out of"),
        ([0, -61, 10, 30], "reaches far out of the 100 x 120 pixels"),
    ],
)
def test_a_box_that_is_none_is_named_with_its_row(
    tmp_path: Path, layout: Layout, box: list[int], reason: str
) -> None:
    bad = photograph("bad.jpg", seed=1)
    bad.box_I4[1] = box
    assert reason in refusal(written(tmp_path, layout, photograph("a.jpg"), bad), "bad.jpg")


@layouts(boxes=True)
def test_a_box_of_nan_is_refused(tmp_path: Path, layout: Layout) -> None:
    good, bad = (p._replace(box_I4=p.box_I4.astype(float)) for p in map(photograph, ("a.jpg", "bad.jpg")))
    bad.box_I4[1, 3] = np.nan
    message = refusal(written(tmp_path, layout, good, bad), "bad.jpg")
    assert re.search(r"row 1 \(from 0\) is \[.*nan\]; give finite numbers$", message)


@layouts(boxes=True)
def test_boxes_are_clipped_to_the_photograph(tmp_path: Path, layout: Layout) -> None:
    p = photograph("a.jpg", regions=1)
    p.box_I4[0] = [-49, 60, 149, 179]  # just near enough
    found = written(tmp_path, layout, p).of(example("a.jpg"))
    assert found.box_I4 is not None
    np.testing.assert_allclose(found.box_I4, [[0, 0.5, 1, 1]])


# Fractions may be small.
@layouts("hdf5-adaptive", boxes=True)
def test_fractions_instead_of_pixels_are_refused(tmp_path: Path, layout: Layout) -> None:
    p = photograph("bad.jpg")
    fraction_I4 = p.box_I4 / [p.width, p.height, p.width, p.height]
    good = photograph("a.jpg")
    good = good._replace(box_I4=good.box_I4.astype(float))
    message = refusal(written(tmp_path, layout, good, p._replace(box_I4=fraction_I4)), "bad.jpg")
    assert message.endswith("all boxes are within one pixel: give pixels, not fractions")


# In the others, there are no features, or both are in arrays of one length.
@pytest.mark.parametrize(
    ("layout", "reason"),
    [
        ("npz", "has 2 regions, but features of shape (4, 3)"),
        ("npz-turned", "has 2 regions, but features of shape (3, 4)"),
        ("tsv", "has features of width 6, unlike 3 of"),
        ("hdf5-grouped", "has 4 features, 2 boxes, 4 scores: give as many of each"),
    ],
)
def test_another_number_of_boxes_than_features_is_refused(tmp_path: Path, layout: str, reason: str) -> None:
    bad = photograph("bad.jpg", regions=4)
    bad = bad._replace(box_I4=bad.box_I4[:2])
    assert reason in refusal(written(tmp_path, LAYOUTS[layout], photograph("a.jpg"), bad), "bad.jpg")


# In the others, all photographs have the same number, or the entries are a list.
@layouts("precomp", "precomp-5N", "hdf5-indexed", "hdf5-adaptive", "coco-results", "coco-annotations")
def test_a_photograph_without_a_region_is_refused(tmp_path: Path, layout: Layout) -> None:
    regions = written(tmp_path, layout, photograph("a.jpg"), photograph("none.jpg", regions=0))
    refusal(regions, "none.jpg")


@layouts(scores=True)
def test_scores_are_probabilities(tmp_path: Path, layout: Layout) -> None:
    bad = photograph("bad.jpg")
    bad.score_I[1] = 99
    regions = written(tmp_path, layout, photograph("a.jpg"), bad)
    assert refusal(regions, "bad.jpg").endswith("the score of row 1 (from 0) is 99.0; give 0 to 1")
