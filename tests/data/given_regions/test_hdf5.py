"""HDF5 files, with the faults that only they can have."""

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from dvsa.data import DataError, Example, RegionsOfPhotograph, load_regions

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
BB = np.array([[0, 0, 10, 10], [5, 5, 20, 30], [1, 2, 3, 4]])


def save(path: Path, **arrays: Any) -> Path:
    with h5py.File(path, "w") as file:
        for key, array in arrays.items():
            file[key] = array
    return path


def read(path: Path, name: str) -> RegionsOfPhotograph:
    return load_regions(path).of(Example(name, "", (), None))


@pytest.mark.parametrize("ids", [[12, 42], ["12", "42"], np.array([b"12", b"42"]), np.array([12, 42], ">u2")])
@pytest.mark.parametrize("key", ["image_ids", "image_id"])
def test_ids_are_numbers_or_text(tmp_path: Path, ids: Any, key: str) -> None:
    path = save(tmp_path / "a.h5", image_features=X, **{key: ids})
    assert list(load_regions(path).names) == ["12", "42"]
    np.testing.assert_array_equal(read(path, "COCO_val2014_000000000042.jpg").feature_IF, X[1])


def test_an_index_beside_the_file_gives_rows(tmp_path: Path) -> None:
    save(tmp_path / "val36.hdf5", image_features=X)
    (tmp_path / "val36_imgid2idx.json").write_text(json.dumps({"42": 1, "12": 0}))
    np.testing.assert_array_equal(read(tmp_path, "42").feature_IF, X[1])
    np.testing.assert_array_equal(read(tmp_path, "12").feature_IF, X[0])


@pytest.mark.parametrize("index", [{}, {"12": 2}, {"12": -1}, [0, 1]])
def test_an_index_of_other_rows_is_refused(tmp_path: Path, index: object) -> None:
    save(tmp_path / "a.h5", image_features=X)
    (tmp_path / "a_imgid2idx.json").write_text(json.dumps(index))
    with pytest.raises(DataError, match=r"a_imgid2idx\.json: give an object with a row from 0 to 1"):
        load_regions(tmp_path)


@pytest.mark.parametrize(
    ("index", "reason"),
    [
        ('{"12": 0, "42": 1, "43": 1}', "42 and 43 are both row 1: correct one of them"),
        ('{"12": true, "42": false}', "an entry has no '12' of type int"),
        ('{"12": 0.0}', "an entry has no '12' of type int"),
        ('{"12": 0, "12": 1}', "the key '12' is twice in one object: keep one of them"),
    ],
)
def test_an_index_that_is_not_clear_is_refused(tmp_path: Path, index: str, reason: str) -> None:
    save(tmp_path / "a.h5", image_features=X)
    (tmp_path / "a_imgid2idx.json").write_text(index)
    with pytest.raises(DataError, match=rf"a_imgid2idx\.json: {reason}"):
        load_regions(tmp_path)


def test_a_pickled_index_is_not_read(tmp_path: Path) -> None:
    save(tmp_path / "a.h5", image_features=X)
    (tmp_path / "a_imgid2idx.pkl").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(
        DataError, match=r"needs the dataset image_ids, or a_imgid2idx\.json; a pickled index"
    ):
        load_regions(tmp_path)


def test_fractions_go_before_pixels(tmp_path: Path) -> None:
    spatial = np.broadcast_to(np.array([0.1, 0.2, 0.3, 0.6, 0.2, 0.4]), (2, 3, 6))
    path = save(
        tmp_path / "a.h5", image_features=X, spatial_features=spatial, image_bb=[BB, BB], image_id=[1, 2]
    )
    found = read(path, "2")
    assert found.box_I4 is not None
    np.testing.assert_allclose(found.box_I4, [[0.1, 0.2, 0.3, 0.6]] * 3)


@pytest.mark.parametrize("pos_boxes", [[[0, 2], [2, 6]], np.array([[0, 2], [2, 6]], np.uint8)])
def test_photographs_may_have_different_numbers_of_regions(tmp_path: Path, pos_boxes: Any) -> None:
    flat = X.reshape(6, 4)
    path = save(tmp_path / "a.h5", image_features=flat, pos_boxes=pos_boxes, image_ids=[1, 2])
    np.testing.assert_array_equal(read(path, "1").feature_IF, flat[:2])
    np.testing.assert_array_equal(read(path, "2").feature_IF, flat[2:])


@pytest.mark.parametrize("bounds", [[2, 2], [5, 3], [-1, 2]])
def test_bounds_that_are_none_are_refused(tmp_path: Path, bounds: list[int]) -> None:
    arrays = {"pos_boxes": [[0, 2], bounds], "image_ids": [1, 2]}
    path = save(tmp_path / "a.h5", image_features=X.reshape(6, 4), **arrays)
    assert len(read(path, "1")) == 2
    with pytest.raises(DataError, match=r"a\.h5: 2: \[.*\] in pos_boxes are not the first row"):
        read(path, "2")


