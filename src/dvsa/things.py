"""Words that name things which photographs show, such as `dog`, `man` and `snow`.

runs/things.py has made the list things.txt: words of the shipped vocabulary, chosen with Flickr30k Entities
(Plummer et al. 2015) and WordNet 3.0 (Princeton University).
"""

from functools import lru_cache
from importlib.resources import files


def names_thing(word: str) -> bool:
    """Whether a word names a thing that photographs show: an animal, a person, a place, food, an object.

    >>> [word for word in "two dogs standing near a red ball".split() if names_thing(word)]
    ['dogs', 'ball']
    """
    return word in _things()


@lru_cache(maxsize=1)
def _things() -> frozenset[str]:
    return frozenset((files("dvsa") / "things.txt").read_text("utf-8").split())
