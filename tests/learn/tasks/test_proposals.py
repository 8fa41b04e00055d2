"""The stage of proposals: its recall, and the boxes that it needs."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from dvsa.boxes import iou
from dvsa.data import Dataset
from dvsa.learn.loop.config import TrainConfig
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.nets.regions import choose_boxes
from dvsa.learn.tasks.corpus import Corpus
from dvsa.learn.tasks.features import look_autocast
from dvsa.learn.tasks.proposals import ProposalStage, ProposalTask
from dvsa.learn.tasks.visual import proposal_recall
from dvsa.text import Vocabulary


def test_proposal_recall_equals_a_literal_loop(model: JointModel, corpus: Corpus) -> None:
    head = model.vision.proposals
    assert head is not None
    with torch.no_grad():
        head.out.weight[::5].normal_()  # scores that differ from place to place
    looked = look_autocast(model.vision, corpus.val.batch(slice(None)))
    chosen_KI4 = choose_boxes(looked.logit_BN, looked.box_BN4, "head", 0.5).numpy()
    best = [
        iou(np.array([p.box], np.float32), chosen_KI4[k]).max()
        for k, example in enumerate(corpus.val.examples)
        for p in example.phrases
        if p.box is not None
    ]

    found = proposal_recall(model, corpus.val, "head", 0.5)
    assert found["recall@0.5"] == pytest.approx(100 * np.mean(np.array(best) >= 0.5))
    assert found["recall@0.7"] == pytest.approx(100 * np.mean(np.array(best) >= 0.7))
    assert 0 < found["recall@0.5"] < 100


def test_data_without_boxes_is_refused_and_has_no_recall(
    model: JointModel, tiny: Dataset, vocabulary: Vocabulary
) -> None:
    train, val = ([replace(e, phrases=()) for e in tiny.split(split)] for split in ("train", "val"))
    corpus = Corpus(train, val, vocabulary, 64, torch.device("cpu"), quiet=True)
    stage = ProposalStage(name="regions", train=TrainConfig(epochs=1), lr={"vision.proposals.": 1.0})
    with pytest.raises(ValueError, match="learns from phrase boxes, and this data has none"):
        ProposalTask(stage, model, corpus)
    assert proposal_recall(model, corpus.val, "head", 0.5) == {}
