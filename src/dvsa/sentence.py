"""A sentence that a model has read: its words, which of them the model knows, and their vectors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from dvsa.arrays import BoolArray, Floats
from dvsa.spelling import nearest_of
from dvsa.text import Vocabulary

MAX_WORDS = 500
"""The longest sentence that is aligned or searched for, in words."""


@dataclass(frozen=True, eq=False, slots=True)
class Sentence:
    """A tokenised sentence with the vectors of its known words. `Model.read` makes it.

    >>> import dvsa
    >>> sentence = dvsa.load().read("A zyzzyva, on a log!")
    >>> sentence.words, sentence.known_T.tolist(), sentence.s_ND.shape
    (('a', 'zyzzyva', 'on', 'a', 'log'), [True, False, True, True, True], (4, 256))
    """

    text: str
    words: tuple[str, ...]
    known_T: BoolArray
    """Which words the vocabulary has."""
    s_ND: Floats
    """The vectors of the known words, in order."""
    nearest: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Unknown words with the known words that are nearest to each (`dvsa.spelling`), from `Model.read`."""

    @classmethod
    def of(cls, text: str, words: Sequence[str], vocabulary: Vocabulary, s_ND: Floats) -> "Sentence":
        """A sentence with the vectors of the words that a vocabulary has.

        >>> vocabulary = Vocabulary(("a", "dog"), (7, 5), 9)
        >>> Sentence.of("A zyzzyva", ("a", "zyzzyva"), vocabulary, np.zeros((1, 2))).known_T.tolist()
        [True, False]
        """
        return cls(text, tuple(words), np.array([word in vocabulary for word in words], np.bool_), s_ND)

    @property
    def s_TD(self) -> Floats:
        """The vectors of all words; zeros for unknown words.

        >>> import dvsa
        >>> dvsa.load().read("a zyzzyva").s_TD.any(axis=1).tolist()
        [True, False]
        """
        s_TD = np.zeros((len(self.words), self.s_ND.shape[1]), np.float32)
        s_TD[self.known_T] = self.s_ND
        return s_TD

    def require_known(self) -> None:
        """Raise ValueError if the model knows none of the words.

        >>> import dvsa
        >>> dvsa.load().read("zyzzyva").require_known()
        Traceback (most recent call last):
        ValueError: the model knows no word of 'zyzzyva': use other words
        """
        if not self.known_T.any():
            near = ", ".join(dict.fromkeys(word for words in self.nearest.values() for word in words))
            remedy = f"try {near}" if near else "use other words"
            raise ValueError(f"the model knows no word of {self.text!r}: {remedy}")


def with_nearest(sentence: Sentence, vocabulary: Vocabulary) -> Sentence:
    """The same sentence with the known words that are nearest to its unknown ones.

    >>> sentence = Sentence("dgo", ("dgo",), np.array([False]), np.zeros((0, 2), np.float32))
    >>> with_nearest(sentence, Vocabulary(("a", "dog"), (7, 5), 9)).nearest
    {'dgo': ('dog',)}
    """
    unknown = [word for word, known in zip(sentence.words, sentence.known_T, strict=True) if not known]
    return replace(sentence, nearest=nearest_of(unknown, vocabulary)) if unknown else sentence


def joined(text: str, sentences: Sequence[Sentence]) -> Sentence:
    """Sentences that were read one by one as the words of one text, in their order.

    >>> one = Sentence("a dog", ("a", "dog"), np.array([True, True]), np.ones((2, 4), np.float32))
    >>> joined("A dog. A dog.", [one, one]).words
    ('a', 'dog', 'a', 'dog')
    """
    return Sentence(
        text,
        tuple(word for sentence in sentences for word in sentence.words),
        np.concatenate([sentence.known_T for sentence in sentences]),
        np.concatenate([sentence.s_ND for sentence in sentences]),
        {word: near for sentence in sentences for word, near in sentence.nearest.items()},
    )


def check_not_empty(text: str, words: Sequence[str]) -> None:
    """Raise ValueError if a sentence has no words.

    >>> check_not_empty("...", [])
    Traceback (most recent call last):
    ValueError: the sentence '...' has no words: give at least one
    """
    if not words:
        raise ValueError(f"the sentence {text!r} has no words: give at least one")


def check_length(text: str, words: Sequence[str]) -> None:
    """Raise ValueError if a sentence has no words or more than `MAX_WORDS`.

    >>> check_length("go " * 501, ["go"] * 501)
    Traceback (most recent call last):
    ValueError: the sentence has 501 words: give at most 500
    """
    check_not_empty(text, words)
    if len(words) > MAX_WORDS:
        raise ValueError(f"the sentence has {len(words)} words: give at most {MAX_WORDS}")
