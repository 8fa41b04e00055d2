"""Which things a photograph shows, by the classes of its regions and by the words of its captions.

Whether a class, or one of a group of classes, is seen has a probability:

    sigmoid(w . [logit p, logit f, cos, ln classes, ln count, 1])

where p is the highest probability that the classifier gives the group in a region, f that in the whole
photograph, cos the best cosine of a region with a name of the group, and count how often people have written
such a name. runs/seeing.py measures the weights w. Words have a probability of their own (see
`dvsa.aligning.Support`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from dvsa.arrays import FloatArray
from dvsa.records import Thing
from dvsa.things import same_thing

LEAST: Final = 0.5
"""The lowest probability of a thing that is said to be seen."""
MOST: Final = 10
"""How many things are said at most."""
EVERYDAY: Final = 10
"""A name that people have written this often is an everyday one."""
TINY: Final = 1e-4
"""Added to a probability and to its complement before logit."""


class Meaning(NamedTuple):
    """A thing with what its name means."""

    thing: Thing
    classes: frozenset[int]
    """None for a word that is no name of classes."""
    everyday: bool
    """Whether people often say it."""


@dataclass(frozen=True, slots=True)
class Group:
    """Some classes with a common name."""

    classes: frozenset[int]
    name: str
    """What people call them most often."""
    count: int
    """How often people have written that."""


def evidence(group: Group, p_IC: FloatArray, cosine: float) -> FloatArray:
    """The six numbers that the weights are for.

    Args:
        group: the group.
        p_IC: the probabilities of the classes in each region; the last region is the whole photograph.
        cosine: the best one of a region with a name of the group.

    >>> evidence(Group(frozenset({0}), "dog", 0), np.array([[0.5, 0.5], [0.5, 0.5]]), 0.3).tolist()
    [0.0, 0.0, 0.3, 0.0, 0.0, 1.0]
    """
    p_I = p_IC[:, sorted(group.classes)].sum(axis=1)
    said = np.log1p(group.count)
    return np.array([_logit(p_I.max()), _logit(p_I[-1]), cosine, np.log(len(group.classes)), said, 1.0])


def _logit(p: float) -> float:
    return float(np.log((p + TINY) / (1 - p + TINY)))


def seen(group: Group, region: int, evidence_6: FloatArray, weight_6: Sequence[float]) -> Meaning:
    """A group of classes as a thing with a probability.

    >>> dog = Group(frozenset({0}), "dog", 7)
    >>> seen(dog, 3, np.zeros(6), [1.0] * 6).thing
    Thing(name='dog', region=3, probability=0.5)
    """
    probability = float(0.5 + 0.5 * np.tanh(0.5 * np.dot(evidence_6, weight_6)))
    return Meaning(Thing(group.name, region, probability), group.classes, group.count >= EVERYDAY)


def said(found: Iterable[Meaning]) -> tuple[Thing, ...]:
    """The things to say, the most probable first: at most `MOST`, none below `LEAST`, no two of one meaning.

    Of names that share a class, an everyday one is said, and of these the one of the fewest classes: "cat"
    rather than "egyptian cat" or "animal". Of "dog" and "dogs", one is said.

    >>> animal = Meaning(Thing("animal", 0, 0.9), frozenset(range(9)), everyday=True)
    >>> cat = Meaning(Thing("cat", 0, 0.8), frozenset(range(3)), everyday=True)
    >>> egyptian = Meaning(Thing("egyptian cat", 0, 0.7), frozenset([1]), everyday=False)
    >>> sky = Meaning(Thing("sky", 1, 0.6), frozenset(), everyday=True)
    >>> [thing.name for thing in said([animal, egyptian, sky, cat])]
    ['cat', 'sky']
    """
    probable = [meaning for meaning in found if meaning.thing.probability >= LEAST]
    probable.sort(key=lambda m: (not m.everyday, len(m.classes), -m.thing.probability))
    taken: set[int] = set()
    kept: list[Thing] = []
    for thing, classes, _ in probable:
        if classes & taken:
            continue
        taken |= classes
        if not any(same_thing(thing.name, other.name) for other in kept):
            kept.append(thing)
    return tuple(sorted(kept, key=lambda thing: -thing.probability)[:MOST])
