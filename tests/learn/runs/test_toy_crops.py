"""Regions by crops, from training to a bundle in use, on toy scenes; the backbone learns from boxes only."""

from dataclasses import replace

import numpy as np
import pytest

from dvsa import evaluation
from dvsa.bundle import Bundle
from dvsa.data import Dataset, load, toy
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.runs.fit import fit
from dvsa.learn.runs.inputs import FitOptions
from dvsa.learn.runs.run import Run
from dvsa.learn.ship.export import export
from dvsa.learn.ship.torch_bundle import torch_model
from dvsa.learn.tasks.alignment import AlignmentStage
from dvsa.learn.tasks.visual import HEADS
from dvsa.model import Model

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return load(toy.write(tmp_path_factory.mktemp("scenes") / "data", train=300, val=40, test=60))


@pytest.fixture(scope="module", params=["crops", "both"])
def run(request: pytest.FixtureRequest, scenes: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The toy recipe on cached features; the second way also cuts its crops at full resolution."""
    recipe = RECIPES["toy"]()
    regions, align, caption = recipe.stages
    regions = replace(regions, train=replace(regions.train, epochs=5))
    assert isinstance(align, AlignmentStage)
    align = replace(align, lr=HEADS, train=replace(align.train, epochs=40, evaluate_every=20))
    vision = replace(
        recipe.vision,
        described_by=request.param,
        full_resolution=request.param == "both",
        standardise=True,
    )
    out = tmp_path_factory.mktemp(request.param) / "run"
    options = FitOptions(device="cpu", quiet=True)
    fit(replace(recipe, vision=vision, stages=(regions, align, caption)), scenes, out, options)
    return Run(out)


@pytest.fixture(scope="module")
def model(run: Run) -> Model:
    return Model(Bundle.open(export(run, run.folder.parent / "bundle"), threads=1))


def test_scenes_words_and_captions_fit(model: Model, scenes: Dataset) -> None:
    examples = scenes.split("test")
    encoded = evaluation.encode(model, examples)
    report = evaluation.ranking(model, examples, encoded=encoded).report
    assert (report.parts["photo_to_sentence"].figures["R@1"].value or 0) >= 45, report
    assert (report.parts["sentence_to_photo"].figures["R@1"].value or 0) >= 45, report
    grounding = evaluation.grounding(model, examples, beta=None, encoded=encoded).report
    assert (grounding.figures["R@1 IoU0.5"].value or 0) >= 70, grounding
    assert (evaluation.captions(model, examples).report.figures["CIDEr"].value or 0) > 40


def test_a_bundle_sees_what_the_run_sees(model: Model, run: Run, scenes: Dataset) -> None:
    """In the same boxes: half precision may change which of two equal boxes is proposed."""
    trained = torch_model(run, "cpu")
    box_N4 = np.array([[0.1, 0.2, 0.6, 0.7], [0.3, 0.0, 0.9, 0.4], [0.25, 0.25, 0.5, 0.5]])
    for example in scenes.split("test")[:4]:
        exported_ID = model.open(example.read(), regions=box_N4).v_ID
        np.testing.assert_allclose(exported_ID, trained.open(example.read(), regions=box_N4).v_ID, atol=0.02)


def test_the_crop_graph_has_the_size_that_the_manifest_says(model: Model, run: Run, scenes: Dataset) -> None:
    crops = model.bundle.manifest.crops
    assert crops is not None
    assert crops.size == run.joint_model().vision.crop_size == 32
    assert crops.full_resolution == (run.recipe.vision.described_by == "both")
    view = model.open(scenes.split("test")[0].read())
    assert view.describe("a red circle").alignment is not None
    pixels_BHWC = np.zeros((1, model.bundle.manifest.size, model.bundle.manifest.size, 3), np.uint8)
    with pytest.raises(ValueError, match="describes regions by crops: give the photographs"):
        model.encode(*model.look(pixels_BHWC)[:2], view.box_I4[None])
