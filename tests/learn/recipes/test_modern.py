"""Recipes: each can be written down and read again, and what is no recipe is refused."""

import json
from dataclasses import replace

import pytest

from dvsa.learn.loop.checkpoint import JsonValue
from dvsa.learn.recipes.modern import RECIPES
from dvsa.learn.recipes.recipe import recipe_from_json
from dvsa.learn.tasks.captions import CaptionOptions
from dvsa.learn.tasks.paraphrase import ParaphraseOptions


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_comes_back_from_json(name: str) -> None:
    recipe = RECIPES[name]()
    written = recipe.to_json()
    read: JsonValue = json.loads(json.dumps(written, allow_nan=False))
    assert read == written
    assert recipe_from_json(read) == recipe
    assert recipe_from_json(read) != replace(recipe, beam=recipe.beam + 1)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_one_whole(name: str) -> None:
    """It bears its name; its stages agree with it on regions; a whole recipe gives both subjects a voice."""
    recipe = RECIPES[name]()
    assert recipe.name == name
    assert recipe.vision.embedding == recipe.sentence.embedding
    names = [stage.name for stage in recipe.stages]
    assert len({*names}) == len(names)
    seen = {
        (stage.task.nms, stage.task.proposer)
        for stage in recipe.stages
        if not (stage.proposals_only or isinstance(stage.task, ParaphraseOptions))
    }
    assert seen <= {(recipe.nms, recipe.proposer)}
    subjects = {
        s for stage in recipe.stages if isinstance(stage.task, CaptionOptions) for s in stage.task.subjects
    }
    assert "-" in name or subjects == {"frame", "region"}
    assert {s.task.score for s in recipe.stages if s.name == "align"} <= {recipe.score}  # type: ignore[union-attr]


def test_what_is_no_recipe_is_refused() -> None:
    whole = RECIPES["toy"]().to_json()
    stage = whole["stages"][0]  # type: ignore[index]
    assert isinstance(stage, dict)
    for raw, reason in [
        (None, "None is no recipe"),
        ({}, "{} is no recipe"),
        (whole | {"colour": 1}, "unexpected keyword argument 'colour'"),
        (whole | {"vision": []}, r"\[\] is no JSON object"),
        (whole | {"sentence": {"kind": "lstm"}}, "no sentence encoder 'lstm'"),
        (whole | {"stages": [7]}, "7 is no stage of a recipe"),
        (
            whole | {"stages": [stage | {"task": {"subjects": ["frame"]}}]},
            "unexpected keyword argument 'subjects'",
        ),
        (whole | {"stages": [stage | {"captioner": {}}]}, "is no stage of a recipe"),
        ({key: value for key, value in whole.items() if key != "name"}, "'name'"),
    ]:
        with pytest.raises(ValueError, match=reason):
            recipe_from_json(raw)
