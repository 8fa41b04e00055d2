"""A run's folder belongs to one run: another recipe, seed or data set is refused, and nothing is changed."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import save_file

from dvsa.data import Dataset
from dvsa.learn.nets.backbones.small import SmallConvNet
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.fit import fit
from dvsa.learn.runs.inputs import FitOptions, Inputs
from dvsa.learn.runs.record import begin, configuration, is_begun
from dvsa.learn.runs.warm_start import WarmStart

Given = tuple[Recipe, Dataset, int]
"""What `fit` is given: a recipe, a data set and a seed."""


def other_recipe(recipe: Recipe, data: Dataset) -> Given:
    return replace(recipe, min_count=2), data, 0


def other_seed(recipe: Recipe, data: Dataset) -> Given:
    return recipe, data, 1


def other_sentence(recipe: Recipe, data: Dataset) -> Given:
    first, *rest = data.examples
    changed = replace(first, sentences=("a red ring .", *first.sentences[1:]))
    return recipe, replace(data, examples=(changed, *rest)), 0


@pytest.mark.parametrize(
    ("other", "reason"),
    [(other_recipe, "recipe"), (other_seed, "seed"), (other_sentence, "data_sha256")],
)
def test_a_folder_with_another_run_is_refused(
    copied: Path,
    recipe: Recipe,
    tiny: Dataset,
    cpu: FitOptions,
    other: Callable[[Recipe, Dataset], Given],
    reason: str,
) -> None:
    before = content(copied)
    changed, data, seed = other(recipe, tiny)
    with pytest.raises(ValueError, match=rf"copied holds another run .*another {reason}\): give another"):
        fit(changed, data, copied, replace(cpu, seed=seed))
    assert content(copied) == before


def content(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_may_continue_with_another_version_of_torch(
    copied: Path, recipe: Recipe, tiny: Dataset, cpu: FitOptions
) -> None:
    config = json.loads((copied / "config.json").read_text())
    (copied / "config.json").write_text(json.dumps(config | {"torch": "1.0"}))
    fit(recipe, tiny, copied, cpu)


@pytest.mark.parametrize("old", ["path", "other path", "unused"])
def test_runs_of_earlier_versions_with_word_vectors_are_continued(
    recipe: Recipe, tiny: Dataset, cpu: FitOptions, tmp_path: Path, old: str
) -> None:
    """They recorded only the path of the file, also where a warm start did not use it."""
    path = tmp_path / "vectors.txt"
    path.write_text("red 0.1 0.5\n")
    options = cpu if old == "unused" else replace(cpu, word_vectors=path)
    inputs = Inputs.open(tiny, options, recipe.min_count)
    begin(tmp_path / "run", configuration(recipe, inputs, options))

    config = json.loads((tmp_path / "run" / "config.json").read_text())
    config["word_vectors"] = "elsewhere.txt" if old == "other path" else str(path)
    if old == "unused":
        warm_start = WarmStart("shipped")
        config["init"] = {"bundle": warm_start.bundle.manifest.name, "digest": warm_start.bundle.digest}
        inputs = replace(inputs, warm_start=warm_start)
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))

    with pytest.raises(ValueError, match="another word_vectors") if old == "other path" else nullcontext():
        assert is_begun(tmp_path / "run", configuration(recipe, inputs, options), options)


def test_weights_for_a_run_that_began_without_them_are_another_run(
    copied: Path, recipe: Recipe, tiny: Dataset, cpu: FitOptions, tmp_path: Path
) -> None:
    save_file(SmallConvNet().state_dict(), tmp_path / "small.safetensors")
    with pytest.raises(ValueError, match="has another backbone_weights"):
        fit(recipe, tiny, copied, replace(cpu, backbone_weights=tmp_path / "small.safetensors"))


def test_a_folder_with_something_else_is_refused(
    recipe: Recipe, tiny: Dataset, cpu: FitOptions, tmp_path: Path
) -> None:
    (tmp_path / "thesis.txt").write_text("all my work")
    with pytest.raises(ValueError, match="is not empty and has no run"):
        fit(recipe, tiny, tmp_path, cpu)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_earlier_run_on_other_data_is_refused(
    finished: Path, recipe: Recipe, tiny: Dataset, cpu: FitOptions, tmp_path: Path
) -> None:
    few = replace(tiny, examples=tiny.examples[1:])
    with pytest.raises(ValueError, match="used other data"):
        fit(recipe, few, tmp_path / "run", replace(cpu, earlier=finished))
    assert not (tmp_path / "run").exists()
