"""Which words of a caption the photograph speaks for."""

from dvsa.records import Word
from dvsa.text import FUNCTION_WORDS


def supported(word: Word, least: float = 0.0) -> bool:
    """Whether a word's best region scores above `least`; a function word needs no region."""
    return word.text in FUNCTION_WORDS or (word.known and word.score > least)
