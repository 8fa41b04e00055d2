"""Views: a window of a photograph shows what is in it, and boxes move with what they hold."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dvsa.learn.tasks import augmentation as views
from dvsa.learn.tasks.augmentation import VISIBLE, WHOLE, Window
from dvsa.records import Box

SIZE = 32


@st.composite
def windows(draw: st.DrawFn, least: int = 1) -> Box:
    """Boxes on the borders of 32 cells, each side at least so many cells long."""
    x0, y0 = draw(st.integers(0, SIZE - least)), draw(st.integers(0, SIZE - least))
    x1, y1 = draw(st.integers(x0 + least, SIZE)), draw(st.integers(y0 + least, SIZE))
    return x0 / SIZE, y0 / SIZE, x1 / SIZE, y1 / SIZE


def painted(box: Box) -> torch.Tensor:
    """A black photograph with a white box, (1, 32, 32, 3)."""
    x0, y0, x1, y1 = (round(edge * SIZE) for edge in box)
    pixels_BHWC = torch.zeros(1, SIZE, SIZE, 3, dtype=torch.uint8)
    pixels_BHWC[:, y0:y1, x0:x1] = 255
    return pixels_BHWC


@given(windows(), windows(least=8), st.booleans())
def test_a_box_lies_where_the_view_shows_what_it_holds(box: Box, window: Box, mirrored: bool) -> None:
    view = Window(window, mirrored)
    light_HW = views.show(painted(box), [view])[0, :, :, 0].float() / 255
    found = view.box(box)
    inside = max(min(box[2], window[2]) - max(box[0], window[0]), 0) * max(
        min(box[3], window[3]) - max(box[1], window[1]), 0
    )
    assert (found is not None) == (inside >= VISIBLE * (box[2] - box[0]) * (box[3] - box[1]) * (1 - 1e-9))
    if found is not None:
        x0, y0, x1, y1 = (edge * SIZE for edge in found)
        at_H, at_W = torch.meshgrid(*[torch.arange(SIZE) + 0.5] * 2, indexing="ij")
        blur = 1 / min(window[2] - window[0], window[3] - window[1])  # pixels of an enlarged view are mixed
        well_inside = (at_W > x0 + blur) & (at_W < x1 - blur) & (at_H > y0 + blur) & (at_H < y1 - blur)
        outside = (at_W < x0 - blur) | (at_W > x1 + blur) | (at_H < y0 - blur) | (at_H > y1 + blur)
        assert (light_HW[well_inside] > 0.98).all()
        assert (light_HW[outside] < 0.02).all()


@given(windows())
def test_the_whole_is_the_photograph_itself_and_two_mirrors_are_none(box: Box) -> None:
    mirror = Window(mirrored=True)
    assert WHOLE.box(box) == box
    assert torch.equal(views.show(painted(box), [WHOLE]), painted(box))
    once = mirror.box(box)
    assert once is not None
    assert mirror.box(once) == box
    assert torch.equal(views.show(painted(box), [mirror]), painted(once))
    assert torch.equal(views.show(views.show(painted(box), [mirror]), [mirror]), painted(box))


def test_a_view_beyond_the_photograph_repeats_its_edges() -> None:
    seen_HW = views.show(painted((0.0, 0.0, 0.5, 1.0)), [Window((-0.5, 0.0, 1.0, 1.0))])[0, :, :, 0]
    assert (seen_HW[:, :20] == 255).all()
    assert (seen_HW[:, 22:] == 0).all()
    assert Window((-0.5, 0.0, 1.0, 1.0)).box((0.0, 0.0, 1.0, 1.0)) == pytest.approx((1 / 3, 0, 1, 1))


def test_true_boxes_that_are_not_visible_teach_nothing() -> None:
    truth_G5 = torch.tensor([[0.0, 0.0, 0.5, 1.0, 3.0], [0.6, 0.0, 1.0, 0.5, 1.0]])
    left = Window((0.0, 0.0, 0.5, 1.0), mirrored=True)
    torch.testing.assert_close(left.truth(truth_G5), torch.tensor([[0.0, 0.0, 1.0, 1.0, 3.0]]))
    assert Window((0.0, 0.0, 0.1, 0.1)).truth(truth_G5[1:]).shape == (0, 5)


def test_views_are_drawn_as_asked_for() -> None:
    torch.manual_seed(0)
    drawn = views.draw(400, flip=True, smallest=0.5, largest=1.25)
    sides = torch.tensor([(x1 - x0, y1 - y0) for (x0, y0, x1, y1), _ in drawn])
    assert 160 < sum(view.mirrored for view in drawn) < 240
    assert 0.5 <= sides.min() < 0.55
    assert 1.2 < sides.max() <= 1.25
    for (x0, y0, x1, y1), _ in drawn:  # either within the photograph, or all around it
        assert (x0 >= 0 and x1 <= 1) or (x0 <= 0 and x1 >= 1)
        assert (y0 >= 0 and y1 <= 1) or (y0 <= 0 and y1 >= 1)
    assert views.draw(3, flip=False) == [WHOLE] * 3


def test_each_photograph_of_a_batch_is_seen_through_its_own_view() -> None:
    torch.manual_seed(0)
    pixels_BHWC = torch.randint(0, 256, (4, SIZE, SIZE, 3), dtype=torch.uint8)
    drawn = views.draw(4, flip=True, smallest=0.6)
    together = views.show(pixels_BHWC, drawn)
    assert together.dtype == torch.uint8
    for n, view in enumerate(drawn):
        assert torch.equal(together[n : n + 1], views.show(pixels_BHWC[n : n + 1], [view]))
