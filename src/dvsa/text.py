"""Sentences as words, and words as numbers (paper, section 3)."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

END = 0
"""Ends every caption and phrase; also fills the pads, which a mask tells apart."""
START = 1
"""Begins the caption of a whole photograph."""
START_PHRASE = 2
"""Begins the phrase of one region."""
FIRST_WORD = 3
"""The id of the most frequent word."""

_SHOWN_BY_NOTHING = """
    a an and another are as at be been being both by each for from has have he her hers him his how in into is
    it its itself no not of off on onto or other she some that the their them there these they this those to
    up was were what where which while who whose with
"""

FUNCTION_WORDS = frozenset(_SHOWN_BY_NOTHING.split())
"""Words that no region shows."""

_HEADER = "#sentences"


def words(text: str) -> list[str]:
    """The paper's tokens: lower case, split at white space, without any character that is no letter or digit.

    Letters and digits are those of Unicode (`str.isalnum`). Tokens that end up empty are dropped.
    """
    return re.sub(r"[^\w\s]|_", "", text.lower()).split()


@dataclass(frozen=True)
class Vocabulary:
    """The known words, by falling count, ties in alphabetical order; a word's id is its place + FIRST_WORD.

    Raises `ValueError` where the words are not so ordered, not unique or not free of white space.
    """

    words: tuple[str, ...]
    counts: tuple[int, ...]
    """How often each word was seen in the training sentences."""
    sentences: int
    """How many training sentences there were."""

    def __post_init__(self) -> None:
        if len(self.words) != len(self.counts):
            raise ValueError(f"{len(self.words)} words but {len(self.counts)} counts; give one count a word")
        if self.sentences < 0:
            raise ValueError(f"the number of sentences is {self.sentences}; it must not be negative")
        for word, count in zip(self.words, self.counts, strict=True):
            if word.split() != [word]:
                raise ValueError(f"the word {word!r} is empty or holds white space; give single words")
            if count < 1:
                raise ValueError(f"the word {word!r} has the count {count}; it must be at least 1")
        if len(self._ids) != len(self.words):
            raise ValueError(f"{len(self.words) - len(self._ids)} words stand twice; give each word once")
        for (a_count, a), (b_count, b) in pairwise(zip(self.counts, self.words, strict=True)):
            if (-a_count, a) > (-b_count, b):
                raise ValueError(f"{b!r} follows {a!r}; sort by falling count, ties in alphabetical order")

    @classmethod
    def build(cls, sentences: Iterable[Sequence[str]], min_count: int = 5) -> "Vocabulary":
        """The words that occur at least `min_count` times in `sentences`, each a sequence of tokens."""
        listed = list(sentences)
        seen = Counter(chain.from_iterable(listed))
        kept = sorted((-count, word) for word, count in seen.items() if count >= min_count)
        return cls(tuple(word for _, word in kept), tuple(-count for count, _ in kept), len(listed))

    def joined(self, other: "Vocabulary") -> "Vocabulary":
        """The words of both, with their counts added up."""
        counts = Counter(dict(zip(self.words, self.counts, strict=True)))
        counts.update(dict(zip(other.words, other.counts, strict=True)))
        kept = sorted((-count, word) for word, count in counts.items())
        sentences = self.sentences + other.sentences
        return Vocabulary(tuple(word for _, word in kept), tuple(-count for count, _ in kept), sentences)

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {word: n for n, word in enumerate(self.words, start=FIRST_WORD)}

    def __len__(self) -> int:
        """The number of ids: END, START, START_PHRASE and the words."""
        return FIRST_WORD + len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._ids

    def id(self, word: str) -> int | None:
        """The word's id; `None` where it is unknown."""
        return self._ids.get(word)

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """The ids of the known words, in order; unknown words are dropped, and no START or END is added."""
        return [self._ids[token] for token in tokens if token in self._ids]

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The words up to the first END; START and START_PHRASE have no text and are passed over.

        Raises `ValueError` for a number that is no id.
        """
        decoded = []
        for n in ids:
            if not 0 <= n < len(self):
                raise ValueError(f"{n} is no id of this vocabulary; ids run from 0 to {len(self) - 1}")
            if n == END:
                break
            if n >= FIRST_WORD:
                decoded.append(self.words[n - FIRST_WORD])
        return decoded

    def counts_V(self) -> IntArray:
        """How often a captioner has to say each id: END once a sentence, START and START_PHRASE never.

        The logarithms of these frequencies initialise the softmax bias (paper, section 6).
        """
        return np.array([self.sentences, 0, 0, *self.counts], dtype=np.int64)

    def save(self, path: Path) -> None:
        """Write UTF-8 lines `word<TAB>count`, after a first line with the number of sentences."""
        rows = [(_HEADER, self.sentences), *zip(self.words, self.counts, strict=True)]
        path.write_text("".join(f"{word}\t{count}\n" for word, count in rows), encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, path: Path) -> "Vocabulary":
        """Read what `save` wrote; `ValueError` names the file, and the line where there is one (from 1)."""
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            raise ValueError(f"{path}: not UTF-8; give a vocabulary that Vocabulary.save wrote") from None
        rows = []
        for n, line in enumerate(lines, start=1):
            word, tab, count = line.partition("\t")
            if not (tab and count.isascii() and count.isdigit()):
                raise ValueError(f"{path}: line {n} is {line!r:.60}; expected a word, a tab and a count")
            rows.append((word, int(count)))
        if not rows or rows[0][0] != _HEADER:
            raise ValueError(f"{path}: the first line must be {_HEADER!r}, a tab and the number of sentences")
        try:
            return cls(tuple(word for word, _ in rows[1:]), tuple(count for _, count in rows[1:]), rows[0][1])
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None


def pad(ids: Sequence[Sequence[int]]) -> tuple[IntArray, BoolArray]:
    """Sentences of any lengths as one array `ids_LT`, filled with END, and `real_LT`, true at its words."""
    length_L = np.array([len(sentence) for sentence in ids], dtype=np.int64)
    real_LT = np.arange(length_L.max(initial=0)) < length_L[:, None]
    ids_LT = np.full(real_LT.shape, END, dtype=np.int64)
    ids_LT[real_LT] = list(chain.from_iterable(ids))
    return ids_LT, real_LT
