"""A continued model remembers: what a bundle carries is replayed, and what is kept is said."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dvsa.bundle import REPLAY_FILE, Bundle
from dvsa.data import Dataset, load, toy
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.inputs import FitOptions
from dvsa.learn.runs.run import Run
from dvsa.learn.runs.warm_start import WarmStart
from dvsa.learn.ship.carried import carried
from dvsa.learn.ship.export import export
from dvsa.learn.tasks.features import region_features
from dvsa.learn.tasks.photographs import SquarePhotographs
from dvsa.learn.tasks.rows_ahead import whole
from dvsa.manifest import BundleError

Fit = Callable[[Recipe, Dataset, Path, FitOptions], None]
CARRIED = 8


@pytest.fixture(scope="module")
def bundle(finished: Path, tiny: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of the short run, which carries some of its photographs."""
    run = Run(finished)
    replay = carried(run, tiny, count=CARRIED, quiet=True)
    return export(run, tmp_path_factory.mktemp("carrying") / "bundle", replay=replay)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Other scenes."""
    return toy.write(tmp_path_factory.mktemp("other") / "data", train=14, val=6, test=4, seed=9)


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of the short run, written again."""
    return toy.write(tmp_path_factory.mktemp("again") / "data", train=24, val=12, test=4, seed=1)


def test_a_bundle_carries_what_its_own_networks_see(bundle: Path, tiny: Dataset) -> None:
    opened = Bundle.open(bundle)
    assert REPLAY_FILE in opened.manifest.files
    assert "replay.safetensors" in (bundle / "LICENCE.txt").read_text()
    warm = WarmStart(str(bundle))
    assert warm.replay is not None
    assert len(warm.replay) == CARRIED

    # The same features, if the continued network sees the photographs.
    chosen = [e for e in tiny.split("train") if e.sentences in warm.replay.sentences]
    net = warm.joint_model(opened.vocabulary).vision
    photographs = SquarePhotographs(chosen, net.size, torch.device("cpu"), quiet=True)
    seen_KIF = whole(region_features(net, photographs, warm.recipe.stages[2].proposer, 0.5))  # type: ignore[attr-defined]
    by_sentences = {e.sentences: k for k, e in enumerate(chosen)}
    for sentences, feature_IF in zip(warm.replay.sentences, warm.replay.feature_KIF, strict=True):
        torch.testing.assert_close(feature_IF, seen_KIF[by_sentences[sentences]], atol=2e-2, rtol=2e-2)


def test_a_damaged_replay_is_named(bundle: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(bundle, tmp_path / "copy"))
    (copy / REPLAY_FILE).write_bytes(b"other")
    with pytest.raises(BundleError, match=r"replay\.safetensors is damaged"):
        Bundle.open(copy)


def test_a_run_carries_only_what_it_has_learned_from(finished: Path, other: Path) -> None:
    with pytest.raises(
        ValueError, match=r"has not learned from .* and 13 others: give what it has learned from"
    ):
        carried(Run(finished), load(other), quiet=True)


def test_what_a_bundle_carries_is_replayed(
    bundle: Path,
    finished: Path,
    recipe: Recipe,
    other: Path,
    cpu: FitOptions,
    fit_without_curves: Fit,
    tmp_path: Path,
) -> None:
    told: list[str] = []
    options = replace(cpu, init=str(bundle), tell=told.append)
    fit_without_curves(recipe, load(other), tmp_path / "with", options)
    assert f"replays {CARRIED} photographs that the bundle has learned from" in told
    assert Run(tmp_path / "with").config["replay"] == {
        "sha256": Bundle.open(bundle).manifest.files[REPLAY_FILE].sha256
    }

    # A bundle without them trains other weights, and says that it may forget.
    told.clear()
    bare = export(Run(finished), tmp_path / "bare")
    options = replace(options, init=str(bare))
    fit_without_curves(recipe, load(other), tmp_path / "without", options)
    assert any("may forget" in line and "--remember" in line for line in told)
    weights = [Run(tmp_path / name).joint_model().state_dict() for name in ("with", "without")]
    assert any(not torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_what_is_kept_of_the_old_data_is_said(
    finished: Path,
    recipe: Recipe,
    tiny_folder: Path,
    other: Path,
    cpu: FitOptions,
    fit_without_curves: Fit,
    tmp_path: Path,
) -> None:
    told: list[str] = []
    bare = export(Run(finished), tmp_path / "bare")
    options = replace(cpu, init=str(bare), remember=tiny_folder, tell=told.append)
    fit_without_curves(recipe, load(other), tmp_path / "run", options)
    kept = json.loads((tmp_path / "run" / "remembered.json").read_text())
    assert kept["photographs"] == len(load(tiny_folder).split("val"))
    assert 0 <= kept["after"] <= 100
    assert told[-1].startswith(
        f"mean recall on the {kept['photographs']} val photographs of toy: {kept['before']:.1f}"
    )
    assert any(line.startswith("replays ") for line in told)

    wrong = replace(options, remember=other)
    with pytest.raises(ValueError, match="has not learned from"):
        fit_without_curves(recipe, load(other), tmp_path / "wrong", wrong)


def test_there_is_nothing_to_remember_without_a_bundle() -> None:
    with pytest.raises(
        ValueError, match="--remember is what a continued bundle has learned from: give --init"
    ):
        FitOptions(remember=Path("data"))
