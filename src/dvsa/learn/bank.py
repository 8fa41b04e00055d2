"""What training reads again and again, prepared once: squashed photographs and features of regions."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rich.progress import track
from torch import Tensor, nn

from dvsa import boxes
from dvsa.data import Example
from dvsa.learn.proposals import best_boxes
from dvsa.learn.vision import Vision
from dvsa.photo import read, squash
from dvsa.records import FRAME

CHUNK = 32
"""Photographs that go through the trunk at once."""


def cache_dir() -> Path:
    """Where prepared arrays are kept: DVSA_CACHE, or `dvsa` in the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("DVSA_CACHE") or Path(home) / "dvsa")


def cached(
    key: bytes, shape: tuple[int, ...], dtype: str, fill: Callable[[npt.NDArray[np.generic]], None]
) -> npt.NDArray[np.generic]:
    """The memory-mapped array whose content `key` determines; made by `fill` the first time."""
    path = cache_dir() / f"{hashlib.sha256(key).hexdigest()[:32]}.npy"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.partial")
        array = np.lib.format.open_memmap(partial, mode="w+", dtype=dtype, shape=shape)
        try:
            fill(array)
            array.flush()
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
    return np.load(path, mmap_mode="c")


class Photographs:
    """The photographs of some examples as squares of `size` pixels, uint8 (K, size, size, 3)."""

    def __init__(self, examples: Sequence[Example], size: int, device: torch.device) -> None:
        self.examples, self.device = examples, device
        sources = [
            (e.name, str(e.source.path), e.source.offset, e.source.size, e.source.path.stat().st_mtime_ns)
            for e in examples
        ]
        self.key = f"photographs {size} {sources}".encode()

        def fill(pixels_KHWC: npt.NDArray[np.generic]) -> None:
            for k, example in enumerate(track(examples, "reading photographs", disable=len(examples) < 500)):
                pixels_KHWC[k] = squash(read(example.read(), name=example.name), size)

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
        """For each photograph the distinct boxes of its phrases and how many phrases speak of each, (G, 5)."""
        counts = [Counter(p.box for p in e.phrases if p.box is not None) for e in self.examples]
        rows = [[[*box, float(n)] for box, n in own.items()] for own in counts]
        return [torch.tensor(own, device=self.device).reshape(-1, 5) for own in rows]


def choose_boxes(logit_BN: Tensor, box_BN4: Tensor, proposer: str, nms: float) -> Tensor:
    """The regions of a batch of photographs, the frame last, (B, I, 4): from the `head` or a fixed `grid`."""
    if proposer == "head":
        return best_boxes(logit_BN, box_BN4, keep=19, threshold=nms)
    fixed_I4 = torch.tensor(np.vstack([boxes.grid(), [FRAME]]), dtype=box_BN4.dtype, device=box_BN4.device)
    return fixed_I4.expand(len(logit_BN), -1, -1)


@torch.no_grad()
def region_features(vision: Vision, photographs: Photographs, proposer: str, nms: float) -> Tensor:
    """Features (K, I, F) of every photograph's regions, half precision; cached by content of weights and input."""
    vision.eval()
    digest = hashlib.sha256(photographs.key + f"{proposer} {nms}".encode())
    for name, tensor in weights_of_features(vision).items():
        digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())

    def fill(feature_KIF: npt.NDArray[np.generic]) -> None:
        steps = range(0, len(photographs), CHUNK)
        for first in track(steps, "describing regions", disable=len(steps) < 10):
            chunk = slice(first, first + CHUNK)
            with torch.autocast(
                photographs.device.type, torch.bfloat16, enabled=photographs.device.type == "cuda"
            ):
                fine, coarse, logit_BN, box_BN4 = vision.look(photographs.batch(chunk))
            chosen_BI4 = choose_boxes(logit_BN, box_BN4, proposer, nms)
            feature_KIF[chunk] = vision.pool(fine, coarse, chosen_BI4).half().cpu().numpy()

    array = cached(digest.digest(), (len(photographs), 20, vision.features), "float16", fill)
    return torch.from_numpy(array).to(photographs.device)


def weights_of_features(vision: nn.Module) -> dict[str, Tensor]:
    """The weights on which features depend: all of the photograph's side but the region encoder."""
    return {name: t for name, t in vision.state_dict().items() if not name.startswith("regions.")}
