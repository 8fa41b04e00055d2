"""Replay: what is stored is read back, and what is replayed is in every batch."""

from dataclasses import replace

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

from dvsa.data import Dataset
from dvsa.learn.loop.config import TrainConfig
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.tasks.alignment import AlignmentInputs, AlignmentStage, AlignmentTask
from dvsa.learn.tasks.corpus import Corpus
from dvsa.learn.tasks.replay import SHARE, Replay
from dvsa.learn.tasks.visual import HEADS
from dvsa.text import Vocabulary, words

STAGE = AlignmentStage(name="align", train=TrainConfig(epochs=1), loss="info_nce", sentences=2, lr=HEADS)
SENTENCES = st.lists(st.lists(st.text(max_size=20), min_size=1, max_size=3), min_size=1, max_size=4)


@given(SENTENCES)
def test_what_is_stored_is_read_back(sentences: list[list[str]]) -> None:
    feature_KIF = torch.randn(len(sentences), 3, 5).half()
    found = Replay.parse(Replay(feature_KIF, tuple(map(tuple, sentences))).content(), "here")
    assert torch.equal(found.feature_KIF, feature_KIF)
    assert [list(own) for own in found.sentences] == sentences


def stored(feature_KIF: torch.Tensor, text: bytes) -> bytes:
    sentences = torch.tensor(list(text), dtype=torch.uint8)
    return safetensors.torch.save({"features": feature_KIF, "sentences": sentences})


GOOD = torch.zeros(1, 3, 5).half()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not safetensors",
        stored(GOOD, b"[]"),
        stored(GOOD, b"{"),
        stored(GOOD, b"null"),
        stored(GOOD, b'["a"]'),
        stored(GOOD, b"[[]]"),
        stored(GOOD, b"[[1]]"),
        stored(GOOD, b'[["a"], ["b"]]'),
        stored(GOOD[0], b'[["a"]]'),
        stored(GOOD.float(), b'[["a"]]'),
        stored(GOOD + torch.nan, b'[["a"]]'),
        safetensors.torch.save({"features": GOOD}),
    ],
)
def test_other_content_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="here is no replay"):
        Replay.parse(content, "here")


@pytest.fixture(scope="module")
def vocabulary(tiny: Dataset) -> Vocabulary:
    return Vocabulary.build([words(s) for e in tiny.split("train") for s in e.sentences], 1)


@pytest.fixture(scope="module")
def model(vocabulary: Vocabulary) -> JointModel:
    torch.manual_seed(0)
    toy = RECIPES["toy"]()
    return JointModel(toy.vision, toy.sentence, len(vocabulary), pretrained=False).eval()


@pytest.fixture(scope="module")
def corpus(tiny: Dataset, model: JointModel, vocabulary: Vocabulary) -> Corpus:
    train, val = tiny.split("train"), tiny.split("val")
    return Corpus(train, val, vocabulary, model.vision.size, torch.device("cpu"), quiet=True)


def replay_of(task: AlignmentTask, sentences: tuple[tuple[str, ...], ...]) -> Replay:
    """Features that no photograph has: 1 + k everywhere."""
    feature_KIF = torch.ones(len(sentences), *task.train_KIF.shape[1:])
    return Replay((feature_KIF * (1 + torch.arange(len(sentences)))[:, None, None]).half(), sentences)


def test_a_batch_has_its_share_of_what_is_replayed(model: JointModel, corpus: Corpus) -> None:
    plain = AlignmentTask(STAGE, model, corpus)
    known = corpus.vocabulary.words[:2]
    replay = replay_of(plain, ((known[0],), (f"{known[1]} zyzzyva",), ("zyzzyva",)))
    task = AlignmentTask(STAGE, model, corpus, replay)
    assert len(task) == len(plain)

    seen: set[float] = set()
    for seed in range(8):
        torch.manual_seed(seed)
        inputs = task.inputs(model, [0, 1, 2, 3])
        assert isinstance(inputs, AlignmentInputs)
        assert isinstance(inputs.photographs, torch.Tensor)
        assert len(inputs.photographs) == 4 + round(SHARE * 4)
        assert torch.equal(inputs.photographs[:4], plain.train_KIF[:4])
        marks_B = inputs.photographs[4:].flatten(1).amax(1)
        seen |= {*marks_B.tolist()}

        # Each replayed photograph keeps its own sentence; the one without a known word never comes.
        for owner, ids_T, real_T in zip(inputs.owner_L, inputs.ids_LT, inputs.real_LT, strict=True):
            if owner >= 4:
                word = known[int(marks_B[owner - 4]) - 1]
                assert ids_T[real_T].tolist() == corpus.vocabulary.encode([word])
        assert torch.isfinite(task.loss(model, inputs))
    assert seen == {1.0, 2.0}


def test_a_replay_of_another_shape_is_refused(model: JointModel, corpus: Corpus) -> None:
    replay = Replay(torch.zeros(1, 2, 7).half(), (("a",),))
    with pytest.raises(
        ValueError, match=r"what the bundle replays has features \(2, 7\), and the photographs"
    ):
        AlignmentTask(STAGE, model, corpus, replay)


def test_photographs_are_drawn_by_the_seed(model: JointModel, tiny: Dataset) -> None:
    examples = tiny.split("train")
    quiet = (model.vision, examples, STAGE.proposer, STAGE.nms)
    first, again, other = (Replay.of(*quiet, count=3, seed=seed, quiet=True) for seed in (0, 0, 1))
    assert first.sentences == again.sentences != other.sentences
    assert len(first) == 3
    assert len(Replay.of(*quiet, count=10**6, quiet=True)) == len(examples)

    silent = [replace(e, sentences=()) for e in examples[:2]]
    assert len(Replay.of(model.vision, [*silent, examples[2]], "grid", 0.5, count=9, quiet=True)) == 1
    assert np.isfinite(first.feature_KIF.numpy()).all()
