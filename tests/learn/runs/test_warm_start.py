"""Learning on from a bundle: its weights are all there, words by themselves, and what it has seen is kept."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dvsa.bundle import Bundle
from dvsa.data import Dataset, exposure, load, toy
from dvsa.learn.loop import curve
from dvsa.learn.loop.config import TrainConfig
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.fit import fit
from dvsa.learn.runs.inputs import FitOptions
from dvsa.learn.runs.run import Run
from dvsa.learn.runs.warm_start import WarmStart
from dvsa.learn.ship.export import export
from dvsa.learn.tasks.alignment import AlignmentStage
from dvsa.learn.tasks.captions import CaptionStage
from dvsa.learn.tasks.paraphrase import ParaphraseStage
from dvsa.learn.tasks.rewards import RewardStage
from dvsa.learn.tasks.stage import GENTLY, WarmData
from dvsa.text import FIRST_WORD, START_PHRASE, Vocabulary, words

QUICK = TrainConfig(epochs=1, batch=12, lr=1e-3)


def quick() -> Recipe:
    """The toy recipe with a captioner for each subject, that of regions from boxes, an epoch a stage."""
    whole = RECIPES["toy"]()
    regions, align, caption = (replace(stage, train=QUICK) for stage in whole.stages)
    assert isinstance(caption, CaptionStage)
    frame = replace(caption, subjects=("frame",))
    phrase = replace(caption, name="phrase", subjects=("region",), phrases="boxes")
    reward = RewardStage(name="reward", train=QUICK, captioner=caption.captioner, after="caption", samples=2)
    read = ParaphraseStage(name="read", train=QUICK)
    return replace(whole, stages=(read, regions, align, frame, reward, phrase))


@pytest.fixture(scope="module")
def bundle(tiny: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("initial")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curve, "draw", lambda lines, path: path.write_bytes(b"picture"))
        fit(quick(), tiny, folder / "run", FitOptions(device="cpu", quiet=True))
    return export(Run(folder / "run"), folder / "bundle")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Other scenes, without boxes, with a word of their own."""
    folder = toy.write(tmp_path_factory.mktemp("own") / "data", train=14, val=6, test=4, seed=9)
    shutil.rmtree(folder / "entities")
    listed = folder / "dataset_toy.json"
    listed.write_text(listed.read_text().replace("a red ", "a crimson "))
    return load(folder)


@pytest.fixture(scope="module")
def adapted(bundle: Path, own: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("adapted") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curve, "draw", lambda lines, path: path.write_bytes(b"picture"))
        fit(quick(), own, out, FitOptions(device="cpu", init=str(bundle), quiet=True))
    return out


def test_networks_answer_as_the_bundle_does(bundle: Path) -> None:
    begin = WarmStart(str(bundle))
    vocabulary = begin.bundle.vocabulary
    net = begin.joint_model(vocabulary).eval()
    pixels_BHWC = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    with torch.no_grad():
        fine, coarse, logit_BN, box_BN4 = net.vision.look(pixels_BHWC)
        ids, real = torch.tensor([[3, 5, 4]]), torch.tensor([[True, True, True]])
        ours = [fine, coarse, logit_BN.sigmoid(), box_BN4, net.sentence(ids, real)]
    theirs = begin.bundle.graphs.run("look", {"pixels": pixels_BHWC.numpy()})
    theirs += begin.bundle.graphs.run("sentence", {"ids": ids.numpy(), "real": real.numpy()})
    for mine, wanted in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(wanted.astype(np.float32), mine.numpy(), atol=2e-4)
    stage = begin.recipe.writing_stages[-1]
    writer = begin.captioner(stage.name, stage.captioner, vocabulary, net.vision.features)
    assert writer is not None
    feature_BIF, focus_B = torch.rand(2, 3, net.vision.features), torch.tensor([0, 2])
    with torch.no_grad():
        state = writer.eval().start(feature_BIF, focus_B)
        logit_BV, _ = writer.step(torch.full((2,), START_PHRASE), state)
    began = begin.bundle.graphs.run(
        "phrase.start", {"features": feature_BIF.numpy(), "focus": focus_B.numpy()}
    )
    names = begin.bundle.graphs.inputs("phrase.step")
    inputs = dict(zip(names, (np.full(2, START_PHRASE), *began), strict=True))
    (said_BV, *_) = begin.bundle.graphs.run("phrase.step", inputs)
    np.testing.assert_allclose(said_BV.astype(np.float32), logit_BV.log_softmax(-1).numpy(), atol=2e-4)


