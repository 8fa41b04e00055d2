"""Files of bottom-up attention, with the faults that only they can have."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dvsa.data import DataError, Example, RegionsOfPhotograph, load_regions
from dvsa.data.given_regions import record

X = np.arange(12, dtype=np.float32).reshape(3, 4)
BBOX = np.array([[0, 0, 10, 10], [5, 5, 20, 30], [1, 2, 3, 4]])


def save(path: Path, **arrays: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
    return path


def read(folder: Path, name: str = "a.jpg") -> RegionsOfPhotograph:
    return load_regions(folder).of(Example(name, "", (), None))


@pytest.mark.parametrize("file", ["a.jpg.npz", "a.npz", "in/deeper/a.npz"])
@pytest.mark.parametrize(
    "keys", [("x", "bbox", "image_w", "image_h"), ("features", "boxes", "img_w", "img_h")]
)
def test_either_set_of_keys_is_read(tmp_path: Path, file: str, keys: tuple[str, ...]) -> None:
    save(tmp_path / file, **dict(zip(keys, (X, BBOX, 40, 60), strict=True)))
    found = read(tmp_path)
    np.testing.assert_array_equal(found.feature_IF, X)
    assert found.box_I4 is not None
    np.testing.assert_allclose(found.box_I4, BBOX / [40, 60, 40, 60])


def test_features_alone_and_boxes_alone_are_enough(tmp_path: Path) -> None:
    save(tmp_path / "features/a.npz", x=X)
    assert read(tmp_path / "features").box_I4 is None
    save(tmp_path / "boxes/a.npz", bbox=BBOX, image_w=40, image_h=60)
    assert read(tmp_path / "boxes").feature_IF is None
    save(tmp_path / "neither/a.npz", cls=X)
    with pytest.raises(DataError, match=r"a\.npz has neither boxes nor features"):
        read(tmp_path / "neither")


@pytest.mark.parametrize(
    ("arrays", "wanted"),
    [
        ({"x": X.T, "num_bbox": 3}, X),
        ({"x": X, "num_bbox": 3}, X),
        ({"x": X, "num_bbox": [3.0]}, X),
        ({"x": X.T, "bbox": BBOX, "image_w": 40, "image_h": 60}, X),
        ({"x": X.T}, X.T),
    ],
)
def test_the_number_of_boxes_tells_regions_from_features(
    tmp_path: Path, arrays: dict[str, Any], wanted: np.ndarray
) -> None:
    save(tmp_path / "a.npz", **arrays)
    np.testing.assert_array_equal(read(tmp_path).feature_IF, wanted)


def test_some_files_without_boxes_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "a.npz", x=X, bbox=BBOX, image_w=40, image_h=60)
    save(tmp_path / "b.npz", x=X)
    with pytest.raises(DataError, match=r"b\.npz has no boxes, unlike .*a\.npz"):
        read(tmp_path, "b.jpg")
    save(tmp_path / "a.npz", x=X)
    save(tmp_path / "b.npz", x=X, bbox=BBOX)
    with pytest.raises(DataError, match=r"b\.npz has boxes, unlike .*a\.npz"):
        read(tmp_path, "b.jpg")


def test_an_object_is_refused_only_if_it_is_needed(tmp_path: Path) -> None:
    save(tmp_path / "a.npz", x=X, info=np.array({"image_w": 40}, dtype=object))
    np.testing.assert_array_equal(read(tmp_path).feature_IF, X)
    save(tmp_path / "a.npz", x=np.array([X, None], dtype=object))
    with pytest.raises(DataError, match=r"a\.npz: 'x' is not an array of numbers, .*allow_pickle=False"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"x": X, "num_bbox": 5}, r"has 5 regions, but features of shape \(3, 4\)"),
        ({"x": X, "num_bbox": [1, 2]}, "'num_bbox' is not one number"),
        ({"x": X, "num_bbox": "3"}, "'num_bbox' is not one number"),
        ({"x": X[0]}, r"features of shape \(4,\)"),
        ({"x": X[None]}, r"features of shape \(1, 3, 4\)"),
        (
            {"x": X, "bbox": BBOX[:, :3], "image_w": 40, "image_h": 60},
            r"boxes of type int64 and shape \(3, 3\)",
        ),
        ({"x": X, "bbox": BBOX.astype(str), "image_w": 40, "image_h": 60}, "boxes of type <U"),
        ({"x": X, "bbox": BBOX, "image_w": 0, "image_h": 60}, "a photograph of 0 x 60 pixels"),
        ({"x": X, "bbox": BBOX, "image_w": np.nan, "image_h": 60}, "a photograph of nan x 60 pixels"),
        ({"x": X, "bbox": BBOX}, r"has boxes in pixels without a size; a\.jpg: the data set has features"),
    ],
)
def test_malformed_arrays_are_named(tmp_path: Path, arrays: dict[str, Any], reason: str) -> None:
    path = save(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=reason) as caught:
        read(tmp_path)
    assert str(caught.value).startswith(f"{path}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("length", [0, 1, 30, 100, 200, -30])
@pytest.mark.parametrize("save_as", [np.savez, np.savez_compressed])
def test_a_truncated_file_is_named(tmp_path: Path, save_as: Any, length: int) -> None:
    path = tmp_path / "a.npz"
    save_as(path, x=X)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DataError, match=r"a\.npz(: 'x')? is not .*, or is (cut short|damaged)") as caught:
        read(tmp_path)
    assert "\n" not in str(caught.value)


def test_damage_within_an_array_is_found(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npz", x=X)
    content = bytearray(path.read_bytes())
    content[content.index(X.tobytes())] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.npz: 'x' is not an array of numbers, or is damaged \(Bad CRC"):
        read(tmp_path)


@pytest.mark.parametrize("content", [b"\x80\x04K\x01.", b"text", b"PK\x03\x04"])
def test_another_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.npz is not a file of arrays"):
        read(tmp_path)


def test_a_single_array_is_named(tmp_path: Path) -> None:
    with (tmp_path / "a.npz").open("wb") as file:
        np.save(file, X)
    with pytest.raises(DataError, match=r"a\.npz is a single array: save it with the key x"):
        read(tmp_path)


def member(header: str) -> bytes:
    text = header.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def test_a_shape_beyond_memory_is_named(tmp_path: Path) -> None:
    for shape in ((10**9, 10**6), (2**62, 2**62)):
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
            file.writestr("x.npy", member(f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}"))
        with pytest.raises(DataError, match=r"a\.npz: 'x' is not an array of numbers, or is damaged"):
            read(tmp_path)


def test_a_small_file_with_a_large_array_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dvsa.data.given_regions.npz.MAX_BYTES", 1 << 20)
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((1, 1 << 18), np.float32))
    assert (tmp_path / "a.npz").stat().st_size < 5000
    with pytest.raises(DataError, match=r"a\.npz: 'x' has 1,048,704 bytes, which is too large"):
        read(tmp_path)
    assert record.MAX_BYTES > 100 * 2048 * 8


def test_hidden_files_are_left_out(tmp_path: Path) -> None:
    save(tmp_path / "a.npz", x=X)
    save(tmp_path / ".hidden/b.npz", x=X)
    assert list(load_regions(tmp_path).names) == ["a"]


def test_two_photographs_of_one_name_need_their_folders(tmp_path: Path) -> None:
    save(tmp_path / "train/a.npz", x=X)
    save(tmp_path / "val/a.npz", x=2 * X)
    np.testing.assert_array_equal(read(tmp_path, "images/val/a.jpg").feature_IF, 2 * X)
    with pytest.raises(DataError, match=r"a\.jpg may be train/a and val/a: give longer names"):
        read(tmp_path, "a.jpg")
