"""The text and the photographs of a run: two splits, encoded for training."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from dvsa.arrays import BoolArray, IntArray
from dvsa.data import Example, GivenRegions, Subset
from dvsa.learn.loop import processes
from dvsa.learn.loop.transfer import on_device
from dvsa.learn.nets.proposals import cluster_shapes
from dvsa.learn.tasks.photographs import DescribedPhotographs, Photographs, SquarePhotographs
from dvsa.learn.tasks.ragged import Ids, PhraseTarget, PhraseTargets, SentenceIds
from dvsa.text import Vocabulary, pad, words

LENGTHS = 8
"""On a GPU, batches of sentences are padded to multiples of this many words."""


class Corpus:
    """The training and validation split as training sees them, and the vocabulary.

    Training leaves out sentences without a known word, and photographs that have no other sentences.
    Validation leaves out photographs without sentences.
    """

    def __init__(
        self,
        train: Sequence[Example],
        val: Sequence[Example],
        vocabulary: Vocabulary,
        size: int,
        device: torch.device,
        *,
        given: GivenRegions | None = None,
        quiet: bool = False,
    ) -> None:
        """Encode the sentences, and read the photographs as squares of `size` pixels, or `given` features.

        Raises:
            ValueError: a split has no sentence with a known word.
        """
        self.vocabulary, self.device, self.quiet = vocabulary, device, quiet
        self.unit = LENGTHS if device.type == "cuda" else 1

        # Photographs whose sentences can be used, and that can be read themselves.
        trained = Subset(train, [k for k, e in enumerate(train) if any(map(self._known, e.sentences))])
        judged = Subset(val, [k for k, e in enumerate(val) if e.sentences])
        for split, examples in (("training", trained), ("validation", judged)):
            if not any(self._known(s) for e in examples for s in e.sentences):
                raise ValueError(f"no sentence of the {split} split has a known word: lower min_count")
        self.train, self.val = (
            _photographs(examples, size, device, given, quiet) for examples in (trained, judged)
        )

        # Ids of the known words of their sentences, in the same order.
        self.train_ids = SentenceIds([s for s in self._encode(e) if s] for e in self.train.examples)
        self.val_ids = SentenceIds(map(self._encode, self.val.examples))

    def _known(self, sentence: str) -> bool:
        return any(word in self.vocabulary for word in words(sentence))

    def _encode(self, example: Example) -> list[list[int]]:
        return [self.vocabulary.encode(words(sentence)) for sentence in example.sentences]

    @cached_property
    def train_phrases(self) -> PhraseTargets:
        """The boxed phrases of each training photograph's sentences, in the order of `train_ids`."""
        return PhraseTargets(map(self._known_phrases, self.train.examples))

    def _known_phrases(self, example: Example) -> list[list[PhraseTarget]]:
        of_sentences = zip(phrase_targets(example, self.vocabulary), example.sentences, strict=True)
        return [phrases for phrases, sentence in of_sentences if self._known(sentence)]

    @cached_property
    def val_phrases(self) -> PhraseTargets:
        """The same for the validation photographs, in the order of `val_ids`."""
        return PhraseTargets(phrase_targets(e, self.vocabulary) for e in self.val.examples)

    def anchors(self, count: int) -> Tensor:
        """Anchor shapes (A, 2) for the phrase boxes of the training split."""
        box_N4 = np.array([p.box for e in self.train.examples for p in e.phrases if p.box is not None])
        if not len(box_N4):
            return torch.linspace(0.1, 1.0, count)[:, None].expand(-1, 2)
        return torch.from_numpy(cluster_shapes(box_N4[:, 2:] - box_N4[:, :2], count))

    def padded(self, ids: Sequence[Ids], *, together: bool = False) -> tuple[Tensor, Tensor]:
        """Sentences as ids (L, T) and mask (L, T) on the device, with T at least 1.

        On a GPU T is a multiple of `LENGTHS`: few different shapes occur, so steps can be recorded. With
        `together`, all processes call this at the same time, and get the same T.
        """
        return self._placed(*pad(ids), together=together)

    def drawn(self, ids: SentenceIds, number_L: IntArray) -> tuple[Tensor, Tensor]:
        """Some sentences for a step of the training, as `padded` gives them with `together`."""
        return self._placed(*ids.padded(number_L), together=True)

    def _placed(self, ids_LT: IntArray, real_LT: BoolArray, *, together: bool) -> tuple[Tensor, Tensor]:
        longest = -(-max(1, ids_LT.shape[1]) // self.unit) * self.unit
        more = (processes.largest(longest) if together else longest) - ids_LT.shape[1]
        arrays = (np.pad(array_LT, ((0, 0), (0, more))) for array_LT in (ids_LT, real_LT))  # END is 0
        ids_on, real_on = (on_device(array_LT, self.device) for array_LT in arrays)
        return ids_on, real_on


def _photographs(
    examples: Sequence[Example], size: int, device: torch.device, given: GivenRegions | None, quiet: bool
) -> Photographs:
    if given is not None and given.features:
        return DescribedPhotographs(examples, given, device, quiet=quiet)
    return SquarePhotographs(examples, size, device, given=given, quiet=quiet)


def phrase_targets(example: Example, vocabulary: Vocabulary) -> list[list[PhraseTarget]]:
    """The boxed phrases of each sentence; phrases without a known word are left out."""
    found = []
    for n, text in enumerate(example.sentences):
        known = [word in vocabulary for word in words(text)]
        place = np.cumsum(known) - 1
        own = [
            (p, [int(place[t]) for t in range(p.first, p.last + 1) if known[t]])
            for p in example.phrases
            if p.sentence == n
        ]
        found.append([PhraseTarget(tuple(at), p.box) for p, at in own if at and p.box is not None])
    return found
