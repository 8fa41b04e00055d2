"""Features of the regions of photographs, cached while the backbone stays as it is."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from dvsa import boxes, photo
from dvsa import regions as core_regions
from dvsa.arrays import Floats
from dvsa.data import Example
from dvsa.learn.loop.order import chunks
from dvsa.learn.loop.progress import progress_if_needed
from dvsa.learn.nets import backbones, crops, look, proposals, regions, vision
from dvsa.learn.nets.look import Looked
from dvsa.learn.nets.vision import Vision
from dvsa.learn.tasks.cache import Array, source_code
from dvsa.learn.tasks.photographs import DescribedPhotographs, Photographs, SquarePhotographs
from dvsa.learn.tasks.rows_ahead import Rows, cached_rows

CHUNK = 32
"""Photographs that go through the backbone at once."""


def look_autocast(net: Vision, pixels_BHWC: Tensor, *, propose: bool = True) -> Looked:
    """The same as `net.look`, but on a GPU the convolutions run in bfloat16."""
    with _autocast(pixels_BHWC.device):
        return net.look(pixels_BHWC, propose=propose)


def describe(net: Vision, pixels_BHWC: Tensor, looked: Looked, box_BI4: Tensor) -> Tensor:
    """Features (B, I, F) of boxes; crops are cut from the pixels."""
    with _autocast(pixels_BHWC.device):
        crop_BIC = net.crops(pixels_BHWC, box_BI4)
    return net.pool(looked.maps, crop_BIC, box_BI4)


def _describe_at_full_resolution(
    net: Vision, examples: Sequence[Example], looked: Looked, box_BI4: Tensor
) -> Tensor:
    """The same, but crops are cut from the photographs themselves."""
    size, context = net.crop_size, net.cfg.crop_context

    def cut(example: Example, box_I4: Floats) -> npt.NDArray[np.uint8]:
        return photo.crops(photo.read(example.read(), name=example.name).image, box_I4, size, context)

    with ThreadPoolExecutor() as threads:
        crop_BISSC = np.stack(list(threads.map(cut, examples, box_BI4.cpu().numpy())))
    with _autocast(box_BI4.device):
        crop_BIC = net.describe_crops(torch.from_numpy(crop_BISSC).to(box_BI4.device))
    return net.pool(looked.maps, crop_BIC, box_BI4)


def _autocast(device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


@torch.no_grad()
def region_features(net: Vision, photographs: Photographs, proposer: str, nms: float) -> Rows:
    """Features (K, I, F) of all regions of all photographs, in half precision; leaves `net` in eval mode.

    They are cached under a digest of everything that they depend on.
    """
    net.eval()
    if isinstance(photographs, DescribedPhotographs):
        return photographs.features(proposer)
    assert isinstance(photographs, SquarePhotographs)
    shape = (len(photographs), photographs.regions(proposer), net.features)
    digest = _digest(net, proposer, nms, photographs.device)

    with progress_if_needed("describing regions", len(photographs), quiet=photographs.quiet) as advance:

        def fill(rows: slice, feature_KIF: Array) -> None:
            for chunk in chunks(rows.stop - rows.start, CHUNK):
                place = slice(rows.start + chunk.start, rows.start + chunk.stop)
                feature_KIF[chunk] = _described(net, photographs, place, proposer, nms)
                advance(chunk.stop - chunk.start)

        keys = [digest + key for key in photographs.keys]
        return cached_rows(keys, shape, "float16", fill, photographs.device)


def _described(
    net: Vision, photographs: SquarePhotographs, chunk: slice, proposer: str, nms: float
) -> npt.NDArray[np.float16]:
    """The features of some photographs, (B, I, F)."""
    pixels_BHWC = photographs.batch(chunk)
    looked = look_autocast(net, pixels_BHWC, propose=photographs.proposed(proposer))
    box_BI4 = photographs.boxes(chunk, looked, proposer, nms)
    if net.cfg.by_crops and net.cfg.full_resolution:
        feature_BIF = _describe_at_full_resolution(net, photographs.examples[chunk], looked, box_BI4)
    else:
        feature_BIF = describe(net, pixels_BHWC, looked, box_BI4)
    half_BIF: npt.NDArray[np.float16] = feature_BIF.half().cpu().numpy()
    return half_BIF


def _digest(net: Vision, proposer: str, nms: float, device: torch.device) -> bytes:
    """Of everything but the photographs that features depend on."""
    code = source_code(boxes, core_regions, backbones, crops, look, proposals, regions, vision, photo)
    digest = hashlib.sha256(f"{proposer} {nms} {net.cfg.of_features} {device.type} {code}".encode())
    digest.update(net.cfg.backbone.encode())  # the same weights may expect another scale of pixels
    for name, tensor in weights_of_features(net).items():
        digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
    return digest.digest()


def weights_of_features(net: nn.Module) -> dict[str, Tensor]:
    """The weights on which features depend: all of the photograph's side except the region encoder."""
    return {name: t for name, t in net.state_dict().items() if not name.startswith("regions.")}
