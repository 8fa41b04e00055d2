"""How relevant every sentence is to every photograph: its ROUGE-L with the photograph's own sentences.

Recall counts only a photograph's own sentences as right. Messina et al. (2020, Transformer Reasoning Network)
therefore take ROUGE-L with these sentences as the relevance of any other sentence, for NDCG
(`dvsa.metrics.ndcg`).
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dvsa.arrays import Doubles, IntArray
from dvsa.metrics.ngrams import Tokens
from dvsa.metrics.rouge import BETA, longest_common_subsequence

_BITS = 64
"""Longer sentences are compared one by one."""


class Relevance:
    """ROUGE-L in [0, 1] of sentences with the sentences of K photographs; 1 for a photograph's own.

    The lengths of the longest common subsequences with all sentences are found at once: a sentence is a
    number with a bit for each of its words, and each word of the other sentence takes one addition (Hyyrö
    2004, Bit-parallel LCS-length computation revisited).

    >>> own_L, owner_L = ["a dog runs".split(), "the dog".split(), "a cat".split()], np.array([0, 0, 1])
    >>> Relevance(own_L, owner_L)(["a dog".split()]).round(2).tolist()
    [[0.77], [0.5]]
    """

    def __init__(self, sentences_L: Sequence[Tokens], owner_L: NDArray[np.integer]) -> None:
        """Index L sentences; `owner_L` has their photographs, 0 to K - 1, and each has a sentence."""
        self._order_L = np.argsort(owner_L, kind="stable")
        self._start_K = np.unique(owner_L[self._order_L], return_index=True)[1]
        self._sentences_L = [sentences_L[place] for place in self._order_L]
        self._length_L = np.array([len(tokens) for tokens in self._sentences_L])
        self._long = [place for place, length in enumerate(self._length_L) if length > _BITS]

        # For each word: which sentences have it, and where, as bits.
        places: defaultdict[str, dict[int, int]] = defaultdict(dict)
        for place, tokens in enumerate(self._sentences_L):
            for bit, word in enumerate(tokens[:_BITS]):
                places[word][place] = places[word].get(place, 0) | 1 << bit
        self._places = {
            word: (np.array(list(bits), np.int64), np.array(list(bits.values()), np.uint64))
            for word, bits in places.items()
        }

    def __call__(self, sentences_N: Sequence[Tokens]) -> Doubles:
        """The relevance of each sentence to each photograph, (K, N)."""
        return np.column_stack([self._one(tokens) for tokens in sentences_N])

    def _one(self, tokens: Tokens) -> Doubles:
        """The relevance of one sentence, (K,)."""
        if not tokens:
            return np.zeros(len(self._start_K))
        common_L = self._common(tokens)
        recall_L = common_L / np.maximum(self._length_L, 1)
        recall_K = np.maximum.reduceat(recall_L, self._start_K)
        precision_K = np.maximum.reduceat(common_L, self._start_K) / len(tokens)
        f_K: Doubles = (1 + BETA**2) * precision_K * recall_K
        return f_K / np.where(f_K, recall_K + BETA**2 * precision_K, 1.0)

    def _common(self, tokens: Tokens) -> IntArray:
        """The length of the longest common subsequence with every sentence, (L,)."""
        # A bit that becomes 0 stands for a word of the subsequence.
        open_L = np.full(len(self._length_L), np.iinfo(np.uint64).max)
        for word in tokens:
            if word in self._places:
                which_N, bits_N = self._places[word]
                open_N = open_L[which_N]
                open_L[which_N] = (open_N + (open_N & bits_N)) | (open_N & ~bits_N)

        common_L: IntArray = np.bitwise_count(~open_L).astype(np.int64)
        for place in self._long:
            common_L[place] = longest_common_subsequence(self._sentences_L[place], tokens)
        return common_L