def test_each_word_takes_its_weights_along(bundle: Path) -> None:
    begin = WarmStart(str(bundle))
    before = begin.bundle.vocabulary
    grown = before.joined(Vocabulary.build([["crimson"] * 999], 1))
    assert grown.id("crimson") == FIRST_WORD
    ours, theirs = (begin.joint_model(v).eval() for v in (grown, before))
    for word in before.words[:5]:
        one, other = (torch.tensor([[v.id(word)]]) for v in (grown, before))
        real = torch.ones_like(one, dtype=torch.bool)
        torch.testing.assert_close(ours.sentence(one, real), theirs.sentence(other, real))


def test_stages_learn_on_gently_with_the_heads_alone(bundle: Path) -> None:
    begin = WarmStart(str(bundle))
    for boxed in (True, False):
        stages = begin.adapted(quick(), WarmData(photographs=1000, boxed=boxed)).stages
        assert [s.name for s in stages] == ["align", "caption", "phrase"]
        assert all(s.train.lr == GENTLY * QUICK.lr for s in stages)
        align = stages[0]
        assert isinstance(align, AlignmentStage)
        assert not align.backbone_in_loop
        assert (align.grounding > 0) == boxed


@pytest.mark.parametrize(("photographs", "batch"), [(6000, 12), (110, 11), (20, 10)])
def test_of_few_photographs_batches_are_small(bundle: Path, photographs: int, batch: int) -> None:
    """So that an epoch has some steps, and the rate is at its height after a tenth of them."""
    recipe = quick()
    slow = replace(
        recipe, stages=tuple(replace(s, train=replace(QUICK, epochs=4, warmup=60)) for s in recipe.stages)
    )
    data = WarmData(photographs=photographs, boxed=True)
    for stage in WarmStart(str(bundle)).adapted(slow, data).stages:
        assert (stage.train.batch, stage.train.warmup) == (batch, 4)


@pytest.mark.parametrize(("boxed", "kept"), [(True, ["align", "ground"]), (False, ["align"])])
def test_of_several_alignments_those_on_heads_stay(bundle: Path, boxed: bool, kept: list[str]) -> None:
    modern = RECIPES["modern"]()
    recipe = replace(modern, vision=quick().vision, sentence=quick().sentence)
    stages = WarmStart(str(bundle)).adapted(recipe, WarmData(photographs=1000, boxed=boxed)).stages
    assert [s.name for s in stages if isinstance(s, AlignmentStage)] == kept


def test_a_run_on_ones_own_photographs(adapted: Path, bundle: Path, own: Dataset) -> None:
    done = Run(adapted)
    assert "crimson" in done.vocabulary
    assert {*Bundle.open(bundle).vocabulary.words} <= {*done.vocabulary.words}
    assert {*done.captioners()} == {"frame", "region"}
    before, after = (
        exposure.PhotoExposure.read(bundle / exposure.PHOTOS_FILE),
        exposure.PhotoExposure.read(adapted / exposure.PHOTOS_FILE),
    )
    assert {*before.contents} < {*after.contents}
    assert {exposure.content_digest(e) for e in own.split("train")} <= {*after.contents}
    again = Bundle.open(export(done, adapted.parent / "bundle"))
    told = {word for e in own.split("train") for s in e.sentences for word in words(s)}
    assert again.read().words == {*done.vocabulary.words} - told


def test_other_networks_and_bundles_of_before_are_refused(bundle: Path, tmp_path: Path) -> None:
    other = replace(quick(), name="other", vision=replace(quick().vision, embedding=32))
    with pytest.raises(ValueError, match="has other networks than the recipe other: train toy"):
        WarmStart(str(bundle)).adapted(other, WarmData(photographs=1000, boxed=True))
    mute = shutil.copytree(bundle, tmp_path / "mute")
    (mute / exposure.PHOTOS_FILE).unlink()
    with pytest.raises(ValueError, match=r"photographs\.tsv is missing|does not say which photographs"):
        WarmStart(str(mute))