@pytest.mark.parametrize("bounds", [[[0.0, 2.0], [2.0, 6.0]], [0, 2], [[0, 2, 3], [3, 4, 5]], 3, ["0", "2"]])
def test_bounds_of_another_form_are_refused(tmp_path: Path, bounds: Any) -> None:
    path = save(tmp_path / "a.h5", image_features=X.reshape(6, 4), pos_boxes=bounds, image_ids=[1, 2])
    with pytest.raises(DataError, match=r"a\.h5: pos_boxes of type .*; give two whole numbers"):
        read(path, "2")


# h5py would silently read the rows that there are.
@pytest.mark.parametrize(
    ("short", "bounds"),
    [
        ("image_features", [6, 9]),
        ("image_features", [4, 7]),
        ("image_features", [5, 2**62]),
        ("image_bb", [6, 9]),
        ("image_bb", [4, 7]),
    ],
)
def test_bounds_beyond_the_arrays_are_refused(tmp_path: Path, short: str, bounds: list[int]) -> None:
    arrays = {"image_features": np.ones((9, 4), np.float32), "image_bb": np.tile([0, 0, 9, 9], (9, 1))}
    arrays[short] = arrays[short][:6]
    path = save(tmp_path / "a.h5", **arrays, pos_boxes=[[0, 2], bounds], image_ids=[1, 2])
    with pytest.raises(DataError, match=rf"a\.h5: 2: {short} has 6 rows, but pos_boxes go to {bounds[1]}"):
        read(path, "2")


@pytest.mark.parametrize("bounds", [[[0, 3], [2, 6]], [[2, 6], [0, 3]], [[0, 2], [0, 2]], [[0, 6], [1, 2]]])
def test_photographs_that_share_regions_are_named(tmp_path: Path, bounds: list[list[int]]) -> None:
    path = save(tmp_path / "a.h5", image_features=X.reshape(6, 4), pos_boxes=bounds, image_ids=[1, 2])
    with pytest.raises(DataError, match=r"a\.h5: (1 and 2|2 and 1) share regions in pos_boxes: give each"):
        load_regions(path)


def test_only_photographs_with_an_id_count_as_sharing(tmp_path: Path) -> None:
    path = save(tmp_path / "a.h5", image_features=X.reshape(6, 4), pos_boxes=[[0, 3], [2, 6], [3, 6]])
    (tmp_path / "a_imgid2idx.json").write_text('{"7": 2, "8": 0}')
    np.testing.assert_array_equal(read(path, "7").feature_IF, X.reshape(6, 4)[3:])


@pytest.mark.parametrize("key", ["image_features", "image_bb", "image_ids", "pos_boxes", "image_w"])
def test_an_empty_dataset_of_an_indexed_file_is_named(tmp_path: Path, key: str) -> None:
    arrays = {"image_features": X, "image_bb": [BB, BB], "image_ids": [1, 2], "image_w": [9, 9]}
    path = save(tmp_path / "a.h5", **{**arrays, key: h5py.Empty("<f4")})
    with pytest.raises(DataError, match=rf"a\.h5(: 1)?: {key} is an empty dataset, without a shape"):
        read(path, "1")


def test_an_empty_dataset_or_attribute_of_a_group_is_named(tmp_path: Path) -> None:
    empty = h5py.Empty("<f4")
    path = save(tmp_path / "a.h5", **{"1/features": empty})
    with pytest.raises(DataError, match=r"a\.h5: 1: features is an empty dataset, without a shape"):
        read(path, "1")
    path = save(tmp_path / "a.h5", **{"1/features": X[0], "1/boxes": BB})
    with h5py.File(path, "a") as file:
        file["1"].attrs["image_w"] = file["1"].attrs["image_h"] = empty
    with pytest.raises(DataError, match=r"a\.h5: 1: image_w is not one number"):
        read(path, "1")


