"""Fixtures of the tests of runs: a short recipe, and a finished run of it."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dvsa.data import Dataset
from dvsa.learn.loop import curve
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.fit import fit
from dvsa.learn.runs.inputs import FitOptions
from dvsa.learn.tasks.alignment import AlignmentStage
from dvsa.learn.tasks.captions import CaptionStage
from dvsa.learn.tasks.visual import HEADS

Fit = Callable[[Recipe, Dataset, Path, FitOptions], None]


@pytest.fixture(scope="session")
def fit_without_curves() -> Fit:
    """`fit`, but without drawing: that takes longer than these trainings, and `test_curve` tests it.

    It uses one thread. The number of threads that share a matrix product depends on the load of the machine,
    and with it the last bit of the result, while some tests compare runs bit by bit.
    """

    def run(recipe: Recipe, data: Dataset, out: Path, options: FitOptions) -> None:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(curve, "draw", lambda lines, path: path.write_bytes(b"picture"))
                fit(recipe, data, out, options)
        finally:
            torch.set_num_threads(threads)

    return run


@pytest.fixture(scope="session")
def cpu() -> FitOptions:
    """Default options, on the CPU."""
    return FitOptions(device="cpu", quiet=True)


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    """The toy recipe with dropout, two epochs a stage, and two captioners: a frame's and a region's."""
    toy = RECIPES["toy"]()
    regions, align, caption = (
        replace(stage, train=replace(stage.train, epochs=2, batch=12, evaluate_every=1, ema=0.5))
        for stage in toy.stages
    )
    assert isinstance(align, AlignmentStage)
    assert isinstance(caption, CaptionStage)

    # A second alignment without the backbone, and a second captioner of another kind.
    frozen = replace(align, name="frozen", lr=HEADS, train=replace(align.train, optimizer="sgd"))
    rnn = replace(
        caption,
        name="rnn",
        captioner=replace(caption.captioner, kind="rnn", dropout=0.2),
        subjects=("region",),
        train=replace(caption.train, optimizer="rmsprop", epochs=1),
    )
    caption = replace(caption, subjects=("frame",))
    return replace(
        toy,
        stages=(regions, align, frozen, caption, rnn),
        vision=replace(toy.vision, dropout=0.2),
        sentence=replace(toy.sentence, dropout=0.2, word_dropout=0.1),
    )


@pytest.fixture(scope="session")
def finished(
    recipe: Recipe,
    tiny: Dataset,
    cpu: FitOptions,
    fit_without_curves: Fit,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The folder of a finished run of the short recipe; no test may change it."""
    out = tmp_path_factory.mktemp("run") / "finished"
    fit_without_curves(recipe, tiny, out, cpu)
    return out


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished run, which a test may change."""
    return shutil.copytree(finished, tmp_path / "copied")
