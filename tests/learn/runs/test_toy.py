"""The whole system, trained from scratch on scenes of coloured shapes and evaluated on other scenes."""

from pathlib import Path

import numpy as np
import pytest

from dvsa import evaluation
from dvsa.bundle import Bundle
from dvsa.data import Example, load
from dvsa.metrics.captions import score
from dvsa.model import Model


@pytest.fixture(scope="module")
def model(toy_bundle: Path) -> Model:
    return Model(Bundle.open(toy_bundle, threads=1))


@pytest.fixture(scope="module")
def examples(toy_data: Path) -> tuple[Example, ...]:
    return tuple(load(toy_data).split("test"))


@pytest.fixture(scope="module")
def encoded(model: Model, examples: tuple[Example, ...]) -> evaluation.Encoded:
    return evaluation.encode(model, examples)


def test_scenes_and_sentences_find_one_another(
    model: Model, examples: tuple[Example, ...], encoded: evaluation.Encoded
) -> None:
    report = evaluation.ranking(model, examples, encoded=encoded).report
    for direction in ("photo_to_sentence", "sentence_to_photo"):
        assert (report.parts[direction].figures["R@1"].value or 0) >= 90, report
    assert report.counts["photos"] == 120


def test_words_find_their_boxes(
    model: Model, examples: tuple[Example, ...], encoded: evaluation.Encoded
) -> None:
    beta = model.bundle.manifest.beta
    assert evaluation.word_accuracy(model, examples, beta=beta, encoded=encoded) >= 95


def test_captions_fit_their_own_scenes(model: Model, examples: tuple[Example, ...]) -> None:
    names = [example.name for example in examples[:40]]
    hypotheses = {example.name: model.open(example.read()).caption().text for example in examples[:40]}

    def cider(shift: int) -> float:
        references = {name: examples[(k + shift) % 40].sentences for k, name in enumerate(names)}
        return score(references, hypotheses, with_meteor=False).figures(np.arange(40))["CIDEr"]

    assert cider(0) > 100
    assert cider(0) > 2 * cider(1), "the captions fit the next scene's sentences as well"
