import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dvsa.arrays import FloatArray
from dvsa.boxes import (
    clip,
    expected_iou,
    from_pixels,
    grid,
    iou,
    nms,
    read_boxes,
    to_pixels,
    union,
)
from dvsa.records import Box

eighths = st.integers(0, 8).map(lambda n: n / 8)  # coarse, so that edges and scores often coincide
boxes = st.builds(
    lambda x, y: (min(x), min(y), max(x), max(y)), st.tuples(eighths, eighths), st.tuples(eighths, eighths)
)
lists_of_boxes = st.lists(boxes, max_size=12).map(lambda rows: np.array(rows, dtype=float).reshape(-1, 4))


def cells(box: FloatArray) -> set[tuple[int, int]]:
    """The cells of an 8 x 8 board that a box on eighths covers."""
    x0, y0, x1, y1 = (int(edge * 8) for edge in box)
    return set(product(range(x0, x1), range(y0, y1)))


def iou_by_cells(a: FloatArray, b: FloatArray) -> float:
    either = cells(a) | cells(b)
    return len(cells(a) & cells(b)) / len(either) if either else 0.0


@given(lists_of_boxes, lists_of_boxes)
def test_iou_is_the_share_of_cells(a_N4: FloatArray, b_M4: FloatArray) -> None:
    expected = [[iou_by_cells(a, b) for b in b_M4] for a in a_N4]
    np.testing.assert_allclose(iou(a_N4, b_M4), np.reshape(expected, (len(a_N4), len(b_M4))))


def test_iou_keeps_the_type_and_is_within_0_and_1() -> None:
    b_N4 = clip(np.random.default_rng(0).normal(0.5, 0.4, (50, 4)).astype(np.float32))
    b_N4 = np.concatenate(
        [np.minimum(b_N4[:, :2], b_N4[:, 2:]), np.maximum(b_N4[:, :2], b_N4[:, 2:])], axis=1
    )
    found_NN = iou(b_N4, b_N4)
    assert found_NN.dtype == np.float32
    assert ((found_NN >= 0) & (found_NN <= 1)).all()


@given(lists_of_boxes.filter(len))
def test_union_is_the_smallest_box_around_all(b_N4: FloatArray) -> None:
    x0, y0, x1, y1 = union(b_N4)
    assert [x0, y0] == [min(b[0] for b in b_N4), min(b[1] for b in b_N4)]
    assert [x1, y1] == [max(b[2] for b in b_N4), max(b[3] for b in b_N4)]


def test_union_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no boxes"):
        union(np.zeros((0, 4)))


def nms_by_hand(b_N4: FloatArray, scores: FloatArray, threshold: float, keep: int) -> list[int]:
    kept: list[int] = []
    for n in sorted(range(len(scores)), key=lambda n: (-scores[n], n)):
        if len(kept) < keep and all(iou_by_cells(b_N4[n], b_N4[m]) <= threshold for m in kept):
            kept.append(n)
    return kept


@given(lists_of_boxes, st.data())
def test_nms_agrees_with_the_greedy_loop(b_N4: FloatArray, data: st.DataObject) -> None:
    scores = data.draw(hnp.arrays(np.float32, len(b_N4), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0])))
    threshold = data.draw(st.sampled_from([0.0, 0.25, 1 / 3 + 1e-9, 0.5, 0.7, 1.0]))
    keep = data.draw(st.integers(0, 13))
    found = nms(b_N4, scores, threshold=threshold, keep=keep)
    assert found.tolist() == nms_by_hand(b_N4, scores, threshold, keep)


def test_the_central_box_is_in_the_middle_of_the_likely_ones() -> None:
    """The box in the middle of two likelier boxes is the better guess."""
    b_I4 = np.array([[0, 0, 4, 4], [1, 0, 5, 4], [2, 0, 6, 4], [7, 7, 8, 8]]) / 8
    assert expected_iou(b_I4, np.array([0.35, 0.2, 0.35, 0.1])).argmax() == 1
    assert expected_iou(b_I4, np.array([0.0, 0.0, 0.0, 1.0])).argmax() == 3


@given(lists_of_boxes.filter(len), st.integers(0, 999))
def test_expected_iou_is_a_literal_sum(b_N4: FloatArray, seed: int) -> None:
    weights = np.random.default_rng(seed).random(len(b_N4))
    expected: list[float] = [
        sum(w * iou_by_cells(a, b) for w, b in zip(weights, b_N4, strict=True)) for a in b_N4
    ]
    assert expected_iou(b_N4, weights) == pytest.approx(expected)


