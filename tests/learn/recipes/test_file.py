"""Recipes from files, and fields that are set by their dotted names."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dvsa.learn.loop.config import TrainConfig
from dvsa.learn.recipes.catalogue import ABOUT, RECIPES
from dvsa.learn.recipes.file import read_recipe, with_settings
from dvsa.learn.tasks.alignment import AlignmentStage


@pytest.mark.parametrize("name", RECIPES)
def test_a_printed_recipe_is_read_as_it_was(name: str, tmp_path: Path) -> None:
    path = tmp_path / "my.json"
    path.write_text(json.dumps(RECIPES[name]().to_json()))
    assert read_recipe(path) == RECIPES[name]()
    assert ABOUT[name]


def test_a_setting_changes_one_field_and_nothing_else() -> None:
    toy = RECIPES["toy"]()
    assert with_settings(toy, []) == toy
    assert with_settings(toy, ["beam=7"]) == replace(toy, beam=7)
    assert with_settings(toy, ["vision.dropout=0.25"]).vision == replace(toy.vision, dropout=0.25)
    assert with_settings(toy, ["vision.backbone=vgg16"]).vision.backbone == "vgg16"
    assert with_settings(toy, ["vision.embedding=8", "sentence.embedding=8"]).sentence.embedding == 8

    align = toy.stages[1]
    changed = with_settings(toy, ["align.train.epochs=5", 'align.lr={"vision.": 0.5}']).stages
    assert isinstance(align, AlignmentStage)
    assert changed[1] == replace(align, train=replace(align.train, epochs=5), lr={"vision.": 0.5})
    assert changed[::2] == toy.stages[::2]
    assert with_settings(toy, ["stages.align.train.epochs=5"]).stages[1].train.epochs == 5
    assert with_settings(toy, ['caption.subjects=["frame"]']).writing_stages[0].writes_of == ("frame",)


def test_a_field_of_stages_is_set_in_every_stage_that_has_it() -> None:
    toy = RECIPES["toy"]()
    epochs = [stage.train for stage in with_settings(toy, ["train.epochs=1"]).stages]
    assert epochs == [replace(stage.train, epochs=1) for stage in toy.stages]

    changed = with_settings(toy, ["sentences=2", "captioner.hidden=48"])
    assert [getattr(stage, "sentences", None) for stage in changed.stages] == [None, 2, None]
    assert changed.writing_stages[0].captioner.hidden == 48
    assert changed.stages[0] == toy.stages[0]


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("beam", "--set beam: write NAME=VALUE, such as train.epochs=5"),
        ("=3", "--set =3: write NAME=VALUE"),
        ("train.epoch=3", r"--set train.epoch: .* no such field: did you mean 'train.epochs'\?"),
        ("align.train.batches=3", r"did you mean 'align.train.batch'\?"),
        ("qqq=3", "dvsa recipes prints all fields"),
        ("stages=[]", "no such field"),
        ("kind=captions", "no such field"),
        ("vision.proposer.anchors=3", "no such field"),
        ("beam.width=3", "no such field"),
        ("align=3", "no such field"),
        ("beam=many", "beam: Input should be a valid integer, not 'many'"),
        ("beam=2.5", "beam: Input should be a valid integer"),
        ("vision.dropout=NaN", "vision.dropout: Input should be a finite number"),
        ("vision.dropout=2", "vision: sizes must be positive and dropout in"),
        ("align.train.epochs=0", "align.train: epochs, batch"),
        ("vision.both_ways=1", "vision.both_ways: Input should be a valid boolean"),
        ("vision.colour=red", "no such field"),
        ('caption.subjects="all"', "caption.subjects: Input should be a valid tuple"),
        ("vision.embedding=8", "set both to one size"),
        ("vision.backbone=eye", "vision: "),
    ],
)
def test_a_setting_that_does_not_fit_is_refused_by_name(setting: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        with_settings(RECIPES["toy"](), [setting])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", r"my.json: Expecting value"),
        ("{]", r"my.json: .* line 1 column 2"),
        ("[]", r"my.json: \[\] is not a recipe"),
        ("[" * 100_000, "nested too deeply"),
        ('{"stages": []}', "my.json: Recipe: the field 'name' is missing"),
    ],
)
def test_a_file_without_a_recipe_is_refused_by_name(content: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "my.json").write_text(content)
    with pytest.raises(ValueError, match=reason):
        read_recipe(tmp_path / "my.json")


def test_every_option_of_training_is_a_field() -> None:
    """`--set train.NAME` reaches each of them."""
    options = {"epochs": 2, "batch": 7, "lr": 0.5, "warmup": 3, "ema": 0.5, "clip_norm": 1.5}
    stages = with_settings(
        RECIPES["toy"](), [f"train.{key}={value}" for key, value in options.items()]
    ).stages
    for stage in stages:
        assert stage.train == replace(stage.train, **options)  # type: ignore[arg-type]
        assert isinstance(stage.train, TrainConfig)
