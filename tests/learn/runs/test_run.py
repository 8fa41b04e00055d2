"""Runs on disk: what a finished one holds, and the messages for unfinished, damaged and missing ones."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dvsa.data import Dataset
from dvsa.learn.loop import checkpoint
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.fit import fit
from dvsa.learn.runs.inputs import FitOptions
from dvsa.learn.runs.run import CONFIG, Run


def test_a_run_opens_its_last_alignment_and_its_captioners(finished: Path, recipe: Recipe) -> None:
    opened = Run(finished)
    assert opened.recipe == recipe
    assert opened.config["data"] == "toy"
    assert {*opened.facts} == {"regions", "align", "frozen", "caption", "rnn"}
    assert "CIDEr" in opened.facts["caption"]

    best, _ = checkpoint.load(finished / "frozen" / "best.safetensors")
    assert all(torch.equal(t, best[name]) for name, t in opened.joint_model().state_dict().items())

    voices = opened.captioners()
    assert {subject: stage for subject, (stage, _) in voices.items()} == {"frame": "caption", "region": "rnn"}
    rnn, _ = checkpoint.load(finished / "rnn" / "best.safetensors")
    assert all(torch.equal(t, rnn[name]) for name, t in voices["region"][1].state_dict().items())
    assert not voices["frame"][1].training


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has no run: it has no config\.json"):
        Run(tmp_path)


def test_an_unfinished_run_is_named(copied: Path) -> None:
    (copied / "rnn" / "best.safetensors").unlink()
    with pytest.raises(ValueError, match=r"no checkpoint at .*rnn.best\.safetensors: the stage is not"):
        Run(copied)


@pytest.mark.parametrize(
    ("after", "patience", "finished_early"), [(1, 2, False), (2, 2, True), (2, 0, False)]
)
def test_a_stage_that_got_no_better_is_finished(
    tmp_path: Path, finished: Path, after: int, patience: int, finished_early: bool
) -> None:
    run = Run(finished)
    stage = run.recipe.stages[0]
    stage = replace(stage, train=replace(stage.train, epochs=100, patience=patience))
    run.folder = tmp_path
    lines = [{"step": step, "epoch": float(step)} for step in range(1, 2 + after)]
    checkpoint.save(tmp_path / stage.name / "best.safetensors", {"x": torch.zeros(1)}, {"step": 1})
    (tmp_path / stage.name / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run.has(stage) == finished_early


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is damaged"),
        ("[]", "is not a run's configuration"),
        ("{}", "does not fit this version of dvsa: None is not a recipe"),
        (
            '{"recipe": {"vision": {"eyes": 2}, "sentence": {}, "stages": []}}',
            "Recipe: the field 'name' is missing",
        ),
        ('{"recipe": {"name": "a", "vision": {"eyes": 2}, "sentence": {}, "stages": []}}', "no field 'eyes'"),
    ],
)
def test_a_damaged_configuration_is_named(
    copied: Path, recipe: Recipe, tiny: Dataset, cpu: FitOptions, text: str, reason: str
) -> None:
    (copied / CONFIG).write_text(text)
    with pytest.raises(ValueError, match=rf"config\.json .*{reason}"):
        Run(copied)
    if reason != "argument 'eyes'" and text != "{}":
        with pytest.raises(ValueError, match=r"config\.json"):
            fit(recipe, tiny, copied, cpu)
