"""A sentence that a model has read: its words, which of them the model knows, and their vectors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dvsa.arrays import BoolArray, Floats

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
            raise ValueError(f"the model knows no word of {self.text!r}: use other words")


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
