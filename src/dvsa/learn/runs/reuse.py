"""What two runs on the same data have in common: stages that both learn just so are learnt once."""

from collections.abc import Sequence

from dvsa.learn.recipes.recipe import Recipe, Stage
from dvsa.learn.tasks.paraphrase import ParaphraseOptions

WORDS = ("sentence.",)
"""Beginnings of the names of the weights that reading changes."""
BOXES = ("vision.backbone.", "vision.proposals.")
"""The same of those on which proposals depend."""
ALL = ("",)

Plan = tuple[Recipe, Sequence[str]]
"""A recipe and the words of its vocabulary."""


def shared(stage: Stage, ours: Plan, theirs: Plan) -> tuple[str, ...]:
    """Beginnings of the names of the weights that both plans learn alike up to the end of a stage of ours.

    Empty where another run learns them with other networks, in another way or behind other stages. Reading
    changes words but no proposals, and finding proposals no words: until an alignment joins them, each may be
    shared without the other.
    """
    (recipe, words), (other, other_words) = ours, theirs
    if stage.captioner is not None or stage not in other.stages:
        return ()
    learnt = _learnt(stage, recipe)
    if _led_to(stage, recipe) != _led_to(stage, other):
        return ()
    same_words = (recipe.sentence, words) == (other.sentence, other_words)
    same = {
        WORDS: same_words,
        BOXES: recipe.vision.of_boxes == other.vision.of_boxes,
        ALL: same_words and recipe.vision == other.vision,
    }
    return learnt if same[learnt] else ()


def _learnt(stage: Stage, recipe: Recipe) -> tuple[str, ...]:
    """Beginnings of the names of the weights that are the work of a stage and of those that led to it."""
    until = recipe.stages[: recipe.stages.index(stage) + 1]
    return ALL if any(_trains(s) == ALL for s in until) else _trains(stage)


def _led_to(stage: Stage, recipe: Recipe) -> tuple[Stage, ...]:
    """A stage and those before it on which its result depends."""
    learnt, until = _learnt(stage, recipe), recipe.stages[: recipe.stages.index(stage) + 1]
    return until if learnt == ALL else tuple(s for s in until if _trains(s) == learnt)


def _trains(stage: Stage) -> tuple[str, ...]:
    """Beginnings of the names of the weights that a stage may change."""
    if isinstance(stage.task, ParaphraseOptions):
        return WORDS
    return BOXES if stage.proposals_only else ALL
