"""Rules for captions that read as people write: which word may follow, and where a caption may end.

They come from the sentences that a model has learned from and read:

- People have written each pair of neighbours. Only a phrase may begin with any word. No word follows itself.
  Of "a" and "an", the one counts that people write more often before a word.
- People have ended sentences with the last two words. A single word often ends their sentences.
- From every word there are pairs that lead to such an end before the caption is too long.
- A content word comes at most once, and people have written each three words in a row. These two rules may be
  broken where nothing else is left to say.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Final

import numpy as np

from dvsa.arrays import BoolArray, IntArray
from dvsa.text import END, FIRST_WORD, FUNCTION_WORDS, START, START_PHRASE, Vocabulary

SEEN: Final = 2
"""How often people must have written a pair: what they wrote once is often a slip."""
FEW: Final = 10_000
"""If there are fewer sentences, once is enough."""
OFTEN: Final = 0.05
"""A word often ends sentences if at least this share of its occurrences does."""
RICH: Final = 10_000
"""With fewer pairs, three words in a row that nobody has written are no sign of bad English."""
NEVER: Final = 2**31 - 1
"""The number of words to an end if there is none."""


@dataclass(frozen=True, eq=False)
class Fluency:
    """The pairs (N) of tokens that may be neighbours, and what follows them.

    >>> vocabulary = Vocabulary(("a", "dog", "runs"), (2, 2, 1), sentences=2)
    >>> fluency = Fluency.learn([["a", "dog"], ["a", "dog", "runs"]], vocabulary)
    >>> [np.flatnonzero(fluency.allowed(np.array([said]), max_len=9)).tolist() for said in ([1], [1, 3, 4])]
    [[3], [0, 5]]
    """

    code_N: IntArray
    """Each pair as `first * V + second`, in increasing order. The first may be START or START_PHRASE."""
    triple_R: IntArray
    """What people have written after a pair, as `pair * V + token`, in increasing order. The token END means
    that a caption may end there."""
    content_V: BoolArray
    """Which tokens come at most once."""

    @classmethod
    def learn(cls, sentences: Iterable[Sequence[str]], vocabulary: Vocabulary) -> "Fluency":
        """Learn the rules from sentences, each a sequence of words. An unknown word is no one's neighbour.

        >>> vocabulary = Vocabulary(("a", "dog"), (1, 1), sentences=1)
        >>> fluency = Fluency.learn([["a", "big", "dog"]], vocabulary)
        >>> [divmod(code, len(vocabulary)) for code in fluency.code_N.tolist()]
        [(1, 3), (2, 3), (2, 4)]
        """
        # All sentences as one row of tokens. Unknown words have the token V.
        V, ids = len(vocabulary), {word: n for n, word in enumerate(vocabulary.words, FIRST_WORD)}
        rows = ([START, *(ids.get(word, V) for word in sentence), END] for sentence in sentences)
        token_M = np.fromiter(chain.from_iterable(rows), np.int64)
        seen = 1 if (token_M == START).sum() < FEW else SEEN

        # The pairs that people have written. A phrase may begin with any word.
        code_M, known_M = token_M[:-1] * V + token_M[1:], token_M < V
        inside_M = known_M[:-1] & known_M[1:] & (token_M[:-1] != END) & (token_M[1:] != END)
        inside_M &= token_M[:-1] != token_M[1:]
        inside_M &= ~_slips(token_M, vocabulary)
        word_W = _frequent(token_M[known_M & (token_M >= FIRST_WORD)], seen)
        code_N = np.append(_frequent(code_M[inside_M], seen), START_PHRASE * V + word_W)
        code_N.sort()

        # Where a caption may end. A phrase may end after one word that often ends sentences.
        after_K = token_M[2:]
        last_V = np.bincount(token_M[:-1][token_M[1:] == END], minlength=V + 1)[word_W]
        often_W = (last_V >= seen) & (last_V >= OFTEN * np.bincount(token_M, minlength=V + 1)[word_W])
        end_E = _frequent(code_M[:-1][inside_M[:-1] & (after_K == END)], seen)
        end_E = np.append(end_E, START_PHRASE * V + word_W[often_W])

        # Which words people have written after two others.
        row_K = inside_M[:-1] & inside_M[1:] & np.isin(code_M[:-1], code_N) & np.isin(code_M[1:], code_N)
        third_R = np.append(after_K[row_K], np.zeros_like(end_E))
        pair_R = np.searchsorted(code_N, np.append(code_M[:-1][row_K], end_E))
        return cls(code_N, np.unique(pair_R * V + third_R), content_words(vocabulary))

    def allowed(self, said_BT: IntArray, max_len: int) -> BoolArray:
        """Which tokens (B, V) may follow what has been said.

        Args:
            said_BT: tokens that these rules allowed, after START or START_PHRASE.
            max_len: the most words that a caption may have.

        >>> vocabulary = Vocabulary(("a", "dog", "sees"), (2, 2, 1), sentences=1)
        >>> fluency = Fluency.learn([["a", "dog"], ["a", "dog", "sees", "a", "dog"]], vocabulary)
        >>> np.flatnonzero(fluency.allowed(np.array([[START, 3, 4]]), max_len=9)).tolist()
        [0, 5]
        """
        V, said = len(self.content_V), said_BT.shape[1] - 1

        # Words that make a pair with the last one, if a caption can end after them, or in time.
        last_U, same_B = np.unique(said_BT[:, -1], return_inverse=True)
        allowed_UV = np.zeros((len(last_U), V), np.bool_)
        for row_V, last in zip(allowed_UV, last_U, strict=True):
            pairs = slice(self.start_V1[last], self.start_V1[last + 1])
            second_M = self.code_N[pairs] % V
            row_V[second_M] = self.ends_N[pairs] | (self.steps_V[second_M] < max_len - said)

        # Content words come once, unless nothing else is left.
        pair_B = np.searchsorted(self.code_N, said_BT[:, -2:] @ [V, 1]) if said else None
        ends_B = np.zeros(len(said_BT), np.bool_) if pair_B is None else self.ends_N[pair_B]
        allowed_BV: BoolArray = allowed_UV[same_B]
        row_M, place_M = np.nonzero(self.content_V[said_BT])
        allowed_BV[row_M, said_BT[row_M, place_M]] = False
        none_B = ~(ends_B | allowed_BV.any(axis=1))
        allowed_BV[none_B] = allowed_UV[same_B[none_B]]

        # Likewise, what people have written after the last two words.
        if pair_B is not None and len(self.code_N) >= RICH:
            pair_U, same_B = np.unique(pair_B, return_inverse=True)
            written_UV = np.zeros((len(pair_U), V), np.bool_)
            for row_V, pair in zip(written_UV, pair_U, strict=True):
                row_V[self.triple_R[self.start_N1[pair] : self.start_N1[pair + 1]] % V] = True
            written_BV = written_UV[same_B] & allowed_BV
            some_B = written_BV.any(axis=1)
            allowed_BV[some_B] = written_BV[some_B]

        allowed_BV[:, END] = ends_B
        return allowed_BV

    def joined(self, other: "Fluency", own: Vocabulary, others: Vocabulary) -> "Fluency":
        """What either of two allows, in the vocabulary `own` of this one; the other has the words `others`.

        >>> vocabulary = Vocabulary(("a", "dog"), (1, 1), sentences=1)
        >>> fluency = Fluency.learn([["a", "dog"]], vocabulary)
        >>> fluency.joined(fluency, vocabulary, vocabulary).code_N.tolist() == fluency.code_N.tolist()
        True
        """
        # The tokens of the other vocabulary in the own one; -1 for words that it does not have.
        V, ids = len(own), [own.id(word) for word in others.words]
        token_W = np.array([*range(FIRST_WORD), *(-1 if n is None else n for n in ids)])
        first_N, second_N = token_W[np.array(np.divmod(other.code_N, len(others)))]
        pair_R, third_R = np.divmod(other.triple_R, len(others))
        known_N, third_R = (first_N >= 0) & (second_N >= 0), token_W[third_R]

        # The pairs of both, and then their triples in terms of these.
        other_N = first_N * V + second_N
        code_P = np.union1d(self.code_N, other_N[known_N])
        own_R = np.searchsorted(code_P, self.code_N)[self.triple_R // V] * V + self.triple_R % V
        pair_R, third_R = (part[known_N[pair_R] & (third_R >= 0)] for part in (pair_R, third_R))
        other_R = np.searchsorted(code_P, other_N[pair_R]) * V + third_R
        return Fluency(code_P, np.union1d(own_R, other_R), self.content_V)

    @property
    def usable(self) -> bool:
        """Whether a caption and a phrase can begin.

        >>> Fluency.learn([["a", "dog"]], Vocabulary(("a", "dog"), (1, 1), sentences=1)).usable
        True
        """
        return all(self.allowed(np.array([[start]]), max_len=3).any() for start in (START, START_PHRASE))

    @cached_property
    def start_V1(self) -> IntArray:
        """Where the pairs of each first token start; then N.

        >>> vocabulary = Vocabulary(("a", "dog"), (1, 1), sentences=1)
        >>> Fluency.learn([["a", "dog"]], vocabulary).start_V1.tolist()
        [0, 0, 1, 3, 4, 4]
        """
        V = len(self.content_V)
        return np.searchsorted(self.code_N, np.arange(V + 1) * V)

    @cached_property
    def start_N1(self) -> IntArray:
        """Where the triples of each pair start; then R.

        >>> vocabulary = Vocabulary(("a", "dog"), (1, 1), sentences=1)
        >>> Fluency.learn([["a", "dog"]], vocabulary).start_N1.tolist()
        [0, 0, 0, 1, 2]
        """
        return np.searchsorted(self.triple_R, np.arange(len(self.code_N) + 1) * len(self.content_V))

    @cached_property
    def ends_N(self) -> BoolArray:
        """Whether a caption may end after each pair.

        >>> vocabulary = Vocabulary(("a", "dog"), (1, 1), sentences=1)
        >>> Fluency.learn([["a", "dog"]], vocabulary).ends_N.tolist()
        [False, False, True, True]
        """
        pair_R, token_R = np.divmod(self.triple_R, len(self.content_V))
        return np.bincount(pair_R[token_R == END], minlength=len(self.code_N)) > 0

    @cached_property
    def steps_V(self) -> IntArray:
        """How many words, at least, are between each token and an end after it; `NEVER` without a way there.

        >>> vocabulary = Vocabulary(("a", "dog"), (1, 1), sentences=1)
        >>> fluency = Fluency.learn([["a", "dog"]], vocabulary)
        >>> fluency.steps_V[[START, 3]].tolist(), fluency.steps_V[4] == NEVER
        ([2, 1], True)
        """
        V = len(self.content_V)
        first_N, second_N = np.divmod(self.code_N, V)
        steps_V = np.full(V, NEVER)
        steps_V[first_N[self.ends_N]] = 1

        # In each round, the tokens whose ways are one word longer.
        for steps in range(1, V):
            longer_N = (steps_V[second_N] == steps) & (steps_V[first_N] == NEVER)
            if not longer_N.any():
                break
            steps_V[first_N[longer_N]] = steps + 1
        return steps_V


def _slips(token_M: IntArray, vocabulary: Vocabulary) -> BoolArray:
    """Which pairs (M - 1) have "a" before a word that people more often write "an" before, or the reverse."""
    before_M, after_M, V = token_M[:-1], token_M[1:], len(vocabulary)
    count_2V = [
        np.bincount(after_M[before_M == vocabulary.id(article)], minlength=V + 1) for article in ("a", "an")
    ]
    slips_M: BoolArray = np.zeros(len(after_M), np.bool_)
    for article, own_V, others_V in zip(("a", "an"), count_2V, reversed(count_2V), strict=True):
        slips_M |= (before_M == vocabulary.id(article)) & (others_V > own_V)[after_M]
    return slips_M


def _frequent(code_M: IntArray, seen: int) -> IntArray:
    """The codes that come at least `seen` times, in increasing order."""
    code_C, count_C = np.unique(code_M, return_counts=True)
    return code_C[count_C >= seen]


def content_words(vocabulary: Vocabulary) -> BoolArray:
    """Which tokens are content words. If the most frequent word is not English, none is.

    >>> content_words(Vocabulary(("the", "dog"), (2, 1), 2)).tolist()
    [False, False, False, False, True]
    """
    english = bool(FUNCTION_WORDS.intersection(vocabulary.words[:1]))
    return np.array([False] * FIRST_WORD + [english and w not in FUNCTION_WORDS for w in vocabulary.words])
