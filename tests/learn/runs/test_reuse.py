"""Which stages two runs may share: those that the same learning, and nothing else, led to."""

from dataclasses import replace

import pytest

from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.reuse import Plan, shared_weights
from dvsa.learn.tasks.stage import ALL, BOXES, WORDS

BEST = RECIPES["best"]()


def common(recipe: Recipe, words: tuple[str, ...] = ("a", "b")) -> dict[str, tuple[str, ...]]:
    """What each stage of `recipe` shares with `best`, where it shares anything."""
    found = {s.name: shared_weights(s, Plan(recipe, words), Plan(BEST, ("a", "b"))) for s in recipe.stages}
    return {name: learnt for name, learnt in found.items() if learnt}


def without(*names: str) -> Recipe:
    return replace(BEST, stages=tuple(s for s in BEST.stages if s.name not in names))


def longer(name: str) -> Recipe:
    stages = [replace(s, train=replace(s.train, epochs=99)) if s.name == name else s for s in BEST.stages]
    return replace(BEST, stages=tuple(stages))


APART = {"read": WORDS, "regions": BOXES}
WHOLE = APART | dict.fromkeys(("align", "tune", "settle"), ALL)


@pytest.mark.parametrize(
    ("recipe", "wanted"),
    [
        (BEST, WHOLE),
        (without("read"), {"regions": BOXES}),
        (without("settle"), APART | {"align": ALL, "tune": ALL}),
        (without("tune"), APART | {"align": ALL}),
        (longer("read"), {"regions": BOXES}),
        (longer("regions"), {"read": WORDS}),
        (longer("tune"), APART | {"align": ALL}),
        (replace(BEST, vision=replace(BEST.vision, context_layers=0)), APART),
        (replace(BEST, vision=replace(BEST.vision, proposal_width=64)), {"read": WORDS}),
        (replace(BEST, sentence=replace(BEST.sentence, hidden=64)), {"regions": BOXES}),
        (replace(BEST, beam=99), WHOLE),
    ],
    ids=lambda value: "" if isinstance(value, Recipe) else " ".join(value),
)
def test_a_change_keeps_what_does_not_depend_on_it(
    recipe: Recipe, wanted: dict[str, tuple[str, ...]]
) -> None:
    assert common(recipe) == wanted


def test_other_words_share_regions_alone() -> None:
    assert common(BEST, ("a", "c")) == {"regions": BOXES}
