"""Recipes on other boxes: which stages remain, what they learn, and what is said about it."""

from dataclasses import replace

import pytest

from dvsa.learn.nets.vision_config import ProposerConfig
from dvsa.learn.recipes import adapt
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.recipes.recipe import Recipe, recipe_from_json
from dvsa.learn.tasks.alignment import AlignmentStage
from dvsa.learn.tasks.captions import CaptionStage
from dvsa.learn.tasks.proposals import ProposalStage
from dvsa.learn.tasks.stage import WritingStage
from dvsa.learn.tasks.visual import VisualStage

OTHER = ProposerConfig(bundle="other", digest="abc", backbone="small", anchors=3, proposal_width=8)


def names(recipe: Recipe) -> list[str]:
    return [stage.name for stage in recipe.stages]


@pytest.mark.parametrize("name", RECIPES)
def test_without_boxes_nothing_learns_from_boxes(name: str) -> None:
    recipe, changes = adapt.without_boxes(RECIPES[name]())
    for stage in recipe.stages:
        assert not isinstance(stage, ProposalStage)
        assert not isinstance(stage, AlignmentStage) or not (stage.grounding or stage.each_word)
        assert not isinstance(stage, CaptionStage) or stage.phrases != "boxes"
    assert len(changes) == 1
    assert changes[0].startswith("no phrase has a box")
    left_out = {*names(RECIPES[name]())} - {*names(recipe)}
    assert all(stage in changes[0] for stage in left_out)


def test_the_log_says_which_stages_are_left_out_and_changed() -> None:
    _, changes = adapt.without_boxes(RECIPES["best"]())
    assert changes == (
        "no phrase has a box: stages left out: regions, settle; stages changed: align, tune, phrase",
    )


@pytest.mark.parametrize("name", [name for name in RECIPES if "frame" not in name])
def test_fixed_boxes_reach_every_stage(name: str) -> None:
    for proposer in adapt.FIXED:
        recipe, changes = adapt.on_fixed_boxes(RECIPES[name](), proposer)
        used = [s.proposer for s in recipe.stages if isinstance(s, VisualStage | WritingStage)]
        assert {*used, recipe.proposer} == {proposer}
        assert changes[0].startswith(f"the boxes are fixed ({proposer}): ")


@pytest.mark.parametrize("name", [name for name in RECIPES if "frame" not in name])
def test_a_frozen_network_replaces_the_head(name: str) -> None:
    recipe, changes = adapt.on_frozen_proposals(RECIPES[name](), OTHER)
    assert recipe.vision == replace(RECIPES[name]().vision, proposer=OTHER)
    assert recipe_from_json(recipe.to_json()) == recipe
    for stage in recipe.stages:
        assert not isinstance(stage, ProposalStage)
        assert not isinstance(stage, VisualStage) or "vision.proposals." not in stage.lr
    assert changes[0].startswith("the bundle other proposes the boxes")


def test_whole_photographs_need_no_proposals() -> None:
    for name in ("paper-frame", "paper-frame-map"):
        frame = RECIPES[name]()
        assert adapt.on_frozen_proposals(frame, OTHER) == (frame, ())
        assert adapt.on_fixed_boxes(frame, "grid") == (frame, ())
