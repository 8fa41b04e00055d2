"""ROUGE-L (Lin 2004), as pycocoevalcap counts it: β = 1.2, best precision and recall of all references."""

from collections.abc import Sequence

import numpy as np

from dvsa.arrays import Doubles
from dvsa.metrics.ngrams import Tokens

BETA = 1.2
"""Weight of recall against precision."""


def rouge_l(references_K: Sequence[Sequence[Tokens]], hypotheses_K: Sequence[Tokens]) -> Doubles:
    """The F score in [0, 1] of each of K photographs; 0 for an empty hypothesis.

    >>> rouge_l([["a dog runs".split()], ["a cat".split()]], ["a dog sits".split(), []]).round(2)
    array([0.67, 0.  ])
    """
    return np.array(
        [_f_score(*pair) for pair in zip(references_K, hypotheses_K, strict=True)], dtype=np.float64
    )


def _f_score(references: Sequence[Tokens], hypothesis: Tokens) -> float:
    """The F score of one hypothesis."""
    common = [(longest_common_subsequence(reference, hypothesis), len(reference)) for reference in references]
    recall = max(shared / length if length else 0.0 for shared, length in common)
    if recall == 0:
        return 0.0
    precision = max(shared for shared, _ in common) / len(hypothesis)
    return (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)


def longest_common_subsequence(a: Tokens, b: Tokens) -> int:
    """Its length, by dynamic programming over prefixes; only one row of the table is kept.

    >>> longest_common_subsequence("a dog runs on grass".split(), "a brown dog on grass".split())
    4
    """
    row = [0] * (len(b) + 1)
    for word in a:
        corner = 0
        for column, other in enumerate(b, start=1):
            above = row[column]
            row[column] = corner + 1 if word == other else max(above, row[column - 1])
            corner = above
    return row[-1]
