"""A run with another backbone and weights from a file: trained, recorded, exported, continued."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from dvsa.bundle import Bundle
from dvsa.data import Dataset
from dvsa.learn.loop.checkpoint import JsonValue
from dvsa.learn.loop.config import TrainConfig
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.fit import fit
from dvsa.learn.runs.inputs import FitOptions
from dvsa.learn.runs.reuse import Plan, shared_weights
from dvsa.learn.runs.run import Run
from dvsa.learn.ship.export import export
from dvsa.learn.tasks.stage import ALL

Fit = Callable[[Recipe, Dataset, Path, FitOptions], None]
NAME = "timm:test_coatnet"
"""Some of its batch norms stand before convolutions, so a bundle has them."""


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    """One epoch of proposals and alignment, which train the backbone, and one of captions."""
    toy = RECIPES["toy"]()
    epoch = TrainConfig(epochs=1, batch=12)
    return replace(toy, stages=tuple(replace(stage, train=epoch) for stage in toy.stages))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of the model, with its classifier."""
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("weights") / "coatnet.safetensors"
    save_file(timm.create_model("test_coatnet").state_dict(), path)
    return path


@pytest.fixture(scope="module")
def options(cpu: FitOptions, weights: Path) -> FitOptions:
    return replace(cpu, backbone=NAME, backbone_weights=weights)


@pytest.fixture(scope="module")
def trained(
    recipe: Recipe,
    tiny: Dataset,
    options: FitOptions,
    fit_without_curves: Fit,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    out = tmp_path_factory.mktemp("other") / "run"
    fit_without_curves(recipe, tiny, out, options)
    return out


@pytest.fixture(scope="module")
def bundle(trained: Path) -> Path:
    return export(Run(trained), trained.with_name("bundle"))


def test_the_run_says_where_its_weights_come_from(trained: Path, weights: Path) -> None:
    run = Run(trained)
    assert run.recipe.vision.backbone == NAME
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert run.config["backbone_weights"] == {"file": "coatnet.safetensors", "sha256": sha256}
    net = run.joint_model().vision
    assert (net.size, net.backbone.fine_channels) == (160, 96)


def test_other_weights_are_another_run(
    trained: Path, recipe: Recipe, tiny: Dataset, options: FitOptions, weights: Path, tmp_path: Path
) -> None:
    other = tmp_path / weights.name
    save_file(timm.create_model("test_coatnet").state_dict(), other)
    before = (trained / "config.json").read_text()
    for changed in (replace(options, backbone_weights=other), replace(options, backbone="small")):
        with pytest.raises(ValueError, match="holds another run"):
            fit(recipe, tiny, trained, changed)
    assert (trained / "config.json").read_text() == before

    # The same file continues the run, which is finished.
    fit(recipe, tiny, trained, options)


def test_weights_that_do_not_fit_leave_no_folder(
    recipe: Recipe, tiny: Dataset, options: FitOptions, tmp_path: Path
) -> None:
    with pytest.raises(
        ValueError, match=r"coatnet\.safetensors is not of the backbone small: the weights do not"
    ):
        fit(recipe, tiny, tmp_path / "run", replace(options, backbone="small"))
    assert not (tmp_path / "run").exists()


def test_stages_are_shared_only_with_the_same_first_weights(recipe: Recipe) -> None:
    align = recipe.stages[1]
    one: JsonValue = {"file": "a", "sha256": "1"}
    other: JsonValue = {"file": "a", "sha256": "2"}
    words = ("a", "b")
    assert (
        shared_weights(
            align, Plan(recipe, words, backbone_weights=one), Plan(recipe, words, backbone_weights=one)
        )
        == ALL
    )
    for theirs in (other, None):
        assert not shared_weights(
            align, Plan(recipe, words, backbone_weights=one), Plan(recipe, words, backbone_weights=theirs)
        )


def test_a_bundle_agrees_with_the_run_and_names_the_file_in_its_licence(trained: Path, bundle: Path) -> None:
    assert (
        "The backbone started from the weights in the file coatnet.safetensors"
        in (bundle / "LICENCE.txt").read_text()
    )
    net, size = Run(trained).joint_model(), Bundle.open(bundle).manifest.size
    pixels_BHWC = torch.randint(0, 256, (2, size, size, 3), dtype=torch.uint8)
    with torch.no_grad():
        wanted = net.vision.look(pixels_BHWC).coarse.numpy()
    found = Bundle.open(bundle).graphs.run("look", {"pixels": pixels_BHWC.numpy()})[1]
    assert np.abs(found - wanted).max() < 0.02 * np.abs(wanted).max()  # half precision


def test_a_warm_start_keeps_a_backbone_whose_norms_cannot_be_folded(
    bundle: Path, recipe: Recipe, tiny: Dataset, cpu: FitOptions, fit_without_curves: Fit, tmp_path: Path
) -> None:
    fit_without_curves(recipe, tiny, tmp_path / "run", replace(cpu, init=str(bundle)))
    run = Run(tmp_path / "run")
    assert run.recipe.vision.backbone == NAME
    assert run.config["backbone_weights"] == Bundle.open(bundle).manifest.config["backbone_weights"]

    # Its own bundle gives the same maps, boxes and scores.
    again = Bundle.open(export(run, tmp_path / "bundle"))
    size = again.manifest.size
    pixels = np.random.default_rng(0).integers(0, 256, (1, size, size, 3), dtype=np.uint8)
    pairs = zip(
        *(b.graphs.run("look", {"pixels": pixels}) for b in (again, Bundle.open(bundle))), strict=True
    )
    for mine, wanted in pairs:
        np.testing.assert_allclose(mine, wanted, atol=1e-5)


def test_a_warm_start_with_another_backbone_is_refused(weights: Path) -> None:
    with pytest.raises(ValueError, match="continues the backbone of its bundle: leave out --backbone"):
        FitOptions(init="shipped", backbone="small")
    with pytest.raises(ValueError, match="continues the backbone of its bundle"):
        FitOptions(init="shipped", backbone_weights=weights)
