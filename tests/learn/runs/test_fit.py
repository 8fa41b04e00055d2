"""Training a recipe in a folder: interrupted, resumed, finished, and on data that lacks a split."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dvsa.data import DataError, Dataset
from dvsa.learn.loop import checkpoint, trainer
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.fit import fit
from dvsa.learn.runs.inputs import FitOptions
from dvsa.learn.runs.run import Run
from dvsa.text import Vocabulary

Fit = Callable[[Recipe, Dataset, Path, FitOptions], None]


def content(out: Path) -> dict[str, object]:
    """Everything in a run's folder except pictures and durations."""
    found: dict[str, object] = {}
    for path in sorted(p for p in out.rglob("*") if p.is_file()):
        name = str(path.relative_to(out))
        if path.suffix == ".safetensors":
            tensors, facts = checkpoint.load(path)
            facts.pop("lines", None)
            found[name] = facts, {key: t.numpy().tobytes() for key, t in tensors.items()}
        elif path.suffix == ".jsonl":
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            found[name] = [{k: v for k, v in line.items() if k != "seconds"} for line in lines]
        elif path.suffix != ".png":
            found[name] = path.read_text()
    return found


def test_a_run_interrupted_many_times_equals_an_unbroken_one(
    finished: Path,
    recipe: Recipe,
    tiny: Dataset,
    cpu: FitOptions,
    fit_without_curves: Fit,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is interrupted after 3 steps, after 6 more, after 9 more, and so on until it is finished."""
    out, step, left, tries = tmp_path / "run", trainer._step, 0, 0

    def counted(*args: object) -> torch.Tensor:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return step(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(trainer, "_step", counted)
    while not (out / "rnn" / "last.safetensors").exists():
        tries += 1
        left = 3 * tries
        try:
            fit_without_curves(recipe, tiny, out, cpu)
        except KeyboardInterrupt:
            assert not list(tmp_path.rglob("*.partial"))

    assert tries > 4
    assert content(out) == content(finished)


def test_a_finished_run_is_not_trained_again(
    copied: Path, recipe: Recipe, tiny: Dataset, cpu: FitOptions
) -> None:
    before = {path: path.stat().st_mtime_ns for path in copied.rglob("*.safetensors")}
    fit(recipe, tiny, copied, cpu)
    assert {path: path.stat().st_mtime_ns for path in copied.rglob("*.safetensors")} == before


def test_data_without_a_split_is_refused_before_anything_is_written(
    recipe: Recipe, tiny: Dataset, cpu: FitOptions, tmp_path: Path
) -> None:
    bare = replace(tiny, examples=tiny.split("train"))
    with pytest.raises(DataError, match="has no split 'val'"):
        fit(recipe, bare, tmp_path / "run", cpu)
    assert not (tmp_path / "run").exists()


def test_word_vectors_from_a_file_are_kept_unchanged(
    recipe: Recipe, tiny: Dataset, cpu: FitOptions, fit_without_curves: Fit, tmp_path: Path
) -> None:
    rows = "".join(f"{word} {n / 10} {' '.join(['0.5'] * 31)}\n" for n, word in enumerate(("red", "ring"), 1))
    (tmp_path / "vectors.txt").write_text(rows)
    alone = replace(recipe, stages=recipe.stages[1:2])
    options = replace(cpu, word_vectors=tmp_path / "vectors.txt")
    fit_without_curves(alone, tiny, tmp_path / "run", options)

    vocabulary = Vocabulary.load(tmp_path / "run" / "vocabulary.tsv")
    tensors, _ = checkpoint.load(tmp_path / "run" / "align" / "best.safetensors")
    for n, word in enumerate(("red", "ring"), 1):
        row = tensors["sentence.words.weight"][vocabulary.id(word) or 0]
        torch.testing.assert_close(row, torch.tensor([n / 10] + [0.5] * 31))

    trained = Run(tmp_path / "run").joint_model()
    assert torch.equal(trained.state_dict()["sentence.words.weight"], tensors["sentence.words.weight"])


def test_a_stage_starts_from_the_best_checkpoint_of_the_stage_before(finished: Path) -> None:
    """The stage `frozen` does not change the backbone, so its backbone must be that of the checkpoint."""
    before, _ = checkpoint.load(finished / "align" / "best.safetensors")
    after, _ = checkpoint.load(finished / "frozen" / "best.safetensors")
    for name, tensor in before.items():
        fixed = name.startswith(("vision.backbone.", "vision.proposals."))
        assert not fixed or torch.equal(tensor, after[name])
    assert not torch.equal(before["vision.regions.affine.weight"], after["vision.regions.affine.weight"])
