"""How well a model names, finds and describes photographs whose main things people have named.

Words are compared without case and without the endings of plurals. The measures of one photograph are numbers
from 0 to 1, or NaN if it cannot be measured; those of many are their means.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dvsa.arrays import FloatArray
from dvsa.text import FUNCTION_WORDS, words

ENDS = 1 / 200
"""A caption must not end with a word that ends a sentence in a smaller share of its occurrences."""
KNOWN = 20
"""Occurrences of a word, from which that share is known."""
PLURALS = {
    "calves": "calf",
    "children": "child",
    "feet": "foot",
    "geese": "goose",
    "halves": "half",
    "knives": "knife",
    "leaves": "leaf",
    "men": "man",
    "mice": "mouse",
    "people": "person",
    "shelves": "shelf",
    "teeth": "tooth",
    "wolves": "wolf",
    "women": "woman",
}
_LINKS = """
    is are was were has have that who which while as with in on at near by next behind over under from to into
    through against along across between
"""
LINKS = frozenset(_LINKS.split())
"""Function words after the subject of a caption."""
VERBS = re.compile(
    "(?:carr|fl)(?:y|ies)"
    "|(?:catch|climb|dig|eat|hold|jump|lay|lean|lie|look|play|pose|race|ride|run|sit|stand|swim|walk|wear)s?"
)
"""Frequent verbs of captions, but for the forms in -ing."""
_NOUNS = """
    bowling building ceiling clothing crossing dining earring evening frying king living meeting morning
    painting parking railing ring sewing sibling string swing thing wedding wing
"""
NOUNS = frozenset(_NOUNS.split())
"""Words in -ing that are no verbs, or seldom."""


def singular(word: str) -> str:
    """A noun without the ending of its plural; good enough to compare two nouns.

    >>> [singular(word) for word in ("dogs", "glasses", "berries", "women", "grass")]
    ['dog', 'glass', 'berry', 'woman', 'grass']
    """
    if word in PLURALS:
        return PLURALS[word]
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def key(name: str) -> tuple[str, ...]:
    """A name in the form in which names are compared.

    >>> key("Wine glasses")
    ('wine', 'glass')
    """
    return tuple(singular(word) for word in words(name))


def among(name: str, names: Iterable[str]) -> bool:
    """Whether a name is one of some names.

    >>> among("Hot dogs", ["cat", "hot dog"]), among("dog", ["hot dog"])
    (True, False)
    """
    return key(name) in {key(one) for one in names}


def has(sentence: Sequence[str], names: Iterable[str]) -> bool:
    """Whether the words of a sentence have one of some names in them.

    >>> has(["a", "cup", "of", "coffee"], ["tea", "cups of coffee"])
    True
    """
    read = tuple(singular(word) for word in sentence)
    wanted = {key(name) for name in names}
    return any(
        read[start : start + len(name)] == name for name in wanted if name for start in range(len(read))
    )


def subject(caption: Sequence[str]) -> list[str]:
    """The words of a caption before its first verb or preposition.

    >>> subject("a group of people are sitting on a hill".split())
    ['a', 'group', 'of', 'people']
    """
    before = ("", *caption)
    ends = (n for n, word in enumerate(caption) if _ends_subject(before[n], word))
    return list(caption[: next(ends, len(caption))])


def _ends_subject(before: str, word: str) -> bool:
    is_participle = word.endswith("ing") and word not in NOUNS and before not in ("a", "an", "the")
    return word in LINKS or is_participle or VERBS.fullmatch(word) is not None


@dataclass(frozen=True, slots=True)
class Language:
    """What people write: pairs of neighbouring words, and words that end no sentence."""

    pairs: frozenset[tuple[str, str]]
    dangling: frozenset[str]
    """Words that occur at least `KNOWN` times, and end a sentence in less than `ENDS` of them."""

    @classmethod
    def learn(cls, sentences: Iterable[Sequence[str]]) -> "Language":
        """The language of sentences, each a sequence of words.

        >>> language = Language.learn([["a", "dog", "runs"]] * 20)
        >>> sorted(language.pairs), sorted(language.dangling)
        ([('a', 'dog'), ('dog', 'runs')], ['a', 'dog'])
        """
        pairs, count, last = set[tuple[str, str]](), Counter[str](), Counter[str]()
        for sentence in sentences:
            pairs.update(pairwise(sentence))
            count.update(sentence)
            last.update(sentence[-1:])
        dangling = {word for word, n in count.items() if n >= KNOWN and last[word] < ENDS * n}
        return cls(frozenset(pairs), frozenset(dangling))

    def faults(self, caption: Sequence[str]) -> list[str]:
        """What is wrong with a caption: a bad ending, a repeated word, or a pair that nobody wrote.

        A content word may come once, and no word may follow itself.

        >>> language = Language.learn([["a", "dog", "runs"]] * 20)
        >>> language.faults(["a", "dog", "runs"]), language.faults(["runs", "runs", "a"])
        ([], ['bad ending', 'repeated word', 'unseen pair'])
        """
        pairs = list(pairwise(caption))
        content = [word for word in caption if word not in FUNCTION_WORDS]
        found = {
            "bad ending": not caption or caption[-1] in self.dangling,
            "repeated word": len(set(content)) < len(content) or any(a == b for a, b in pairs),
            "unseen pair": any(pair not in self.pairs for pair in pairs),
        }
        return [fault for fault, is_there in found.items() if is_there]


def first_right(score_N: FloatArray, right_N: Sequence[bool]) -> float:
    """The place of the best right one of N answers, from 1 on; NaN if none is right.

    An answer without a score (NaN) has no place: it comes after all others. Of answers with equal scores, the
    wrong ones come first, so that a model that tells nothing apart has no luck.

    >>> first_right(np.array([0.1, 0.9, 0.5]), [True, False, True])
    2.0
    """
    right = np.array(right_N, dtype=np.bool_)
    if not right.any():
        return math.nan
    if np.isnan(score_N[right]).all():
        return math.inf
    best = np.nanmax(score_N[right])
    return 1.0 + float((score_N[~right] >= best).sum())


def within(place: float, top: int) -> float:
    """Whether a place is one of the first ones, as a number; NaN stays NaN.

    >>> within(2.0, 1), within(2.0, 5), within(math.nan, 5)
    (0.0, 1.0, nan)
    """
    return math.nan if math.isnan(place) else float(place <= top)
