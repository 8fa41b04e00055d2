"""The known words that are nearest to an unknown one: its parts, or words that are spelled alike."""

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher, get_close_matches
from typing import Final

from dvsa.text import FUNCTION_WORDS, Vocabulary

PROPOSALS: Final = 3
"""Most words that are proposed for one unknown word."""

WEIGHED: Final = 20
"""Words that are spelled alike, of which the best are proposed."""

LONGEST: Final = 40
"""Letters of the longest word for which others are proposed; longer ones are no words."""

SHORTEST_PART: Final = 3
"""Letters of the shortest part of a compound: shorter ones are found in any word."""

ALIKE: Final = 0.75
"""How similar two spellings must be, as a share of matching letters."""

TYPING_ERROR: Final = 0.9
"""How similar a spelling is that differs by one typing error, in a word that is not short."""

SHORT: Final = 4
"""Letters of a short word, in which one typing error changes much."""

ALIKE_SHORT: Final = 0.6
"""The same share for short words."""


def nearest(word: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Known words for an unknown one, the most likely first; none for a word that looks like no other.

    A word with one typing error gives the words that are spelled alike, and a compound gives its parts.
    Otherwise it is again the words that are spelled alike; of those, the ones that occur more often in the
    training sentences win ties.

    >>> vocabulary = Vocabulary(("dog", "bottle", "cap"), (7, 5, 2), 9)
    >>> nearest("bottlecap", vocabulary), nearest("dgo", vocabulary), nearest("zyzzyva", vocabulary)
    (('bottle', 'cap'), ('dog',), ())
    """
    if not 2 <= len(word) <= LONGEST:
        return ()
    alike = _alike(word, vocabulary)
    if alike and _likeness(word, alike[0]) >= TYPING_ERROR:
        return alike
    return _parts(word, vocabulary) or alike


def nearest_of(words: Sequence[str], vocabulary: Vocabulary, most: int = 10) -> dict[str, tuple[str, ...]]:
    """The nearest known words of each unknown one, for the first `most` of these.

    >>> nearest_of(["a", "dgo"], Vocabulary(("a", "dog"), (7, 5), 9))
    {'dgo': ('dog',)}
    """
    unknown = dict.fromkeys(word for word in words if word not in vocabulary)
    return {word: nearest(word, vocabulary) if n < most else () for n, word in enumerate(unknown)}


def told(proposals: Mapping[str, tuple[str, ...]]) -> str:
    """Unknown words with their proposals, in words.

    >>> told({"bottlecap": ("bottle", "cap"), "zyzzyva": ()})
    'bottlecap (nearest known words: bottle, cap), zyzzyva (no known word is like it)'
    """
    return ", ".join(
        f"{word} (nearest known word{'s' * (len(near) > 1)}: {', '.join(near)})"
        if near
        else f"{word} (no known word is like it)"
        for word, near in proposals.items()
    )


def _parts(word: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """The fewest known words that make up a word; of several, those with the longest first part."""
    best: dict[int, tuple[str, ...]] = {len(word): ()}
    for start in range(len(word) - SHORTEST_PART, -1, -1):
        options = [
            (word[start:end], *best[end])
            for end in range(len(word), start + SHORTEST_PART - 1, -1)
            if end in best and word[start:end] in vocabulary and word[start:end] not in FUNCTION_WORDS
        ]
        if options:
            best[start] = min(options, key=len)
    return best.get(0, ())


def _alike(word: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Known words that are spelled alike."""
    short = len(word) <= SHORT
    least = len(word) if short else 2  # part of a short word is like too many others
    content = [known for known in vocabulary.words if len(known) >= least and known not in FUNCTION_WORDS]
    found = get_close_matches(word, content, n=WEIGHED, cutoff=ALIKE_SHORT if short else ALIKE)

    # Of words that are about as similar, the frequent ones come first.
    rank = {known: (-round(_likeness(word, known), 1), vocabulary.id(known)) for known in found}
    return tuple(sorted(found, key=lambda known: rank[known])[:PROPOSALS])


def _likeness(word: str, known: str) -> float:
    """The share of letters that match."""
    return SequenceMatcher(a=word, b=known).ratio()
