"""Regions ranked for phrases, against a literal ranking of one phrase at a time."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from dvsa import evaluation
from dvsa.boxes import iou
from dvsa.data import Example, GroundedPhrase
from dvsa.evaluation import Encoded
from dvsa.model import Model
from dvsa.records import Box

SENTENCES = ["two dogs play in the snow", "a man holds a camera", "a red ball"], ["a girl on a beach"]
PHRASES = ((0, 0, 1, "animals"), (0, 5, 5, "scene"), (1, 0, 1, "people"), (1, 3, 4, "other"))


@pytest.fixture
def photographs(model: Model) -> tuple[Sequence[Example], Encoded]:
    """Two photographs with twelve regions, of which the second and the last are one; and boxes of phrases."""
    rng = np.random.default_rng(1)
    low_KI2 = 0.6 * rng.random((2, 12, 2), np.float32)
    box_KI4 = np.concatenate([low_KI2, low_KI2 + 0.1 + 0.3 * rng.random((2, 12, 2), np.float32)], axis=2)
    v_KID = rng.normal(size=(2, 12, model.bundle.manifest.embedding)).astype(np.float32)
    v_KID /= np.linalg.norm(v_KID, axis=2, keepdims=True)
    box_KI4[:, -1], v_KID[:, -1] = box_KI4[:, 1], v_KID[:, 1]

    examples = []
    for k, own in enumerate(SENTENCES):
        boxes: list[Box] = [(float(a), float(b), float(c), float(d)) for a, b, c, d in box_KI4[k]]
        phrases = [
            GroundedPhrase(sentence, first, last, "", str(n), (kind,), (boxes[(5 * k + 2 * n + shift) % 12],))
            for shift in range(6)
            for n, (sentence, first, last, kind) in enumerate(PHRASES if k == 0 else PHRASES[:1])
        ]
        examples.append(Example(f"{k}.jpg", "test", tuple(own), None, tuple(phrases)))
    return examples, Encoded(box_KI4, np.ones((2, 12), np.float32), np.zeros((2, 12, 1), np.float32), v_KID)


def literal_order(model: Model, sentence: str, phrase: GroundedPhrase, v_ID: np.ndarray) -> list[int]:
    """The regions by the sum of products, each box once."""
    read = model.read(sentence)
    score = [sum(float(v_D @ read.s_TD[t]) for t in range(phrase.first, phrase.last + 1)) for v_D in v_ID]
    return sorted((i for i in range(len(v_ID) - 1)), key=lambda i: -score[i])  # the last is the second again


def test_regions_are_ranked_by_their_scores_and_count_once(
    model: Model, photographs: tuple[Sequence[Example], Encoded]
) -> None:
    examples, encoded = photographs
    plain = replace(
        model, bundle=replace(model.bundle, manifest=replace(model.bundle.manifest, sharpness=0.0))
    )
    report = evaluation.grounding(plain, examples, encoded=encoded).report

    hits: dict[str, list[list[bool]]] = {}
    for k, example in enumerate(examples):
        for phrase in example.phrases:
            order = literal_order(plain, example.sentences[phrase.sentence], phrase, encoded.v_KID[k])
            overlap_I = iou(encoded.box_KI4[k], np.array([phrase.box]))[:, 0]
            found = [bool(overlap_I[i] >= 0.5) for i in order]
            for kind in ("", f"category {phrase.kinds[0]}: "):
                hits.setdefault(kind, []).append(found)

    figures = report.flat()
    for kind, own in hits.items():
        for k in (1, 5, 10):
            wanted = 100 * sum(any(each[:k]) for each in own) / len(own)
            assert figures[f"{kind}R@{k} IoU0.5"].value == pytest.approx(wanted)
    assert {name.partition(":")[0] for name in figures if ":" in name} == {
        "category animals", "category other", "category people", "category scene",
    }  # fmt: skip
    assert report.parts["category animals"].counts == {"phrases": 12, "photos": 2}
    assert report.figures["R@1 IoU0.5"].value != report.figures["R@10 IoU0.5"].value


def test_the_mrf_ranks_regions_by_the_numbers_of_their_words(
    model: Model, photographs: tuple[Sequence[Example], Encoded]
) -> None:
    examples, encoded = photographs
    one = replace(examples[0], phrases=(GroundedPhrase(0, 0, 5, "", "1", (), ((0.0, 0.0, 1.0, 1.0),)),))
    report = evaluation.grounding(model, [one], beta=0.0, encoded=replace(encoded)).report
    assert not report.parts
    assert list(report.figures)[:3] == ["R@1 IoU0.5", "R@5 IoU0.5", "R@10 IoU0.5"]

    # The region of most words is first; regions without words follow in the order of proposals.
    sentence = model.read(one.sentences[0])
    regions = [
        int((encoded.v_KID[0] @ s_D).argmax())
        for s_D, known in zip(sentence.s_TD, sentence.known_T, strict=True)
        if known
    ]
    votes = {i: regions.count(i) for i in range(11)}
    order = sorted(votes, key=lambda i: (-votes[i], i))
    for place, region in enumerate(order, 1):
        x0, y0, x1, y1 = map(float, encoded.box_KI4[0, region])
        box = (x0, y0, x1, y1)
        alone = replace(one, phrases=(replace(one.phrases[0], boxes=(box,)),))
        figures = evaluation.grounding(model, [alone], beta=0.0, encoded=encoded).report.figures
        others = iou(encoded.box_KI4[0, order[: place - 1]], np.array([box]))
        if not (others >= 0.5).any():
            assert [figures[f"R@{k} IoU0.5"].value for k in (1, 5, 10)] == [
                100.0 * (place <= k) for k in (1, 5, 10)
            ]
