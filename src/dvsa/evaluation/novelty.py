"""How much of what a captioner writes is its own, and how much it has read (paper, section 4.2)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dvsa.metrics.bootstrap import IntArray, estimate
from dvsa.metrics.figures import Figure, Report
from dvsa.text import words


class Part(NamedTuple):
    """Neighbouring words of a caption that the training sentences have in this order."""

    words: tuple[str, ...]
    times: int
    """How often they stand there; 0 for a single word that is in none."""


class Novelty(NamedTuple):
    """A caption beside the training sentences."""

    caption: str
    copied: bool
    """Whether it is a training sentence, word for word."""
    parts: tuple[Part, ...]
    """The fewest parts that make it up, each as long as it can be from the left."""

    @property
    def longest(self) -> Part:
        """Its longest part, the first of equally long ones; empty for an empty caption."""
        return max(self.parts, key=lambda part: len(part.words), default=Part((), 0))


@dataclass(frozen=True, eq=False)
class Corpus:
    """Training sentences, ready to be searched for any run of words.

    The words lie end to end as numbers. A run is found from the places of its first word, of which every
    further word leaves some: no table of n-grams is needed, and building it takes well under a second.
    """

    sentences: frozenset[tuple[str, ...]]
    ids: dict[str, int]
    """Every word's number, from 1."""
    id_N: IntArray
    """The numbers of the words, and 0 behind each sentence."""
    place_N: IntArray
    """Indices into `id_N`, sorted by the number that stands there."""
    first_V: IntArray
    """Where the places of each number begin in `place_N`."""

    @classmethod
    def of(cls, sentences: Iterable[str]) -> "Corpus":
        """The corpus of these sentences, by the tokens of `dvsa.text.words`."""
        tokenised = [words(sentence) for sentence in sentences]
        ids: dict[str, int] = {}
        id_N = np.array([
            n
            for tokens in tokenised
            for n in (*(ids.setdefault(token, len(ids) + 1) for token in tokens), 0)
        ], dtype=np.int64)  # fmt: skip
        place_N = np.argsort(id_N, kind="stable")
        first_V = np.searchsorted(id_N[place_N], np.arange(len(ids) + 2))
        return cls(frozenset(map(tuple, tokenised)), ids, id_N, place_N, first_V)

    def judge(self, caption: str) -> Novelty:
        """Whether the corpus has the caption, and of which of its parts it is made."""
        tokens = tuple(words(caption))
        parts: list[Part] = []
        rest = tokens
        while rest:
            parts.append(self._longest_start(rest))
            rest = rest[len(parts[-1].words) :]
        return Novelty(caption, tokens in self.sentences, tuple(parts))

    def _longest_start(self, tokens: Sequence[str]) -> Part:
        """The longest beginning of `tokens` that stands in a sentence; one word where none does."""
        n = self.ids.get(tokens[0])
        if n is None:
            return Part((tokens[0],), 0)
        place_P = self.place_N[self.first_V[n] : self.first_V[n + 1]]
        length = 1
        while length < len(tokens):
            # A place holds a word, so one further is still in the array: at worst at a sentence's end.
            going_P = place_P[self.id_N[place_P + length] == self.ids.get(tokens[length], -1)]
            if not len(going_P):
                break
            place_P, length = going_P, length + 1
        return Part(tuple(tokens[:length]), len(place_P))


def summary(judged: Sequence[Novelty]) -> Report:
    """The share `copied` in percent with its interval, and how the novel captions are put together.

    Of novel captions: the means of the number of `parts` and of the words of the `longest part`, and the
    median of the `times` it stands in the corpus; None where there are none. Intervals are over captions.

    Raises:
        ValueError: there are no captions.
    """
    if not judged:
        raise ValueError("there are no captions to sum up: write at least one")
    copied_N = np.array([caption.copied for caption in judged], dtype=np.bool_)

    def figures(index_N: IntArray) -> dict[str, float]:
        return {"copied": 100 * float(copied_N[index_N].mean())}

    return Report(
        estimate(figures, len(judged)), {"captions": len(judged)}, parts={"novel": _of_novel(judged)}
    )


def _of_novel(judged: Sequence[Novelty]) -> Report:
    """How the novel captions are put together."""
    novel = [caption for caption in judged if not caption.copied]
    figures = {
        "parts": float(np.mean([len(caption.parts) for caption in novel])) if novel else None,
        "longest part": float(np.mean([len(c.longest.words) for c in novel])) if novel else None,
        "times": float(np.median([caption.longest.times for caption in novel])) if novel else None,
    }
    return Report({name: Figure(value) for name, value in figures.items()}, {"captions": len(novel)})
