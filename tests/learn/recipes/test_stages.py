"""Kinds of stages: all of them come back from JSON, also as it was before stages had a kind."""

import json

import pytest

from dvsa.bundle import Bundle
from dvsa.learn.loop.checkpoint import JsonValue
from dvsa.learn.loop.config import TrainConfig
from dvsa.learn.nets.captioner import CaptionerConfig
from dvsa.learn.recipes.modern import best
from dvsa.learn.recipes.recipe import recipe_from_json
from dvsa.learn.recipes.stages import KINDS, stage_from_json, stage_to_json
from dvsa.learn.tasks.alignment import AlignmentStage
from dvsa.learn.tasks.captions import CaptionStage
from dvsa.learn.tasks.language import LanguageStage
from dvsa.learn.tasks.paraphrase import ParaphraseStage
from dvsa.learn.tasks.proposals import ProposalStage
from dvsa.learn.tasks.rewards import RewardStage
from dvsa.learn.tasks.stage import ALL, BOXES, NONE, WORDS, Stage

TRAIN = TrainConfig(epochs=2)
CAPTIONER = CaptionerConfig(hidden=7)
VISUAL: dict[str, JsonValue] = {
    "proposer": "grid",
    "nms": 0.6,
    "lr": {"vision.": 1.0},
    "flip": True,
    "least": 0.5,
    "most": 1.25,
    "score": "defrag",
    "loss": "info_nce",
    "sentences": 3,
    "proposal_weight": 0.5,
    "grounding": 2.0,
    "each_word": True,
}
"""Options of a stage of proposals or alignment, as they were written before stages had a kind."""
WRITING: dict[str, JsonValue] = {
    "subjects": ["frame"],
    "proposer": "head",
    "nms": 0.5,
    "beta": 0.3,
    "phrases": "segments",
    "smoothing": 0.1,
    "after": "",
    "samples": 0,
}
"""The same of a stage of captions or rewards."""

OLD: list[tuple[dict[str, JsonValue], dict[str, JsonValue], Stage, tuple[str, ...]]] = [
    (
        {"proposals_only": True},
        VISUAL,
        ProposalStage(
            name="s",
            train=TRAIN,
            proposer="grid",
            nms=0.6,
            lr={"vision.": 1.0},
            flip=True,
            min_window=0.5,
            max_window=1.25,
        ),
        BOXES,
    ),
    (
        {},
        VISUAL,
        AlignmentStage(
            name="s",
            train=TRAIN,
            proposer="grid",
            nms=0.6,
            lr={"vision.": 1.0},
            flip=True,
            min_window=0.5,
            max_window=1.25,
            score="defrag",
            loss="info_nce",
            sentences=3,
            proposal_weight=0.5,
            grounding=2.0,
            each_word=True,
        ),
        ALL,
    ),
    ({}, {"longest": 9}, ParaphraseStage(name="s", train=TRAIN, max_words=9), WORDS),
    (
        {"captioner": {"hidden": 7}},
        WRITING | {"subjects": ["frame", "region"]},
        CaptionStage(
            name="s", train=TRAIN, captioner=CAPTIONER, subjects=("frame", "region"), beta=0.3, smoothing=0.1
        ),
        NONE,
    ),
    (
        {"captioner": {"hidden": 7}},
        WRITING | {"after": "caption", "samples": 4},
        RewardStage(name="s", train=TRAIN, captioner=CAPTIONER, after="caption", samples=4),
        NONE,
    ),
]
"""Stages before they had a kind: other fields, options, the stage of today, the weights that it changes."""


@pytest.mark.parametrize(("beside", "options", "stage", "weights"), OLD, ids=lambda x: getattr(x, "kind", ""))
def test_a_stage_from_before_kinds_is_read(
    beside: dict[str, JsonValue], options: dict[str, JsonValue], stage: Stage, weights: tuple[str, ...]
) -> None:
    old: dict[str, JsonValue] = {"name": "s", "train": {"epochs": 2, "seed": 0}, "task": options}
    old |= {"proposals_only": False, "captioner": None} | beside
    assert stage_from_json(old) == stage
    assert stage.weights == weights


LANGUAGE = LanguageStage(name="s", train=TRAIN, captioner=CAPTIONER, max_words=9)
"""A kind that no earlier version had."""


@pytest.mark.parametrize(
    "stage", [*(stage for _, _, stage, _ in OLD), LANGUAGE], ids=lambda stage: stage.kind
)
def test_a_stage_comes_back_from_json(stage: Stage) -> None:
    written: JsonValue = json.loads(json.dumps(stage_to_json(stage)))
    assert isinstance(written, dict)
    assert written["kind"] == stage.kind
    assert stage_from_json(written) == stage


def test_every_kind_of_stage_has_an_old_form() -> None:
    assert {stage.kind for _, _, stage, _ in OLD} == {*KINDS} - {LANGUAGE.kind}


def test_the_recipe_in_the_shipped_manifest_is_read() -> None:
    """An earlier version wrote it."""
    config = Bundle.open().manifest.training["config"]
    assert isinstance(config, dict)
    assert recipe_from_json(config["recipe"]) == best()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"foo": 1}, "unknown field 'foo' of stage 's'"), ({"kind": []}, r"unknown kind of stage \[\]")],
)
def test_invalid_stages_are_refused(changes: dict[str, JsonValue], reason: str) -> None:
    old: dict[str, JsonValue] = {"name": "s", "train": {"epochs": 2}, "task": {"longest": 9}}
    with pytest.raises(ValueError, match=reason):
        stage_from_json(old | changes)
