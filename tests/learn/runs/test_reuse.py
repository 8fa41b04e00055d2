"""Reuse of stages: two runs share the stages that they learn in the same way, and no others."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dvsa.data import Dataset
from dvsa.learn.loop import checkpoint
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.inputs import FitOptions
from dvsa.learn.runs.reuse import Plan, shared_weights
from dvsa.learn.runs.run import Run
from dvsa.learn.tasks.stage import ALL, BOXES, WORDS

Fit = Callable[[Recipe, Dataset, Path, FitOptions], None]
BEST = RECIPES["best"]()


def shared(recipe: Recipe, words: tuple[str, ...] = ("a", "b")) -> dict[str, tuple[str, ...]]:
    """The weights that each stage of `recipe` shares with `best`; stages that share none are left out."""
    ours, best = Plan(recipe, words), Plan(BEST, ("a", "b"))
    found = {stage.name: shared_weights(stage, ours, best) for stage in recipe.stages}
    return {name: weights for name, weights in found.items() if weights}


def without(name: str) -> Recipe:
    return replace(BEST, stages=tuple(s for s in BEST.stages if s.name != name))


def longer(name: str) -> Recipe:
    """`best` with one stage that lasts longer."""
    stages = [replace(s, train=replace(s.train, epochs=99)) if s.name == name else s for s in BEST.stages]
    return replace(BEST, stages=tuple(stages))


APART = {"read": WORDS, "regions": BOXES}
"""The stages before the first alignment."""
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
def test_a_changed_recipe_shares_the_stages_that_do_not_depend_on_the_change(
    recipe: Recipe, wanted: dict[str, tuple[str, ...]]
) -> None:
    assert shared(recipe) == wanted


def test_with_another_vocabulary_only_regions_are_shared() -> None:
    assert shared(BEST, ("a", "c")) == {"regions": BOXES}


def test_equal_stages_of_an_earlier_run_are_reused(
    finished: Path, recipe: Recipe, tiny: Dataset, fit_without_curves: Fit, tmp_path: Path
) -> None:
    regions, align, *_ = recipe.stages
    other = replace(align, name="other", train=replace(align.train, epochs=1))
    same = replace(recipe, stages=(regions, align, other))
    smaller = replace(same, sentence=replace(recipe.sentence, hidden=8))
    options = FitOptions(earlier=finished, quiet=True)
    fit_without_curves(same, tiny, tmp_path / "both", options)
    fit_without_curves(smaller, tiny, tmp_path / "one", replace(options, seed=1))

    # Equal stages have the earlier run's weights, without training.
    for name, stage in (("both", "regions"), ("both", "align"), ("one", "regions")):
        assert not (tmp_path / name / stage / "last.safetensors").exists()
        here, there = (checkpoint.load(f / stage / "best.safetensors") for f in (tmp_path / name, finished))
        assert here[1] == there[1]
        for key, tensor in there[0].items():
            if name == "both" or key.startswith(("vision.backbone.", "vision.proposals.")):
                assert torch.equal(here[0][key], tensor)

    # A stage of another length, and one with another sentence encoder, were trained.
    for name, stage in (("both", "other"), ("one", "align")):
        assert (tmp_path / name / stage / "last.safetensors").is_file()
    assert Run(tmp_path / "one").config["earlier"] == {"run": str(finished), "seed": 0}

    # The same call again finds everything done.
    fit_without_curves(smaller, tiny, tmp_path / "one", replace(options, seed=1))
