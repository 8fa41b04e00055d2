"""CIDEr-D (Vedantam et al. 2015), which pycocoevalcap and the field call CIDEr.

Cosine similarity of tf-idf vectors of n-grams, clipped to the reference and reduced by the difference in
length (σ = 6). The document frequencies come from the references of all given photographs, so a figure
belongs to its split: scores over different numbers of photographs do not compare.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import exp, log, sqrt
from typing import NamedTuple

import numpy as np

from dvsa.arrays import Doubles
from dvsa.metrics.ngrams import ORDERS, Tokens, ngrams

_SIGMA = 6.0
Gram = tuple[str, ...]


class Cider:
    """Scores sentences against the references of K photographs, whose n-grams are counted once.

    >>> scorer = Cider([["a dog runs".split()], ["a cat sits".split()]])
    >>> print(f"{scorer(0, 'a dog runs'.split()):.1f} {scorer(1, 'a dog runs'.split()):.1f}")
    7.5 0.0
    """

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
        """One tf-idf vector for each order; an n-gram that is in no reference gets the highest idf."""
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


def cider(references_K: Sequence[Sequence[Tokens]], hypotheses_K: Sequence[Tokens]) -> Doubles:
    """The score in [0, 10] of each of K photographs; their mean is the CIDEr of the split.

    If K is 1, all scores are 0: every n-gram is then in every photograph and has the weight 0.

    >>> cider([["a dog runs".split()], ["a cat sits".split()]], ["a dog runs".split(), "cats".split()])
    array([7.5, 0. ])
    """
    if len(references_K) != len(hypotheses_K):
        raise ValueError(
            f"{len(references_K)} photographs have references, but there are {len(hypotheses_K)} hypotheses"
        )
    score = Cider(references_K)
    return np.array([score(k, tokens) for k, tokens in enumerate(hypotheses_K)], dtype=np.float64)


def _similarity(ours: _Vector, theirs: _Vector) -> float:
    """The clipped cosine of two vectors."""
    shared = sum(
        min(weight, theirs.weights[gram]) * theirs.weights[gram]
        for gram, weight in ours.weights.items()
        if gram in theirs.weights
    )
    return shared / (ours.norm * theirs.norm) if shared else 0.0
