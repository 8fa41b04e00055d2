"""`dvsa data convert` and `split` with the boxes of phrases."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dvsa.cli import app
from dvsa.data import Dataset, GroundedPhrase, load, toy


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"})


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.write(tmp_path_factory.mktemp("scenes"), train=6, val=2, test=2, seed=1)


def phrases(dataset: Dataset) -> set[tuple[bytes, tuple[object, ...]]]:
    return {
        (e.read(), tuple((p.text, p.chain, p.kinds, p.boxes) for p in e.phrases)) for e in dataset.examples
    }


@pytest.mark.parametrize("command", [("convert", "--to", "csv"), ("split", "--val", "2", "--test", "2")])
def test_boxes_of_phrases_are_written(scenes: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    wanted = load(scenes)
    done = run("data", *command, scenes, "--out", tmp_path / "new", "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["phrases"], said["phrases_lost"]) == (sum(len(e.phrases) for e in wanted.examples), 0)
    assert said["phrases"] > 20
    assert phrases(load(tmp_path / "new")) == phrases(wanted)
    assert json.loads(run("data", "check", tmp_path / "new", "--json").stdout)["ok"]


def test_boxes_that_are_left_out_are_counted(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def two_lost(*_: object) -> list[GroundedPhrase]:
        box = (0.0, 0.0, 1.0, 1.0)
        return [GroundedPhrase(0, 0, 0, "", "1", ("other",), boxes) for boxes in ((box, box), (box,))]

    monkeypatch.setattr("dvsa.data.converting.annotate", two_lost)
    done = run("data", "convert", scenes, "--out", tmp_path / "new")
    assert done.exit_code == 0, done.output
    assert "2 phrases with 3 boxes are left out: Flickr30k Entities cannot mark them" in done.stderr
