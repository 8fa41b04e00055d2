"""Sentences as words, and words as numbers (paper, section 3)."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain, pairwise
from pathlib import Path

import numpy as np

from dvsa.arrays import BoolArray, IntArray

END = 0
"""Ends every caption and phrase. It also fills the padding, which a mask marks."""
START = 1
"""Begins the caption of a whole photograph."""
START_PHRASE = 2
"""Begins the phrase of one region."""
FIRST_WORD = 3
"""The id of the most frequent word."""

_FUNCTION_WORDS = """
    a an and another are as at be been being both by each for from has have he her hers him his how in into is
    it its itself no not of off on onto or other she some that the their them there these they this those to
    up was were what where which while who whose with
"""

FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
"""Words such as "the" that no region can show."""

_HEADER = "#sentences"


_INSIDE = re.compile(
    r"""['’‘ʼ＇`´′‐‑\xad－-]            # the marks of dog's and of t-shirt
    | (?<=\d) (?: \. | ,(?=\d{3}(?!\d)) ) (?=\d)  # 1.5 and 3,000
    | (?<![^\W_]{2}) (?<=[^\W\d_]) \. (?=[^\W\d_](?![^\W_]))  # U.S.
    """,
    re.VERBOSE,
)
"""Punctuation inside a word; all other punctuation separates words."""

_DASHES = re.compile("--+")
_SENTENCE_END = re.compile(r"(?<=[^\W_]{2}[.!?…])\s+|(?<=[。！？])|[\r\n]+")
_WORD = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    """The tokens of the paper: lower case, split at white space, with letters and digits only.

    Unicode letters and digits (`str.isalnum`) count, with their combining marks, in composed form (NFC).
    Apostrophes, hyphens, and the points of numbers and abbreviations are dropped; other punctuation between
    letters separates words. Empty tokens are dropped.

    >>> words("A dog's ball - 2 of them!")
    ['a', 'dogs', 'ball', '2', 'of', 'them']
    >>> words("dog,cat/T-shirt—3,000 in the U.S.")
    ['dog', 'cat', 'tshirt', '3000', 'in', 'the', 'us']
    """
    composed = unicodedata.normalize("NFC", text.lower())
    plain = _INSIDE.sub("", _DASHES.sub(" ", composed))
    if plain.isascii():
        return _WORD.findall(plain)

    # A mark stays with the letter before it; without a letter, as after an emoji, it means nothing.
    kept = "".join(map(_as_part, plain)).split()
    return [word for word in map(_without_leading_marks, kept) if word]


def sentences(text: str) -> list[str]:
    """The sentences of a text: it is divided at line ends, and at spaces after `.`, `!` or `?`.

    A point after a single letter is that of an abbreviation. Sentences without words are dropped.

    >>> sentences("A dog in the U.S. army runs. Snow falls! - A cat")
    ['A dog in the U.S. army runs.', 'Snow falls!', '- A cat']
    """
    return [part.strip() for part in _SENTENCE_END.split(text) if words(part)]


@lru_cache(maxsize=1 << 14)
def _as_part(character: str) -> str:
    """A letter, digit or combining mark itself; nothing for what is invisible; a space for all others."""
    if character.isalnum():
        return character
    kind = unicodedata.category(character)
    if kind in ("Mn", "Mc") and not unicodedata.name(character, "").startswith("VARIATION SELECTOR"):
        return character
    return "" if kind[0] == "M" or (kind == "Cf" and character != "\u200b") else " "


def _without_leading_marks(word: str) -> str:
    return word if word[0].isalnum() else word.lstrip("".join(c for c in word if not c.isalnum()))


@dataclass(frozen=True)
class Vocabulary:
    """The known words by decreasing count, equal counts in alphabetical order.

    The id of a word is its position + FIRST_WORD. Raises `ValueError` if the words are not in this order, not
    unique, or contain white space.

    >>> vocabulary = Vocabulary(("a", "dog"), (7, 2), sentences=5)
    >>> len(vocabulary), "dog" in vocabulary
    (5, True)
    """

    words: tuple[str, ...]
    counts: tuple[int, ...]
    """How often each word occurs in the training sentences."""
    sentences: int
    """The number of training sentences."""

    def __post_init__(self) -> None:
        if len(self.words) != len(self.counts):
            raise ValueError(
                f"{len(self.words)} words but {len(self.counts)} counts; give one count for each word"
            )
        if self.sentences < 0:
            raise ValueError(f"the number of sentences is {self.sentences}; it must not be negative")

        for word, count in zip(self.words, self.counts, strict=True):
            if word.split() != [word]:
                raise ValueError(f"the word {word!r} is empty or contains white space; give single words")
            if count < 1:
                raise ValueError(f"the word {word!r} has the count {count}; it must be at least 1")

        if len(self._ids) != len(self.words):
            raise ValueError(f"{len(self.words) - len(self._ids)} words appear twice; give each word once")
        for (a_count, a), (b_count, b) in pairwise(zip(self.counts, self.words, strict=True)):
            if (-a_count, a) > (-b_count, b):
                raise ValueError(
                    f"{b!r} follows {a!r}; sort by decreasing count, equal counts in alphabetical order"
                )

    @classmethod
    def build(cls, sentences: Iterable[Sequence[str]], min_count: int = 5) -> "Vocabulary":
        """The words that occur at least `min_count` times in `sentences`, each a sequence of tokens.

        >>> Vocabulary.build([["a", "dog"], ["a", "cat"]], min_count=2).words
        ('a',)
        """
        seen, count = Counter[str](), 0
        for tokens in sentences:
            seen.update(tokens)
            count += 1
        kept = sorted((-n, word) for word, n in seen.items() if n >= min_count)
        return cls(tuple(word for _, word in kept), tuple(-n for n, _ in kept), count)

    def joined(self, other: "Vocabulary") -> "Vocabulary":
        """The words of both vocabularies, with the sums of their counts.

        >>> Vocabulary(("a",), (3,), 3).joined(Vocabulary(("dog", "a"), (2, 1), 2))
        Vocabulary(words=('a', 'dog'), counts=(4, 2), sentences=5)
        """
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
        """The id of a word; `None` if it is unknown.

        >>> Vocabulary(("a", "dog"), (7, 2), 5).id("dog")
        4
        """
        return self._ids.get(word)

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """The ids of the known words, in order, without unknown words, START or END.

        >>> Vocabulary(("a", "dog"), (7, 2), 5).encode(["a", "red", "dog"])
        [3, 4]
        """
        return [self._ids[token] for token in tokens if token in self._ids]

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The words before the first END; START and START_PHRASE are skipped.

        Raises `ValueError` for an invalid id.

        >>> Vocabulary(("a", "dog"), (7, 2), 5).decode([START, 3, 4, END])
        ['a', 'dog']
        """
        decoded = []
        for n in ids:
            if not 0 <= n < len(self):
                raise ValueError(f"{n} is not an id of this vocabulary; ids are 0 to {len(self) - 1}")
            if n == END:
                break
            if n >= FIRST_WORD:
                decoded.append(self.words[n - FIRST_WORD])
        return decoded

    def counts_V(self) -> IntArray:
        """How often a captioner must say each id: END once per sentence, START and START_PHRASE never.

        The logarithms of these frequencies initialise the bias of the softmax (paper, section 6).

        >>> Vocabulary(("a", "dog"), (7, 2), 5).counts_V().tolist()
        [5, 0, 0, 7, 2]
        """
        return np.array([self.sentences, 0, 0, *self.counts], dtype=np.int64)

    def save(self, path: Path) -> None:
        """Write the number of sentences in the first line, then UTF-8 lines `word<TAB>count`.

        >>> from tempfile import TemporaryDirectory
        >>> vocabulary = Vocabulary(("a", "dog"), (7, 2), 5)
        >>> with TemporaryDirectory() as folder:
        ...     vocabulary.save(Path(folder) / "vocabulary.tsv")
        ...     Vocabulary.load(Path(folder) / "vocabulary.tsv") == vocabulary
        True
        """
        rows = [(_HEADER, self.sentences), *zip(self.words, self.counts, strict=True)]
        path.write_text("".join(f"{word}\t{count}\n" for word, count in rows), encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, path: Path) -> "Vocabulary":
        """Read a file that `save` wrote; `ValueError` names the file and the line, counted from 1.

        >>> import dvsa
        >>> folder = dvsa.load().bundle.folder
        >>> Vocabulary.load(folder / "vocabulary.tsv").words[:4]
        ('a', 'in', 'the', 'on')
        """
        return cls.parse(path.read_bytes(), str(path))

    @classmethod
    def parse(cls, content: bytes, source: str) -> "Vocabulary":
        r"""Read the content of a file that `save` wrote; a `ValueError` names `source` and the line.

        >>> Vocabulary.parse(b"#sentences\t5\na\t7\ndog\t2\n", "here").words
        ('a', 'dog')
        """
        try:
            lines = content.decode("utf-8").splitlines()
        except UnicodeDecodeError:
            raise ValueError(f"{source}: not UTF-8; give a file that Vocabulary.save wrote") from None

        rows = []
        for n, line in enumerate(lines, start=1):
            word, tab, count = line.partition("\t")
            if not (tab and re.fullmatch("[0-9]{1,18}", count)):
                raise ValueError(f"{source}: line {n} is {line!r:.60}; expected a word, a tab and a count")
            rows.append((word, int(count)))

        if not rows or rows[0][0] != _HEADER:
            raise ValueError(
                f"{source}: the first line must be {_HEADER!r}, a tab and the number of sentences"
            )
        try:
            return cls(tuple(word for word, _ in rows[1:]), tuple(count for _, count in rows[1:]), rows[0][1])
        except ValueError as error:
            raise ValueError(f"{source}: {error}") from None


def pad(ids: Sequence[Sequence[int]]) -> tuple[IntArray, BoolArray]:
    """Sentences of any lengths as one array `ids_LT`, padded with END, and a mask `real_LT`, true at words.

    >>> ids_LT, real_LT = pad([[5, 6, 7], [8]])
    >>> ids_LT.tolist()
    [[5, 6, 7], [8, 0, 0]]
    >>> real_LT.tolist()
    [[True, True, True], [True, False, False]]
    """
    length_L = np.array([len(sentence) for sentence in ids], dtype=np.int64)
    real_LT = np.arange(length_L.max(initial=0)) < length_L[:, None]
    ids_LT = np.full(real_LT.shape, END, dtype=np.int64)
    ids_LT[real_LT] = list(chain.from_iterable(ids))
    return ids_LT, real_LT
