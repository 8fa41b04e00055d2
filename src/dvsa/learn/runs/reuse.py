"""Reuse of stages that an earlier run on the same data trained in the same way."""

from collections.abc import Sequence
from dataclasses import dataclass

from dvsa.learn.loop import checkpoint
from dvsa.learn.loop.checkpoint import JsonValue
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.run import Run, read_config
from dvsa.learn.tasks.context import Context
from dvsa.learn.tasks.stage import ALL, BOXES, NONE, WORDS, Stage


@dataclass(frozen=True)
class Plan:
    """What a run learns: a recipe, with the words of its vocabulary."""

    recipe: Recipe
    words: Sequence[str]
    pretrained: JsonValue = None
    """What the sentence encoder is before the training, as `config.json` says; None if it is random."""
    backbone_weights: JsonValue = None
    """The file of the backbone's first weights, as in `config.json`."""


def _plan(recipe: Recipe, words: Sequence[str], config: dict[str, JsonValue]) -> Plan:
    return Plan(recipe, words, _pretrained(config), config.get("backbone_weights"))


def reuse(earlier: Run, stage: Stage, recipe: Recipe, model: JointModel, context: Context) -> bool:
    """Load a stage's weights from an earlier run if it trained them in the same way; whether it did."""
    ours = _plan(recipe, context.vocabulary.words, read_config(context.folder))
    theirs = _plan(earlier.recipe, earlier.vocabulary.words, earlier.config)
    learned = shared_weights(stage, ours, theirs)
    if not (learned and earlier.has(stage)):
        return False

    tensors, facts = checkpoint.load(earlier.best(stage.name))
    model.load_state_dict(model.state_dict() | {k: t for k, t in tensors.items() if k.startswith(learned)})
    model.eval()
    checkpoint.save(context.folder / stage.name / "best.safetensors", model.state_dict(), facts)
    return True


def shared_weights(stage: Stage, ours: Plan, theirs: Plan) -> tuple[str, ...]:
    """Prefixes of the names of the weights that both plans learn in the same way, up to a stage of ours.

    Empty if the other plan has other networks, another such stage, or other stages before it. A
    paraphrase stage does not change proposals, and a proposal stage does not change words. Until an alignment
    joins them, each can be reused without the other.
    """
    if not stage.weights or stage not in theirs.recipe.stages:
        return NONE
    if _led_to(stage, ours.recipe) != _led_to(stage, theirs.recipe):
        return NONE

    # The networks that the weights belong to must be the same.
    vision, other_vision = ours.recipe.vision, theirs.recipe.vision
    same_words = _of_words(ours) == _of_words(theirs)
    same_start = ours.backbone_weights == theirs.backbone_weights
    same = {
        WORDS: same_words,
        BOXES: same_start and vision.of_boxes == other_vision.of_boxes,
        ALL: same_start and same_words and vision == other_vision,
    }
    learned = _learned(stage, ours.recipe)
    return learned if same[learned] else NONE


def _pretrained(config: dict[str, JsonValue]) -> JsonValue:
    return config.get("pretrained_sentence_encoder", config.get("word_vectors"))


def _of_words(plan: Plan) -> tuple[object, ...]:
    """All that decides the sentence encoder before its training."""
    return plan.recipe.sentence, plan.words, plan.pretrained


def _until(stage: Stage, recipe: Recipe) -> tuple[Stage, ...]:
    """The stages up to and with one of them."""
    return recipe.stages[: recipe.stages.index(stage) + 1]


def _learned(stage: Stage, recipe: Recipe) -> tuple[str, ...]:
    """Prefixes of the names of the weights that a stage and those that led to it have changed."""
    return ALL if any(before.weights == ALL for before in _until(stage, recipe)) else stage.weights


def _led_to(stage: Stage, recipe: Recipe) -> tuple[Stage, ...]:
    """A stage and those before it on which its result depends."""
    learned = _learned(stage, recipe)
    return tuple(s for s in _until(stage, recipe) if s.weights and (learned == ALL or s.weights == learned))
