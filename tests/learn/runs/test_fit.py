"""Training a recipe in a folder: interrupted, resumed, finished, and on data that lacks a split."""

import hashlib
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
            for duration in ("lines", "seconds"):
                facts.pop(duration, None)
            found[name] = facts, {key: t.numpy().tobytes() for key, t in tensors.items()}
        elif path.suffix == ".jsonl":
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            found[name] = [{k: v for k, v in line.items() if k != "seconds"} for line in lines]
        elif path.suffix != ".png":
            found[name] = path.read_bytes()
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
    path, said = tmp_path / "vectors.txt", list[str]()
    path.write_text("zebra 1 1 1\nred 0.1 0.5 0.5\nring 0.2 0.5 0.5\n")
    alone = replace(recipe, stages=recipe.stages[1:2])
    options = replace(cpu, word_vectors=path, tell=said.append)
    fit_without_curves(alone, tiny, tmp_path / "run", options)

    # The encoder has the size of the file's vectors, and keeps them.
    vocabulary = Vocabulary.load(tmp_path / "run" / "vocabulary.tsv")
    trained = Run(tmp_path / "run").joint_model().state_dict()["sentence.words.weight"]
    assert trained.shape == (len(vocabulary), 3)
    for word, first in (("red", 0.1), ("ring", 0.2)):
        torch.testing.assert_close(trained[vocabulary.id(word) or 0], torch.tensor([first, 0.5, 0.5]))

    # How many words it has is said and recorded.
    words = len(vocabulary.words)
    assert said == [
        f"vectors.txt has 2 of the vocabulary's {words} words, 3 numbers each; the others get random vectors"
    ]
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    recorded = {"file": "vectors.txt", "sha256": sha256, "found": 2, "words": words}
    assert Run(tmp_path / "run").config["word_vectors"] == recorded

    # Other vectors are another run, also for a run that reuses stages.
    path.write_text("red 0.3 0.5 0.5\nring 0.2 0.5 0.5\n")
    with pytest.raises(ValueError, match=r"\(its config.json has another word_vectors\)"):
        fit(alone, tiny, tmp_path / "run", options)
    fit_without_curves(alone, tiny, tmp_path / "other", replace(options, earlier=tmp_path / "run"))
    assert (tmp_path / "other" / "align" / "last.safetensors").is_file()


def test_a_damaged_file_of_word_vectors_is_refused_before_anything_is_written(
    recipe: Recipe, tiny: Dataset, cpu: FitOptions, tmp_path: Path
) -> None:
    (tmp_path / "vectors.txt").write_text("red 0.1 0.5\nring 0.2\n")
    with pytest.raises(ValueError, match=r"vectors\.txt: row 1 "):
        fit(recipe, tiny, tmp_path / "run", replace(cpu, word_vectors=tmp_path / "vectors.txt"))
    assert not (tmp_path / "run").exists()


def test_word_vectors_and_a_warm_start_exclude_each_other(cpu: FitOptions, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match="continues the word vectors of its bundle: leave out --word-vectors"
    ):
        replace(cpu, word_vectors=tmp_path / "vectors.txt", init="shipped")


def test_a_stage_starts_from_the_best_checkpoint_of_the_stage_before(finished: Path) -> None:
    """The stage `frozen` does not change the backbone, so its backbone must be that of the checkpoint."""
    before, _ = checkpoint.load(finished / "align" / "best.safetensors")
    after, _ = checkpoint.load(finished / "frozen" / "best.safetensors")
    for name, tensor in before.items():
        fixed = name.startswith(("vision.backbone.", "vision.proposals."))
        assert not fixed or torch.equal(tensor, after[name])
    assert not torch.equal(before["vision.regions.affine.weight"], after["vision.regions.affine.weight"])
