"""The other way round: sentences for a photograph."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dvsa import maxsim, text
from dvsa.model import View

TOGETHER = 250
"""Sentences that are encoded at once."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A sentence with its score on the photograph."""

    index: int
    """Its place among the sentences that were given, from 0."""
    sentence: str
    score: float
    """The MaxSim score: the sum over the sentence's known words of the maximum over regions."""


def rank(view: View, sentences: Sequence[str], k: int = 10) -> list[Ranked]:
    """The k sentences that fit a photograph best, ties in the order given; none without a known word.

    Raises:
        ValueError: k is less than 1, or no sentence has a word that the model knows.
    """
    if k < 1:
        raise ValueError(f"k is {k}: ask for at least 1 sentence")
    found = []
    for first in range(0, len(sentences), TOGETHER):
        tokens = [text.words(sentence) for sentence in sentences[first : first + TOGETHER]]
        s_LTD, real_LT = view.model.word_vectors(tokens)
        score_L = maxsim.scores(view.v_ID[None], s_LTD, real_LT)[0]
        found += [(first + int(n), float(score_L[n])) for n in np.flatnonzero(real_LT.any(axis=1))]
    if not found:
        raise ValueError("the model knows no word of the sentences: give others")
    best = sorted(found, key=lambda item: (-item[1], item[0]))[:k]
    return [Ranked(n, sentences[n], score) for n, score in best]
