"""The layout of SCAN and VSE++, with the faults that only it can have."""

import json
from pathlib import Path

import numpy as np
import pytest

from dvsa.data import DataError, Example, load_regions


def write(folder: Path, split: str = "train", count: int = 2, **options: int) -> np.ndarray:
    """The features of some photographs, also in the folder."""
    seed, regions, width = options.get("seed", 0), options.get("regions", 3), options.get("width", 4)
    feature_KIF = np.random.default_rng(seed).normal(size=(count, regions, width)).astype(np.float32)
    np.save(folder / f"{split}_ims.npy", feature_KIF)
    (folder / f"{split}_caps.txt").write_text("a dog\n" * 5 * count)
    return feature_KIF


def example(name: str) -> Example:
    return Example(name, "", (), None)


def features(folder: Path, name: str) -> np.ndarray:
    feature_IF = load_regions(folder).of(example(name)).feature_IF
    assert feature_IF is not None
    return feature_IF


def test_photographs_without_ids_have_their_split_and_number(tmp_path: Path) -> None:
    for k, split in enumerate(("train", "dev", "test")):
        write(tmp_path, split, seed=k)
    wanted_IF = write(tmp_path, "dev", seed=7)[1]
    regions = load_regions(tmp_path)
    assert list(regions.names) == [f"{split}#00000{k}" for split in ("train", "val", "test") for k in (0, 1)]
    np.testing.assert_array_equal(features(tmp_path, "val#000001"), wanted_IF)
    assert regions.find("COCO_val2014_000000000001.jpg") is None  # a place in a list is no number of COCO


def test_ids_are_names_or_keys_of_a_mapping(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "train_ids.txt").write_text("1000092795.jpg\n42\n")
    assert list(load_regions(tmp_path).names) == ["1000092795.jpg", "42"]
    (tmp_path / "train_ids.txt").write_text("0\n" * 5 + "1\n" * 5)
    (tmp_path / "id_mapping.json").write_text(json.dumps({"0": "val2014/a.jpg", "1": "val2014/b.jpg"}))
    assert list(load_regions(tmp_path).names) == ["val2014/a.jpg", "val2014/b.jpg"]
    (tmp_path / "id_mapping.json").write_text('{"0": "val2014/a.jpg"}')
    with pytest.raises(DataError, match=r"id_mapping\.json: an entry has no '1' of type str"):
        load_regions(tmp_path)


def test_one_vector_for_each_photograph_is_one_region(tmp_path: Path) -> None:
    feature_KF = write(tmp_path)[:, 0]
    np.save(tmp_path / "train_ims.npy", feature_KF)
    np.testing.assert_array_equal(features(tmp_path, "train#000001"), feature_KF[1:])


def test_testall_is_the_test_split_if_there_is_no_other(tmp_path: Path) -> None:
    write(tmp_path, "testall")
    assert list(load_regions(tmp_path).names) == ["test#000000", "test#000001"]
    write(tmp_path, "test", count=1)
    assert list(load_regions(tmp_path).names) == ["test#000000"]


def test_features_in_columns_are_read_too(tmp_path: Path) -> None:
    feature_KIF = write(tmp_path)
    np.save(tmp_path / "train_ims.npy", np.asfortranarray(feature_KIF))
    np.testing.assert_array_equal(features(tmp_path, "train#000001"), feature_KIF[1])


def test_an_array_larger_than_memory_is_not_loaded(tmp_path: Path) -> None:
    write(tmp_path)
    shape = (2 * 10**5, 100, 2048)  # 164 GB, with holes
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    with (tmp_path / "train_ims.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + 4 * int(np.prod(shape)))
    (tmp_path / "train_caps.txt").write_text("a\n" * 5 * shape[0])
    assert not features(tmp_path, "train#199999").any()


@pytest.mark.parametrize("row", [6, 7, 8, 9])
def test_five_rows_that_differ_are_no_photograph(tmp_path: Path, row: int) -> None:
    feature_KIF = np.repeat(write(tmp_path), 5, axis=0)
    feature_KIF[row, 0, 0] += 1
    np.save(tmp_path / "train_ims.npy", feature_KIF)
    assert features(tmp_path, "train#000000").shape == (3, 4)
    with pytest.raises(DataError, match=rf"train_ims\.npy: rows 5 and {row} \(from 0\) differ"):
        features(tmp_path, "train#000001")


def test_five_rows_of_text_are_no_features(tmp_path: Path) -> None:
    write(tmp_path)
    np.save(tmp_path / "train_ims.npy", np.full((10, 3, 4), "a"))
    with pytest.raises(DataError, match="train#000000: features of type <U1"):
        load_regions(tmp_path)


def test_an_npz_with_the_name_of_an_array_is_named(tmp_path: Path) -> None:
    feature_KIF = write(tmp_path)
    with (tmp_path / "train_ims.npy").open("wb") as file:
        np.savez(file, x=feature_KIF)
    with pytest.raises(DataError, match=r"train_ims\.npy is not an array of numbers"):
        load_regions(tmp_path)


def header(descr: str, shape: tuple[int, ...]) -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("train_ims.npy", b"", "not an array of numbers, or is cut short"),
        ("train_ims.npy", b"\x80\x04pickle", "not an array of numbers"),
        ("train_ims.npy", header("'<f4'", (2, 3, 4)) + bytes(40), "cut short"),
        ("train_ims.npy", header("'<f4'", (10**9, 36, 2048)) + bytes(96), "cut short"),
        ("train_ims.npy", header("'<f4'", (2**62, 2**62, 2**62)) + bytes(96), "cut short"),
        ("train_ims.npy", header("'|O'", (2, 3, 4)) + b"cos\nsystem\n", "not an array of numbers"),
        ("train_ims.npy", header("'<f4'", (3, 2, 4)) + bytes(96), r"shape \(3, 2, 4\); for the 10 lines"),
        ("train_ims.npy", header("'<f4'", (24,)) + bytes(96), r"has the shape \(24,\)"),
        ("train_ims.npy", header("'<f4'", (2, 0, 4)), "features of shape"),
        ("train_caps.txt", b"a dog\n" * 9, "has 9 lines; give 5 for each photograph"),
        ("train_caps.txt", b"", "has 1 lines"),
        ("train_caps.txt", b"\xff\n" * 10, "not UTF-8"),
        ("train_ids.txt", b"a\n" * 3, "does not have an id for each of the 2 photographs"),
        ("train_ids.txt", b"a\n\n", "does not have an id"),
        ("train_ids.txt", b"a\na\n", "has the regions of a twice"),
    ],
)
def test_a_malformed_file_is_named(tmp_path: Path, file: str, content: bytes, reason: str) -> None:
    write(tmp_path)
    (tmp_path / file).write_bytes(content)
    with pytest.raises(DataError, match=reason) as caught:
        load_regions(tmp_path)
    assert "\n" not in str(caught.value)


def test_photographs_of_gigabytes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    monkeypatch.setattr("dvsa.data.given_regions.precomp.MAX_BYTES", 40)
    with pytest.raises(DataError, match=r"train_ims\.npy: 48 bytes for each photograph are too many"):
        load_regions(tmp_path)


def test_features_without_captions_are_refused(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "train_caps.txt").unlink()
    with pytest.raises(DataError, match=r"train_caps\.txt is missing: put it beside the features"):
        load_regions(tmp_path)
