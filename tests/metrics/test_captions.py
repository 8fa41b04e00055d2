"""Compared with pycocoevalcap; CIDEr also with its formula, computed literally."""

import contextlib
import io
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocoevalcap.bleu.bleu import Bleu  # type: ignore[import-untyped]
from pycocoevalcap.cider.cider import Cider  # type: ignore[import-untyped]
from pycocoevalcap.rouge.rouge import Rouge  # type: ignore[import-untyped]

from dvsa.metrics.bootstrap import difference
from dvsa.metrics.captions import CaptionScores, score
from dvsa.metrics.cider import cider
from dvsa.metrics.figures import Figure
from dvsa.metrics.ptb import tokenise
from dvsa.metrics.rouge import rouge_l

References = dict[str, list[str]]
Hypotheses = dict[str, str]

words = st.lists(st.sampled_from("abcde"), min_size=1, max_size=9)
photographs = st.lists(st.tuples(st.lists(words, min_size=1, max_size=4), words), min_size=1, max_size=6)


def oracle(references: References, hypotheses: Hypotheses) -> dict[str, np.ndarray]:
    """Scores × 100 by pycocoevalcap: of the split, then of each photograph."""
    gts = {photo: [" ".join(tokenise(text)) for text in texts] for photo, texts in references.items()}
    res = {photo: [" ".join(tokenise(hypotheses[photo]))] for photo in references}
    with contextlib.redirect_stdout(io.StringIO()):
        bleu, bleus = Bleu(4).compute_score(gts, res)
        figures = {f"BLEU-{n}": [bleu[n - 1], *bleus[n - 1]] for n in (1, 2, 3, 4)}
        for name, scorer in (("ROUGE-L", Rouge()), ("CIDEr", Cider())):
            figure, each = scorer.compute_score(gts, res)
            figures[name] = [figure, *each]
    return {name: 100 * np.array(values) for name, values in figures.items()}


def compare(references: References, hypotheses: Hypotheses) -> None:
    """The scores of the split and of each photograph equal those of pycocoevalcap within 1e-6 (of 1)."""
    scores = score(references, hypotheses, with_meteor=False)
    photos = len(references)
    ours = [scores.figures(index) for index in (np.arange(photos), *np.arange(photos)[:, None])]
    for name, theirs in oracle(references, hypotheses).items():
        np.testing.assert_allclose([values[name] for values in ours], theirs, rtol=0, atol=1e-4)


@given(photographs)
def test_small_vocabularies_equal_pycocoevalcap(split: list[tuple[list[list[str]], list[str]]]) -> None:
    references = {str(n): [" ".join(words) for words in texts] for n, (texts, _) in enumerate(split)}
    compare(references, {str(n): " ".join(words) for n, (_, words) in enumerate(split)})


@pytest.fixture(scope="session")
def test_split(flickr8k_dir: Path) -> References:
    """The five sentences of each of the 1,000 test photographs."""
    split: References = {name: [] for name in (flickr8k_dir / "Flickr_8k.testImages.txt").read_text().split()}
    for line in (flickr8k_dir / "Flickr8k.token.txt").read_text(encoding="utf-8").splitlines():
        key, _, text = line.partition("\t")
        if key.partition("#")[0] in split:
            split[key.partition("#")[0]].append(text)
    return split


@pytest.mark.parametrize("hypothesis", ["the fifth sentence", "the next photograph's first"])
def test_flickr8k_equals_pycocoevalcap(test_split: References, hypothesis: str) -> None:
    photos = list(test_split)
    references = {photo: texts[:4] for photo, texts in test_split.items()}
    fifth = {photo: texts[4] for photo, texts in test_split.items()}
    strange = {photo: test_split[photos[n - 1]][0] for n, photo in enumerate(photos)}
    compare(references, fifth if hypothesis.startswith("the fifth") else strange)


def literal_cider(references: References, hypotheses: Hypotheses) -> list[float]:
    """CIDEr-D by its formula: one n-gram at a time, no reuse."""

    def count(gram: list[str], tokens: list[str]) -> int:
        return sum(tokens[i : i + len(gram)] == gram for i in range(len(tokens)))

    def weights(tokens: list[str], grams: list[list[str]]) -> list[float]:
        documents = [
            sum(any(count(g, t.split()) for t in texts) for texts in references.values()) for g in grams
        ]
        return [
            count(gram, tokens) * math.log(len(references) / max(1, document))
            for gram, document in zip(grams, documents, strict=True)
        ]

    def similarity(n: int, ours: list[str], theirs: list[str]) -> float:
        runs = {tuple(tokens[i : i + n]) for tokens in (ours, theirs) for i in range(len(tokens) - n + 1)}
        grams = [list(run) for run in runs]
        x, y = weights(ours, grams), weights(theirs, grams)
        norms = math.hypot(*x) * math.hypot(*y)
        cosine = sum(min(a, b) * b for a, b in zip(x, y, strict=True)) / norms if norms else 0.0
        return cosine * math.exp(-((len(ours) - len(theirs)) ** 2) / 72)

    return [
        10
        * sum(similarity(n, hypotheses[photo].split(), t.split()) for n in range(1, 5) for t in texts)
        / 4
        / len(texts)
        for photo, texts in references.items()
    ]


