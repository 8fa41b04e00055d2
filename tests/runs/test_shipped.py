"""The training of the shipped model, with small networks."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import torch

from dvsa.data import toy
from dvsa.learn.loop import checkpoint
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.run import Run


def small(quick: Callable[[Recipe], Recipe]) -> Recipe:
    recipe = quick(RECIPES["best"]())
    left_out = ("regions", "read", "settle")
    kept = (stage.with_proposer("head") for stage in recipe.stages if stage.name not in left_out)
    return replace(recipe, proposer="head", stages=tuple(stage for stage in kept if stage is not None))


def weights(run: Path, stage: str) -> dict[str, torch.Tensor]:
    return checkpoint.load(run / stage / "best.safetensors")[0]


def test_means_of_tunings_and_of_rewards(
    script: Callable[[str], ModuleType], quick: Callable[[Recipe], Recipe], tmp_path: Path
) -> None:
    shipped = script("shipped")
    (tmp_path / "sentences.tsv").write_text("elsewhere\ta red square\n")
    data = toy.write(tmp_path / "data", train=40, val=20, test=0)
    training = shipped.Training(small(quick), data, tmp_path / "sentences.tsv", tmp_path / "out")
    shipped.train(training, tunings=2, rewards=2)

    # Both means are what is used from then on.
    out = tmp_path / "out"
    for stage, name in (("tune", "mean"), ("reward", "run")):
        one, two, both = (
            weights(out / f"{stage}.0", stage),
            weights(out / f"{stage}.1", stage),
            weights(out / name, stage),
        )
        assert any(not torch.equal(one[key], two[key]) for key in one)
        for key, weight in both.items():
            torch.testing.assert_close(weight, (one[key] + two[key]) / 2)
    assert all(
        torch.equal(weight, weights(out / "mean", "tune")[key])
        for key, weight in weights(out / "run", "tune").items()
    )

    # All rewards continue one captioner, and the run is complete.
    assert all(
        torch.equal(weight, weights(out / "reward.1", "caption")[key])
        for key, weight in weights(out / "captions", "caption").items()
    )
    assert sorted(Run(out / "run").captioners()) == ["frame", "region"]

    # Nothing is trained twice.
    before = (out / "run" / "config.json").stat().st_mtime_ns
    shipped.train(training, tunings=2, rewards=2)
    assert (out / "run" / "config.json").stat().st_mtime_ns == before
