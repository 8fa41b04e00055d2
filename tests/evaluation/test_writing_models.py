"""Captions of a split judged by SPICE and by a CLIP model as well."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dvsa import evaluation
from dvsa.data import Example, Source
from dvsa.evaluation import Encoded, Evidence
from dvsa.learn.ship.clip import Clip
from dvsa.metrics.clipscore import clip_scores
from dvsa.model import Model
from dvsa.photo import read

PICTURES = sorted((Path(__file__).parents[2] / "examples").glob("*.jpg"))[:2]
SENTENCES = [["a man with a camera", "a man"], ["a dog runs in the snow"]]


def test_figures_of_spice_and_clip(
    model: Model,
    photographs: Callable[[Sequence[Sequence[str]]], tuple[list[Example], Encoded]],
    clip_folder: Path,
    spice_jar: Path,
    tmp_path: Path,
) -> None:
    examples, encoded = photographs(SENTENCES)
    examples = [replace(e, source=Source(path)) for e, path in zip(examples, PICTURES, strict=True)]
    shutil.copy(spice_jar, tmp_path)
    scores = [{"image_id": n, "scores": {"All": {"f": f}}} for n, f in enumerate((0.5, 0.25))]
    (tmp_path / "task.txt").write_text(json.dumps(scores))

    clip, said = Clip(clip_folder, "cpu"), dict[str, str]()
    judged = evaluation.captions(
        *(model, examples),
        beam=1,
        with_meteor=False,
        keep=lambda name, caption: said.update({name: caption.text}),
        spice=tmp_path,
        clip=clip,
        encoded=encoded,
    )

    figures = judged.report.figures
    paths = {example.name: path for example, path in zip(examples, PICTURES, strict=True)}
    references = {example.name: example.sentences for example in examples}
    assert figures["SPICE"].value == 37.5
    for name, score_K in clip_scores(clip, lambda name: read(paths[name]), references, said).items():
        assert figures[name].value == pytest.approx(100 * score_K.mean())

    # The evidence has them as well.
    path = tmp_path / "captions.npz"
    path.write_bytes(judged.evidence.content())
    found = Evidence.read(path).figures(np.arange(2))
    for name in ("SPICE", "CLIPScore", "RefCLIPScore"):
        assert found[name] == figures[name].value


def test_a_missing_jar_is_named_before_any_work(
    model: Model,
    photographs: Callable[[Sequence[Sequence[str]]], tuple[list[Example], Encoded]],
    tmp_path: Path,
) -> None:
    examples, _ = photographs(SENTENCES)  # whose files do not exist: reading them would fail
    with pytest.raises(ValueError, match=r"has no spice-\*\.jar"):
        evaluation.captions(model, examples, spice=tmp_path)
