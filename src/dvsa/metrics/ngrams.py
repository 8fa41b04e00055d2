"""Counts of n-grams, shared by BLEU and CIDEr."""

from collections import Counter
from collections.abc import Sequence

Tokens = Sequence[str]
"""The tokens of a sentence."""
ORDERS = (1, 2, 3, 4)


def ngrams(tokens: Tokens, order: int) -> Counter[tuple[str, ...]]:
    """How often each run of `order` tokens is in the sentence.

    >>> ngrams("a dog and a dog".split(), 2)
    Counter({('a', 'dog'): 2, ('dog', 'and'): 1, ('and', 'a'): 1})
    """
    return Counter(zip(*(tokens[start:] for start in range(order)), strict=False))
