"""BLEU of a corpus (Papineni et al. 2002), as pycocoevalcap counts it.

The reference length is the one closest to the hypothesis, the shorter of two equally close ones. Both
variants of the literature are here: with the brevity penalty and without.
"""

from collections import Counter
from collections.abc import Sequence
from math import exp

import numpy as np

from dvsa.arrays import Doubles
from dvsa.metrics.ngrams import ORDERS, Tokens, ngrams


def bleu_statistics(references_K: Sequence[Sequence[Tokens]], hypotheses_K: Sequence[Tokens]) -> Doubles:
    """Ten counts for each photograph, K × 10; the score of any set of photographs follows from their sum.

    The length of the hypothesis, the closest reference length, the matched n-grams for n from 1 to 4 (each at
    most as often as in one reference), and all n-grams of the hypothesis for n from 1 to 4.

    >>> bleu_statistics([["a dog runs over the grass".split()]], ["a dog runs".split()])
    array([[3., 6., 3., 2., 1., 0., 3., 2., 1., 0.]])
    """
    return np.array(
        [_counts(*pair) for pair in zip(references_K, hypotheses_K, strict=True)], dtype=np.float64
    )


def bleu(counts_10: Doubles, *, brevity_penalty: bool = True) -> list[float]:
    """BLEU-1 to BLEU-4 in [0, 1] from the summed `bleu_statistics`; 0 if no hypothesis has a word.

    >>> counts_10 = np.array([3.0, 6, 3, 2, 1, 0, 3, 2, 1, 0])
    >>> print(*(f"{score:.2f}" for score in bleu(counts_10)[:2]))
    0.37 0.37
    >>> print(*(f"{score:.2f}" for score in bleu(counts_10, brevity_penalty=False)[:2]))
    1.00 1.00
    """
    hypothesis, reference = counts_10[:2]
    if hypothesis == 0:
        return [0.0] * len(ORDERS)

    # The small numbers avoid zeros, as in pycocoevalcap; they matter if an order has no match at all.
    precision_4 = (counts_10[2:6] + 1e-15) / (counts_10[6:] + 1e-9)
    score_4 = np.cumprod(precision_4) ** (1 / np.array(ORDERS))
    if brevity_penalty and hypothesis < reference:
        score_4 *= exp(1 - (reference + 1e-9) / hypothesis)
    return [float(score) for score in score_4]


def _counts(references: Sequence[Tokens], hypothesis: Tokens) -> list[int]:
    """The ten counts of one photograph."""
    length = len(hypothesis)
    closest = min(
        (len(reference) for reference in references), key=lambda other: (abs(other - length), other)
    )

    matches = []
    for order in ORDERS:
        most: Counter[tuple[str, ...]] = Counter()
        for reference in references:
            most |= ngrams(reference, order)
        matches.append((ngrams(hypothesis, order) & most).total())

    return [length, closest, *matches, *(max(0, length - order + 1) for order in ORDERS)]
