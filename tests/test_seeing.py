"""Which things are said of what is seen."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa.records import Thing
from dvsa.seeing import LEAST, MOST, Group, Meaning, evidence, said, seen

MEANINGS = st.lists(
    st.builds(
        Meaning,
        st.builds(Thing, st.sampled_from("abcdefghijklmno"), st.integers(0, 3), st.floats(0, 1)),
        st.frozensets(st.integers(0, 20), max_size=4),
        st.booleans(),
    ),
    max_size=25,
)


@given(MEANINGS)
def test_what_is_said_is_probable_and_differs(found: list[Meaning]) -> None:
    things = said(found)
    assert len(things) <= MOST
    assert [*things] == sorted(things, key=lambda thing: -thing.probability)
    assert len({thing.name for thing in things}) == len(things)
    known = {meaning.thing: meaning for meaning in found}
    assert all(thing.probability >= LEAST for thing in things)
    classes = [known[thing].classes for thing in things]
    if len({meaning.thing for meaning in found}) == len(found):
        assert sum(map(len, classes)) == len(frozenset().union(*classes))

    # What is left out is improbable, or means what is said, or comes after ten others. A name is
    # said with all its classes.
    names = {thing.name for thing in things}
    covered = {c for thing, meant, _ in found if thing.name in names for c in meant}
    for thing, meant, _ in found:
        if thing not in things and len(things) < MOST:
            same = meant & covered or thing.name in names
            assert thing.probability < LEAST or same


def test_singular_and_plural_are_said_once() -> None:
    """The classes of a name that is said in another number are said, too."""
    dogs = Meaning(Thing("dogs", 0, 0.9), frozenset(), everyday=True)
    dog = Meaning(Thing("dog", 1, 0.8), frozenset(range(9)), everyday=True)
    hound = Meaning(Thing("hound", 1, 0.7), frozenset(range(5)), everyday=False)
    bus = Meaning(Thing("bus", 2, 0.6), frozenset(), everyday=True)
    for found in ([dogs, dog, hound, bus], [bus, hound, dog, dogs]):
        assert [thing.name for thing in said(found)] == ["dogs", "bus"]


def test_the_everyday_name_of_the_fewest_classes_is_said() -> None:
    def meaning(name: str, classes: Sequence[int], everyday: bool) -> Meaning:
        return Meaning(Thing(name, 0, 0.9), frozenset(classes), everyday)

    penguin, bird = meaning("penguin", [145], True), meaning("bird", range(100, 150), True)
    grebe = meaning("grebe", [135], False)
    assert [thing.name for thing in said([bird, penguin])] == ["penguin"]
    assert [thing.name for thing in said([grebe, bird])] == ["bird"]
    assert [thing.name for thing in said([grebe, penguin])] == ["penguin", "grebe"]


@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 99))
def test_the_evidence_is_that_of_the_best_region_and_of_the_whole(I: int, C: int, seed: int) -> None:  # noqa: E741
    rng = np.random.default_rng(seed)
    p_IC = rng.dirichlet(np.ones(C), size=I)
    classes = frozenset(rng.permutation(C)[: 1 + seed % C].tolist())
    own_I = [sum(p_I[c] for c in classes) for p_I in p_IC]
    found = evidence(Group(classes, "x", 6), p_IC, 0.25)
    for value, p in ((found[0], max(own_I)), (found[1], own_I[-1])):
        assert value == pytest.approx(np.log((p + 1e-4) / (1 - p + 1e-4)), abs=1e-6)
    assert found[2:] == pytest.approx([0.25, np.log(len(classes)), np.log(7), 1])


def test_the_probability_is_logistic_in_the_evidence() -> None:
    group, weight_6 = Group(frozenset({3}), "x", 10), [0.5, -1.0, 2.0, 0.0, 1.0, -0.25]
    evidence_6 = np.array([1.0, 0.5, 0.25, 9.0, 0.1, 1.0])
    found = seen(group, 4, evidence_6, weight_6)
    assert found.thing.probability == pytest.approx(1 / (1 + np.exp(-np.dot(weight_6, evidence_6))))
    assert (found.thing.name, found.thing.region) == ("x", 4)
    assert (found.classes, found.everyday) == (group.classes, True)
