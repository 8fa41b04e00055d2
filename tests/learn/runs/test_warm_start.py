"""Warm starts: a bundle's networks and words are kept, and its training continues gently."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dvsa.bundle import Bundle
from dvsa.data import Dataset, exposure, load, toy
from dvsa.learn.loop.config import TrainConfig
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.recipes.recipe import Recipe
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

Fit = Callable[[Recipe, Dataset, Path, FitOptions], None]
EPOCH = TrainConfig(epochs=1, batch=12, lr=1e-3)


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    """The toy recipe with every kind of stage, one epoch each; the captioner of regions learns from boxes."""
    whole = RECIPES["toy"]()
    regions, align, caption = (replace(stage, train=EPOCH) for stage in whole.stages)
    assert isinstance(caption, CaptionStage)
    frame = replace(caption, subjects=("frame",))
    phrase = replace(caption, name="phrase", subjects=("region",), phrases="boxes")
    reward = RewardStage(name="reward", train=EPOCH, captioner=caption.captioner, after="caption", samples=2)
    read = ParaphraseStage(name="read", train=EPOCH)
    return replace(whole, stages=(read, regions, align, frame, reward, phrase))


@pytest.fixture(scope="module")
def bundle(
    recipe: Recipe,
    tiny: Dataset,
    cpu: FitOptions,
    fit_without_curves: Fit,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    folder = tmp_path_factory.mktemp("initial")
    fit_without_curves(recipe, tiny, folder / "run", cpu)
    return export(Run(folder / "run"), folder / "bundle")


@pytest.fixture(scope="module")
def new_data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Other scenes, without boxes, with a word that the bundle does not know."""
    folder = toy.write(tmp_path_factory.mktemp("new") / "data", train=14, val=6, test=4, seed=9)
    shutil.rmtree(folder / "entities")
    listed = folder / "dataset_toy.json"
    listed.write_text(listed.read_text().replace("a red ", "a crimson "))
    return load(folder)


