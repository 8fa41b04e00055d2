"""Runs beside each other: from their files alone, finished or not."""

import json
from pathlib import Path

import pytest
from PIL import Image

from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.recipes.file import with_settings
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.comparison import differences, draw, summaries


def write(folder: Path, recipe: Recipe, *, seed: int = 0, align: int = 2) -> Path:
    """The files of a run whose first stage is finished, and whose second has some lines in its log."""
    logs = {"regions": [0.5, 0.6], "align": [10.0 * n for n in range(align)]}
    folder.mkdir(parents=True)
    config = {"recipe": recipe.to_json(), "seed": seed, "data": "toy"}
    (folder / "config.json").write_text(json.dumps(config))
    for stage, values in logs.items():
        lines = [
            {"step": n, "epoch": n + 1.0, "seconds": 3.0 * (n + 1), "lr": 0.1, "loss": 1.0, "goal": value}
            for n, value in enumerate(values)
        ]
        if lines:
            (folder / stage).mkdir()
            (folder / stage / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_a_summary_says_what_the_files_say(tmp_path: Path) -> None:
    toy = RECIPES["toy"]()
    (run,) = summaries([write(tmp_path / "one", toy, seed=3)])
    assert (run.folder.name, run.recipe, run.seed, run.data) == ("one", toy, 3, "toy")
    assert [*run.logs] == ["regions", "align"]
    assert run.seconds == 6.0 + 6.0
    assert [run.epochs(stage) for stage in ("regions", "align", "caption")] == [2.0, 2.0, 0.0]
    assert run.last("align") == {"loss": 1.0, "goal": 10.0}


def test_a_folder_of_runs_stands_for_its_runs(tmp_path: Path) -> None:
    toy = RECIPES["toy"]()
    for name in ("b", "a"):
        write(tmp_path / "runs" / name, toy)
    other = write(tmp_path / "c", toy)
    assert [run.folder.name for run in summaries([tmp_path / "runs", other])] == ["a", "b", "c"]


def test_only_fields_that_differ_are_told(tmp_path: Path) -> None:
    toy = RECIPES["toy"]()
    longer = with_settings(toy, ["align.train.epochs=30", "beam=5"])
    runs = summaries([write(tmp_path / "a", toy), write(tmp_path / "b", longer)])
    assert differences(runs) == [
        {"beam": toy.beam, "align.train.epochs": 22},
        {"beam": 5, "align.train.epochs": 30},
    ]
    assert differences(runs[:1]) == [{}]


def test_the_picture_has_a_row_for_each_stage_that_has_begun(tmp_path: Path) -> None:
    toy = RECIPES["toy"]()
    sizes = []
    for name, align in (("one", 0), ("two", 2)):
        runs = summaries(
            [write(tmp_path / name, toy, align=align), write(tmp_path / f"{name}b", toy, align=0)]
        )
        draw(runs, tmp_path / f"{name}.png")
        with Image.open(tmp_path / f"{name}.png") as picture:
            sizes.append(picture.size)
    assert sizes[0][0] == sizes[1][0]
    assert sizes[0][1] < sizes[1][1]


def test_folders_without_a_run_and_damaged_logs_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"empty has no run: give the folder of a run"):
        summaries([tmp_path / "empty"])
    run = write(tmp_path / "run", RECIPES["toy"]())
    (run / "align" / "log.jsonl").write_text("{")
    with pytest.raises(ValueError, match=r"log\.jsonl is damaged"):
        summaries([run])
