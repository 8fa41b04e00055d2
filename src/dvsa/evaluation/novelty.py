"""How many captions are copies of training sentences, and what the others consist of (paper, section 4.2)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dvsa.arrays import IntArray
from dvsa.metrics.bootstrap import estimate
from dvsa.metrics.figures import Figure, Report
from dvsa.text import words


class Fragment(NamedTuple):
    """Consecutive words of a caption that are also in the training sentences."""

    words: tuple[str, ...]
    times: int
    """How often they are there; 0 for a single word that is in no training sentence."""


class Novelty(NamedTuple):
    """A caption compared with the training sentences."""

    caption: str
    copied: bool
    """Whether a training sentence has exactly these words."""
    fragments: tuple[Fragment, ...]
    """The caption, split into the longest fragments from left to right; no split has fewer."""

    @property
    def longest(self) -> Fragment:
        """The longest fragment, the first of equally long ones; empty for an empty caption."""
        return max(self.fragments, key=lambda fragment: len(fragment.words), default=Fragment((), 0))


@dataclass(frozen=True, eq=False)
class TrainingText:
    """Training sentences, indexed for the search of any sequence of words.

    All sentences are one array of word numbers. A sequence is found from the places of its first word; each
    further word keeps some of these places. So no table of n-grams is needed, and the index is built in less
    than a second.

    >>> text = TrainingText.of(["a dog runs", "a dog runs in the snow"])
    >>> [" ".join(fragment.words) for fragment in text.judge("the snow dog runs").fragments]
    ['the snow', 'dog runs']
    >>> text.judge("A dog runs.").copied
    True
    """

    sentences: frozenset[tuple[str, ...]]
    ids: dict[str, int]
    """The number of each word, from 1."""
    id_N: IntArray
    """The numbers of all words, and 0 after each sentence."""
    place_N: IntArray
    """Indices into `id_N`, sorted by the number at that index."""
    first_V: IntArray
    """Where the indices of each number begin in `place_N`."""

    @classmethod
    def of(cls, sentences: Iterable[str]) -> "TrainingText":
        """Index these sentences, tokenised by `dvsa.text.words`."""
        tokenised = [words(sentence) for sentence in sentences]
        ids: dict[str, int] = {}
        numbers: list[int] = []
        for tokens in tokenised:
            numbers += [ids.setdefault(token, len(ids) + 1) for token in tokens]
            numbers.append(0)

        id_N = np.array(numbers, dtype=np.int64)
        place_N = np.argsort(id_N, kind="stable")
        first_V = np.searchsorted(id_N[place_N], np.arange(len(ids) + 2))
        return cls(frozenset(map(tuple, tokenised)), ids, id_N, place_N, first_V)

    def judge(self, caption: str) -> Novelty:
        """Whether the caption is a training sentence, and of which fragments it consists."""
        tokens = tuple(words(caption))
        fragments: list[Fragment] = []
        rest = tokens
        while rest:
            fragments.append(self._longest_start(rest))
            rest = rest[len(fragments[-1].words) :]
        return Novelty(caption, tokens in self.sentences, tuple(fragments))

    def _longest_start(self, tokens: Sequence[str]) -> Fragment:
        """The longest beginning of `tokens` that is in a sentence; the first word alone if none is."""
        n = self.ids.get(tokens[0])
        if n is None:
            return Fragment((tokens[0],), 0)

        place_P = self.place_N[self.first_V[n] : self.first_V[n + 1]]
        length = 1
        while length < len(tokens):
            # All places are words, so the next index is in the array: a word, or the 0 after the sentence.
            going_P = place_P[self.id_N[place_P + length] == self.ids.get(tokens[length], -1)]
            if not len(going_P):
                break
            place_P, length = going_P, length + 1
        return Fragment(tuple(tokens[:length]), len(place_P))


def novelty(judged: Sequence[Novelty]) -> Report:
    """The share `copied` in percent with its interval over captions, and how the novel captions are composed.

    The part `novel` of the report: the mean number of fragments (`parts`), the mean length of the longest
    fragment in words (`longest part`), and the median of how often that is in the training sentences
    (`times`). They are missing if no caption is novel.

    Raises:
        ValueError: there are no captions.
    """
    if not judged:
        raise ValueError("there are no captions to judge: write at least one")
    copied_N = np.array([caption.copied for caption in judged], dtype=np.bool_)

    def figures(index_N: IntArray) -> dict[str, float]:
        return {"copied": 100 * float(copied_N[index_N].mean())}

    return Report(
        estimate(figures, len(judged)), {"captions": len(judged)}, parts={"novel": _of_novel(judged)}
    )


def _of_novel(judged: Sequence[Novelty]) -> Report:
    """How the novel captions are composed."""
    novel = [caption for caption in judged if not caption.copied]
    figures = {
        "parts": float(np.mean([len(caption.fragments) for caption in novel])) if novel else None,
        "longest part": float(np.mean([len(c.longest.words) for c in novel])) if novel else None,
        "times": float(np.median([caption.longest.times for caption in novel])) if novel else None,
    }
    return Report({name: Figure(value) for name, value in figures.items()}, {"captions": len(novel)})
