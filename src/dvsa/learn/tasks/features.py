"""Photographs as training sees them: squares of pixels, and features of their regions, both cached."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from dvsa import boxes, photo
from dvsa import regions as core_regions
from dvsa.arrays import Floats
from dvsa.data import Example
from dvsa.learn.loop.order import chunks
from dvsa.learn.loop.progress import progress
from dvsa.learn.nets import backbones, crops, look, proposals, regions, vision
from dvsa.learn.nets.look import Looked
from dvsa.learn.nets.regions import choose_boxes
from dvsa.learn.nets.vision import Vision
from dvsa.learn.tasks.cache import cached, source_code

CHUNK = 32
"""Photographs that go through the backbone at once."""


class SquarePhotographs:
    """The photographs of some examples as squares of `size` pixels, uint8 (K, size, size, 3)."""

    def __init__(
        self, examples: Sequence[Example], size: int, device: torch.device, *, quiet: bool = False
    ) -> None:
        self.examples, self.device, self.quiet = examples, device, quiet
        sources = [
            (e.name, str(e.file.path), e.file.offset, e.file.size, e.file.path.stat().st_mtime_ns)
            for e in examples
        ]
        self.key = f"photographs {size} {sources} {source_code(photo)}".encode()

        def fill(pixels_KHWC: npt.NDArray[np.generic]) -> None:
            with progress("reading photographs", len(examples), quiet=quiet) as advance:
                for k, example in enumerate(examples):
                    pixels_KHWC[k] = photo.squash(photo.read(example.read(), name=example.name), size)
                    advance(1)

        shape = (len(examples), size, size, 3)
        self.pixels_KHWC = torch.from_numpy(cached(self.key, shape, "uint8", fill))
        if device.type == "cuda":
            self.pixels_KHWC = self.pixels_KHWC.to(device)

    def __len__(self) -> int:
        return len(self.examples)

    def batch(self, index: Sequence[int] | slice) -> Tensor:
        """Some photographs on the device, uint8 (B, size, size, 3)."""
        return self.pixels_KHWC[index].to(self.device)

    @cached_property
    def truth(self) -> list[Tensor]:
        """For each photograph, (G, 5) on the CPU: the distinct boxes of its phrases, with phrase counts."""
        counts = [Counter(p.box for p in e.phrases if p.box is not None) for e in self.examples]
        rows = [[[*box, float(n)] for box, n in own.items()] for own in counts]
        return [torch.tensor(own).reshape(-1, 5) for own in rows]

    @property
    def has_boxes(self) -> bool:
        """Whether any phrase has a box."""
        return any(map(len, self.truth))


def look_autocast(net: Vision, pixels_BHWC: Tensor) -> Looked:
    """The same as `net.look`, but on a GPU the convolutions run in bfloat16."""
    with _autocast(pixels_BHWC.device):
        return net.look(pixels_BHWC)


def describe(net: Vision, pixels_BHWC: Tensor, looked: Looked, proposer: str, nms: float) -> Tensor:
    """Features (B, I, F) of the regions that the proposer chooses; crops are cut from the pixels."""
    box_BI4 = choose_boxes(looked.logit_BN, looked.box_BN4, proposer, nms)
    with _autocast(pixels_BHWC.device):
        crop_BIC = net.crops(pixels_BHWC, box_BI4)
    return net.pool(looked.maps, crop_BIC, box_BI4)


def _describe_at_full_resolution(
    net: Vision, examples: Sequence[Example], looked: Looked, proposer: str, nms: float
) -> Tensor:
    """The same, but crops are cut from the photographs themselves."""
    box_BI4 = choose_boxes(looked.logit_BN, looked.box_BN4, proposer, nms)
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
def region_features(net: Vision, photographs: SquarePhotographs, proposer: str, nms: float) -> Tensor:
    """Features (K, I, F) of all regions of all photographs, in half precision; leaves `net` in eval mode.

    They are cached under a digest of everything that they depend on.
    """
    net.eval()
    code = source_code(boxes, core_regions, backbones, crops, look, proposals, regions, vision, photo)
    digest = hashlib.sha256(photographs.key)
    digest.update(f"{proposer} {nms} {net.cfg.of_features} {photographs.device.type} {code}".encode())
    digest.update(net.cfg.backbone.encode())  # the same weights may expect another scale of pixels
    for name, tensor in weights_of_features(net).items():
        digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())

    def fill(feature_KIF: npt.NDArray[np.generic]) -> None:
        with progress("describing regions", len(photographs), quiet=photographs.quiet) as advance:
            for chunk in chunks(len(photographs), CHUNK):
                pixels_BHWC = photographs.batch(chunk)
                looked = look_autocast(net, pixels_BHWC)
                if net.cfg.by_crops and net.cfg.full_resolution:
                    examples = photographs.examples[chunk]
                    feature_BIF = _describe_at_full_resolution(net, examples, looked, proposer, nms)
                else:
                    feature_BIF = describe(net, pixels_BHWC, looked, proposer, nms)
                feature_KIF[chunk] = feature_BIF.half().cpu().numpy()
                advance(len(feature_BIF))

    count = 1 if proposer == "frame" else boxes.PROPOSALS + 1
    array = cached(digest.digest(), (len(photographs), count, net.features), "float16", fill)
    return torch.from_numpy(array).to(photographs.device)


def weights_of_features(net: nn.Module) -> dict[str, Tensor]:
    """The weights on which features depend: all of the photograph's side except the region encoder."""
    return {name: t for name, t in net.state_dict().items() if not name.startswith("regions.")}
