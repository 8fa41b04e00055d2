"""Compared with the segments that a view makes of one sentence at a time."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from dvsa.data import Example, GroundedPhrase
from dvsa.evaluation import Encoded
from dvsa.evaluation.segmentation import collect, segmentation
from dvsa.model import Model, View
from dvsa.photo import Photo

Photographs = Callable[[Sequence[Sequence[str]]], tuple[list[Example], Encoded]]

UNKNOWN = "zyzzyva qwxz"
SENTENCES = [
    ["A brown zyzzyva dog runs over the grass .", "Two children play with a red ball in the snow ."],
    [UNKNOWN, "Dogs .", "A man on a bicycle rides down a steep hill near the ocean ."],
]
BETAS = [0.0, 0.05, np.inf, None]


def phrase(sentence: int, first: int, last: int) -> GroundedPhrase:
    return GroundedPhrase(sentence, first, last, "", "0", ("other",), ())


def views(model: Model, encoded: Encoded) -> list[View]:
    photo = Photo("grey", Image.new("RGB", (8, 8)), 8, 8)
    rows = zip(encoded.box_KI4, encoded.score_KI, encoded.feature_KIF, encoded.v_KID, strict=True)
    return [View(model, photo, "head", *row) for row in rows]


@pytest.mark.parametrize("beta", BETAS)
def test_boundaries_are_those_of_one_sentence_at_a_time(
    model: Model, photographs: Photographs, beta: float | None
) -> None:
    examples, encoded = photographs(SENTENCES)
    phrases = [
        [phrase(0, 0, 3), phrase(0, 6, 7), phrase(1, 0, 1), phrase(1, 4, 6), phrase(1, 8, 9)],
        # The second sentence of this photograph has no phrase, so it does not count.
        [phrase(2, 0, 1), phrase(2, 3, 4), phrase(2, 7, 9), phrase(2, 11, 12), phrase(0, 0, 0)],
    ]
    # After each of these words there is a true boundary.
    true = {(0, 0): {3, 5}, (0, 1): {1, 3, 6, 7}, (1, 2): {1, 2, 4, 6, 9, 10}, (1, 0): {0}}
    lengths = {(0, 0): 8, (0, 1): 10, (1, 2): 13, (1, 0): 2}
    examples = [replace(e, phrases=tuple(own)) for e, own in zip(examples, phrases, strict=True)]
    predicted = {
        (k, n): {s.last for s in views(model, encoded)[k].align(examples[k].sentences[n], beta).segments[:-1]}
        for k, n in true
    }
    hits = sum(len(predicted[at] & true[at]) for at in true)
    cuts = sum(map(len, predicted.values()))
    chance = sum(len(predicted[at]) * len(true[at]) / (lengths[at] - 1) for at in true)

    report = json.loads(
        json.dumps(segmentation(model, examples, beta=beta, encoded=encoded).to_json(), allow_nan=False)
    )
    assert (report["predicted"], report["true"], report["photos"]) == (cuts, 13, 2)
    assert report["boundary precision"] == pytest.approx(100 * hits / cuts if cuts else 0)
    assert report["boundary recall"] == pytest.approx(100 * hits / 13)
    assert report["boundary F1"] == pytest.approx(200 * hits / (cuts + 13))
    assert report["every gap"]["boundary recall"] == 100
    assert report["every gap"]["boundary precision"] == pytest.approx(100 * 13 / 29)
    assert report["by chance"]["boundary recall"] == pytest.approx(100 * chance / 13)
    used = model.bundle.manifest.beta if beta is None else beta
    assert report["settings"] == {
        "proposer": "coverage",
        "beta": "inf" if used == np.inf else used,
        "sentences": 4,
    }


@pytest.mark.parametrize("beta", BETAS)
def test_segments_are_those_of_one_sentence_at_a_time(
    model: Model, photographs: Photographs, beta: float | None
) -> None:
    examples, encoded = photographs(SENTENCES)
    found = collect(model, examples, encoded.v_KID, beta=beta)
    literal = [
        (k, segment)
        for k, (view, example) in enumerate(zip(views(model, encoded), examples, strict=True))
        for sentence in example.sentences
        for segment in view.align(sentence, beta).segments
    ]
    assert found.text_N == [segment.text for _, segment in literal]
    assert found.photo_N.tolist() == [k for k, _ in literal]
    assert found.region_N.tolist() == [segment.region for _, segment in literal]
    assert UNKNOWN not in " ".join(found.text_N)
    # The score of a segment is the product of its region with its summed vectors.
    score_N = (encoded.v_KID[found.photo_N, found.region_N] * found.s_ND).sum(axis=1)
    np.testing.assert_allclose(score_N, [segment.score for _, segment in literal], rtol=1e-4, atol=1e-5)


def test_betas_differ_and_the_longest_segments_are_sentences(model: Model, photographs: Photographs) -> None:
    examples, encoded = photographs(SENTENCES)
    counts = [len(collect(model, examples, encoded.v_KID, beta=beta).text_N) for beta in (0, 0.05, np.inf)]
    assert counts[0] > counts[1] > counts[2] == 4


def test_bad_input_is_named(model: Model, photographs: Photographs) -> None:
    examples, encoded = photographs([[UNKNOWN]])
    with pytest.raises(ValueError, match="there are no photographs"):
        segmentation(model, [])
    with pytest.raises(ValueError, match="none of the 1 photographs has phrases: put Flickr30k Entities"):
        segmentation(model, examples, encoded=encoded)
    with pytest.raises(ValueError, match="no sentence has a word that the bundle knows"):
        collect(model, examples, encoded.v_KID)
