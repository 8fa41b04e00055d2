"""A run whose regions learn the names of classes, from the data to the bundle."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import dvsa
from dvsa.data import load, toy
from dvsa.learn.nets.backbones.efficientnet_lite import EfficientNetLite
from dvsa.learn.nets.backbones.small import SmallConvNet
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.recipes.file import with_settings
from dvsa.learn.runs.fit import fit
from dvsa.learn.runs.inputs import FitOptions
from dvsa.learn.runs.run import Run
from dvsa.learn.ship.export import export
from dvsa.text import FIRST_WORD, START, words

SHORT = ["regions.train.epochs=1", "align.train.epochs=1", "caption.train.epochs=1", "train.evaluate_every=1"]
NAMED = [*SHORT, "align.naming=0.5"]


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.write(tmp_path_factory.mktemp("named") / "scenes", train=40, val=6, test=6)


def classifier(backbone: SmallConvNet) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(0)
    return torch.randn(1000, backbone.coarse_channels, generator=random), torch.zeros(1000)


def test_a_run_knows_the_names_of_classes(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SmallConvNet, "imagenet_classifier", classifier)
    fit(with_settings(RECIPES["toy"](), NAMED), load(scenes), tmp_path / "run", FitOptions(quiet=True))
    plain = with_settings(RECIPES["toy"](), SHORT)
    fit(plain, load(scenes), tmp_path / "plain", FitOptions(quiet=True))
    losses = [
        json.loads((tmp_path / name / "align" / "log.jsonl").read_text().splitlines()[0])["loss"]
        for name in ("run", "plain")
    ]
    assert losses[0] > losses[1] + 1  # half of a cross-entropy over a thousand names

    export(Run(tmp_path / "run"), tmp_path / "bundle")
    model = dvsa.load(tmp_path / "bundle")
    assert {"espresso", "golden", "retriever", "vehicle"} <= {*model.bundle.vocabulary.words}

    # Captions do not use these words.
    said = {word for e in load(scenes).split("train") for s in e.sentences for word in words(s)}
    assert {*model.bundle.spoken.words} == said
    captioner, view = model.captioner("frame"), model.open(next(scenes.glob("images/*")))
    state = captioner.start(view.feature_IF[None], np.array([0]))
    assert captioner.step(np.array([START]), state)[0].shape == (1, FIRST_WORD + len(said))
    assert {*view.caption().words} <= said


def test_a_backbone_without_the_classes_is_refused(scenes: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the backbone small does not know ImageNet's classes"):
        fit(with_settings(RECIPES["toy"](), NAMED), load(scenes), tmp_path / "run", FitOptions(quiet=True))


def test_the_classifier_is_the_one_that_was_trained() -> None:
    """It sits behind the vector of a crop: together they are timm's network with ImageNet's weights."""
    timm = pytest.importorskip("timm")
    from dvsa.learn.nets.backbones import efficientnet_lite

    backbone = EfficientNetLite(0).eval()
    weight_CF, bias_C = backbone.imagenet_classifier()
    whole = timm.create_model("tf_efficientnet_lite0")
    efficientnet_lite._load_imagenet(whole, 0)
    crop_1SSC = torch.randint(0, 256, (1, 224, 224, 3)).float()
    with torch.no_grad():
        found = backbone.pooled(crop_1SSC) @ weight_CF.T + bias_C
        wanted = whole.eval()((crop_1SSC.permute(0, 3, 1, 2) / 255 - 0.5) / 0.5)
    torch.testing.assert_close(found, wanted, atol=1e-3, rtol=1e-3)
