"""The mean of the weights of several runs."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import torch

from dvsa.data import Dataset, load, toy
from dvsa.learn.loop import checkpoint
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.fit import fit
from dvsa.learn.runs.inputs import FitOptions
from dvsa.learn.runs.run import Run


def scenes(folder: Path) -> Dataset:
    return load(toy.write(folder / "data", train=40, val=20, test=0))


def until_align(quick: Callable[[Recipe], Recipe]) -> Recipe:
    return quick(RECIPES["toy"]()).until("align")


def test_the_mean_continues_as_a_run(
    script: Callable[[str], ModuleType],
    quick: Callable[[Recipe], Recipe],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data, recipe = scenes(tmp_path), until_align(quick)
    first, second, out = (tmp_path / name for name in ("first", "second", "mean"))
    fit(recipe, data, first, FitOptions(device="cpu", quiet=True))
    fit(recipe, data, second, FitOptions(device="cpu", quiet=True, seed=1))

    monkeypatch.setattr(sys, "argv", ["soup.py", "align", *map(str, (out, first, second))])
    script("soup").main()

    # Every weight is the mean of both.
    one, two, both = (checkpoint.load(run / "align" / "best.safetensors")[0] for run in (first, second, out))
    assert any(not torch.equal(one[name], two[name]) for name in one)
    for name, weight in both.items():
        torch.testing.assert_close(weight, (one[name] + two[name]) / 2)

    # A training that continues it keeps what it has.
    captions = quick(RECIPES["toy"]())
    fit(captions, data, tmp_path / "more", FitOptions(device="cpu", quiet=True, earlier=Run(out).folder))
    kept = checkpoint.load(tmp_path / "more" / "align" / "best.safetensors")[0]
    assert all(torch.equal(kept[name], both[name]) for name in both)


def test_runs_that_do_not_fit_are_refused(
    script: Callable[[str], ModuleType], quick: Callable[[Recipe], Recipe], tmp_path: Path
) -> None:
    soup, data, recipe = script("soup"), scenes(tmp_path), until_align(quick)
    fit(recipe, data, tmp_path / "one", FitOptions(device="cpu", quiet=True))
    shutil.copytree(tmp_path / "one", tmp_path / "other")
    shutil.rmtree(tmp_path / "other" / "align")
    one, other = Run(tmp_path / "one"), Run(tmp_path / "other", finished=False)

    with pytest.raises(ValueError, match=r"other has not finished a stage 'align'"):
        soup.check([one, other], "align")
    with pytest.raises(ValueError, match="one has not finished a stage 'tune'"):
        soup.check([one], "tune")
    shorter = Run(tmp_path / "one")
    shorter.recipe = replace(recipe, min_count=2)
    with pytest.raises(ValueError, match="another recipe"):
        soup.check([one, shorter], "align")