@pytest.fixture(scope="module")
def adapted(
    bundle: Path,
    recipe: Recipe,
    new_data: Dataset,
    cpu: FitOptions,
    fit_without_curves: Fit,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The run that continues the bundle on the new data."""
    out = tmp_path_factory.mktemp("adapted") / "run"
    fit_without_curves(recipe, new_data, out, replace(cpu, init=str(bundle)))
    return out


def test_the_joint_model_agrees_with_the_bundle(bundle: Path) -> None:
    warm = WarmStart(str(bundle))
    net = warm.joint_model(warm.bundle.vocabulary).eval()
    pixels_BHWC = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    ids, real = torch.tensor([[3, 5, 4]]), torch.tensor([[True, True, True]])

    with torch.no_grad():
        fine, coarse, logit_BN, box_BN4 = net.vision.look(pixels_BHWC)
        ours = [fine, coarse, logit_BN.sigmoid(), box_BN4, net.sentence(ids, real)]
    theirs = warm.bundle.graphs.run("look", {"pixels": pixels_BHWC.numpy()})
    theirs += warm.bundle.graphs.run("sentence", {"ids": ids.numpy(), "real": real.numpy()})

    for mine, wanted in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(wanted.astype(np.float32), mine.numpy(), atol=2e-4)


def test_a_captioner_agrees_with_the_bundle(bundle: Path) -> None:
    warm = WarmStart(str(bundle))
    vocabulary = warm.bundle.vocabulary
    features = warm.joint_model(vocabulary).vision.features
    stage = warm.recipe.writing_stages[-1]
    captioner = warm.captioner(stage.name, stage.captioner, vocabulary, features)
    assert captioner is not None

    # The first word, by the network and by the bundle's graphs.
    feature_BIF, focus_B = torch.rand(2, 3, features), torch.tensor([0, 2])
    with torch.no_grad():
        state = captioner.eval().start(feature_BIF, focus_B)
        logit_BV, _ = captioner.step(torch.full((2,), START_PHRASE), state)
    inputs = {"features": feature_BIF.numpy(), "focus": focus_B.numpy()}
    arrays = warm.bundle.graphs.run("phrase.start", inputs)
    names = warm.bundle.graphs.inputs("phrase.step")
    inputs = dict(zip(names, (np.full(2, START_PHRASE), *arrays), strict=True))
    logp_BV = warm.bundle.graphs.run("phrase.step", inputs)[0]
    np.testing.assert_allclose(logp_BV.astype(np.float32), logit_BV.log_softmax(-1).numpy(), atol=2e-4)


def test_words_keep_their_weights_in_a_larger_vocabulary(bundle: Path) -> None:
    warm = WarmStart(str(bundle))
    before = warm.bundle.vocabulary
    larger = before.joined(Vocabulary.build([["crimson"] * 999], 1))
    assert larger.id("crimson") == FIRST_WORD

    ours, theirs = (warm.joint_model(v).eval() for v in (larger, before))
    for word in before.words[:5]:
        one, other = (torch.tensor([[v.id(word)]]) for v in (larger, before))
        real = torch.ones_like(one, dtype=torch.bool)
        torch.testing.assert_close(ours.sentence(one, real), theirs.sentence(other, real))


def test_stages_continue_with_low_rates_and_only_the_heads(bundle: Path, recipe: Recipe) -> None:
    warm = WarmStart(str(bundle))
    for boxed in (True, False):
        stages = warm.adapted(recipe, WarmData(photographs=1000, boxed=boxed)).stages
        assert [s.name for s in stages] == ["align", "caption", "phrase"]
        assert all(s.train.lr == GENTLY * EPOCH.lr for s in stages)
        align = stages[0]
        assert isinstance(align, AlignmentStage)
        assert not align.backbone_in_loop
        assert (align.grounding > 0) == boxed


@pytest.mark.parametrize(("photographs", "batch"), [(6000, 12), (110, 11), (20, 10)])
def test_with_few_photographs_batches_are_small(
    bundle: Path, recipe: Recipe, photographs: int, batch: int
) -> None:
    """Then an epoch still has some steps, and the warm-up ends after a tenth of them."""
    train = replace(EPOCH, epochs=4, warmup=60)
    slow = replace(recipe, stages=tuple(replace(stage, train=train) for stage in recipe.stages))
    data = WarmData(photographs=photographs, boxed=True)
    for stage in WarmStart(str(bundle)).adapted(slow, data).stages:
        assert (stage.train.batch, stage.train.warmup) == (batch, 4)


@pytest.mark.parametrize(("boxed", "kept"), [(True, ["align", "ground"]), (False, ["align"])])
def test_a_second_alignment_is_kept_if_it_trains_only_the_heads(
    bundle: Path, recipe: Recipe, boxed: bool, kept: list[str]
) -> None:
    modern = replace(RECIPES["modern"](), vision=recipe.vision, sentence=recipe.sentence)
    stages = WarmStart(str(bundle)).adapted(modern, WarmData(photographs=1000, boxed=boxed)).stages
    assert [s.name for s in stages if isinstance(s, AlignmentStage)] == kept


def test_a_run_on_new_photographs(adapted: Path, bundle: Path, new_data: Dataset) -> None:
    done = Run(adapted)
    assert "crimson" in done.vocabulary
    assert {*Bundle.open(bundle).vocabulary.words} <= {*done.vocabulary.words}
    assert {*done.captioners()} == {"frame", "region"}

    # It has seen the bundle's photographs and its own.
    before, after = (
        exposure.PhotoExposure.read(folder / exposure.PHOTOS_FILE).contents for folder in (bundle, adapted)
    )
    assert {*before} < {*after}
    assert {exposure.content_digest(e) for e in new_data.split("train")} <= {*after}

    # Its own bundle says which words no training sentence of this run has.
    again = Bundle.open(export(done, adapted.parent / "bundle"))
    known = {word for e in new_data.split("train") for s in e.sentences for word in words(s)}
    assert again.read().words == {*done.vocabulary.words} - known


def test_a_recipe_with_other_networks_is_refused(bundle: Path, recipe: Recipe) -> None:
    other = replace(recipe, name="other", vision=replace(recipe.vision, anchors=7))
    with pytest.raises(ValueError, match="has other networks than the recipe other: train toy"):
        WarmStart(str(bundle)).adapted(other, WarmData(photographs=1000, boxed=True))


def test_a_bundle_without_the_list_of_its_photographs_is_refused(bundle: Path, tmp_path: Path) -> None:
    old = shutil.copytree(bundle, tmp_path / "old")
    (old / exposure.PHOTOS_FILE).unlink()
    with pytest.raises(ValueError, match=r"photographs\.tsv is missing|does not say which photographs"):
        WarmStart(str(old))