def test_grid_is_19_different_boxes_within_the_photograph() -> None:
    g_N4 = grid()
    assert g_N4.shape == (19, 4)
    assert (g_N4 >= 0).all()
    assert (g_N4 <= 1 + 1e-12).all()
    assert (iou(g_N4, g_N4) < 0.999).sum() == 19 * 18
    np.testing.assert_allclose(union(g_N4), [0, 0, 1, 1], atol=1e-12)
    for x, y in product(np.linspace(0.05, 0.95), repeat=2):
        assert ((g_N4[:, 0] <= x) & (x <= g_N4[:, 2]) & (g_N4[:, 1] <= y) & (y <= g_N4[:, 3])).any()


@given(st.integers(1, 5000), st.integers(1, 5000), st.data())
def test_pixels_come_back_unchanged(width: int, height: int, data: st.DataObject) -> None:
    x0, y0 = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    x1, y1 = data.draw(st.integers(x0 + 1, width)), data.draw(st.integers(y0 + 1, height))
    for dtype in (np.float64, np.float32):
        box_4 = from_pixels(np.array([[x0, y0, x1, y1]]), width, height)[0].astype(dtype)
        assert to_pixels(box_4, width, height) == (x0, y0, x1, y1)


@given(st.tuples(*[st.floats(-0.5, 1.5) for _ in range(4)]), st.integers(1, 700), st.integers(1, 700))
def test_pixels_are_rounded_never_empty_and_within(box: Box, width: int, height: int) -> None:
    x0, y0, x1, y1 = to_pixels(box, width, height)
    assert 0 <= x0 < x1 <= width
    assert 0 <= y0 < y1 <= height
    inside = [min(max(edge, 0), 1) for edge in box]
    if inside[2] * width - inside[0] * width > 1:  # then no edge had to move to include a pixel
        assert abs(x0 - inside[0] * width) <= 0.5
        assert abs(x1 - inside[2] * width) <= 0.5


def test_clip_cuts_to_the_photograph() -> None:
    assert clip(np.array([[-0.5, 0.25, 1.5, 2.0]])).tolist() == [[0, 0.25, 1, 1]]


def write(folder: Path, text: str) -> Path:
    path = folder / "boxes.json"
    path.write_text(text, encoding="utf-8")
    return path


def test_read_boxes_gives_fractions_in_order(tmp_path: Path) -> None:
    rows = [[0, 0, 200, 100], [50, 25, 100, 50.0], [-0.4, 90, 200.4, 100.3]]
    found_N4 = read_boxes(write(tmp_path, json.dumps(rows)), 200, 100)
    assert found_N4.tolist() == [[0, 0, 1, 1], [0.25, 0.25, 0.5, 0.5], [0, 0.9, 1, 1]]


def test_read_boxes_of_an_empty_list_gives_none(tmp_path: Path) -> None:
    assert read_boxes(write(tmp_path, "[]"), 200, 100).shape == (0, 4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a JSON file"),
        ("[" * 100_000, "not a JSON file"),
        ('{"boxes": []}', "not a list"),
        ("[[0, 0, 9, 9], 5]", r"row 1 \(from 0\) is 5; give four numbers"),
        ("[[0, 0, 9]]", "give four numbers"),
        ('[[0, 0, 9, "9"]]', "give four numbers"),
        ("[[0, 0, 9, true]]", "give four numbers"),
        (f"[[0, 0, 9, {10**400}]]", "int too large"),
        ("[[0, 0, 9, NaN]]", "give finite numbers"),
        ("[[NaN, 0, 9, 9]]", "give finite numbers"),
        ("[[0, 0, 9, 1e400]]", "give finite numbers"),
        ("[[-Infinity, 0, 9, 9]]", "give finite numbers"),
        ("[[0, 0, 9, 9], [5, 5, 5.000000000001, 9]]", r"row 1 \(from 0\) .* it has no area"),
        ("[[199.9999999, 0, 300, 9]]", "it has no area"),
        ("[[0.1, 0.1, 0.9, 0.9]]", "give pixels, not fractions"),
        ("[[9, 0, 0, 9]]", "x0 must be below x1"),
        ("[[0, 9, 9, 9]]", "y0 below y1"),
        ("[[200, 0, 300, 9]]", "outside the 200 x 100 pixels"),
        ("[[0, -9, 9, 0]]", "outside the 200 x 100 pixels"),
        *(
            (f"[[0, 0, 9, 9], {box}]", r"row 1 .* beyond the upright photograph of 200 x 100 pixels")
            for box in ([0, 0, 201, 9], [0, 0, 9, 101], [-1, 0, 9, 9], [0, -1, 9, 9], [0, 0, 1e12, 9])
        ),
    ],
)
def test_read_boxes_names_the_file_and_the_row(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ValueError, match=message) as caught:
        read_boxes(path, 200, 100)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_read_boxes_of_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_boxes(tmp_path / "nowhere.json", 200, 100)
