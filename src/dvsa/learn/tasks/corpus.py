"""What training reads again and again, prepared once: squashed photographs, features of regions, word ids."""

import hashlib
import inspect
import os
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from dvsa import boxes, files, photo, regions
from dvsa.data import Example
from dvsa.learn.loop.progress import progress
from dvsa.learn.nets import backbone, proposals, vision
from dvsa.learn.nets.vision import Looked, Vision
from dvsa.records import FRAME, Box
from dvsa.text import Vocabulary, pad, words

CHUNK = 32
"""Photographs that go through the trunk at once."""


def cache_dir() -> Path:
    """Where prepared arrays are kept: DVSA_CACHE, or `dvsa` in the user's cache folder.

    Nothing in it is needed: it may be deleted whenever no training runs.
    """
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("DVSA_CACHE") or Path(home) / "dvsa")


def cached(
    key: bytes, shape: tuple[int, ...], dtype: str, fill: Callable[[npt.NDArray[np.generic]], None]
) -> npt.NDArray[np.generic]:
    """The memory-mapped array whose content `key` determines; made by `fill` the first time."""
    path = cache_dir() / f"{hashlib.sha256(key).hexdigest()[:32]}.npy"
    if not path.is_file():
        with files.replacing(path) as partial:
            filled = np.lib.format.open_memmap(partial, mode="w+", dtype=dtype, shape=shape)
            fill(filled)
            filled.flush()
    array: npt.NDArray[np.generic] = np.load(path, mmap_mode="c")
    return array


def _code(*modules: ModuleType) -> str:
    """The source of the modules that make an array: part of its key, so that no array outlives a change."""
    return "".join(inspect.getsource(module) for module in modules)


class Photographs:
    """The photographs of some examples as squares of `size` pixels, uint8 (K, size, size, 3)."""

    def __init__(
        self, examples: Sequence[Example], size: int, device: torch.device, *, quiet: bool = False
    ) -> None:
        self.examples, self.device, self.quiet = examples, device, quiet
        sources = [
            (e.name, str(e.source.path), e.source.offset, e.source.size, e.source.path.stat().st_mtime_ns)
            for e in examples
        ]
        self.key = f"photographs {size} {sources} {_code(photo)}".encode()

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
        """For each photograph, (G, 5) on the CPU: distinct boxes of phrases, and how many speak of each."""
        counts = [Counter(p.box for p in e.phrases if p.box is not None) for e in self.examples]
        rows = [[[*box, float(n)] for box, n in own.items()] for own in counts]
        return [torch.tensor(own).reshape(-1, 5) for own in rows]


class Mention(NamedTuple):
    """A phrase with a box, as training sees it."""

    places: tuple[int, ...]
    """Of its known words among those of its sentence."""
    box: Box


def mentions(example: Example, vocabulary: Vocabulary) -> list[list[Mention]]:
    """The boxed phrases of each sentence; a phrase without a known word is left out."""
    found = []
    for n, text in enumerate(example.sentences):
        known = [word in vocabulary for word in words(text)]
        place = np.cumsum(known) - 1
        own = [
            (p, [int(place[t]) for t in range(p.first, p.last + 1) if known[t]])
            for p in example.phrases
            if p.sentence == n
        ]
        found.append([Mention(tuple(at), p.box) for p, at in own if at and p.box is not None])
    return found


