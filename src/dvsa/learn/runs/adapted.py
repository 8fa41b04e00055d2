"""The recipe that a run really trains: the one that was asked for, as far as the data allows."""

from dataclasses import replace

from dvsa.data.word_vectors import WordVectors
from dvsa.learn.nets.sentence import SentenceConfig
from dvsa.learn.recipes import adapt
from dvsa.learn.recipes.adapt import FIXED, Adapted
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.inputs import Inputs
from dvsa.learn.runs.proposer import BundleProposer
from dvsa.learn.runs.sentence_encoder import SentenceEncoder
from dvsa.learn.tasks.stage import WarmData


def adapted(recipe: Recipe, inputs: Inputs) -> Adapted:
    """The recipe for what the run learns from, and a line for each change.

    Raises:
        ValueError: the data lacks the boxes that were asked for, or the recipe has other networks than the
            bundle to continue.
    """
    if inputs.warm_start is not None:
        data = WarmData(photographs=len(inputs.training), boxed=inputs.boxed)
        given = inputs.given
        return Adapted(inputs.warm_start.adapted(recipe, data, given.features if given else 0), ())

    changes: list[str] = []
    if inputs.pretrained is not None:
        recipe = replace(recipe, sentence=_on_words(inputs.pretrained, recipe.sentence))
        changes.append(str(inputs.pretrained))

    # Without phrase boxes, the stages that learn from them go, and something else proposes the regions.
    given = inputs.given
    if not inputs.boxed or (given is not None and not given.boxed):
        recipe, lines = adapt.without_boxes(recipe)
        changes += lines
    if given is not None and given.features:
        recipe, lines = adapt.on_given_features(recipe, given.features, boxed=given.boxed)
        return Adapted(recipe, (*changes, *lines))

    proposer = inputs.proposer
    if isinstance(proposer, BundleProposer):
        recipe, lines = adapt.on_frozen_proposals(recipe, proposer.config, given=given is not None)
    elif proposer in FIXED:
        recipe, lines = adapt.on_fixed_boxes(recipe, proposer)
    elif not inputs.boxed and recipe.proposer not in FIXED:
        raise ValueError(
            "no phrase of train or of val has a box, so no proposals can be trained: "
            "leave --proposer out, or give shipped, grid, frame or a bundle"
        )
    else:
        lines = ()
    return Adapted(recipe, (*changes, *lines))


def _on_words(words: WordVectors | SentenceEncoder, cfg: SentenceConfig) -> SentenceConfig:
    """Word vectors decide the size of words; a pretrained encoder takes the place of the recipe's."""
    if isinstance(words, WordVectors):
        return replace(cfg, word_size=words.size)
    return replace(cfg, kind="transformer", transformer=words.config)
