"""docs/metrics.md: its examples run, and it names every figure and every module of the metrics."""

import doctest
import pkgutil
import re
from pathlib import Path

import numpy as np

from dvsa import metrics
from dvsa.metrics.captions import ADDED, score
from dvsa.metrics.grounding import ground
from dvsa.metrics.ranking import rank

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "metrics.md").read_text("utf-8")
INSIDE = {"caption_layouts", "caption_metrics", "ngrams", "ptb", "ptb_characters", "figures", "added"}
"""Modules that a reader of the page meets through others."""


def test_the_examples_run() -> None:
    text = re.sub(r"^```.*$", "", PAGE, flags=re.MULTILINE)
    test = doctest.DocTestParser().get_doctest(text, {}, "metrics.md", None, 0)
    failures: list[str] = []
    doctest.DocTestRunner().run(test, out=failures.append)
    assert not failures, "".join(failures)
    assert len(test.examples) > 30


def test_every_figure_is_named() -> None:
    captions = score({"1.jpg": ["a dog"]}, {"1.jpg": "a dog"}, with_meteor=False).figures(np.array([0]))
    square = np.eye(2)
    ranks = rank(square, np.array([0, 1]), square).photo_to_sentence(np.array([0]))
    found = ground([square.repeat(2, axis=1)], np.array([[0.0, 0.0, 1.0, 1.0]]), ["1.jpg"])
    names = {*captions, *ranks, *found.figures(np.array([0])), *ADDED, "METEOR"}
    named = {
        name.split("-")[0].removesuffix(" IoU0.5") if name.startswith("BLEU") else name for name in names
    }
    words = {"Med r": "median rank"}
    for name in named:
        assert words.get(name, name.removesuffix(" IoU0.5")) in PAGE, name


def test_every_module_is_named() -> None:
    modules = {found.name for found in pkgutil.iter_modules(metrics.__path__)} - INSIDE
    alone = {"bleu", "rouge", "cider", "meteor"}  # which `captions.score` calls
    for name in modules - alone:
        assert re.search(rf"\b{name}\b", PAGE), name
