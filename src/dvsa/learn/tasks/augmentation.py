"""Augmentation: training shows random windows of photographs, perhaps mirrored, instead of the whole.

A window changes no word, so a sentence stays true of most windows. Boxes move with the window.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dvsa.arrays import BoolArray, FloatArray, IntArray
from dvsa.learn.loop.transfer import on_device
from dvsa.records import FRAME, Box

VISIBLE = 0.5
"""Share of a box's area that a window must show for the box to count."""


class Window(NamedTuple):
    """A part of a photograph, in fractions of it, and whether it is mirrored."""

    area: Box = FRAME
    mirrored: bool = False

    def box(self, box: Box) -> Box | None:
        """A box of the photograph in the window's coordinates, cut off at its edges; None if it is hidden."""
        seen_14, visible_1 = boxes_in([self], np.zeros(1, np.int64), np.array([box]))
        x0, y0, x1, y1 = seen_14[0].tolist()
        return (x0, y0, x1, y1) if visible_1[0] else None


WHOLE = Window()


def boxes_in(
    windows: Sequence[Window], window_N: IntArray, box_N4: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """Boxes in the coordinates of windows, cut off at their edges (N, 4), and which are visible (N,).

    `window_N` is the window of each box.
    """
    area_N4 = np.array([window.area for window in windows]).reshape(-1, 4)[window_N]
    mirrored_N1 = np.array([window.mirrored for window in windows], np.bool_)[window_N, None]

    # The corners relative to the window.
    size_N2 = area_N4[:, 2:] - area_N4[:, :2]
    low_N2, high_N2 = ((box_N4[:, side] - area_N4[:, :2]) / size_N2 for side in (slice(0, 2), slice(2, 4)))
    left_N1, right_N1 = low_N2[:, :1], high_N2[:, :1]
    low_N2 = np.hstack([np.where(mirrored_N1, 1 - right_N1, left_N1), low_N2[:, 1:]])
    high_N2 = np.hstack([np.where(mirrored_N1, 1 - left_N1, right_N1), high_N2[:, 1:]])

    # What the window shows of them.
    seen_N4 = np.hstack([low_N2.clip(min=0), high_N2.clip(max=1)])
    shown_N = (seen_N4[:, 2:] - seen_N4[:, :2]).clip(min=0).prod(1)
    return seen_N4, shown_N >= VISIBLE * (high_N2 - low_N2).prod(1)


def draw(count: int, *, flip: bool, smallest: float = 1.0, largest: float = 1.0) -> list[Window]:
    """Random windows; half of them are mirrored if `flip`.

    Each side of a window is a random share of the photograph's, from `smallest` to `largest`. A share above 1
    shows the whole side and what lies beyond it.
    """
    mirrored_B = torch.rand(count) < (0.5 if flip else 0.0)
    if smallest == largest == 1:
        return [Window(FRAME, mirrored) for mirrored in mirrored_B.tolist()]

    size_B2 = smallest + (largest - smallest) * torch.rand(count, 2)
    low_B2 = (1 - size_B2) * torch.rand(count, 2)
    area_B4 = torch.cat([low_B2, low_B2 + size_B2], 1)
    return [
        Window((x0, y0, x1, y1), mirrored)
        for (x0, y0, x1, y1), mirrored in zip(area_B4.tolist(), mirrored_B.tolist(), strict=True)
    ]


def show(pixels_BHWC: Tensor, windows: Sequence[Window]) -> Tensor:
    """The windows of a batch of photographs, resized to the photographs' size; the dtype stays."""
    mirrored_B = on_device([window.mirrored for window in windows], pixels_BHWC.device)
    area_B4 = on_device([window.area for window in windows], pixels_BHWC.device)
    if all(window.area == FRAME for window in windows):
        return torch.where(mirrored_B[:, None, None, None], pixels_BHWC.flip(2), pixels_BHWC)

    # One affine map for each window, in coordinates from -1 to 1.
    size_B2 = area_B4[:, 2:] - area_B4[:, :2]
    map_B23 = pixels_BHWC.new_zeros(len(windows), 2, 3, dtype=torch.float32)
    map_B23[:, 0, 0] = torch.where(mirrored_B, -size_B2[:, 0], size_B2[:, 0])
    map_B23[:, 1, 1] = size_B2[:, 1]
    map_B23[:, :, 2] = area_B4[:, :2] + area_B4[:, 2:] - 1

    # Beyond the photograph its edges are repeated.
    x_BCHW = pixels_BHWC.permute(0, 3, 1, 2).float()
    place_BHW2 = functional.affine_grid(map_B23, list(x_BCHW.shape), align_corners=False)
    seen_BCHW = functional.grid_sample(x_BCHW, place_BHW2, padding_mode="border", align_corners=False)
    return seen_BCHW.permute(0, 2, 3, 1).to(pixels_BHWC.dtype)
