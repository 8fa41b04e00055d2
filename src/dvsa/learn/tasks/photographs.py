"""Photographs as training sees them: squares of pixels, or features of regions from files; both cached."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from multiprocessing.pool import ThreadPool

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dvsa import boxes, photo
from dvsa.data import Example, GivenRegions, padded
from dvsa.learn.loop.progress import progress
from dvsa.learn.nets.look import Looked
from dvsa.learn.nets.regions import choose_boxes
from dvsa.learn.nets.vision_config import GEOMETRY
from dvsa.learn.tasks.cache import cached, source_code
from dvsa.learn.tasks.ragged import Rows


class Photographs(ABC):
    """The photographs of some examples, and the boxes of their phrases."""

    key: bytes
    """Depends on everything that the arrays depend on."""

    def __init__(self, examples: Sequence[Example], device: torch.device, *, quiet: bool = False) -> None:
        self.examples, self.device, self.quiet = examples, device, quiet

    def __len__(self) -> int:
        return len(self.examples)

    @abstractmethod
    def batch(self, index: Sequence[int] | slice) -> Tensor:
        """Some photographs on the device, uint8 (B, size, size, 3); ValueError if there are only features."""

    @abstractmethod
    def regions(self, proposer: str) -> int:
        """The number of regions of each photograph, the frame included."""

    @cached_property
    def truth(self) -> Rows:
        """For each photograph, (G, 5) on the CPU: the distinct boxes of its phrases, with phrase counts."""
        counts = (Counter(p.box for p in e.phrases if p.box is not None) for e in self.examples)
        return Rows(([[*box, n] for box, n in own.items()] for own in counts), width=5)

    @property
    def has_boxes(self) -> bool:
        """Whether any phrase has a box."""
        return not self.truth.empty


class SquarePhotographs(Photographs):
    """Photographs as squares of `size` pixels, uint8 (K, size, size, 3)."""

    given_KI4: Tensor | None = None
    """Boxes from files, the frame last, on the CPU; None if a proposer chooses the boxes."""

    def __init__(
        self,
        examples: Sequence[Example],
        size: int,
        device: torch.device,
        *,
        given: GivenRegions | None = None,
        quiet: bool = False,
    ) -> None:
        super().__init__(examples, device, quiet=quiet)
        files = [e.file for e in examples]
        sources = [
            (e.name, str(f.path), f.offset, f.size, f.path.stat().st_mtime_ns)
            for e, f in zip(examples, files, strict=True)
        ]
        self.key = f"photographs {size} {sources} {source_code(photo)}".encode()

        def read(example: Example) -> npt.NDArray[np.uint8]:
            return photo.squash(photo.read(example.read(), name=example.name), size)

        def fill(pixels_KHWC: npt.NDArray[np.generic]) -> None:
            with progress("reading photographs", len(examples), quiet=quiet) as advance, ThreadPool() as pool:
                for k, square in enumerate(pool.imap(read, examples, chunksize=8)):
                    pixels_KHWC[k] = square
                    advance(1)

        shape = (len(examples), size, size, 3)
        self.pixels_KHWC = torch.from_numpy(cached(self.key, shape, "uint8", fill))
        if device.type == "cuda":
            self.pixels_KHWC = self.pixels_KHWC.to(device)
        if given is not None:
            self._take_boxes(given)

    def _take_boxes(self, given: GivenRegions) -> None:
        """Use boxes from files in place of proposals."""
        own = [given.of(example) for example in self.examples]
        count = 1 + max(len(regions) for regions in own)
        box_KI4 = np.stack([padded(regions, count).box_I4 for regions in own])
        self.given_KI4 = torch.from_numpy(box_KI4)
        self.key += box_KI4.tobytes()

    def batch(self, index: Sequence[int] | slice) -> Tensor:
        return self.pixels_KHWC[index].to(self.device)

    def regions(self, proposer: str) -> int:
        if proposer == "frame":
            return 1
        return boxes.PROPOSALS + 1 if self.given_KI4 is None else self.given_KI4.shape[1]

    def proposed(self, proposer: str) -> bool:
        """Whether a network proposes the regions."""
        return self.given_KI4 is None and proposer not in ("grid", "frame")

    def boxes(self, index: Sequence[int] | slice, looked: Looked, proposer: str, nms: float) -> Tensor:
        """The regions of some photographs, the frame last, (B, I, 4): from files, or chosen by a proposer."""
        if self.given_KI4 is None or proposer == "frame":
            return choose_boxes(looked.logit_BN, looked.box_BN4, proposer, nms)
        return self.given_KI4[index].to(looked.box_BN4)


class DescribedPhotographs(Photographs):
    """Photographs of which there are only features of regions, from files."""

    def __init__(
        self,
        examples: Sequence[Example],
        given: GivenRegions,
        device: torch.device,
        *,
        quiet: bool = False,
    ) -> None:
        super().__init__(examples, device, quiet=quiet)
        self.key = f"given {given.stamp} {[example.name for example in examples]}".encode()
        self.count = 1 + max(len(given.of(example)) for example in examples)

        def fill(feature_KIF: npt.NDArray[np.generic]) -> None:
            with progress("reading features of regions", len(examples), quiet=quiet) as advance:
                for k, example in enumerate(examples):
                    box_I4, _, feature_IF = padded(given.of(example), self.count)
                    assert feature_IF is not None
                    area_I1 = (box_I4[:, 2:] - box_I4[:, :2]).prod(1, keepdims=True)
                    feature_KIF[k] = np.hstack([feature_IF, box_I4, area_I1])
                    advance(1)

        shape = (len(examples), self.count, given.features + GEOMETRY)
        self.feature_KIF = torch.from_numpy(cached(self.key, shape, "float16", fill))

    def batch(self, index: Sequence[int] | slice) -> Tensor:
        raise ValueError("the data has features of regions, but no photographs")

    def regions(self, proposer: str) -> int:
        return 1 if proposer == "frame" else self.count

    def features(self, proposer: str) -> Tensor:
        """All regions of all photographs, or the frames alone: (K, I, F) on the device, half precision."""
        feature_KIF = self.feature_KIF[:, -1:] if proposer == "frame" else self.feature_KIF
        return feature_KIF.to(self.device)
