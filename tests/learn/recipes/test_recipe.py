"""Recipes: all of them come back from JSON, and other JSON is refused."""

import json
from dataclasses import replace

import pytest

from dvsa.learn.loop.checkpoint import JsonValue
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.recipes.recipe import recipe_from_json
from dvsa.learn.tasks.alignment import AlignmentStage
from dvsa.learn.tasks.stage import WritingStage


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_comes_back_from_json(name: str) -> None:
    recipe = RECIPES[name]()
    written = recipe.to_json()
    read: JsonValue = json.loads(json.dumps(written, allow_nan=False))
    assert read == written
    assert recipe_from_json(read) == recipe
    assert recipe_from_json(read) != replace(recipe, beam=recipe.beam + 1)


@pytest.mark.parametrize("name", RECIPES)
def test_the_parts_of_a_recipe_fit_together(name: str) -> None:
    """The stages use the recipe's regions; a full recipe (no "-" in its name) describes both subjects."""
    recipe = RECIPES[name]()
    assert recipe.name == name
    assert recipe.vision.embedding == recipe.sentence.embedding

    names = [stage.name for stage in recipe.stages]
    assert len({*names}) == len(names)

    on_regions = [stage for stage in recipe.stages if isinstance(stage, AlignmentStage | WritingStage)]
    assert {(stage.nms, stage.proposer) for stage in on_regions} <= {(recipe.nms, recipe.proposer)}
    subjects = {subject for stage in recipe.writing_stages for subject in stage.writes_of}
    assert "-" in name or subjects == {"frame", "region"}
    assert {stage.score for stage in on_regions if isinstance(stage, AlignmentStage)} <= {recipe.score}


def test_other_json_is_refused() -> None:
    whole = RECIPES["toy"]().to_json()
    stage = whole["stages"][0]  # type: ignore[index]
    vision = whole["vision"]
    assert isinstance(stage, dict)
    assert isinstance(vision, dict)

    for raw, reason in [
        (None, "None is not a recipe"),
        ({}, "{} is not a recipe"),
        (whole | {"colour": 1}, "Recipe has no field 'colour': choose from beam, "),
        (whole | {"beem": 1}, r"Recipe has no field 'beem': did you mean 'beam'\?"),
        (whole | {"beam": "5"}, "beam: Input should be a valid integer, not '5'"),
        (whole | {"beta": float("nan")}, "beta: Input should be a finite number, not nan"),
        (whole | {"vision": vision | {"dropout": True}}, "vision.dropout: Input should be a valid number"),
        (whole | {"vision": vision | {"embedding": 8}}, "embedding is 8 and sentence.embedding is 64"),
        (whole | {"stages": [stage, stage]}, "each stage needs a name of its own"),
        (whole | {"stages": [stage | {"name": "../up"}]}, "each stage needs a name of its own"),
        (whole | {"vision": []}, r"\[\] is not a JSON object"),
        (whole | {"sentence": {"kind": "choir"}}, "unknown sentence encoder 'choir'"),
        (whole | {"stages": [7]}, "7 is not a stage of a recipe"),
        (whole | {"stages": [stage | {"subjects": ["frame"]}]}, "regions has no field 'subjects'"),
        (whole | {"stages": [stage | {"kind": "dreams"}]}, "unknown kind of stage 'dreams'"),
        (whole | {"stages": [{"name": "a", "train": {}}]}, "is not a stage of a recipe"),
        (whole | {"stages": [stage | {"train": 7}]}, "regions.train: 7 is not a JSON object"),
        ({key: value for key, value in whole.items() if key != "name"}, "'name'"),
    ]:
        with pytest.raises(ValueError, match=reason):
            recipe_from_json(raw)
