"""SPICE and CLIPScore as figures of caption scores."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dvsa.arrays import Floats
from dvsa.metrics.added import with_models
from dvsa.metrics.captions import CaptionScores, score
from dvsa.metrics.figures import Report
from dvsa.photo import Photo

REFERENCES = {"1.jpg": ["a dog runs", "the dog"], "2.jpg": ["a cat"]}
HYPOTHESES = {"1.jpg": "a dog", "2.jpg": "two cats"}


class Brightness:
    """Bright photographs and the word dog point one way, dark photographs and other texts another way."""

    name = "brightness"

    def images(self, photos: Sequence[Photo]) -> Floats:
        return np.array([[1.0, 0.0] if photo.image.getpixel((0, 0)) else [0.6, 0.8] for photo in photos])

    def texts(self, texts: Sequence[str]) -> Floats:
        return np.array([[1.0, 0.0] if "dog" in text else [0.0, 1.0] for text in texts])


@pytest.fixture
def scores() -> CaptionScores:
    return score(REFERENCES, HYPOTHESES, with_meteor=False)


def test_clip_scores_are_figures_with_signatures(scores: CaptionScores) -> None:
    colours = {"1.jpg": 255, "2.jpg": 0}
    found = with_models(
        *(scores, REFERENCES, HYPOTHESES),
        clip=Brightness(),
        read=lambda name: Photo(name, Image.new("L", (1, 1), colours[name]), 1, 1),
    )
    report = found.report(resamples=10)
    # 2.5 for the dog, 2.5 * 0.8 for the cats; each equals its reference.
    assert report.figures["CLIPScore"].value == pytest.approx(100 * (2.5 + 2.0) / 2)
    assert report.figures["RefCLIPScore"].value == pytest.approx(100 * (2 * 2.5 / 3.5 + 2 * 2.0 / 3) / 2)
    assert report.signatures["CLIPScore"].startswith("CLIPScore|model:brightness|prompt:A photo depicts|")
    assert "ptb" not in report.signatures["RefCLIPScore"]
    assert report.signatures.keys() == {"BLEU", "ROUGE-L", "CIDEr", "CLIPScore", "RefCLIPScore"}
    assert Report.from_json(report.to_json()) == report
    assert {*scores.report(resamples=5).figures} < {*report.figures}


def test_spice_is_a_figure_with_a_signature(scores: CaptionScores, spice_jar: Path, tmp_path: Path) -> None:
    shutil.copy(spice_jar, tmp_path)
    answer = (
        '[{"image_id": 0, "scores": {"All": {"f": 0.5}}}, {"image_id": 1, "scores": {"All": {"f": 0.25}}}]'
    )
    (tmp_path / "task.txt").write_text(answer)
    told: list[tuple[str, int, int]] = []
    found = with_models(
        *(scores, REFERENCES, HYPOTHESES), spice=tmp_path, progress=lambda *each: told.append(each)
    )
    report = found.report(resamples=10)
    assert report.figures["SPICE"].value == 37.5
    assert report.signatures["SPICE"].startswith("SPICE|jar:1.0|tok:ptb|")
    assert told == [("SPICE", 0, 2), ("SPICE", 2, 2)]


def test_nothing_is_added_unasked(scores: CaptionScores) -> None:
    assert with_models(scores, REFERENCES, HYPOTHESES) is scores


def test_only_what_fits_is_added(scores: CaptionScores) -> None:
    with pytest.raises(ValueError, match="'speed' cannot be added: choose SPICE, CLIPScore, RefCLIPScore"):
        scores.with_metric("speed", np.zeros(2))
    with pytest.raises(ValueError, match=r"2 photographs need as many scores; got \(3,\)"):
        scores.with_metric("SPICE", np.zeros(3))
