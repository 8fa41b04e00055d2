"""The stage of alignment: the loss of a batch, and the figures of a network."""

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from dvsa.boxes import iou
from dvsa.data import Dataset
from dvsa.learn.loop.config import TrainConfig
from dvsa.learn.loop.order import batch_at, epoch_steps
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.nets.regions import choose_boxes
from dvsa.learn.tasks import objective
from dvsa.learn.tasks.alignment import AlignmentStage, AlignmentTask
from dvsa.learn.tasks.augmentation import WHOLE, Window
from dvsa.learn.tasks.corpus import Corpus
from dvsa.learn.tasks.features import look_autocast
from dvsa.learn.tasks.photographs import Photographs, SquarePhotographs
from dvsa.learn.tasks.proposals import ProposalStage, ProposalTask
from dvsa.learn.tasks.ragged import PhraseTargets, Rows
from dvsa.learn.tasks.recalls import recalls
from dvsa.learn.tasks.rows_ahead import whole
from dvsa.learn.tasks.visual import HEADS
from dvsa.records import FRAME
from dvsa.text import Vocabulary

ALL = HEADS | {"vision.": 0.5}
"""Learning-rate factors that train the backbone and the proposal head too."""


def squares(photographs: Photographs) -> SquarePhotographs:
    assert isinstance(photographs, SquarePhotographs)
    return photographs


def align(**changes: object) -> AlignmentStage:
    stage = AlignmentStage(
        name="align", train=TrainConfig(epochs=1), loss="info_nce", sentences=2, nms=0.5, lr=HEADS
    )
    return replace(stage, **changes)  # type: ignore[arg-type]


def step(task: AlignmentTask | ProposalTask, model: JointModel, number: int, batch: int) -> Tensor:
    """The loss of a step, on the photographs that the loop would give it."""
    index = batch_at(number, len(task), batch, 0)
    if isinstance(task, ProposalTask):
        return task.loss(model, task.inputs(model, index))
    return task.loss(model, task.inputs(model, index))


@torch.no_grad()
def regions(
    model: JointModel, photographs: Photographs, index: Sequence[int] | slice, proposer: str = "head"
) -> tuple[Tensor, Tensor]:
    """The boxes of some photographs and their vectors, without the cache."""
    looked = look_autocast(model.vision, photographs.batch(index))
    chosen_KI4 = choose_boxes(looked.logit_BN, looked.box_BN4, proposer, 0.5)
    return chosen_KI4, model.vision.encode(looked.maps, None, chosen_KI4)[1]


@pytest.mark.parametrize(
    "changes",
    [
        {"score": "cosine"},
        {"loss": "mse"},
        {"proposer": "heed"},
        {"sentences": 0},
        {"min_window": 1.5},
        {"max_window": 0.5},
    ],
)
def test_invalid_options_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=str(next(iter(changes.values())))):
        align(**changes)


@pytest.mark.parametrize("lr", [HEADS, ALL])
@pytest.mark.parametrize("proposer", ["head", "grid"])
def test_the_loss_is_the_objective_of_the_batch_and_its_sentences(
    model: JointModel, corpus: Corpus, lr: dict[str, float], proposer: str
) -> None:
    task = AlignmentTask(align(lr=lr, sentences=5, proposer=proposer), model, corpus)
    model.eval()
    found = step(task, model, 3, 8)

    index = batch_at(3, 24, 8, 0)
    _, v_KID = regions(model, corpus.train, index, proposer)
    ids = [s for k in index for s in corpus.train_ids[k]]  # all five of each, so their order is irrelevant
    ids_LT, real_LT = corpus.padded(ids)
    S_KL = objective.maxsim(v_KID, model.sentence(ids_LT, real_LT), real_LT)
    wanted = objective.info_nce(S_KL, torch.arange(8).repeat_interleave(5))
    if lr is ALL:
        proposals = ProposalStage(name="regions", train=TrainConfig(epochs=1), nms=0.5, lr=HEADS)
        wanted = wanted + step(ProposalTask(proposals, model, corpus), model, 3, 8)
    torch.testing.assert_close(found, wanted, atol=3e-3, rtol=1e-3)  # features are in half precision


