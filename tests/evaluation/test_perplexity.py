"""Compared with products of probabilities, one sentence at a time, and with the captioner's own scores."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from dvsa.arrays import Floats
from dvsa.data import Example
from dvsa.evaluation import Encoded
from dvsa.evaluation.perplexity import READ_AT_ONCE, perplexity, surprise
from dvsa.model import Model
from dvsa.records import Subject
from dvsa.text import END, words

Photographs = Callable[[Sequence[Sequence[str]]], tuple[list[Example], Encoded]]

UNKNOWN = "zyzzyva qwxz"
SENTENCES = [
    ["A dog runs .", "Two children in a zyzzyva are playing with a red ball on the grass .", "a man"],
    [UNKNOWN],
    ["A man climbs a rock .", UNKNOWN, "snow"],
    *[["A boy jumps into a pool ."]] * READ_AT_ONCE,
]


def by_hand(model: Model, feature_IF: Floats, sentence: str) -> list[float]:
    """The probability of every known word and of END."""
    run, voice = model.bundle.graphs.run, model.bundle.manifest.voices["frame"]
    frame = np.array([len(feature_IF) - 1])
    state = run(f"{voice.graphs}.start", {"features": feature_IF[None], "focus": frame})
    names, token, found = model.bundle.graphs.inputs(f"{voice.graphs}.step"), voice.start, []
    for wanted in (*model.bundle.vocabulary.encode(words(sentence)), END):
        inputs = dict(zip(names, (np.array([token]), *state), strict=True))
        logp_BV, *state = run(f"{voice.graphs}.step", inputs)
        found.append(float(np.exp(logp_BV[0, wanted])))
        token = wanted
    return found


def test_perplexity_is_that_of_one_sentence_at_a_time(model: Model, photographs: Photographs) -> None:
    examples, encoded = photographs(SENTENCES)
    probabilities = [
        p
        for example, feature_IF in zip(examples, encoded.feature_KIF, strict=True)
        for sentence in example.sentences
        if sentence != UNKNOWN
        for p in by_hand(model, feature_IF, sentence)
    ]
    heard: list[tuple[str, int, int]] = []
    report = perplexity(model, examples, encoded=encoded, progress=lambda *call: heard.append(call))
    literal = math.prod(p ** (-1 / len(probabilities)) for p in probabilities)
    assert report.figures["perplexity"].value == pytest.approx(literal, rel=1e-5)
    assert report.settings == {
        "photos": READ_AT_ONCE + 2,  # there is nothing to read for the second
        "sentences": READ_AT_ONCE + 5,
        "words and ENDs": len(probabilities),
        "unknown words, left out": 5,
    }
    low, high = report.figures["perplexity"].ends
    assert low < literal < high
    assert [call[1:] for call in heard] == [(20, 23), (23, 23)]


@pytest.mark.parametrize("subject", ["frame", "region"])
def test_surprise_equals_the_captioners_log_probability(
    model: Model, photographs: Photographs, subject: Subject
) -> None:
    _, encoded = photographs([["a"]] * 3)
    focus_B = np.array([3, 3, 3] if subject == "frame" else [0, 3, 1])
    written = model.write(encoded.feature_KIF, focus_B, subject=subject, width=4)
    said = [(b, caption) for b, captions in enumerate(written) for caption in captions]
    ended = [(b, caption) for b, caption in said if len(caption.logprobs) > len(caption.words)]
    assert len({len(caption.words) for _, caption in ended}) > 1
    nats_L = surprise(
        model, encoded.feature_KIF, focus_B,
        [model.bundle.vocabulary.encode(caption.words) for _, caption in ended],
        np.array([b for b, _ in ended]), subject=subject,
    )  # fmt: skip
    np.testing.assert_allclose(nats_L, [-caption.logprob for _, caption in ended], rtol=1e-4)


def test_bad_input_is_named(model: Model, photographs: Photographs) -> None:
    examples, encoded = photographs([[UNKNOWN]])
    with pytest.raises(ValueError, match="no sentence has a word that the bundle knows"):
        perplexity(model, examples, encoded=encoded)
    with pytest.raises(ValueError, match="there are no photographs"):
        perplexity(model, [])
    with pytest.raises(ValueError, match=r"^0\.jpg has no sentences"):
        perplexity(model, [replace(examples[0], sentences=())])
    mute = Model(replace(model.bundle, manifest=replace(model.bundle.manifest, voices={})))
    with pytest.raises(ValueError, match="no captioner of photographs"):
        perplexity(mute, photographs([["a dog"]])[0], encoded=encoded)
