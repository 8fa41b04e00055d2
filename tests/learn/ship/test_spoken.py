"""Bundles whose captions use some of the words alone, as graphs, in torch, and when they are continued."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from dvsa.bundle import SPOKEN_FILE, Bundle
from dvsa.data import load
from dvsa.data.gather import find
from dvsa.encoding import Settings, encoder
from dvsa.fluency import Fluency
from dvsa.fluency_file import FLUENCY_FILE, to_bytes
from dvsa.learn.runs.run import Run
from dvsa.learn.runs.warm_start import WarmStart
from dvsa.learn.ship.export import export
from dvsa.learn.ship.torch_bundle import torch_model
from dvsa.learn.ship.torch_encoder import TorchEncoder, TorchOptions
from dvsa.manifest import BundleError
from dvsa.model import Model
from dvsa.text import FIRST_WORD, START, Vocabulary, words

LEFT_OUT = ("above", "blue")


@pytest.fixture(scope="module")
def run(toy_run: Path, toy_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The toy run, as if its captions did not use two of the words, and in another order."""
    folder = shutil.copytree(toy_run, tmp_path_factory.mktemp("spoken") / "run")
    kept = sorted({*Vocabulary.load(folder / "vocabulary.tsv").words}.difference(LEFT_OUT))
    spoken = Vocabulary(tuple(kept), (1,) * len(kept), 1)
    spoken.save(folder / SPOKEN_FILE)
    sentences = [words(s) for e in load(toy_data).split("train") for s in e.sentences]
    (folder / FLUENCY_FILE).write_bytes(to_bytes(Fluency.learn(sentences, spoken)))
    return Run(folder)


@pytest.fixture(scope="module")
def bundle(run: Run) -> Bundle:
    return Bundle.open(export(run, run.folder.parent / "bundle"), threads=1)


def test_the_words_keep_the_ratios_of_their_probabilities(bundle: Bundle, toy_bundle: Path) -> None:
    before = Bundle.open(toy_bundle, threads=1)
    assert {*before.spoken.words}.difference(bundle.spoken.words) == {*LEFT_OUT}
    assert (bundle.folder / "caption.step.onnx").stat().st_size < (
        before.folder / "caption.step.onnx"
    ).stat().st_size

    token_V = [*range(FIRST_WORD), *before.vocabulary.encode(bundle.spoken.words)]
    said = bundle.spoken.words[0]
    feature_1IF = np.random.default_rng(0).random((1, 3, width(before)), np.float32)
    found = []
    for each in (bundle, before):
        captioner = Model(each).captioner("frame")
        state = captioner.start(feature_1IF, np.array([2]))
        for token in (START, each.spoken.id(said)):
            logp_1V, state = captioner.step(np.array([token]), state)
            found.append(logp_1V[0])
    for ours_V, theirs_V in zip(found[:2], found[2:], strict=True):
        difference_V = ours_V - theirs_V[token_V]
        np.testing.assert_allclose(difference_V, difference_V[0], atol=1e-4)
        assert np.exp(ours_V).sum() == pytest.approx(1, abs=1e-4)


def width(bundle: Bundle) -> int:
    """The width of the features that captioners take."""
    return WarmStart(str(bundle.folder)).joint_model(bundle.vocabulary).vision.features


def test_graphs_and_torch_write_the_same_captions(run: Run, bundle: Bundle, toy_data: Path) -> None:
    photographs = sorted((toy_data / "images").iterdir())[:6]
    scenes = find(photographs)
    wanted = [c for part in encoder(Model(bundle), Settings(), workers=1)(scenes) for c in part.captions]
    in_bulk = TorchEncoder(bundle, Settings(), torch.device("cpu"), TorchOptions(batch=3))(scenes)
    model = torch_model(run, "cpu")
    for ours, theirs, photograph in zip(
        wanted, (c for part in in_bulk for c in part.captions), photographs, strict=True
    ):
        assert ours.caption.words == theirs.caption.words == model.open(photograph).caption().words
        assert ours.supported == theirs.supported
        assert not {*ours.caption.words} & {*LEFT_OUT}


def test_words_that_are_not_said_begin_as_unlikely(bundle: Bundle) -> None:
    warm = WarmStart(str(bundle.folder))
    larger = bundle.vocabulary.joined(Vocabulary.build([["crimson"] * 999], 1))
    stage = warm.recipe.writing_stages[-1]
    features = width(bundle)
    net = warm.captioner(stage.name, stage.captioner, larger, features)
    own = warm.captioner(stage.name, stage.captioner, bundle.spoken, features)
    assert net is not None
    assert own is not None
    bias_V, own_V = (dict(part.named_parameters())["bias_V"] for part in (net, own))
    for word in bundle.spoken.words:
        assert bias_V[larger.id(word)] == own_V[bundle.spoken.id(word)]
    for word in LEFT_OUT:
        assert bias_V[larger.id(word)] == own_V[FIRST_WORD:].min()


def test_a_word_that_the_bundle_does_not_know_is_refused(run: Run, tmp_path: Path) -> None:
    folder = shutil.copytree(run.folder, tmp_path / "run")
    Vocabulary(("zyzzyva",), (1,), 1).save(folder / SPOKEN_FILE)
    with pytest.raises(BundleError, match=r"spoken\.tsv has words that vocabulary\.tsv lacks"):
        torch_model(Run(folder), "cpu").bundle.spoken  # noqa: B018
