"""Random windows of photographs: boxes move with what they show."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dvsa.learn.tasks.augmentation import VISIBLE, WHOLE, Window, boxes_in, draw, show
from dvsa.records import Box

SIZE = 32


@st.composite
def areas(drawn: st.DrawFn, least: int = 1) -> Box:
    """Boxes on a grid of 32 by 32 cells, with sides of at least `least` cells."""
    x0, y0 = drawn(st.integers(0, SIZE - least)), drawn(st.integers(0, SIZE - least))
    x1, y1 = drawn(st.integers(x0 + least, SIZE)), drawn(st.integers(y0 + least, SIZE))
    return x0 / SIZE, y0 / SIZE, x1 / SIZE, y1 / SIZE


def painted(box: Box) -> torch.Tensor:
    """A black photograph with a white box, (1, 32, 32, 3)."""
    x0, y0, x1, y1 = (round(edge * SIZE) for edge in box)
    pixels_BHWC = torch.zeros(1, SIZE, SIZE, 3, dtype=torch.uint8)
    pixels_BHWC[:, y0:y1, x0:x1] = 255
    return pixels_BHWC


@given(areas(), areas(least=8), st.booleans())
def test_a_box_lies_where_the_window_shows_its_content(box: Box, area: Box, mirrored: bool) -> None:
    window = Window(area, mirrored)
    light_HW = show(painted(box), [window])[0, :, :, 0].float() / 255
    found = window.box(box)

    # The box is hidden if too little of it is in the window.
    width = max(min(box[2], area[2]) - max(box[0], area[0]), 0)
    inside = width * max(min(box[3], area[3]) - max(box[1], area[1]), 0)
    assert (found is not None) == (inside >= VISIBLE * (box[2] - box[0]) * (box[3] - box[1]) * (1 - 1e-9))

    # A visible box is the white area that the window shows.
    if found is not None:
        x0, y0, x1, y1 = (edge * SIZE for edge in found)
        at_H, at_W = torch.meshgrid(*[torch.arange(SIZE) + 0.5] * 2, indexing="ij")
        blur = 1 / min(area[2] - area[0], area[3] - area[1])  # enlarging mixes neighbouring pixels
        well_inside = (at_W > x0 + blur) & (at_W < x1 - blur) & (at_H > y0 + blur) & (at_H < y1 - blur)
        outside = (at_W < x0 - blur) | (at_W > x1 + blur) | (at_H < y0 - blur) | (at_H > y1 + blur)
        assert (light_HW[well_inside] > 0.98).all()
        assert (light_HW[outside] < 0.02).all()


@given(areas())
def test_the_whole_window_changes_nothing_and_two_mirrorings_cancel(box: Box) -> None:
    mirror = Window(mirrored=True)
    assert WHOLE.box(box) == box
    assert torch.equal(show(painted(box), [WHOLE]), painted(box))
    once = mirror.box(box)
    assert once is not None
    assert mirror.box(once) == box
    assert torch.equal(show(painted(box), [mirror]), painted(once))
    assert torch.equal(show(show(painted(box), [mirror]), [mirror]), painted(box))


def test_a_window_beyond_the_photograph_repeats_its_edges() -> None:
    seen_HW = show(painted((0.0, 0.0, 0.5, 1.0)), [Window((-0.5, 0.0, 1.0, 1.0))])[0, :, :, 0]
    assert (seen_HW[:, :20] == 255).all()
    assert (seen_HW[:, 22:] == 0).all()
    assert Window((-0.5, 0.0, 1.0, 1.0)).box((0.0, 0.0, 1.0, 1.0)) == pytest.approx((1 / 3, 0, 1, 1))


@given(st.lists(st.tuples(areas(), areas(least=8), st.booleans()), min_size=1, max_size=5))
def test_boxes_of_many_windows_equal_those_of_each(drawn: list[tuple[Box, Box, bool]]) -> None:
    windows = [Window(area, mirrored) for _, area, mirrored in drawn]
    place_N = np.arange(len(drawn))[::-1]
    seen_N4, visible_N = boxes_in(windows, place_N, np.array([drawn[n][0] for n in place_N]))
    for n, seen_4, visible in zip(place_N, seen_N4.tolist(), visible_N, strict=True):
        alone = windows[n].box(drawn[n][0])
        assert visible == (alone is not None)
        assert alone is None or alone == tuple(seen_4)


def test_random_windows_have_the_sizes_asked_for() -> None:
    torch.manual_seed(0)
    drawn = draw(400, flip=True, smallest=0.5, largest=1.25)
    sides = torch.tensor([(x1 - x0, y1 - y0) for (x0, y0, x1, y1), _ in drawn])
    assert 160 < sum(window.mirrored for window in drawn) < 240
    assert 0.5 <= sides.min() < 0.55
    assert 1.2 < sides.max() <= 1.25
    for (x0, y0, x1, y1), _ in drawn:  # within the photograph or beyond it on both sides
        assert (x0 >= 0 and x1 <= 1) or (x0 <= 0 and x1 >= 1)
        assert (y0 >= 0 and y1 <= 1) or (y0 <= 0 and y1 >= 1)
    assert draw(3, flip=False) == [WHOLE] * 3


def test_each_photograph_of_a_batch_has_its_own_window() -> None:
    torch.manual_seed(0)
    pixels_BHWC = torch.randint(0, 256, (4, SIZE, SIZE, 3), dtype=torch.uint8)
    drawn = draw(4, flip=True, smallest=0.6)
    together = show(pixels_BHWC, drawn)
    assert together.dtype == torch.uint8
    for n, window in enumerate(drawn):
        assert torch.equal(together[n : n + 1], show(pixels_BHWC[n : n + 1], [window]))
