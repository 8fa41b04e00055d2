"""Views: parts of photographs, perhaps mirrored, that training shows instead of the whole.

A view changes no word, so a sentence stays true of most of it; and its boxes move with it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from dvsa.records import FRAME, Box

VISIBLE = 0.5
"""Share of a box's area that a view must show for the box to be spoken of."""


class View(NamedTuple):
    """A window of a photograph, in fractions of it, and whether left and right are exchanged in it."""

    window: Box = FRAME
    mirrored: bool = False

    def box(self, box: Box) -> Box | None:
        """A box of the photograph as it lies in the view, cut off at the edges; None where it is not seen."""
        left, top, right, bottom = self.window
        x0, x1 = ((x - left) / (right - left) for x in (box[0], box[2]))
        y0, y1 = ((y - top) / (bottom - top) for y in (box[1], box[3]))
        if self.mirrored:
            x0, x1 = 1 - x1, 1 - x0
        seen = max(x0, 0.0), max(y0, 0.0), min(x1, 1.0), min(y1, 1.0)
        shown = max(seen[2] - seen[0], 0.0) * max(seen[3] - seen[1], 0.0)
        return seen if shown >= VISIBLE * (x1 - x0) * (y1 - y0) else None

    def truth(self, truth_G5: Tensor) -> Tensor:
        """The visible ones of a photograph's true boxes (as rows of x0, y0, x1, y1, number of phrases)."""
        placed = [(self.box((x0, y0, x1, y1)), n) for x0, y0, x1, y1, n in truth_G5.tolist()]
        return truth_G5.new_tensor([[*box, n] for box, n in placed if box is not None]).reshape(-1, 5)


WHOLE = View()


def draw(count: int, *, flip: bool, least: float = 1.0, most: float = 1.0) -> list[View]:
    """So many views at random, half of them mirrored where `flip` says so.

    The sides of their windows are shares between `least` and `most` of the photograph's; a longer one holds
    all of that side, and what is beyond it, too.
    """
    mirrored_B = torch.rand(count) < (0.5 if flip else 0.0)
    if least == most == 1:
        return [View(FRAME, mirrored) for mirrored in mirrored_B.tolist()]
    size_B2 = least + (most - least) * torch.rand(count, 2)
    low_B2 = (1 - size_B2) * torch.rand(count, 2)
    window_B4 = torch.cat([low_B2, low_B2 + size_B2], 1)
    return [
        View((x0, y0, x1, y1), m)
        for (x0, y0, x1, y1), m in zip(window_B4.tolist(), mirrored_B.tolist(), strict=True)
    ]


def show(pixels_BHWC: Tensor, views: Sequence[View]) -> Tensor:
    """The views of a batch of photographs, of the same size, uint8 or float as they were."""
    mirrored_B = torch.tensor([view.mirrored for view in views], device=pixels_BHWC.device)
    window_B4 = torch.tensor([view.window for view in views], device=pixels_BHWC.device)
    if all(view.window == FRAME for view in views):
        return torch.where(mirrored_B[:, None, None, None], pixels_BHWC.flip(2), pixels_BHWC)
    centre_B2 = window_B4[:, :2] + window_B4[:, 2:] - 1
    size_B2 = window_B4[:, 2:] - window_B4[:, :2]
    map_B23 = pixels_BHWC.new_zeros(len(views), 2, 3, dtype=torch.float32)
    map_B23[:, 0, 0] = torch.where(mirrored_B, -size_B2[:, 0], size_B2[:, 0])
    map_B23[:, 1, 1] = size_B2[:, 1]
    map_B23[:, :, 2] = centre_B2
    x_BCHW = pixels_BHWC.permute(0, 3, 1, 2).float()
    place_BHW2 = functional.affine_grid(map_B23, list(x_BCHW.shape), align_corners=False)
    seen_BCHW = functional.grid_sample(x_BCHW, place_BHW2, padding_mode="border", align_corners=False)
    return seen_BCHW.permute(0, 2, 3, 1).to(pixels_BHWC.dtype)
