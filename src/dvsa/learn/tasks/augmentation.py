"""Augmentation: training shows random windows of photographs, perhaps mirrored, instead of the whole.

A window changes no word, so a sentence stays true of most windows. Boxes move with the window.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

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
        left, top, right, bottom = self.area
        x0, x1 = ((x - left) / (right - left) for x in (box[0], box[2]))
        y0, y1 = ((y - top) / (bottom - top) for y in (box[1], box[3]))
        if self.mirrored:
            x0, x1 = 1 - x1, 1 - x0

        seen = max(x0, 0.0), max(y0, 0.0), min(x1, 1.0), min(y1, 1.0)
        shown = max(seen[2] - seen[0], 0.0) * max(seen[3] - seen[1], 0.0)
        return seen if shown >= VISIBLE * (x1 - x0) * (y1 - y0) else None

    def truth(self, truth_G5: Tensor) -> Tensor:
        """The visible ones of a photograph's true boxes, as rows of x0, y0, x1, y1, phrase count."""
        placed = [(self.box((x0, y0, x1, y1)), n) for x0, y0, x1, y1, n in truth_G5.tolist()]
        return truth_G5.new_tensor([[*box, n] for box, n in placed if box is not None]).reshape(-1, 5)


WHOLE = Window()


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
