"""Every figure is compared with plain loops over views, one photograph and one sentence at a time."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from dvsa import evaluation, maxsim
from dvsa.boxes import grid, iou
from dvsa.bundle import Bundle
from dvsa.data import Example, GroundedPhrase, Source, load
from dvsa.evaluation import Encoded, Judged
from dvsa.metrics.captions import score
from dvsa.metrics.ndcg import ndcg
from dvsa.metrics.ptb import tokenise
from dvsa.metrics.ranking import rank, summary
from dvsa.metrics.rouge import rouge_l
from dvsa.model import Model, View
from dvsa.photo import PhotoError
from dvsa.records import FRAME, Box, Caption
from dvsa.text import words

CAPTION_KEYS = score({"1.jpg": ["a dog"]}, {"1.jpg": "a dog"}, with_meteor=False).report().to_json().keys()
UNKNOWN = "zyzzyva qwxz"


@pytest.fixture(scope="module")
def model(toy_bundle: Path) -> Model:
    return Model(Bundle.open(toy_bundle, threads=1))


@pytest.fixture(scope="module")
def examples(toy_data: Path) -> tuple[Example, ...]:
    """Ten scenes: two full batches of the network and one that is not full."""
    return tuple(load(toy_data).split("val")[:10])


@pytest.fixture(scope="module")
def views(model: Model, examples: Sequence[Example]) -> list[View]:
    return [model.open(example.read()) for example in examples]


@pytest.fixture(scope="module")
def encoded(model: Model, examples: Sequence[Example]) -> Encoded:
    return evaluation.encode(model, examples)


def with_manifest(model: Model, **changes: Any) -> Model:
    manifest = replace(model.bundle.manifest, **changes)
    return Model(replace(model.bundle, manifest=manifest))


def phrase(sentence: int, first: int, last: int, text: str, chain: str, *boxes: Box) -> GroundedPhrase:
    return GroundedPhrase(sentence, first, last, text, chain, ("other",), boxes)


def as_json(judged: Judged) -> dict[str, Any]:
    """The report as JSON, after a check that its figures follow from the evidence."""
    report = cast(dict[str, Any], json.loads(json.dumps(judged.report.to_json(), allow_nan=False)))
    everyone_K = np.arange(len(judged.evidence.photos))
    for name, value in judged.evidence.figures(everyone_K).items():
        *part, figure = name.split(": ")
        assert (report[part[0]] if part else report)[figure] == pytest.approx(value)
    return report


def figures(report: dict[str, Any]) -> dict[str, float]:
    """The caption scores of a report without METEOR."""
    return {name: report[name] for name in CAPTION_KEYS - {"METEOR", "ci95", "settings", "signatures"}}


def test_encode_sees_what_a_view_sees(encoded: Encoded, views: Sequence[View]) -> None:
    for k, view in enumerate(views):
        np.testing.assert_allclose(encoded.box_KI4[k], view.box_I4, atol=1e-5)
        np.testing.assert_allclose(encoded.score_KI[k], view.score_I, atol=1e-5)
        np.testing.assert_allclose(encoded.feature_KIF[k], view.feature_IF, atol=1e-4)
        np.testing.assert_allclose(encoded.v_KID[k], view.v_ID, atol=1e-4)
    assert len(encoded.v_KID) == len(views)


def test_encode_follows_the_proposer_of_the_bundle(model: Model, examples: Sequence[Example]) -> None:
    box_KI4 = evaluation.encode(with_manifest(model, proposer="grid"), examples[:1]).box_KI4
    np.testing.assert_allclose(box_KI4[0], [*grid(), FRAME], atol=1e-6)


def test_progress_counts_every_photograph_and_sentence(model: Model, examples: Sequence[Example]) -> None:
    heard: list[tuple[str, int, int]] = []
    evaluation.ranking(model, examples, progress=lambda *call: heard.append(call))
    assert [call[1:] for call in heard if "photographs" in call[0]] == [(4, 10), (8, 10), (10, 10)]
    assert [call for call in heard if "sentences" in call[0]] == [
        ("scoring sentences", 50, 50),
        ("comparing sentences", 50, 50),
    ]


def recalls(figures: dict[str, float]) -> dict[str, float]:
    """The figures without NDCG."""
    return {name: value for name, value in figures.items() if not name.startswith("NDCG")}


def test_ranking_is_that_of_one_score_at_a_time(
    model: Model, examples: Sequence[Example], views: Sequence[View]
) -> None:
    # The third photograph has one more sentence, of words that the model does not know.
    examples = [*examples]
    examples[2] = replace(examples[2], sentences=(*examples[2].sentences, UNKNOWN))
    said = [(k, sentence) for k, example in enumerate(examples) for sentence in example.sentences]
    S_LK = []
    for _, sentence in said:
        s_LTD, real_LT = model.word_vectors([words(sentence)])
        S_LK.append([maxsim.score(view.v_ID, s_LTD[0][real_LT[0]]) for view in views])
    photo_ranks, sentence_ranks = [], []
    for k in range(len(views)):
        best = max(S_I[k] for S_I, (owner, _) in zip(S_LK, said, strict=True) if owner == k)
        ahead = [S_I[k] >= best for S_I, (owner, _) in zip(S_LK, said, strict=True) if owner != k]
        photo_ranks.append(1 + sum(ahead))
    for S_K, (owner, _) in zip(S_LK, said, strict=True):
        sentence_ranks.append(sum(other >= S_K[owner] for other in S_K))

    report = as_json(evaluation.ranking(model, examples))
    counts = {"photos", "sentences"}
    assert report.keys() == counts | {"photo_to_sentence", "sentence_to_photo", "ci95", "signatures"}
    assert recalls(report["photo_to_sentence"]) == summary(np.array(photo_ranks))
    assert recalls(report["sentence_to_photo"]) == summary(np.array(sentence_ranks))

    # NDCG with ROUGE-L, one pair at a time.
    tokens = [tokenise(sentence) for _, sentence in said]
    own = [[t for t, (owner, _) in zip(tokens, said, strict=True) if owner == k] for k in range(len(views))]
    relevance_KL = np.stack([rouge_l([references] * len(said), tokens) for references in own])
    gains = [ndcg(np.array(S_LK)[:, k], relevance_KL[k]) for k in range(len(views))]
    assert report["photo_to_sentence"]["NDCG@25"] == pytest.approx(100 * np.mean(gains), abs=1e-3)
    gains = [ndcg(np.array(S_K), relevance_KL[:, n]) for n, S_K in enumerate(S_LK)]
    assert report["sentence_to_photo"]["NDCG@25"] == pytest.approx(100 * np.mean(gains), abs=1e-3)
    assert (report["photos"], report["sentences"]) == (10, 51)
    for direction in ("photo_to_sentence", "sentence_to_photo"):
        names = {"R@1", "R@5", "R@10", "Med r", "NDCG@25"}
        assert report["ci95"][direction].keys() == report[direction].keys() == names


def test_sentences_of_unknown_words_alone_rank_last(
    model: Model, examples: Sequence[Example], encoded: Encoded
) -> None:
    silent = [replace(example, sentences=(UNKNOWN,)) for example in examples]
    report = as_json(evaluation.ranking(model, silent, encoded=encoded))
    assert recalls(report["sentence_to_photo"]) == {"R@1": 0, "R@5": 0, "R@10": 100, "Med r": 10}


def test_ranking_uses_the_score_that_the_bundle_names(
    model: Model, examples: Sequence[Example], encoded: Encoded
) -> None:
    report = as_json(evaluation.ranking(with_manifest(model, score="defrag"), examples, encoded=encoded))
    vectors = model.word_vectors([words(s) for example in examples for s in example.sentences])
    ranks = rank(maxsim.defrag(encoded.v_KID, *vectors), np.repeat(np.arange(10), 5))
    assert recalls(report["photo_to_sentence"]) == ranks.photo_to_sentence(np.arange(10))
    assert recalls(report["sentence_to_photo"]) == ranks.sentence_to_photo(np.arange(10))


@pytest.mark.parametrize(("beam", "power"), [(None, None), (1, 0.0), (4, 1.0)])
def test_captions_written_at_once_are_those_written_one_by_one(
    model: Model, examples: Sequence[Example], views: Sequence[View], beam: int | None, power: float | None
) -> None:
    kept: dict[str, Caption] = {}
    report = as_json(
        evaluation.captions(
            model, examples, beam=beam, length_power=power, with_meteor=False, keep=kept.__setitem__
        )
    )

    # Each caption equals that of its view.
    manifest = model.bundle.manifest
    choice = {
        "beam": manifest.beam if beam is None else beam,
        "length_power": manifest.length_power if power is None else power,
    }
    for example, view in zip(examples, views, strict=True):
        alone = replace(view, model=with_manifest(model, **choice))
        assert kept[example.name].text == alone.caption().text
        assert kept[example.name].logprob == pytest.approx(alone.caption().logprob, abs=1e-3)

    # The figures are those of the captions.
    scores = score(
        {example.name: example.sentences for example in examples},
        {name: caption.text for name, caption in kept.items()},
        with_meteor=False,
    )
    assert report.keys() == CAPTION_KEYS
    assert figures(report) == pytest.approx(scores.figures(np.arange(10)))
    assert report["METEOR"] is None
    assert report["ci95"].keys() == figures(report).keys()
    assert choice.items() <= report["settings"].items()


def test_regions_are_those_of_views_with_given_boxes(model: Model, examples: Sequence[Example]) -> None:
    box, other = (0.1, 0.2, 0.5, 0.6), (0.4, 0.1, 0.9, 0.9)
    some = [
        replace(
            examples[0],
            phrases=(
                phrase(0, 0, 2, "a red circle", "7", box, other),
                phrase(0, 4, 5, "dark background", "8"),
                phrase(1, 0, 1, "a circle", "7", box, other),
                phrase(1, 3, 5, "a big star", "9", other),
            ),
        ),
        replace(examples[1], phrases=()),
        replace(examples[2], phrases=(phrase(0, 0, 1, "the ring", "7", box),)),
    ]
    items = [
        (examples[0], (0.1, 0.1, 0.9, 0.9), ["a red circle", "a circle"]),
        (examples[0], other, ["a big star"]),
        (examples[2], box, ["the ring"]),
    ]
    ours, theirs = {}, {}
    for n, (example, region, _) in enumerate(items):
        view = model.open(example.read(), regions=np.array([region]))
        feature_BIF, focus_B = view.feature_IF[None], np.array([0])
        ours[str(n)] = model.write(feature_BIF, focus_B, subject="region")[0][0].text
        theirs[str(n)] = model.write(feature_BIF[:, :1], focus_B, subject="frame")[0][0].text
    assert ours != theirs
    references = {str(n): phrases for n, (_, _, phrases) in enumerate(items)}

    report = as_json(evaluation.regions(model, some, with_meteor=False))
    assert report.keys() == CAPTION_KEYS | {"full_frame_model"}
    assert report["full_frame_model"].keys() == CAPTION_KEYS
    our_scores, their_scores = (score(references, said, with_meteor=False) for said in (ours, theirs))
    assert figures(report) == pytest.approx(our_scores.figures(np.arange(3)))
    assert figures(report["full_frame_model"]) == pytest.approx(their_scores.figures(np.arange(3)))
    for settings, captioner in (
        (report["settings"], "region"),
        (report["full_frame_model"]["settings"], "frame"),
    ):
        assert (settings["photos"], settings["chains"]) == (2, 3)
        assert (settings["proposer"], settings["captioner"]) == ("given", captioner)


def test_intervals_of_regions_resample_photographs(model: Model, examples: Sequence[Example]) -> None:
    report = as_json(evaluation.regions(model, examples[:1], with_meteor=False))
    for part in (report, report["full_frame_model"]):
        assert part["settings"]["chains"] > 1
        # With one photograph every resample is the same, though its chains differ.
        assert part["ci95"] == {name: pytest.approx([value] * 2) for name, value in figures(part).items()}


def test_regions_need_both_captioners(model: Model, examples: Sequence[Example]) -> None:
    voices = {"frame": model.bundle.manifest.voices["frame"]}
    with pytest.raises(ValueError, match="no captioner of regions"):
        evaluation.regions(with_manifest(model, voices=voices), examples)


def region_of_largest_sum(view: View, sentence: str, phrase: GroundedPhrase) -> int:
    dot_TI = view.align(sentence, beta=0).scores[phrase.first : phrase.last + 1]
    return max(range(len(view.box_I4)), key=lambda i: sum(dot_I[i] for dot_I in dot_TI))


def region_located(view: View, sentence: str, phrase: GroundedPhrase) -> int:
    return view.locate(sentence, phrase.first, phrase.last).index


def path(view: View, sentence: str, beta: float) -> list[int]:
    segments = view.align(sentence, beta).segments
    return [segment.region for segment in segments for _ in range(segment.first, segment.last + 1)]


def region_of_majority(view: View, sentence: str, phrase: GroundedPhrase) -> int:
    votes = Counter(path(view, sentence, 1.0)[phrase.first : phrase.last + 1])
    return min(votes, key=lambda i: (-votes[i], i))


@pytest.mark.parametrize(
    ("beta", "sharpness", "choose"),
    [
        (None, 0.0, region_of_largest_sum),
        (None, 0.0, region_located),
        (None, 20.0, region_located),
        (1.0, 20.0, region_of_majority),
    ],
)
def test_grounding_is_that_of_one_phrase_at_a_time(
    model: Model,
    examples: Sequence[Example],
    views: Sequence[View],
    beta: float | None,
    sharpness: float,
    choose: Callable[[View, str, GroundedPhrase], int],
) -> None:
    model = with_manifest(model, sharpness=sharpness)
    views = [replace(view, model=model) for view in views]
    hits, points, reached = [], [], []

    for example, view in zip(examples, views, strict=True):
        for phrase in example.phrases:
            if phrase.box is None:
                continue

            x0, y0, x1, y1 = view.box_I4[choose(view, example.sentences[phrase.sentence], phrase)]
            overlap_I = iou(view.box_I4, np.array([phrase.box]))[:, 0]
            hits.append(iou(np.array([[x0, y0, x1, y1]]), np.array([phrase.box]))[0, 0] >= 0.5)
            left, top, right, bottom = phrase.box
            points.append(left <= (x0 + x1) / 2 <= right and top <= (y0 + y1) / 2 <= bottom)
            reached.append(overlap_I.max())

    report = as_json(evaluation.grounding(model, examples, beta=beta))
    assert report["R@1 IoU0.5"] == pytest.approx(100 * np.mean(hits))
    assert report["pointing"] == pytest.approx(100 * np.mean(points))
    for least in (0.5, 0.7):
        covered = 100 * np.mean(np.array(reached) >= least)
        assert report[f"covered IoU{least}"] == pytest.approx(covered)
    assert report["phrases"] == len(hits) > 50
    assert {"R@1 IoU0.5", "pointing", "phrases", "ci95", "settings"} <= report.keys()
    assert (report["settings"]["proposer"], report["settings"]["beta"]) == ("head", beta)


def test_grounding_by_hand(model: Model, examples: Sequence[Example]) -> None:
    sentence, thing = "red circle beside blue star", (0.6, 0.6, 0.8, 0.8)
    # With the thing and with the frame. By sums the circle goes to the frame, the star to the thing; word by
    # word each phrase is torn between the two, and then the better proposal has it.
    dot_TI = [(3.0, 1.0), (-2.5, 1.0), (0.0, 0.0), (1.0, 3.0), (1.0, -3.0)]
    s_TD = model.word_vectors([words(sentence)])[0][0]
    v_ID = (np.linalg.pinv(s_TD) @ np.array(dot_TI)).T.astype(np.float32)
    box_KI4 = np.array([[thing, FRAME]], np.float32)
    seen = Encoded(box_KI4, np.ones((1, 2), np.float32), np.zeros((1, 2, 1), np.float32), v_ID[None])
    phrases = phrase(0, 0, 1, "red circle", "1", thing), phrase(0, 3, 4, "blue star", "1", thing)
    for chosen, beta, found in (
        (phrases, None, 50),
        (phrases[:1], None, 0),
        (phrases[1:], None, 100),
        (phrases, 0.0, 100),
    ):
        example = replace(examples[0], sentences=(sentence,), phrases=chosen)
        report = as_json(evaluation.grounding(model, [example], beta=beta, encoded=seen))
        assert (report["R@1 IoU0.5"], report["pointing"], report["covered IoU0.5"]) == (found, found, 100)


def test_an_infinite_beta_is_json(model: Model, examples: Sequence[Example]) -> None:
    report = as_json(evaluation.grounding(model, examples[:2], beta=float("inf")))
    assert report["settings"]["beta"] == "inf"


def test_a_phrase_of_unknown_words_goes_to_the_best_proposal(
    model: Model, examples: Sequence[Example], encoded: Encoded
) -> None:
    x0, y0, x1, y1 = map(float, encoded.box_KI4[0, 0])
    lost = replace(
        examples[0], sentences=(UNKNOWN,), phrases=(phrase(0, 0, 1, UNKNOWN, "1", (x0, y0, x1, y1)),)
    )
    for beta in (None, 1.0):
        assert evaluation.grounding(model, [lost], beta=beta).report.figures["R@1 IoU0.5"].value == 100


@pytest.mark.parametrize("beta", [0.0, 2.0, None])
def test_word_accuracy_is_that_of_one_word_at_a_time(
    model: Model, examples: Sequence[Example], views: Sequence[View], beta: float | None
) -> None:
    wanted = model.bundle.manifest.beta if beta is None else beta
    right = [
        iou(view.box_I4[[region]], np.array([phrase.box]))[0, 0] >= 0.5
        for example, view in zip(examples, views, strict=True)
        for phrase in example.phrases
        for region in path(view, example.sentences[phrase.sentence], wanted)[phrase.first : phrase.last + 1]
        if phrase.box is not None
    ]
    assert evaluation.word_accuracy(model, examples, beta=beta) == pytest.approx(100 * np.mean(right))


KINDS = (
    evaluation.encode, evaluation.ranking, evaluation.captions, evaluation.regions, evaluation.grounding,
    evaluation.word_accuracy,
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_split_is_refused(model: Model, kind: Callable[..., object]) -> None:
    with pytest.raises(ValueError, match="no photographs to evaluate: choose another split"):
        kind(model, [])


@pytest.mark.parametrize("kind", [evaluation.ranking, evaluation.captions])
def test_a_photograph_without_sentences_is_named(
    model: Model, examples: Sequence[Example], kind: Callable[..., object]
) -> None:
    with pytest.raises(ValueError, match=r"^mute\.png has no sentences"):
        kind(model, [examples[0], replace(examples[1], name="mute.png", sentences=())])


@pytest.mark.parametrize("kind", [evaluation.regions, evaluation.grounding, evaluation.word_accuracy])
def test_a_split_without_boxes_says_where_they_should_be(
    model: Model, examples: Sequence[Example], kind: Callable[..., object]
) -> None:
    bare = replace(examples[0], phrases=(phrase(0, 0, 1, "a circle", "0"),))
    with pytest.raises(
        ValueError, match="none of the 1 photographs has phrases with boxes: put Flickr30k Entities"
    ):
        kind(model, [bare])


def test_a_broken_photograph_is_named(model: Model, examples: Sequence[Example], tmp_path: Path) -> None:
    (tmp_path / "torn.png").write_bytes(examples[0].read()[:100])
    torn = replace(examples[0], name="torn.png", source=Source(tmp_path / "torn.png"))
    with pytest.raises(PhotoError, match=r"torn\.png"):
        evaluation.encode(model, [*examples[1:3], torn])
