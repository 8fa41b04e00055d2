"""Photographs as training sees them: squares of pixels, or features of regions from files."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from dvsa import boxes
from dvsa.data import Example, GivenRegions, Subset, padded
from dvsa.learn.loop.progress import progress_if_needed
from dvsa.learn.nets.look import Looked
from dvsa.learn.nets.regions import choose_boxes
from dvsa.learn.nets.vision_config import GEOMETRY
from dvsa.learn.tasks import ragged
from dvsa.learn.tasks.cache import Array, shards
from dvsa.learn.tasks.rows_ahead import Rows, cached_rows, expecting, is_small, rows_of, take
from dvsa.learn.tasks.squares import Squares


class Photographs(ABC):
    """The photographs of some examples, and the boxes of their phrases."""

    examples: Sequence[Example]
    keys: Sequence[bytes]
    """Of each shard of `SHARD` photographs; it depends on everything that their arrays depend on."""

    faults: Sequence[tuple[str, str]] = ()
    """The name of each photograph that cannot be read and is left out, and why."""

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
    def truth(self) -> ragged.Rows:
        """For each photograph, (G, 5) on the CPU: the distinct boxes of its phrases, with phrase counts."""
        counts = (Counter(p.box for p in e.phrases if p.box is not None) for e in self.examples)
        return ragged.Rows(([[*box, n] for box, n in own.items()] for own in counts), width=5)

    @property
    def has_boxes(self) -> bool:
        """Whether any phrase has a box."""
        return not self.truth.empty


class SquarePhotographs(Photographs):
    """Photographs as squares of `size` pixels, uint8 (K, size, size, 3).

    They are kept as squares if there is room. Otherwise threads decode those of the next batches. Photographs
    that cannot be read are left out of `examples`.
    """

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
        """Decode each photograph once; what is known from an earlier run is not computed again."""
        squares = Squares(examples, size, quiet=quiet)
        small = is_small(squares.shape, "uint8", device)
        pixels_KHWC = torch.from_numpy(squares.all()) if small else None

        # Photographs that cannot be read are left out.
        readable_K = squares.readable()
        self.faults = [(examples[k].name, squares.fault(k)) for k in np.flatnonzero(~readable_K).tolist()]
        if self.faults:
            examples = Subset(examples, np.flatnonzero(readable_K))
            if not len(examples):
                raise ValueError(f"no photograph can be read, the first because of: {self.faults[0][1]}")
            squares = Squares(examples, size, quiet=quiet)
            pixels_KHWC = None if pixels_KHWC is None else pixels_KHWC[torch.from_numpy(readable_K)]

        super().__init__(examples, device, quiet=quiet)
        self.keys = squares.keys
        self.pixels_KHWC: Rows
        if pixels_KHWC is None:
            self.pixels_KHWC = rows_of(squares.one, squares.shape, "uint8", device)
        else:
            self.pixels_KHWC = pixels_KHWC.to(device)
        if given is not None:
            self._take_boxes(given)

    def _take_boxes(self, given: GivenRegions) -> None:
        """Use boxes from files in place of proposals."""
        own = [given.of(example) for example in self.examples]
        count = 1 + max(len(regions) for regions in own)
        box_KI4 = np.stack([padded(regions, count).box_I4 for regions in own])
        self.given_KI4 = torch.from_numpy(box_KI4)
        self.keys = [
            key + box_KI4[rows].tobytes() for key, rows in zip(self.keys, shards(len(box_KI4)), strict=True)
        ]

    def batch(self, index: Sequence[int] | slice) -> Tensor:
        rows = self.pixels_KHWC
        return rows[index] if isinstance(index, slice) else take(rows, index)

    def expecting(self, batches: Iterable[Sequence[int]]) -> AbstractContextManager[None]:
        """Prepare batches that will be asked for in this order."""
        return expecting(self.pixels_KHWC, batches)

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
        self.given, self.count = given, 1 + max(len(given.of(example)) for example in examples)
        self.keys = [
            f"given {given.stamp} {self.count} {[e.name for e in examples[rows]]}".encode()
            for rows in shards(len(examples))
        ]
        self.width = given.features + GEOMETRY

    def batch(self, index: Sequence[int] | slice) -> Tensor:
        raise ValueError("the data has features of regions, but no photographs")

    def regions(self, proposer: str) -> int:
        return 1 if proposer == "frame" else self.count

    def features(self, proposer: str) -> Rows:
        """All regions of all photographs, or the frames alone: (K, I, F) on the device, half precision."""
        count = self.regions(proposer)
        with progress_if_needed("reading features of regions", len(self), quiet=self.quiet) as advance:

            def fill(rows: slice, feature_KIF: Array) -> None:
                for k, example in enumerate(self.examples[rows]):
                    box_I4, _, feature_IF = padded(self.given.of(example), self.count)
                    assert feature_IF is not None
                    area_I1 = (box_I4[:, 2:] - box_I4[:, :2]).prod(1, keepdims=True)
                    feature_KIF[k] = np.hstack([feature_IF, box_I4, area_I1])[-count:]
                    advance(1)

            keys = [key + proposer.encode() for key in self.keys]
            return cached_rows(keys, (len(self), count, self.width), "float16", fill, self.device)
