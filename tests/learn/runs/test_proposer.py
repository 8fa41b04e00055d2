"""Proposals of a finished bundle: the same boxes there, in training, in a run and in a new bundle."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import dvsa
from dvsa.bundle import Bundle
from dvsa.data import Dataset, load, toy
from dvsa.data.exposure import PHOTOS_FILE
from dvsa.learn.nets.look import FrozenProposer
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.bundle_weights import SHIPPED
from dvsa.learn.runs.inputs import FitOptions
from dvsa.learn.runs.proposer import BundleProposer
from dvsa.learn.runs.run import Run
from dvsa.learn.ship.export import export
from dvsa.model import Model

Fit = Callable[[Recipe, Dataset, Path, FitOptions], None]


@pytest.fixture(scope="module")
def sentences_only(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A few scenes without phrase boxes."""
    folder = toy.write(tmp_path_factory.mktemp("plain") / "data", train=12, val=6, test=4, seed=3)
    shutil.rmtree(folder / "entities")
    return load(folder)


@pytest.fixture(scope="module")
def short() -> Recipe:
    """The toy recipe, one epoch a stage."""
    recipe = RECIPES["toy"]()
    stages = tuple(replace(s, train=replace(s.train, epochs=1, batch=6)) for s in recipe.stages)
    return replace(recipe, proposer="coverage", stages=stages)


@torch.no_grad()
def test_the_shipped_proposals_are_those_of_the_shipped_bundle() -> None:
    shipped = BundleProposer(SHIPPED)
    net = FrozenProposer(shipped.config)
    shipped.fill(net)
    photo = dvsa.photo.read(Path("examples/photographer.jpg"))
    pixels_BHWC = dvsa.photo.squash(photo, 224)[None]
    _, _, score_BN, box_BN4 = dvsa.load(threads=1).look(pixels_BHWC)
    looked = net.train()(torch.from_numpy(pixels_BHWC))
    np.testing.assert_allclose(looked.logit_BN.sigmoid().numpy(), score_BN, atol=1e-3)
    np.testing.assert_allclose(looked.box_BN4.numpy(), box_BN4, atol=1e-3)
    assert not any(p.requires_grad for p in net.parameters())


@pytest.fixture(scope="module")
def trained(
    short: Recipe,
    sentences_only: Dataset,
    cpu: FitOptions,
    fit_without_curves: Fit,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, list[str]]:
    """A run on sentences alone, and what it said."""
    out, said = tmp_path_factory.mktemp("trained") / "run", list[str]()
    fit_without_curves(short, sentences_only, out, replace(cpu, tell=said.append))
    return out, said


@pytest.mark.training
def test_data_without_boxes_takes_the_shipped_proposals(trained: tuple[Path, list[str]]) -> None:
    out, said = trained
    assert said == [
        "no phrase has a box: stages left out: regions; stages changed: align",
        "the bundle flickr8k proposes the boxes",
    ]
    run = Run(out)
    assert [stage.name for stage in run.recipe.stages] == ["align", "caption"]
    assert run.recipe.vision.proposer == BundleProposer(SHIPPED).config

    # The photographs of the shipped bundle count as seen.
    seen = (out / PHOTOS_FILE).read_text()
    assert seen.endswith((BundleProposer(SHIPPED).bundle.folder / PHOTOS_FILE).read_text())
    assert seen.count("\n") > 7000


@pytest.mark.training
@torch.no_grad()
def test_the_proposals_stay_frozen_and_are_exported(
    trained: tuple[Path, list[str]], sentences_only: Dataset, tmp_path: Path
) -> None:
    net = Run(trained[0]).joint_model().vision.proposer
    assert net is not None
    shipped = BundleProposer(SHIPPED)
    fresh = FrozenProposer(shipped.config)
    shipped.fill(fresh)
    for name, tensor in fresh.state_dict().items():
        assert torch.equal(net.state_dict()[name], tensor), name

    # In use the new bundle proposes what the shipped one does.
    photo = dvsa.photo.read(Path("examples/cat.jpg"))
    mine = Model(Bundle.open(export(Run(trained[0]), tmp_path / "bundle"), threads=1)).open(photo)
    theirs = dvsa.load(threads=1).open(photo)
    np.testing.assert_allclose(mine.box_I4, theirs.box_I4, atol=5e-3)
    assert mine.describe().caption.text

    # A bundle with borrowed proposals lends them too.
    again = BundleProposer(str(tmp_path / "bundle"))
    assert again.config == shipped.config
    lent = FrozenProposer(again.config)
    again.fill(lent)
    for name, tensor in fresh.state_dict().items():
        torch.testing.assert_close(lent.state_dict()[name], tensor, atol=1e-3, rtol=1e-2)


@pytest.mark.training
@pytest.mark.parametrize("proposer", ["grid", "frame"])
def test_fixed_boxes_need_no_bundle(
    proposer: str,
    short: Recipe,
    sentences_only: Dataset,
    cpu: FitOptions,
    fit_without_curves: Fit,
    tmp_path: Path,
) -> None:
    said: list[str] = []
    options = replace(cpu, proposer=proposer, tell=said.append)
    fit_without_curves(short, sentences_only, tmp_path / "run", options)
    assert said[1] == f"the boxes are fixed ({proposer}): stages changed: align, caption"
    run = Run(tmp_path / "run")
    assert run.recipe.vision.proposer is None
    model = Model(Bundle.open(export(run, tmp_path / "bundle"), threads=1))
    assert len(model.open(Path("examples/cat.jpg")).regions) == (20 if proposer == "grid" else 1)


def test_options_that_contradict_the_data_are_refused(
    short: Recipe, sentences_only: Dataset, cpu: FitOptions, fit_without_curves: Fit, tmp_path: Path
) -> None:
    for options, message in [
        (replace(cpu, proposer="trained"), "no phrase of train or of val has a box"),
        (replace(cpu, proposer="grid", init="shipped"), "give --init or --proposer, not both"),
        (replace(cpu, proposer=str(tmp_path / "nothing")), "give one of trained, shipped, grid, frame, or"),
    ]:
        with pytest.raises(ValueError, match=message):
            fit_without_curves(short, sentences_only, tmp_path / "run", options)
        assert not (tmp_path / "run").exists()
