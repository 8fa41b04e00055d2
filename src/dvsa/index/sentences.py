"""Search the other way round: sentences for a photograph."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dvsa.model import View

MAX_BYTES = 64 * 2**20
"""Most bytes of a file of sentences: about a million of them."""

SENTENCES_PER_BATCH = 250
"""Sentences that are encoded at once."""


@dataclass(frozen=True, slots=True)
class RankedSentence:
    """A sentence with its score for a photograph."""

    index: int
    """Its position among the given sentences, from 0."""
    sentence: str
    score: float
    """The MaxSim score: the sum over the sentence's known words of the maximum over regions."""


def rank(view: View, sentences: Sequence[str], k: int = 10) -> list[RankedSentence]:
    """The k sentences that fit a photograph best; ties keep the given order.

    Sentences without a known word are left out.

    Raises:
        ValueError: k is less than 1, or the model knows no word of any sentence.
    """
    if k < 1:
        raise ValueError(f"k is {k}: ask for at least 1 sentence")

    scores: list[tuple[int, float]] = []
    for first in range(0, len(sentences), SENTENCES_PER_BATCH):
        read = view.model.read_many(sentences[first : first + SENTENCES_PER_BATCH])
        count_L = np.array([len(sentence.s_ND) for sentence in read])
        best_N = (np.concatenate([sentence.s_ND for sentence in read]) @ view.v_ID.T).max(axis=1)
        score_L = np.bincount(np.repeat(np.arange(len(read)), count_L), best_N, minlength=len(read))
        scores += [(first + int(n), float(score_L[n])) for n in np.flatnonzero(count_L)]
    if not scores:
        raise ValueError("the model knows no word of the sentences: give others")

    best = sorted(scores, key=lambda item: (-item[1], item[0]))[:k]
    return [RankedSentence(n, sentences[n], score) for n, score in best]