def test_groups_may_be_in_groups(tmp_path: Path) -> None:
    path = save(tmp_path / "a.h5", **{"train/1.jpg/features": X[0], "val/1.jpg/features": X[1]})
    np.testing.assert_array_equal(read(path, "val/1.jpg").feature_IF, X[1])
    with pytest.raises(DataError, match=r"1\.jpg may be train/1\.jpg and val/1\.jpg"):
        read(path, "1.jpg")


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"image_features": X}, "needs the dataset image_ids"),
        ({"image_features": X, "image_ids": [1]}, r"ids of shape \(1,\), but 2 photographs"),
        ({"image_features": X, "image_ids": [[1], [2]]}, r"ids of shape \(2, 1\)"),
        ({"image_features": X, "image_ids": [1.0, 2.0]}, "ids of type float64; give whole numbers or text"),
        ({"image_features": X, "image_ids": [1, 1]}, "has the regions of 1 twice"),
        ({"image_features": 3.0, "image_ids": [1]}, "not an HDF5 file in this layout"),
        ({"image_features": X[0], "image_ids": [1, 2, 3]}, r"a\.h5: 1: features of shape \(4,\)"),
        (
            {"image_features": X, "image_ids": [1, 2], "image_bb": [1.0, 2.0]},
            "1 has boxes in pixels without a size",
        ),
        (
            {"image_features": X, "image_ids": [1, 2], "spatial_features": [1.0, 2.0]},
            "in this layout, or is dam",
        ),
        ({"image_features/deeper": X}, "image_features is not a dataset of this file itself"),
        ({"x": X}, "has the regions of no photograph"),
        ({"1/boxes": BB}, "has the regions of no photograph"),
        ({"1/features": "text"}, r"a\.h5: 1: features of type \|S4"),
        ({"1/features/deeper": X}, r"has the regions of no photograph|features is not a dataset"),
    ],
)
def test_other_contents_are_refused(tmp_path: Path, arrays: dict[str, Any], reason: str) -> None:
    path = save(tmp_path / "a.h5", **arrays)
    with pytest.raises(DataError, match=reason) as caught:
        read(path, "1")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def link_out(file: h5py.File, secret: Path) -> None:
    file["1/features"] = h5py.ExternalLink(str(secret), "/features")


def link_within(file: h5py.File, secret: Path) -> None:
    file["other"] = X[0]
    file["1/features"] = h5py.SoftLink("/other")


def store_outside(file: h5py.File, secret: Path) -> None:
    file.create_dataset("1/features", (3, 4), "<f4", external=[(str(secret), 0, 48)])


def view_outside(file: h5py.File, secret: Path) -> None:
    view = h5py.VirtualLayout((3, 4), "<f4")
    view[:] = h5py.VirtualSource(str(secret), "features", (3, 4))
    file.create_virtual_dataset("1/features", view)


@pytest.mark.parametrize("trick", [link_out, link_within, store_outside, view_outside])
def test_nothing_is_read_from_other_files(tmp_path: Path, trick: Callable[[h5py.File, Path], None]) -> None:
    save(tmp_path / "secret", features=X[0])
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["2/features"] = X[0]
        trick(file, tmp_path / "secret")
    with pytest.raises(DataError, match=r"features is not a dataset of this file itself|no regions of 1"):
        read(tmp_path / "a.h5", "1")


def test_a_group_that_contains_itself_ends(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["1/features"] = X[0]
        file["1/again"] = file["1"]
        file["1/root"] = file["/"]
    assert list(load_regions(tmp_path).names) == ["1"]


@pytest.mark.parametrize("grouped", [False, True])
def test_a_shape_beyond_memory_is_not_read(tmp_path: Path, grouped: bool) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        shape = (10**9, 2048) if grouped else (1, 10**9, 2048)
        key = "1/features" if grouped else "image_features"
        file.create_dataset(key, shape, "<f4", chunks=(1,) * len(shape))  # without content
        if not grouped:
            file["image_ids"] = [1]
    with pytest.raises(
        DataError, match=r"a\.h5: 1: 8,192,000,000,000 bytes of (image_)?features are too many"
    ):
        read(tmp_path, "1")


@pytest.mark.parametrize("length", [0, 8, 100, 800, -1])
def test_a_truncated_file_is_named(tmp_path: Path, length: int) -> None:
    path = save(tmp_path / "a.h5", **{"1/features": X[0]})
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DataError, match=r"a\.h5 is not an HDF5 file in this layout, or is damaged") as caught:
        read(tmp_path, "1")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("seed", range(8))
def test_damage_is_an_error_of_this_package_or_harmless(tmp_path: Path, seed: int) -> None:
    path = save(tmp_path / "a.h5", **{"1/features": X[0], "1/boxes": BB, "1/img_w": 40, "1/img_h": 60})
    content = bytearray(path.read_bytes())
    for at in np.random.default_rng(seed).integers(0, len(content), 40):
        content[at] ^= 255
    path.write_bytes(content)
    with suppress(DataError):  # any other error fails
        assert read(path, "1").feature_IF is not None


def test_without_h5py_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "a.h5", **{"1/features": X[0]})
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(DataError, match=r"a\.h5 needs h5py to be read: pip install 'dvsa\[hdf5\]'"):
        load_regions(path)
