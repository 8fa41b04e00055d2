"""Crops: the part of a photograph in a box, warped to a square (paper, section 3.1.1).

The filter is bilinear. It is widened where a box is larger than the square, so there is no aliasing. The same
filter cuts the crops of `dvsa.photo` in use; here it is two matrix products, which run on any device and in
any runtime.
"""

import torch
from torch import Tensor

from dvsa.boxes import MIN_SIDE
from dvsa.records import FRAME


def cut(pixels_BHWC: Tensor, box_BI4: Tensor, size: int, context: float = 0.0) -> Tensor:
    """The parts of photographs in boxes as squares of `size` pixels: float in [0, 255], (B, I, S, S, 3).

    Args:
        pixels_BHWC: photographs.
        box_BI4: boxes of each photograph.
        size: S, side of a crop.
        context: how much a crop shows beyond each edge of its box, as a share of the box's sides; never
            beyond the photograph.
    """
    with torch.autocast(pixels_BHWC.device.type, enabled=False):  # bfloat16 would lose grey levels
        return _cut(pixels_BHWC.float(), widened(box_BI4.float(), context), size)


def _cut(pixels_BHWC: Tensor, box_BI4: Tensor, size: int) -> Tensor:
    batch, height, width, channels = pixels_BHWC.shape
    x0_BI, y0_BI, x1_BI, y1_BI = box_BI4.unbind(-1)
    down_BISH = _weights(y0_BI, y1_BI, height, size)
    across_BIWS = _weights(x0_BI, x1_BI, width, size).transpose(-1, -2)

    # First the rows of all channels, then the columns.
    rows_BHX = pixels_BHWC.transpose(2, 3).reshape(batch, height, channels * width)
    low_BYX = down_BISH.flatten(1, 2) @ rows_BHX
    low_BIXW = low_BYX.reshape(batch, -1, size * channels, width)
    crop_BISCS = (low_BIXW @ across_BIWS).reshape(batch, -1, size, channels, size)
    return crop_BISCS.transpose(3, 4)


def resized(pixels_BHWC: Tensor, size: int) -> Tensor:
    """Photographs as squares of `size` pixels, (B, size, size, 3); unchanged if they have this size."""
    if pixels_BHWC.shape[1:3] == (size, size):
        return pixels_BHWC
    frame_B14 = torch.tensor([[FRAME]], device=pixels_BHWC.device).expand(pixels_BHWC.shape[0], -1, -1)
    return cut(pixels_BHWC, frame_B14, size)[:, 0]


def widened(box_BI4: Tensor, context: float) -> Tensor:
    """Boxes with a share of their sides added at each edge, within the photograph; see `boxes.widened`."""
    margin_BI2 = context * (box_BI4[..., 2:] - box_BI4[..., :2])
    low_BI2 = (box_BI4[..., :2] - margin_BI2).clamp(0, 1 - MIN_SIDE)
    high_BI2 = torch.maximum((box_BI4[..., 2:] + margin_BI2).clamp(0, 1), low_BI2 + MIN_SIDE)
    return torch.cat([low_BI2, high_BI2], -1)


def _weights(low_BI: Tensor, high_BI: Tensor, pixels: int, size: int) -> Tensor:
    """The weight of each of `pixels` pixels in each of `size` places between low and high, (B, I, S, N)."""
    place_S = (torch.arange(size, device=low_BI.device, dtype=low_BI.dtype) + 0.5) / size
    pixel_N = torch.arange(pixels, device=low_BI.device, dtype=low_BI.dtype) + 0.5

    # A triangle around each place. Its half width is one pixel, or one place if places are further apart.
    step_BI11 = ((high_BI - low_BI) * pixels / size).clamp(min=1)[..., None, None]
    centre_BIS = (low_BI[..., None] + (high_BI - low_BI)[..., None] * place_S) * pixels
    weight_BISN = (1 - (pixel_N - centre_BIS[..., None]).abs() / step_BI11).clamp(min=0)
    return weight_BISN / weight_BISN.sum(-1, keepdim=True)
