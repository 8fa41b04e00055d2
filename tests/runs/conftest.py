"""Loads scripts as modules, and makes recipes quick."""

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from dvsa.learn.loop import curve
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.tasks.stage import Stage, WritingStage

RUNS = Path(__file__).resolve().parents[2] / "runs"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], ModuleType]:
    """Loads a script of runs/ by its name; with an empty cache, and without pictures of training curves."""
    monkeypatch.setenv("DVSA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(curve, "draw", lambda lines, path: path.write_bytes(b"picture"))
    monkeypatch.syspath_prepend(RUNS)

    def loaded(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"runs_{name}", RUNS / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return loaded


@pytest.fixture
def quick() -> Callable[[Recipe], Recipe]:
    """Makes the networks of a recipe small, and trains each stage for one epoch."""

    def stage(full: Stage) -> Stage:
        quick = replace(full, train=replace(full.train, epochs=1, batch=10))
        if not isinstance(quick, WritingStage):
            return quick
        return replace(quick, captioner=replace(quick.captioner, hidden=16, word_size=16))

    def smaller(recipe: Recipe) -> Recipe:
        return replace(
            recipe,
            min_count=1,
            vision=replace(recipe.vision, backbone="small", embedding=16, anchors=3, proposal_width=8),
            sentence=replace(recipe.sentence, embedding=16, hidden=16, word_size=16),
            stages=tuple(stage(full) for full in recipe.stages),
        )

    return smaller
