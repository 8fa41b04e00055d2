"""Words that name things which photographs show, such as `dog`, `man` and `snow`.

runs/things.py has made the list things.txt: words of the shipped vocabulary, chosen with Flickr30k Entities
(Plummer et al. 2015) and WordNet 3.0 (Princeton University).
"""

import re
from functools import lru_cache
from importlib.resources import files
from typing import Final

_ENDINGS: Final = (
    ("(?<!s)s", ("",)),
    ("(?<=s|x|z|o)es|(?<=[cs]h)es", ("",)),
    ("ies", ("y",)),
    ("ves", ("f", "fe")),
    ("men", ("man",)),
)
"""Endings of plurals, and what stands there in the singular."""
_IRREGULAR: Final = {
    "children": "child", "feet": "foot", "geese": "goose", "mice": "mouse", "oxen": "ox", "people": "person",
    "teeth": "tooth",
}  # fmt: skip
_OTHER_THINGS: Final = frozenset({"glasses", "shorts", "woods"})
"""Plurals that name something else than their singulars."""


def names_thing(word: str) -> bool:
    """Whether a word names a thing that photographs show: an animal, a person, a place, food, an object.

    >>> [word for word in "two dogs standing near a red ball".split() if names_thing(word)]
    ['dogs', 'ball']
    """
    return word in _things()


def same_thing(one: str, other: str) -> bool:
    """Whether two names differ at most in capitals and in singular and plural.

    >>> same_thing("hot dog", "Hot dogs"), same_thing("glass", "glasses"), same_thing("dog", "hot dog")
    (True, False, False)
    """
    one, other = one.lower(), other.lower()
    return one in {other, *_singulars(other)} or other in _singulars(one)


def _singulars(name: str) -> set[str]:
    """What the singular of a name may be, if the name is a plural."""
    before, space, word = name.rpartition(" ")
    if name in _OTHER_THINGS:
        return set()
    found = {_IRREGULAR.get(word, word)} - {word}
    for ending, singular in _ENDINGS:
        found |= {stem + end for stem in re.findall(f"^(.*)(?:{ending})$", word) for end in singular}
    return {before + space + one for one in found}


@lru_cache(maxsize=1)
def _things() -> frozenset[str]:
    return frozenset((files("dvsa") / "things.txt").read_text("utf-8").split())