class Corpus:
    """Two splits as training sees them, and the vocabulary.

    Training leaves out sentences without a known word, and photographs that then have none; validation
    leaves out photographs without sentences only.
    """

    def __init__(
        self,
        train: Sequence[Example],
        val: Sequence[Example],
        vocabulary: Vocabulary,
        size: int,
        device: torch.device,
        *,
        quiet: bool = False,
    ) -> None:
        """Raises ValueError where a split has no sentence with a known word."""
        self.vocabulary, self.device, self.quiet = vocabulary, device, quiet

        def encoded(example: Example) -> list[list[int]]:
            return [vocabulary.encode(words(s)) for s in example.sentences]

        learnt = [(e, [s for s in encoded(e) if s]) for e in train]
        learnt = [(e, ids) for e, ids in learnt if ids]
        judged = [(e, encoded(e)) for e in val if e.sentences]
        for split, pairs in (("training", learnt), ("validation", judged)):
            if not any(s for _, ids in pairs for s in ids):
                raise ValueError(f"no sentence of the {split} split has a known word: lower min_count")
        self.train, self.val = (
            Photographs([e for e, _ in pairs], size, device, quiet=quiet) for pairs in (learnt, judged)
        )
        self.train_ids, self.val_ids = ([ids for _, ids in pairs] for pairs in (learnt, judged))

    @cached_property
    def train_mentions(self) -> list[list[list[Mention]]]:
        """The boxed phrases of each training photograph's sentences, in the order of `train_ids`."""

        def known(sentence: str) -> bool:
            return any(word in self.vocabulary for word in words(sentence))

        return [
            [m for m, s in zip(mentions(e, self.vocabulary), e.sentences, strict=True) if known(s)]
            for e in self.train.examples
        ]

    @cached_property
    def val_mentions(self) -> list[list[list[Mention]]]:
        """The same of the validation photographs, in the order of `val_ids`."""
        return [mentions(e, self.vocabulary) for e in self.val.examples]

    def anchors(self, count: int) -> Tensor:
        """Anchor shapes (A, 2) for the phrase boxes of the training split."""
        box_N4 = np.array([p.box for e in self.train.examples for p in e.phrases if p.box is not None])
        if not len(box_N4):
            return torch.linspace(0.1, 1.0, count)[:, None].expand(-1, 2)
        return torch.from_numpy(proposals.cluster_shapes(box_N4[:, 2:] - box_N4[:, :2], count))

    def padded(self, ids: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Sentences as ids (L, T) and mask (L, T) on the device; at least one place wide."""
        ids_LT, real_LT = (torch.from_numpy(array_LT).to(self.device) for array_LT in pad(ids))
        if not ids_LT.shape[1]:
            return ids_LT.new_zeros(len(ids), 1), real_LT.new_zeros(len(ids), 1)
        return ids_LT, real_LT


def look(net: Vision, pixels_BHWC: Tensor) -> Looked:
    """As `net.look`; on a GPU its convolutions compute in bfloat16."""
    with torch.autocast(pixels_BHWC.device.type, torch.bfloat16, enabled=pixels_BHWC.is_cuda):
        return net.look(pixels_BHWC)


@torch.no_grad()
def choose_boxes(logit_BN: Tensor, box_BN4: Tensor, proposer: str, nms: float) -> Tensor:
    """The regions of a batch of photographs, the frame last, (B, I, 4).

    They come from the `head` after NMS, or for `coverage`, or are a fixed `grid`, or the `frame` alone.
    """
    if proposer == "head":
        return proposals.best_boxes(logit_BN, box_BN4, boxes.PROPOSALS, nms)
    if proposer == "coverage":
        return proposals.covering_boxes(logit_BN, box_BN4, boxes.PROPOSALS)
    fixed = np.vstack([boxes.grid(), [FRAME]] if proposer == "grid" else [FRAME])
    fixed_I4 = torch.tensor(fixed, dtype=box_BN4.dtype, device=box_BN4.device)
    return fixed_I4.expand(len(logit_BN), -1, -1)


@torch.no_grad()
def region_features(net: Vision, photographs: Photographs, proposer: str, nms: float) -> Tensor:
    """Features (K, I, F) of every photograph's regions, in half precision; `net` is left in eval mode.

    They are cached under a digest of all that they depend on.
    """
    net.eval()
    code = _code(boxes, regions, backbone, proposals, vision)
    digest = hashlib.sha256(photographs.key)
    digest.update(f"{proposer} {nms} {net.cfg.both_ways} {photographs.device.type} {code}".encode())
    for name, tensor in weights_of_features(net).items():
        digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())

    def fill(feature_KIF: npt.NDArray[np.generic]) -> None:
        with progress("describing regions", len(photographs), quiet=photographs.quiet) as advance:
            for first in range(0, len(photographs), CHUNK):
                chunk = slice(first, first + CHUNK)
                looked = look(net, photographs.batch(chunk))
                chosen_BI4 = choose_boxes(looked.logit_BN, looked.box_BN4, proposer, nms)
                feature_BIF = net.pool(looked.fine, looked.coarse, chosen_BI4)
                feature_KIF[chunk] = feature_BIF.half().cpu().numpy()
                advance(len(feature_BIF))

    count = 1 if proposer == "frame" else boxes.PROPOSALS + 1
    array = cached(digest.digest(), (len(photographs), count, net.features), "float16", fill)
    return torch.from_numpy(array).to(photographs.device)


def weights_of_features(net: nn.Module) -> dict[str, Tensor]:
    """The weights on which features depend: all of the photograph's side but the region encoder."""
    return {name: t for name, t in net.state_dict().items() if not name.startswith("regions.")}
