"""CIDEr-D (Vedantam et al. 2015), which pycocoevalcap and the field call CIDEr.

Cosine similarity of tf-idf vectors of n-grams, clipped to the reference and damped by the difference in
length (σ = 6). The document frequencies come from the references of all photographs given, so a figure
belongs to its split: scores from another number of photographs are not comparable.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import exp, log, sqrt

import numpy as np

from dvsa.metrics.bootstrap import FloatArray
from dvsa.metrics.ngrams import ORDERS, Tokens, ngrams

_SIGMA = 6.0
_Vector = Mapping[tuple[str, ...], float]


def cider(references_K: Sequence[Sequence[Tokens]], hypotheses_K: Sequence[Tokens]) -> FloatArray:
    """The score in [0, 10] of each of K photographs; its mean is the split's CIDEr.

    All are 0 when K is 1: every n-gram is then in every photograph and tells nothing.
    """
    photos = len(references_K)
    frequency = Counter(
        gram
        for references in references_K
        for gram in {gram for tokens in references for order in ORDERS for gram in ngrams(tokens, order)}
    )
    rarity = {gram: log(photos / count) for gram, count in frequency.items()}

    def vectors(tokens: Tokens) -> list[_Vector]:
        """One tf-idf vector for each order; an n-gram that no reference has is as rare as can be."""
        return [
            {gram: count * rarity.get(gram, log(photos)) for gram, count in ngrams(tokens, order).items()}
            for order in ORDERS
        ]

    def score(references: Sequence[Tokens], hypothesis: Tokens) -> float:
        ours = vectors(hypothesis)
        total = 0.0
        for reference in references:
            damping = exp(-((len(hypothesis) - len(reference)) ** 2) / (2 * _SIGMA**2))
            total += damping * sum(map(_similarity, ours, vectors(reference)))
        return 10 * total / (len(ORDERS) * len(references))

    return np.array([score(*pair) for pair in zip(references_K, hypotheses_K, strict=True)], dtype=np.float64)


def _similarity(ours: _Vector, theirs: _Vector) -> float:
    shared = sum(min(weight, theirs[gram]) * theirs[gram] for gram, weight in ours.items() if gram in theirs)
    return shared / (_norm(ours) * _norm(theirs)) if shared else 0.0


def _norm(vector: _Vector) -> float:
    return sqrt(sum(weight * weight for weight in vector.values()))
