"""Data sets that are too large for memory: the same training, with lists and arrays on disk."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from dvsa.data import Dataset, load, toy
from dvsa.data.stored import StoredDataset
from dvsa.learn.loop import checkpoint
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.recipes.file import with_settings
from dvsa.learn.runs import inputs, large_data
from dvsa.learn.runs.fit import LEFT_OUT, fit
from dvsa.learn.runs.inputs import FitOptions, Inputs
from dvsa.learn.runs.large_data import load_for_training
from dvsa.learn.tasks import cache, rows_ahead

SHORT = ["regions.train.epochs=1", "align.train.epochs=1", "caption.train.epochs=1", "train.evaluate_every=1"]


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    return toy.write(tmp_path / "scenes", train=40, val=6, test=6)


def weights(run: Path) -> list[tuple[str, torch.Tensor]]:
    """The weights of all stages."""
    found = sorted(run.glob("*/best.safetensors"))
    return [
        (f"{path.parent.name} {name}", t) for path in found for name, t in checkpoint.load(path)[0].items()
    ]


def test_a_large_data_set_trains_as_a_small_one_does(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = with_settings(RECIPES["toy"](), SHORT)
    fit(recipe, load_for_training(scenes), tmp_path / "small", FitOptions(quiet=True))

    # Lists on disk, photographs decoded ahead, features in shards.
    monkeypatch.setenv("DVSA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(large_data, "LARGE", 0)
    monkeypatch.setattr(rows_ahead, "MAPPED", 0)
    monkeypatch.setattr(cache, "SHARD", 16)
    data = load_for_training(scenes)
    assert isinstance(data, StoredDataset)
    fit(recipe, data, tmp_path / "large", FitOptions(quiet=True))

    for (name, one), (same, other) in zip(
        weights(tmp_path / "small"), weights(tmp_path / "large"), strict=True
    ):
        assert name == same
        torch.testing.assert_close(one, other, msg=name)


def test_the_lists_are_read_again_after_a_change_alone(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVSA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(large_data, "LARGE", 0)
    told: list[str] = []
    for _ in range(2):
        data = load_for_training(scenes, tell=told.append)
        assert [*data.examples] == [*load(scenes).examples]
    assert len(told) == 1
    path = scenes / "dataset_toy.json"
    path.write_text(path.read_text().replace("red", "crimson"))
    assert "crimson" in str([*load_for_training(scenes, tell=told.append).examples])
    assert len(told) == 2


@pytest.mark.parametrize("limit", [20_000, 0])
def test_a_fault_of_a_large_data_set_is_named_as_of_a_small_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setenv("DVSA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(large_data, "LARGE", limit)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "captions.csv").write_text("photo,sentence\na.jpg,a dog\n")
    with pytest.raises(ValueError, match="has no photographs, in folders"):
        load_for_training(tmp_path / "data")
    assert not list((tmp_path / "cache").glob("examples-*[!k]"))


@pytest.mark.parametrize("limit", [2**30, 0])
def test_photographs_that_cannot_be_read_are_left_out_counted_and_named(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(rows_ahead, "MAPPED", limit)
    data = load(scenes)
    training, val = data.split("train"), data.split("val")
    for example in (training[3], training[17], val[0]):
        content = example.file.path.read_bytes()
        example.file.path.write_bytes(content[: len(content) // 2])
    Image.new("RGB", (2, 2)).save(training[5].file.path)  # small and black, but a photograph

    told: list[str] = []
    recipe = with_settings(RECIPES["toy"](), SHORT)
    fit(recipe, data, tmp_path / "run", FitOptions(quiet=True, tell=told.append))
    named = (tmp_path / "run" / LEFT_OUT).read_text().splitlines()
    assert [line.split("\t")[0] for line in named] == [training[3].name, training[17].name, val[0].name]
    assert len([line for line in told if "3 photographs cannot be read" in line]) == 1
    (first, *_) = (tmp_path / "run" / "align" / "log.jsonl").read_text().splitlines()
    assert json.loads(first)["step"] == 1  # an epoch of 38 photographs in batches of 64


def test_a_split_without_a_readable_photograph_is_refused(scenes: Path, tmp_path: Path) -> None:
    data = load(scenes)
    for example in data.split("val"):
        example.file.path.write_bytes(b"no picture")
    with pytest.raises(ValueError, match="no photograph can be read"):
        fit(RECIPES["toy"](), data, tmp_path / "run", FitOptions(quiet=True))


def test_checkpoints_are_chosen_on_some_photographs_of_a_large_split(
    scenes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inputs, "VALIDATED", 3)
    data: Dataset = load(scenes)
    told: list[str] = []
    opened = Inputs.open(data, FitOptions(tell=told.append), min_count=1)
    assert [*opened.val] == [data.split("val")[k] for k in (0, 2, 5)]
    assert told == ["3 of the 6 photographs of val are used, evenly spaced"]
