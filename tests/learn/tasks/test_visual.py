"""Stages on photographs: learning rates by prefix, and random windows."""

import copy

import pytest
import torch

from dvsa.learn.loop.config import TrainConfig
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.tasks.augmentation import WHOLE, Window
from dvsa.learn.tasks.corpus import Corpus
from dvsa.learn.tasks.features import look_autocast
from dvsa.learn.tasks.photographs import Photographs, SquarePhotographs
from dvsa.learn.tasks.proposals import ProposalStage, ProposalTask
from dvsa.learn.tasks.ragged import Rows
from dvsa.learn.tasks.rows_ahead import whole
from dvsa.learn.tasks.visual import HEADS
from dvsa.records import FRAME


def squares(photographs: Photographs) -> SquarePhotographs:
    assert isinstance(photographs, SquarePhotographs)
    return photographs


def stage(**options: object) -> ProposalStage:
    return ProposalStage(name="regions", train=TrainConfig(epochs=1), nms=0.5, **{"lr": HEADS} | options)  # type: ignore[arg-type]


def test_the_longest_matching_prefix_decides_a_learning_rate() -> None:
    rates = stage(lr={"vision.": 1.0, "vision.backbone.": 0.25})
    assert rates.lr_scale("vision.regions.affine.weight") == 1.0
    assert rates.lr_scale("vision.backbone.net.conv_stem.weight") == 0.25
    assert rates.lr_scale("sentence.words.weight") == 0.0


def test_the_backbone_is_in_the_loop_if_it_is_trained_or_windows_are_random() -> None:
    assert not stage().backbone_in_loop
    assert stage(lr={"vision.": 1.0, "vision.backbone.": 0.25}).backbone_in_loop
    assert stage(flip=True).backbone_in_loop
    assert stage(min_window=0.5).backbone_in_loop
    assert stage(lr=HEADS | {"vision.proposals.": 1.0}).backbone_in_loop


@pytest.mark.parametrize("options", [{"proposer": "heed"}, {"min_window": 1.5}, {"max_window": 0.5}])
def test_invalid_options_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=str(next(iter(options.values())))):
        stage(**options)


def test_boxes_are_mirrored_with_their_photographs(model: JointModel, corpus: Corpus) -> None:
    # The corpus with two photographs and their boxes mirrored.
    mirror, other = Window(mirrored=True), copy.copy(corpus)
    other.train = copy.copy(corpus.train)
    pixels_KHWC = whole(squares(corpus.train).pixels_KHWC).clone()
    pixels_KHWC[[0, 2]] = pixels_KHWC[[0, 2]].flip(2)
    squares(other.train).pixels_KHWC = pixels_KHWC
    other.train.truth = Rows(
        (
            [
                [*(mirror.box(tuple(row[:4])) or FRAME), row[4]] if k in (0, 2) else row
                for row in truth_G5.tolist()
            ]
            for k, truth_G5 in enumerate(corpus.train.truth)
        ),
        width=5,
    )

    # It looks like the corpus through mirrored windows.
    task, index = ProposalTask(stage(flip=True), model, corpus), [0, 1, 2]
    mirrored, unchanged = [mirror, WHOLE, mirror], [WHOLE] * 3
    view = task.view(index, mirrored)
    found = look_autocast(model.vision, view.pixels_BHWC)
    loss = task.proposal_loss(model, found, view)

    plain = ProposalTask(stage(), model, other)
    view = plain.view(index, unchanged)
    wanted = look_autocast(model.vision, view.pixels_BHWC)
    assert torch.equal(found.fine, wanted.fine)
    assert torch.equal(loss, plain.proposal_loss(model, wanted, view))
    view = task.view(index, unchanged)
    unmirrored = look_autocast(model.vision, view.pixels_BHWC)
    assert loss != task.proposal_loss(model, unmirrored, view)


def test_half_of_the_windows_are_mirrored_if_asked_for(model: JointModel, corpus: Corpus) -> None:
    windows = ProposalTask(stage(flip=True), model, corpus).windows(100)
    assert 40 < sum(window.mirrored for window in windows) < 60
    assert ProposalTask(stage(), model, corpus).windows(100) == [WHOLE] * 100
