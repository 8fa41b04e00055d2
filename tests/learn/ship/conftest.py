"""Runs of several recipes with their bundles."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from dvsa.bundle import Bundle
from dvsa.data.exposure import PHOTOS_FILE
from dvsa.learn.loop import checkpoint
from dvsa.learn.nets import captioner
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.recipes.adapt import on_frozen_proposals
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.bundle_weights import SHIPPED
from dvsa.learn.runs.proposer import BundleProposer
from dvsa.learn.runs.run import Run
from dvsa.learn.ship.export import export
from dvsa.learn.tasks.stage import WritingStage
from dvsa.text import Vocabulary

WORDS = 4000


def untrained(recipe: Recipe, out: Path) -> Path:
    """A run of `recipe` with the weights before the first step, and a vocabulary of a realistic size."""
    vocabulary = Vocabulary(tuple(f"w{n:04}" for n in range(WORDS)), (9,) * WORDS, 9)
    out.mkdir()
    (out / PHOTOS_FILE).write_text("")
    vocabulary.save(out / "vocabulary.tsv")
    (out / "config.json").write_text(json.dumps({"recipe": recipe.to_json(), "data": "none"}))

    # A checkpoint of every stage.
    torch.manual_seed(0)
    model = JointModel(recipe.vision, recipe.sentence, len(vocabulary))
    for stage in recipe.stages:
        net: nn.Module = model
        if isinstance(stage, WritingStage):
            log_frequency_V = torch.rand(len(vocabulary)).log()
            net = captioner.build(stage.captioner, model.vision.features, log_frequency_V)
        checkpoint.save(out / stage.name / "best.safetensors", net.state_dict(), {"step": 0})
    return out


def by_crops_and_map() -> Recipe:
    """The toy recipe with all that can describe a region, on the boxes of the shipped bundle."""
    toy = RECIPES["toy"]()
    vision = replace(toy.vision, described_by="both", both_ways=True, crop_context=0.2)
    return on_frozen_proposals(replace(toy, vision=vision), BundleProposer(SHIPPED).config).recipe


@pytest.fixture(scope="session", params=["toy", "best", "paper", "by_crops_and_map"])
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Bundle]:
    """The trained toy run and untrained runs of other recipes, each with its bundle."""
    if request.param == "toy":
        folder, bundle = request.getfixturevalue("toy_run"), request.getfixturevalue("toy_bundle")
    else:
        recipe = (RECIPES | {"by_crops_and_map": by_crops_and_map})[request.param]()
        folder = untrained(recipe, tmp_path_factory.mktemp("untrained") / request.param)
        bundle = export(Run(folder), folder.parent / "bundle")
    return Run(folder), Bundle.open(bundle, threads=1)
