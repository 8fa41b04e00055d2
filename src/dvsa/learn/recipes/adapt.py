"""A recipe on other boxes: those of a frozen network, fixed ones, or none that people drew."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from dvsa.learn.nets.vision_config import ProposerConfig
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.tasks.stage import Stage

FIXED = ("grid", "frame")
"""The proposers that need no network."""


class Adapted(NamedTuple):
    """A changed recipe, and what was changed in words."""

    recipe: Recipe
    changes: tuple[str, ...]


def on_fixed_boxes(recipe: Recipe, proposer: str) -> Adapted:
    """The recipe on the boxes of the proposer `grid` or `frame`."""
    if recipe.proposer == "frame":
        return Adapted(recipe, ())
    why = f"the boxes are fixed ({proposer})"
    adapted = _change(recipe, lambda stage: stage.with_proposer(proposer), why)
    return adapted._replace(recipe=replace(adapted.recipe, proposer=proposer))


def on_frozen_proposals(recipe: Recipe, proposer: ProposerConfig, *, given: bool = False) -> Adapted:
    """The recipe on the boxes that a frozen network proposes; if others are given, only in use."""
    if recipe.proposer == "frame":
        return Adapted(recipe, ())
    changed = replace(recipe, vision=replace(recipe.vision, proposer=proposer))
    why = f"the bundle {proposer.bundle} proposes the boxes{' of new photographs' if given else ''}"
    return _change(changed, lambda stage: stage.with_frozen_proposals(), why)


def on_given_features(recipe: Recipe, features: int, *, boxed: bool) -> Adapted:
    """The recipe on features of regions that somebody else computed, `features` numbers each.

    Without boxes, a region's place cannot count.
    """
    vision = replace(
        recipe.vision, given_features=features, proposer=None, geometry=recipe.vision.geometry and boxed
    )
    why = f"features of width {features} describe the regions"
    return _change(replace(recipe, vision=vision), lambda stage: stage.on_given_features(), why)


def without_boxes(recipe: Recipe) -> Adapted:
    """The recipe for data without phrase boxes."""
    return _change(recipe, lambda stage: stage.without_boxes(), "no phrase has a box")


def _change(recipe: Recipe, change: Callable[[Stage], Stage | None], why: str) -> Adapted:
    """The recipe with every stage changed, and a line that says which stages are others now."""
    pairs = [(stage, change(stage)) for stage in recipe.stages]
    left_out = [old.name for old, new in pairs if new is None]
    changed = [old.name for old, new in pairs if new is not None and new != old]

    what = [f"stages left out: {', '.join(left_out)}"] if left_out else []
    what += [f"stages changed: {', '.join(changed)}"] if changed else []
    stages = tuple(new for _, new in pairs if new is not None)
    return Adapted(replace(recipe, stages=stages), (": ".join([why, "; ".join(what)] if what else [why]),))
