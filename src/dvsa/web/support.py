"""Which words of a caption the photograph speaks for."""

from typing import Final

from dvsa.records import Word

_LISTED: Final = """
    a an and another are as at be been being both by each for from has have he her hers him his how in into is
    it its itself no not of off on onto or other she some that the their them there these they this those to
    up was were what where which while who whose with
"""

FUNCTION_WORDS: Final = frozenset(_LISTED.split())
"""Words that no region shows."""


def supported(word: Word, least: float = 0.0) -> bool:
    """Whether a word's best region scores above `least`; a function word needs no region."""
    return word.text in FUNCTION_WORDS or (word.known and word.score > least)
