"""Files of bottom-up attention and LXMERT in base64, with the faults that only they can have."""

import base64
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa.data import DataError, Example, RegionsOfPhotograph, load_regions
from dvsa.data.given_regions import tsv

BOX_I4 = np.array([[0, 0, 10, 10], [5, 5, 20, 30]], dtype=np.float32)


def text(array: np.ndarray) -> str:
    return base64.b64encode(array.astype("<f4").tobytes()).decode()


def features(seed: int, regions: int = 2, width: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(regions, width)).astype(np.float32)


def row(name: str, feature_IF: np.ndarray, count: object = None) -> str:
    regions = len(feature_IF)
    box_I4 = np.resize(BOX_I4, (regions, 4))
    fields = [name, 40, 60, regions if count is None else count, text(box_I4), text(feature_IF)]
    return "\t".join(map(str, fields))


def read(path: Path, name: str) -> RegionsOfPhotograph:
    return load_regions(path).of(Example(name, "", (), None))


@given(
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from([1, 2, 3, 5, 400, 4000])), min_size=1, max_size=5),
    st.sampled_from(["\n", "\r\n", "\n\n"]),
    st.booleans(),
    st.integers(1, 2000),
)
def test_the_index_finds_every_row(
    tmp_path_factory: pytest.TempPathFactory, shapes: list[tuple[int, int]], end: str, ended: bool, start: int
) -> None:
    path = tmp_path_factory.mktemp("index") / "a.tsv"
    lines = [row(f"{k}.jpg", features(k, *shape)) for k, shape in enumerate(shapes)]
    path.write_text(end.join(lines) + (end if ended else ""), newline="")

    # Also where the start of a row is not enough to know its length, or lengths differ.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tsv, "_START", max(start, 10))
        found = tsv.read(path)
    assert found is not None
    assert list(found.names) == [f"{k}.jpg" for k in range(len(shapes))]
    for k, shape in enumerate(shapes):
        np.testing.assert_array_equal(found.read(k).feature_IF, features(k, *shape))


def test_features_are_skipped_by_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scanned = []
    line_at = tsv._line_at

    def counted(file: BinaryIO, start: int, path: Path) -> bytes:
        scanned.append(start)
        return line_at(file, start, path)

    monkeypatch.setattr(tsv, "_line_at", counted)
    rows = [row(f"{k}.jpg", features(k, 1 + k % 3, 4096)) for k in range(9)]
    (tmp_path / "a.tsv").write_text("\n".join(rows))
    assert len(load_regions(tmp_path).names) == 9
    assert scanned == [0]  # only the first row is searched for its end


@pytest.mark.parametrize("count", [10**9, 10**17, 3, 1, 0, -2, 2.0, "", "two", "9" * 5000, "\u0662"])
def test_a_wrong_number_of_boxes_is_refused(tmp_path: Path, count: object) -> None:
    good = [row(f"{k}.jpg", features(k)) for k in range(3)]
    rows = [good[0], row("bad.jpg", features(9), count), *good[1:]]
    (tmp_path / "a.tsv").write_text("\n".join(rows), encoding="utf-8")
    assert list(load_regions(tmp_path).names) == ["0.jpg", "bad.jpg", "1.jpg", "2.jpg"]
    np.testing.assert_array_equal(read(tmp_path, "2.jpg").feature_IF, features(2))
    with pytest.raises(DataError, match=r"a\.tsv: bad\.jpg") as caught:
        read(tmp_path, "bad.jpg")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("bad.jpg\t40\t60\t2", "has 4 columns; give 6 or 10"),
        (f"bad.jpg\t40\t60\t2\t{text(BOX_I4)}\t{text(BOX_I4)}\tmore", "has 7 columns"),
        (f"bad.jpg\twide\t60\t2\t{text(BOX_I4)}\t{text(BOX_I4)}", "width b'wide' is not a whole number"),
        (f"bad.jpg\t40\t-60\t2\t{text(BOX_I4)}\t{text(BOX_I4)}", "height b'-60' is not a whole number"),
        (f"bad.jpg\t40\t0\t2\t{text(BOX_I4)}\t{text(BOX_I4)}", "a photograph of 40 x 0 pixels"),
        (f"bad.jpg\t40\t60\t2\t?!\t{text(BOX_I4)}", "boxes are not float32 numbers in base64"),
        (f"bad.jpg\t40\t60\t2\t{text(BOX_I4)}\t{text(BOX_I4)[:-3]}", "features are not float32 numbers"),
        (f"bad.jpg\t40\t60\t2\t{text(BOX_I4)}\tAAAA", "features are not float32 numbers"),  # 3 bytes
        (
            f"bad.jpg\t40\t60\t2\t{text(BOX_I4[:, :3])}\t{text(BOX_I4)}",
            r"boxes of type float32 and shape \(2, 3\)",
        ),
        (f"bad.jpg\t40\t60\t2\t\t{text(BOX_I4)}", r"shape \(2, 0\)"),
        (f"bad.jpg\t40\t60\t2\t{text(BOX_I4)}\t", r"features of shape \(2, 0\)"),
    ],
)
def test_a_malformed_row_is_named(tmp_path: Path, line: str, reason: str) -> None:
    (tmp_path / "a.tsv").write_text(f"{row('a.jpg', features(0))}\n{line}\n{row('b.jpg', features(1))}\n")
    np.testing.assert_array_equal(read(tmp_path, "b.jpg").feature_IF, features(1))
    with pytest.raises(DataError, match=reason) as caught:
        read(tmp_path, "bad.jpg")
    assert str(caught.value).startswith(f"{tmp_path / 'a.tsv'}: bad.jpg")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("missing", [1, 10, 100])
def test_a_truncated_file_is_refused_at_its_last_row(tmp_path: Path, missing: int) -> None:
    content = "\n".join(row(f"{k}.jpg", features(k, width=40)) for k in range(3))
    (tmp_path / "a.tsv").write_text(content[:-missing])
    np.testing.assert_array_equal(read(tmp_path, "1.jpg").feature_IF, features(1, width=40))
    with pytest.raises(DataError, match=r"a\.tsv: 2\.jpg"):
        read(tmp_path, "2.jpg")


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    rows = "".join(f"{row(f'{k}.jpg', features(k))}\n" for k in range(3))
    (tmp_path / "a.tsv").write_text(rows, encoding="utf-8-sig")
    assert list(load_regions(tmp_path).names) == ["0.jpg", "1.jpg", "2.jpg"]
    for k in range(3):
        np.testing.assert_array_equal(read(tmp_path, f"{k}.jpg").feature_IF, features(k))
    (tmp_path / "a.tsv").write_text("", encoding="utf-8-sig")
    with pytest.raises(DataError, match=r"has the regions of no photograph"):
        load_regions(tmp_path)


@pytest.mark.parametrize("content", ["no columns", "\t\n" * 3 + "text", "\n\n\n\n\n\n"])
def test_another_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.tsv").write_text(content)
    with pytest.raises(DataError, match=r"a\.tsv"):
        load_regions(tmp_path)


def test_a_row_without_an_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tsv, "MAX_BYTES", 1000)
    (tmp_path / "a.tsv").write_text(row("a.jpg", features(0, width=400)))
    with pytest.raises(DataError, match="row at byte 0 is longer than 1,000 bytes"):
        load_regions(tmp_path)


def test_ids_of_several_files_must_differ(tmp_path: Path) -> None:
    for name in ("train.tsv", "val.tsv.0"):
        (tmp_path / name).write_text(row("7", features(0)))
    with pytest.raises(DataError, match="has the regions of 7 twice"):
        load_regions(tmp_path)
