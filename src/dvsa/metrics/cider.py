"""CIDEr-D (Vedantam et al. 2015), which pycocoevalcap and the field call CIDEr.

Cosine similarity of tf-idf vectors of n-grams, clipped to the reference and damped by the difference in
length (σ = 6). The document frequencies come from the references of all photographs given, so a figure
belongs to its split: scores from another number of photographs are not comparable.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import exp, log, sqrt
from typing import NamedTuple

import numpy as np

from dvsa.metrics.bootstrap import FloatArray
from dvsa.metrics.ngrams import ORDERS, Tokens, ngrams

_SIGMA = 6.0
Gram = tuple[str, ...]


class Cider:
    """The score of sentences against the references of K photographs, counted once."""

    def __init__(self, references_K: Sequence[Sequence[Tokens]]) -> None:
        self.photos = len(references_K)
        frequency = Counter(
            gram
            for references in references_K
            for gram in {gram for tokens in references for order in ORDERS for gram in ngrams(tokens, order)}
        )
        self.rarity = {gram: log(self.photos / count) for gram, count in frequency.items()}
        self.references_K = [[self._vectors(tokens) for tokens in references] for references in references_K]

    def __call__(self, k: int, hypothesis: Tokens) -> float:
        """The score in [0, 10] of a sentence for photograph k."""
        ours, total = self._vectors(hypothesis), 0.0
        for reference in self.references_K[k]:
            damping = exp(-((ours.length - reference.length) ** 2) / (2 * _SIGMA**2))
            total += damping * sum(map(_similarity, ours.orders, reference.orders))
        return 10 * total / (len(ORDERS) * len(self.references_K[k]))

    def _vectors(self, tokens: Tokens) -> "_Vectors":
        """One tf-idf vector for each order; an n-gram that no reference has is as rare as can be."""
        return _Vectors(len(tokens), [self._vector(ngrams(tokens, order)) for order in ORDERS])

    def _vector(self, counts: Counter[Gram]) -> "_Vector":
        weights = {gram: count * self.rarity.get(gram, log(self.photos)) for gram, count in counts.items()}
        return _Vector(weights, sqrt(sum(weight * weight for weight in weights.values())))


class _Vector(NamedTuple):
    weights: Mapping[Gram, float]
    norm: float


class _Vectors(NamedTuple):
    length: int
    """Of the sentence, in tokens."""
    orders: Sequence[_Vector]


def cider(references_K: Sequence[Sequence[Tokens]], hypotheses_K: Sequence[Tokens]) -> FloatArray:
    """The score in [0, 10] of each of K photographs; its mean is the split's CIDEr.

    All are 0 when K is 1: every n-gram is then in every photograph and tells nothing.
    """
    if len(references_K) != len(hypotheses_K):
        raise ValueError(f"{len(references_K)} photographs have references, {len(hypotheses_K)} hypotheses")
    score = Cider(references_K)
    return np.array([score(k, tokens) for k, tokens in enumerate(hypotheses_K)], dtype=np.float64)


def _similarity(ours: _Vector, theirs: _Vector) -> float:
    shared = sum(
        min(weight, theirs.weights[gram]) * theirs.weights[gram]
        for gram, weight in ours.weights.items()
        if gram in theirs.weights
    )
    return shared / (ours.norm * theirs.norm) if shared else 0.0
