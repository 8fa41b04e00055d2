"""Compared with scores of pycocoevalcap's Meteor (make_meteor_golden.py)."""

import json
from pathlib import Path

import numpy as np
import pytest

from dvsa.metrics.captions import score
from dvsa.metrics.figures import Figure
from dvsa.metrics.meteor import meteor, meteor_statistics

GOLDEN = json.loads(Path(__file__).with_name("meteor_golden.json").read_text(encoding="utf-8"))
COUNTS_K23 = np.array([[float(number) for number in row.split()] for row in GOLDEN["counts"]])

needs_java = pytest.mark.usefixtures("java")


def test_scores_from_counts_equal_pycocoevalcap() -> None:
    assert [meteor(counts_23) for counts_23 in COUNTS_K23] == pytest.approx(GOLDEN["each"], abs=1e-9)
    assert meteor(COUNTS_K23.sum(axis=0)) == pytest.approx(GOLDEN["all"], abs=1e-9)
    assert len(set(GOLDEN["each"])) > 5


@needs_java
def test_counts_of_the_jar() -> None:
    scores = score(GOLDEN["references"], GOLDEN["hypotheses"])
    assert scores.meteor_note == "METEOR by meteor-1.5.jar"
    assert (scores.statistics["METEOR"] == COUNTS_K23).all()
    photos = np.arange(len(COUNTS_K23))
    assert scores.figures(photos)["METEOR"] == pytest.approx(100 * GOLDEN["all"], abs=1e-7)
    empty = list(GOLDEN["hypotheses"]).index("empty")
    assert scores.figures(photos[empty : empty + 1])["METEOR"] == 0


def test_without_java_there_is_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    counts, note = meteor_statistics([[["a", "dog"]]], [["a", "dog"]])
    assert counts is None
    assert note.startswith("METEOR needs Java")
    report = score({"x": ["a dog"]}, {"x": "a dog"}).report(resamples=2)
    assert report.figures["METEOR"] == Figure(None)
    assert report.settings["meteor"] == note


@needs_java
def test_a_jar_that_is_absent_or_broken_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    jar = tmp_path / "meteor.jar"
    monkeypatch.setenv("DVSA_METEOR_JAR", str(jar))
    assert meteor_statistics([[["a"]]], [["a"]])[1].startswith("METEOR needs meteor-1.5.jar")
    jar.write_bytes(b"no jar")
    counts, note = meteor_statistics([[["a"]]], [["a"]])
    assert counts is None
    assert str(jar) in note


@needs_java
def test_a_jar_that_hangs_is_stopped() -> None:
    counts, note = meteor_statistics([[["a"]]], [["a"]], timeout=0.2)
    assert counts is None
    assert "timed out" in note
