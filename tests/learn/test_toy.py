"""The whole system, trained from nothing on scenes of coloured shapes and judged on scenes it never saw."""

from itertools import pairwise
from pathlib import Path

import pytest

from dvsa import evaluation
from dvsa.bundle import Bundle
from dvsa.data import Example, load
from dvsa.metrics.captions import score
from dvsa.model import Model
from dvsa.text import words


@pytest.fixture(scope="module")
def model(toy_bundle: Path) -> Model:
    return Model(Bundle.open(toy_bundle, threads=1))


@pytest.fixture(scope="module")
def examples(toy_data: Path) -> tuple[Example, ...]:
    return load(toy_data).split("test")


@pytest.fixture(scope="module")
def encoded(model: Model, examples: tuple[Example, ...]) -> evaluation.Encoded:
    return evaluation.encode(model, examples)


def test_scenes_and_sentences_find_one_another(
    model: Model, examples: tuple[Example, ...], encoded: evaluation.Encoded
) -> None:
    report = evaluation.ranking(model, examples, encoded=encoded)
    for direction in ("photo_to_sentence", "sentence_to_photo"):
        figures = report[direction]
        assert isinstance(figures, dict)
        assert figures["R@1"] >= 90, report
    assert report["photos"] == 120


def test_words_find_their_boxes(
    model: Model, examples: tuple[Example, ...], encoded: evaluation.Encoded
) -> None:
    beta = model.bundle.manifest["beta"]
    assert evaluation.word_accuracy(model, examples, beta=beta, encoded=encoded) >= 95


def test_captions_tell_what_is_seen(model: Model, examples: tuple[Example, ...]) -> None:
    """At least half of the captions name every thing of the scene with its colour."""
    right = 0
    said = {}
    for example in examples[:40]:
        said[example.name] = model.open(example.read()).caption().text
        things = {tuple(words(p.text)[-2:]) for p in example.phrases if p.box is not None}
        right += things <= {*pairwise(words(said[example.name]))}
    assert right >= 20, said
    references = {e.name: e.sentences for e in examples[:40]}
    assert score(references, said, with_meteor=False).report()["BLEU-1"] > 60  # type: ignore[operator]