@given(photographs)
def test_cider_equals_its_formula(split: list[tuple[list[list[str]], list[str]]]) -> None:
    references = {str(n): [" ".join(words) for words in texts] for n, (texts, _) in enumerate(split)}
    hypotheses = {str(n): " ".join(words) for n, (_, words) in enumerate(split)}
    ours = cider([texts for texts, _ in split], [words for _, words in split])
    np.testing.assert_allclose(ours, literal_cider(references, hypotheses), atol=1e-9)


@given(words, words)
def test_rouge_equals_a_search_over_all_subsequences(reference: list[str], hypothesis: list[str]) -> None:
    def subsequences(tokens: list[str]) -> set[tuple[str, ...]]:
        found: set[tuple[str, ...]] = {()}
        for token in tokens:
            found |= {(*start, token) for start in found}
        return found

    shared = max(map(len, subsequences(reference) & subsequences(hypothesis)))
    precision, recall = shared / len(hypothesis), shared / len(reference)
    f_score = 2.44 * precision * recall / (recall + 1.44 * precision) if shared else 0.0
    assert rouge_l([[reference]], [hypothesis])[0] == pytest.approx(f_score)


def test_bleu_is_reported_with_and_without_the_brevity_penalty() -> None:
    scores = score({"x": ["a dog runs over the grass"]}, {"x": "a dog runs"}, with_meteor=False)
    figures = scores.figures(np.array([0]))
    assert figures["BLEU-1"] == pytest.approx(100 * math.exp(1 - 6 / 3))
    assert [figures["BLEU-1 no BP"], figures["BLEU-3 no BP"]] == pytest.approx([100, 100])
    assert scores.report(resamples=2).figures["BLEU-1 no BP"].value == pytest.approx(100)


def test_empty_hypotheses_score_nothing() -> None:
    references = {"x": ["a dog"], "y": ["a cat sits"], "z": ["one bird", "."]}
    empty = score(references, {"x": "", "y": ".", "z": " "}, with_meteor=False)
    assert set(empty.figures(np.arange(3)).values()) == {0.0}
    mixed = score(references, {"x": "", "y": "a cat sits", "z": ""}, with_meteor=False)
    assert mixed.figures(np.arange(3))["ROUGE-L"] == pytest.approx(100 / 3)


def test_report_carries_intervals_and_settings() -> None:
    references = {str(n): [f"a dog number {n} runs", "the dog is here"] for n in range(20)}
    scores = score(references, {str(n): f"a dog number {n % 7} runs" for n in range(20)}, with_meteor=False)
    report = scores.report(resamples=100)
    figures = scores.figures(np.arange(20))
    assert list(report.figures) == ["METEOR", *figures]
    bleu = [f"BLEU-{order}{mark}" for mark in ("", " no BP") for order in (1, 2, 3, 4)]
    for name in (*bleu, "ROUGE-L", "CIDEr"):
        low, high = report.figures[name].ends
        assert report.figures[name].value == figures[name]
        assert low < figures[name] < high
    assert report.figures["METEOR"] == Figure(None)
    assert (report.settings["photos"], report.settings["meteor"]) == (20, "METEOR was not asked for")


def test_saved_statistics_compare_two_systems(tmp_path: Path) -> None:
    references = {str(n): [f"a {word} dog runs", f"the {word} dog"] for n, word in enumerate("abcdefghij")}
    systems = {
        "good": {k: texts[0] for k, texts in references.items()},
        "bad": dict.fromkeys(references, "a dog"),
    }
    loaded: dict[str, CaptionScores] = {}
    for name, hypotheses in systems.items():
        scores = score(references, hypotheses, with_meteor=False)
        np.savez(tmp_path / f"{name}.npz", allow_pickle=False, **scores.statistics)
        with np.load(tmp_path / f"{name}.npz", allow_pickle=False) as arrays:
            loaded[name] = CaptionScores(scores.photos, dict(arrays))
    compared = difference(loaded["good"].figures, loaded["bad"].figures, len(references), resamples=100)
    assert all(compared[name].ends[0] > 0 for name in ("BLEU-1", "ROUGE-L", "CIDEr"))


@pytest.mark.parametrize(
    ("references", "hypotheses", "message"),
    [
        ({"x.jpg": ["a dog"], "y.jpg": ["a cat"]}, {"x.jpg": "a dog"}, "'y.jpg' has no hypothesis"),
        ({"x.jpg": ["a dog"]}, {"x.jpg": "a dog", "z.jpg": "a dog"}, "'z.jpg' has no references"),
        ({"x.jpg": []}, {"x.jpg": "a dog"}, "'x.jpg' has no reference with a word"),
        ({"x.jpg": ["", "."]}, {"x.jpg": "a dog"}, "'x.jpg' has no reference with a word"),
        ({"x.jpg": "a dog"}, {"x.jpg": "a dog"}, "'x.jpg' are one string"),
        ({}, {}, "no photographs"),
    ],
)
def test_bad_input_names_the_photograph(references: References, hypotheses: Hypotheses, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        score(references, hypotheses, with_meteor=False)