def test_the_backbone_gets_gradients_only_if_it_is_trained(model: JointModel, corpus: Corpus) -> None:
    whole = AlignmentTask(align(lr=ALL), model, corpus)
    step(whole, model, 0, 8).backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is not None for p in model.parameters())

    model.zero_grad()
    heads = AlignmentTask(align(), model, corpus)
    step(heads, model, 0, 8).backward()  # type: ignore[no-untyped-call]
    trained = {
        name.split(".")[1] if name.startswith("vision") else "words"
        for name, p in model.named_parameters()
        if p.grad is not None
    }
    assert trained == {"regions", "words"}


def test_boxes_of_phrases_are_mirrored_with_their_photographs(
    model: JointModel, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The corpus with all photographs and their boxes mirrored.
    other = copy.copy(corpus)
    other.train = copy.copy(corpus.train)
    squares(other.train).pixels_KHWC = whole(squares(corpus.train).pixels_KHWC).flip(2)
    mirror = Window(mirrored=True)
    other.train.truth = Rows(
        (
            [[*(mirror.box((x0, y0, x1, y1)) or FRAME), n] for x0, y0, x1, y1, n in truth_G5.tolist()]
            for truth_G5 in corpus.train.truth
        ),
        width=5,
    )
    other.train_phrases = PhraseTargets(
        [[m._replace(box=mirror.box(m.box) or FRAME) for m in phrases] for phrases in sentences]
        for sentences in corpus.train_phrases
    )

    # It must cost what the corpus costs if every photograph is mirrored as augmentation.
    monkeypatch.setattr(torch, "rand", torch.zeros)  # with `flip`, every window is mirrored
    losses = []
    for flip, data in ((True, corpus), (False, other), (False, corpus)):
        torch.manual_seed(0)
        grounded = align(lr=ALL, flip=flip, grounding=0.7, sentences=5)
        losses.append(step(AlignmentTask(grounded, model, data), model, 0, 8).item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    assert losses[0] != pytest.approx(losses[2], rel=1e-3)


@given(st.integers(2, 6), st.integers(0, 99))
def test_recalls_equal_a_literal_loop(K: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    owner_L = np.concatenate([np.arange(K), rng.integers(0, K, 5)])
    S_KL = rng.normal(size=(K, len(owner_L)))
    found = recalls(S_KL, owner_L)
    for top in (1, 5, 10):
        photos = [any(owner_L[n] == k for n in np.argsort(-S_KL[k])[:top]) for k in range(K)]
        sentences = [owner_L[n] in np.argsort(-S_KL[:, n])[:top] for n in range(len(owner_L))]
        assert found[f"p2s R@{top}"] == pytest.approx(100 * np.mean(photos))
        assert found[f"s2p R@{top}"] == pytest.approx(100 * np.mean(sentences))
    assert found["mean recall"] == pytest.approx(np.mean([v for k, v in found.items() if "@" in k]))


@pytest.mark.parametrize("lr", [HEADS, ALL])
def test_a_network_is_evaluated_on_all_sentences_of_the_validation_split(
    model: JointModel, corpus: Corpus, lr: dict[str, float]
) -> None:
    task = AlignmentTask(align(lr=lr), model, corpus)
    found = task.evaluate(model)

    # The same without padding or batches.
    _, v_KID = regions(model, corpus.val, slice(None))
    columns = []
    with torch.no_grad():
        for sentence in (s for sentences in corpus.val_ids for s in sentences):
            ids_1T, real_1T = corpus.padded([sentence])
            columns.append(objective.maxsim(v_KID, model.sentence(ids_1T, real_1T), real_1T))
    wanted = recalls(torch.cat(columns, 1).numpy(), np.repeat(np.arange(12), 5))

    # Half precision may swap two ranks.
    assert {key: found[key] for key in wanted} == pytest.approx(wanted, abs=3.5)
    assert ("recall@0.5" in found) == (lr is ALL)


@pytest.mark.parametrize("each_word", [False, True])
@pytest.mark.parametrize("lr", [HEADS, ALL])
def test_grounding_adds_the_cross_entropy_of_boxed_phrases(
    model: JointModel, corpus: Corpus, lr: dict[str, float], each_word: bool
) -> None:
    """The vector of a phrase is the sum of its words' vectors."""
    plain = align(lr=lr, sentences=5)
    grounded = replace(plain, grounding=0.7, each_word=each_word)
    with torch.no_grad():
        with_boxes, without = (
            step(AlignmentTask(stage, model, corpus), model, 0, 4) for stage in (grounded, plain)
        )

    # The cross-entropy of every phrase, and perhaps of its words, with the regions on its box.
    index, losses = batch_at(0, 24, 4, 0), []
    chosen_KI4, v_KID = regions(model, corpus.train, index)
    with torch.no_grad():
        for place, k in enumerate(index):
            example = corpus.train.examples[k]
            for phrase in (p for p in example.phrases if p.box is not None):
                s_TD = model.sentence(*corpus.padded([corpus.train_ids[k][phrase.sentence]]))[0]
                inside_TD = s_TD[phrase.first : phrase.last + 1]
                iou_I = torch.from_numpy(iou(np.array([phrase.box]), chosen_KI4[place].numpy()))[0].float()
                target_I = torch.where(iou_I >= 0.5, iou_I, 0)
                for s_D in (inside_TD.sum(0), *(inside_TD if each_word else ())):
                    logp_I = (20 * v_KID[place] @ s_D / s_D.norm()).log_softmax(0)
                    if target_I.any():
                        losses.append(-(target_I / target_I.sum() * logp_I).sum())

    assert len(losses) > 10
    found = with_boxes - without
    assert found.item() == pytest.approx(0.7 * torch.stack(losses).mean().item(), rel=2e-2)


def test_grounding_counts_the_phrases_whose_best_region_fits(model: JointModel, corpus: Corpus) -> None:
    task = AlignmentTask(align(grounding=1.0), model, corpus)
    found = task.evaluate(model)

    chosen_KI4, v_KID = regions(model, corpus.val, slice(None))
    right = []
    with torch.no_grad():
        for k, example in enumerate(corpus.val.examples):
            for phrase in (p for p in example.phrases if p.box is not None):
                s_TD = model.sentence(*corpus.padded([corpus.val_ids[k][phrase.sentence]]))[0]
                best = (v_KID[k] @ s_TD[phrase.first : phrase.last + 1].sum(0)).argmax()
                right.append(iou(np.array([phrase.box]), chosen_KI4[k, best][None].numpy())[0, 0] >= 0.5)

    assert found["grounding"] == pytest.approx(100 * np.mean(right), abs=2)
    assert task.goal == "recall and grounding"
    assert found[task.goal] == (found["mean recall"] + found["grounding"]) / 2


def test_without_boxes_there_is_alignment_but_no_grounding(
    model: JointModel, tiny: Dataset, vocabulary: Vocabulary
) -> None:
    train, val = ([replace(e, phrases=()) for e in tiny.split(split)] for split in ("train", "val"))
    corpus = Corpus(train, val, vocabulary, 64, torch.device("cpu"), quiet=True)
    with pytest.raises(ValueError, match="grounding learns from phrase boxes, and this data has none"):
        AlignmentTask(align(grounding=1.0), model, corpus)
    task = AlignmentTask(align(lr=ALL, proposer="grid"), model, corpus)
    assert torch.isfinite(step(task, model, 0, 8))
    assert "recall@0.5" not in task.evaluate(model)


def test_unknown_words_and_large_batches_give_finite_numbers(
    model: JointModel, tiny: Dataset, vocabulary: Vocabulary
) -> None:
    train = [replace(e, sentences=("zebra", e.sentences[0]), phrases=()) for e in tiny.split("train")[:3]]
    val = [
        replace(e, sentences=("zebra",) * 120 + e.sentences[:1], phrases=()) for e in tiny.split("val")[:2]
    ]
    corpus = Corpus(train, val, vocabulary, 64, torch.device("cpu"), quiet=True)

    for loss in objective.LOSSES:
        task = AlignmentTask(align(loss=loss, sentences=5), model, corpus)
        assert epoch_steps(len(task), 100) == 1
        step(task, model, 0, 100).backward()  # type: ignore[no-untyped-call]
        assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
        assert all(np.isfinite(list(task.evaluate(model).values())))


def test_phrases_move_with_their_window(model: JointModel, corpus: Corpus) -> None:
    task = AlignmentTask(align(lr=ALL, grounding=0.5, min_window=0.4, max_window=0.5), model, corpus)
    window = Window((0.0, 0.0, 0.5, 1.0))
    number = 0
    for sentences in corpus.train_phrases[:6]:
        for phrases in sentences:
            for shown in (WHOLE, window):
                found = task._phrases(np.array([0]), np.array([number]), [shown])
                boxes = [box for m in phrases if (box := shown.box(m.box)) is not None]
                assert [tuple(box_4) for box_4 in found.box_P4.tolist()] == boxes
            number += 1
    assert torch.isfinite(step(task, model, 0, 8))
