"""Fixtures of the tests of training: an empty cache, a data set of a few scenes, and a small network."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from dvsa.data import Dataset, load, toy
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.tasks.corpus import Corpus
from dvsa.text import Vocabulary, words


@pytest.fixture(scope="session", autouse=True)
def empty_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of cached arrays during these tests."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVSA_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A data set of scenes: 24 for training, 12 for validation."""
    return load(toy.write(tmp_path_factory.mktemp("tiny") / "data", train=24, val=12, test=4, seed=1))


@pytest.fixture(scope="session")
def vocabulary(tiny: Dataset) -> Vocabulary:
    return Vocabulary.build((words(s) for e in tiny.split("train") for s in e.sentences), 1)


@pytest.fixture(scope="session")
def corpus(tiny: Dataset, vocabulary: Vocabulary, empty_cache: Path) -> Corpus:
    cpu = torch.device("cpu")
    return Corpus(tiny.split("train"), tiny.split("val"), vocabulary, 64, cpu, quiet=True)


@pytest.fixture
def model(corpus: Corpus) -> JointModel:
    """The network of the toy recipe, untrained."""
    torch.manual_seed(0)
    recipe = RECIPES["toy"]()
    anchors_A2 = corpus.anchors(recipe.vision.anchors)
    return JointModel(recipe.vision, recipe.sentence, len(corpus.vocabulary), anchors_A2).eval()
