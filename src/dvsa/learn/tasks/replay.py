"""Replay: a model that learns new photographs also sees some of those that it has learned from.

Features of regions are replayed, not photographs, so a bundle can carry them: a few megabytes in half
precision.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import safetensors.torch
import torch
from torch import Tensor

from dvsa.data import Example
from dvsa.learn.nets.vision import Vision
from dvsa.learn.tasks.features import region_features
from dvsa.learn.tasks.photographs import SquarePhotographs
from dvsa.learn.tasks.rows_ahead import whole
from dvsa.text import Vocabulary, words

SHARE: Final = 1.0
"""Replayed photographs in a batch, as a share of the new ones."""


@dataclass(frozen=True, eq=False)
class Replay:
    """Features and sentences of photographs that a model has learned from."""

    feature_KIF: Tensor
    """As `region_features` gives them, in half precision."""
    sentences: tuple[tuple[str, ...], ...]
    """Of each photograph; at least one."""

    def __len__(self) -> int:
        return len(self.sentences)

    @classmethod
    def of(
        cls,
        net: Vision,
        examples: Sequence[Example],
        proposer: str,
        nms: float,
        *,
        count: int,
        seed: int = 0,
        quiet: bool = False,
    ) -> "Replay":
        """Of `count` photographs, or all if there are fewer, drawn from those with sentences.

        Args:
            net: sees the photographs.
            examples: what the model has learned from.
            proposer: chooses the regions.
            nms: see `dvsa.regions.choose`.
            count: how many photographs.
            seed: each seed draws others.
            quiet: whether to hide the progress bar.
        """
        usable = [example for example in examples if any(map(words, example.sentences))]
        order = torch.randperm(len(usable), generator=torch.Generator().manual_seed(seed))[:count]
        chosen = [usable[k] for k in sorted(order.tolist())]
        photographs = SquarePhotographs(chosen, net.size, torch.device("cpu"), quiet=quiet)
        sentences = tuple(tuple(s for s in example.sentences if words(s)) for example in photographs.examples)
        return cls(whole(region_features(net, photographs, proposer, nms)), sentences)

    def ids(self, vocabulary: Vocabulary) -> list[list[list[int]]]:
        """The sentences of each photograph as ids of known words, without those that have none."""
        encoded = [[vocabulary.encode(words(s)) for s in own] for own in self.sentences]
        return [[ids for ids in own if ids] for own in encoded]

    def content(self) -> bytes:
        """The content of a file, in safetensors."""
        text = torch.frombuffer(bytearray(json.dumps(self.sentences).encode()), dtype=torch.uint8)
        tensors = {"features": self.feature_KIF.cpu().contiguous(), "sentences": text}
        return safetensors.torch.save(tensors)

    @classmethod
    def parse(cls, content: bytes, source: str) -> "Replay":
        """Read what `content` gives.

        Raises:
            ValueError: the content is invalid; the message begins with `source`.
        """
        try:
            tensors = safetensors.torch.load(content)
            feature_KIF, text = tensors["features"], tensors["sentences"]
            sentences = json.loads(bytes(text.numpy()))
        except (safetensors.SafetensorError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{source} is no replay ({error}): export the bundle again") from error
        fits = (
            (feature_KIF.ndim, feature_KIF.dtype) == (3, torch.float16)
            and bool(feature_KIF.isfinite().all())
            and _are_sentences(sentences)
            and len(feature_KIF) == len(sentences)
        )
        if not fits:
            raise ValueError(f"{source} is no replay: it needs features (K, I, F) and K lists of sentences")
        return cls(feature_KIF, tuple(map(tuple, sentences)))


def _are_sentences(value: object) -> bool:
    """Whether a value is a list with a list of at least one sentence for each photograph."""
    if not isinstance(value, list) or not value:
        return False
    return all(isinstance(own, list) and own and all(isinstance(s, str) for s in own) for own in value)
