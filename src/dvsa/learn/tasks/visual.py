"""What the stages share that learn from photographs through the backbone: proposals and alignment."""

from abc import ABC
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torchvision.ops import box_iou  # type: ignore[import-untyped]

from dvsa.learn.loop.order import chunks
from dvsa.learn.loop.transfer import on_device
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.nets.look import Looked
from dvsa.learn.nets.regions import choose_boxes
from dvsa.learn.tasks import augmentation
from dvsa.learn.tasks.augmentation import Window
from dvsa.learn.tasks.corpus import Corpus
from dvsa.learn.tasks.features import look_autocast
from dvsa.learn.tasks.photographs import Photographs, SquarePhotographs
from dvsa.learn.tasks.proposal_loss import proposal_loss
from dvsa.learn.tasks.stage import Stage
from dvsa.records import FRAME
from dvsa.regions import PROPOSERS

HEADS = {"vision.regions.": 1.0, "sentence.": 1.0}
"""Learning-rate factors that train the region encoder and the sentence encoder alone."""
EVALUATED = 50
"""Photographs that are evaluated at once."""
TRUTHS = 8
"""True boxes of a batch are padded to a multiple of this."""


@dataclass(frozen=True, kw_only=True)
class VisualStage(Stage, ABC):
    """A stage that learns from photographs."""

    proposer: str = "head"
    """Where regions come from; see `dvsa.regions.choose`."""
    nms: float = 0.5
    """IoU above which NMS drops a candidate, for the proposer `head`."""
    lr: Mapping[str, float] = field(default_factory=dict)
    """Learning-rate factors by the prefix of a parameter's name; a parameter without a prefix stays fixed."""
    flip: bool = False
    """Whether photographs are mirrored at random."""
    min_window: float = 1.0
    """The smallest share of a photograph's width and height that a random window shows."""
    max_window: float = 1.0
    """The largest; a window that reaches beyond the photograph repeats its edges."""

    def __post_init__(self) -> None:
        if self.proposer not in PROPOSERS:
            raise ValueError(f"unknown proposer {self.proposer!r}: choose from {', '.join(PROPOSERS)}")
        if not 0 < self.min_window <= self.max_window:
            raise ValueError(f"min_window must be above 0 and at most max_window: {self}")

    def lr_scale(self, parameter: str) -> float:
        """The learning-rate factor of a parameter; the longest matching prefix decides."""
        found = [prefix for prefix in self.lr if parameter.startswith(prefix)]
        return self.lr[max(found, key=len)] if found else 0.0

    @property
    def backbone_in_loop(self) -> bool:
        """Whether photographs go through the backbone at every step, instead of once before the first."""
        augmented = self.flip or self.min_window < 1
        return augmented or self.lr_scale("vision.backbone.") > 0 or self.lr_scale("vision.proposals.") > 0

    def on_given_features(self) -> "Stage | None":
        """Nothing but the heads can be trained."""
        return replace(self, lr=HEADS, flip=False, min_window=1.0, max_window=1.0)

    def with_proposer(self, proposer: str) -> "Stage | None":
        return self if self.proposer == "frame" else replace(self, proposer=proposer)


class View(NamedTuple):
    """Windows of some training photographs, and what lies in them, on the device."""

    pixels_BHWC: Tensor
    truth_BG5: Tensor
    """The visible phrase boxes with their phrase counts; a count of 0 is padding."""
    given_BI4: Tensor
    """Regions from files, the frame last; (B, 0, 4) if a proposer chooses them."""


class VisualTask:
    """A pass over the training photographs, in random windows, and the proposal head's loss on them."""

    def __init__(self, stage: VisualStage, model: JointModel, corpus: Corpus) -> None:
        self.name, self.stage, self.model, self.corpus = stage.name, stage, model, corpus

    def __len__(self) -> int:
        return len(self.corpus.train)

    def build(self) -> JointModel:
        """The joint model as the stage before left it."""
        return self.model

    def lr_scale(self, parameter: str) -> float:
        """The stage's factor on the learning rate of a parameter."""
        return self.stage.lr_scale(parameter)

    def windows(self, count: int) -> list[Window]:
        """Random windows for a batch of `count` photographs."""
        return augmentation.draw(
            count, flip=self.stage.flip, smallest=self.stage.min_window, largest=self.stage.max_window
        )

    def expecting(self, batches: Iterable[Sequence[int]]) -> AbstractContextManager[None]:
        """Prepare the photographs of coming batches."""
        assert isinstance(self.corpus.train, SquarePhotographs)
        return self.corpus.train.expecting(batches)

    def look(self, model: JointModel, photographs: Photographs, pixels_BHWC: Tensor) -> Looked:
        """Maps and candidates of photographs of a split."""
        assert isinstance(photographs, SquarePhotographs)
        return look_autocast(model.vision, pixels_BHWC, propose=photographs.proposed(self.stage.proposer))

    def view(self, batch: Sequence[int], windows: Sequence[Window]) -> "View":
        """What windows show of training photographs."""
        photographs = self.corpus.train
        return View(
            augmentation.show(photographs.batch(batch), windows),
            on_device(self._truth(batch, windows), self.corpus.device),
            on_device(self._given(batch, windows), self.corpus.device),
        )

    def _truth(self, batch: Sequence[int], windows: Sequence[Window]) -> Tensor:
        """The true boxes that are visible in windows, with their phrase counts, padded with 0, (B, G, 5)."""
        truth_M5, own_M = self.corpus.train.truth.of(np.array(batch))
        seen_M4, visible_M = augmentation.boxes_in(windows, own_M, truth_M5[:, :4].double().numpy())
        own_N = own_M[visible_M]
        count_B = np.bincount(own_N, minlength=len(batch))
        place_N = np.arange(len(own_N)) - (count_B.cumsum() - count_B)[own_N]
        truth_BG5 = torch.zeros(len(batch), int(count_B.max()) // TRUTHS * TRUTHS + TRUTHS, 5)
        truth_BG5[own_N, place_N, :4] = torch.from_numpy(seen_M4[visible_M]).float()
        truth_BG5[own_N, place_N, 4] = truth_M5[visible_M, 4]
        return truth_BG5

    def _given(self, batch: Sequence[int], windows: Sequence[Window]) -> Tensor:
        """Regions from files as they lie in windows, the frame last, (B, I, 4); I is 0 if there are none.

        A box that a window hides becomes the frame.
        """
        photographs = self.corpus.train
        assert isinstance(photographs, SquarePhotographs)
        if photographs.given_KI4 is None or self.stage.proposer == "frame":
            return torch.zeros(len(batch), 0, 4)
        rows = [
            [window.box((x0, y0, x1, y1)) or FRAME for x0, y0, x1, y1 in box_I4.tolist()]
            for window, box_I4 in zip(windows, photographs.given_KI4[list(batch)], strict=True)
        ]
        box_BI4 = torch.tensor(rows)
        box_BI4[:, -1] = torch.tensor(FRAME)
        return box_BI4

    def regions(self, view: "View", looked: Looked) -> Tensor:
        """The regions of the photographs in a view, the frame last, (B, I, 4)."""
        if view.given_BI4.shape[1]:
            return view.given_BI4
        return choose_boxes(looked.logit_BN, looked.box_BN4, self.stage.proposer, self.stage.nms)

    def proposal_loss(self, model: JointModel, looked: Looked, view: "View") -> Tensor:
        """The proposal head's loss on windows; 0 if there is no head to train, or no box to learn from."""
        head = model.vision.proposals
        if head is None or not self.corpus.train.has_boxes:
            return looked.logit_BN.new_zeros(())
        anchor_N4 = head.centred_anchors(*looked.fine.shape[-2:])
        return proposal_loss(looked.logit_BN, looked.box_BN4, anchor_N4, view.truth_BG5)

    def require_boxes(self, learner: str, advice: str) -> None:
        """Raise ValueError unless both splits have phrase boxes."""
        if not (self.corpus.train.has_boxes and self.corpus.val.has_boxes):
            raise ValueError(f"{learner} learns from phrase boxes, and this data has none: {advice}")


@torch.no_grad()
def proposal_recall(
    model: JointModel, photographs: Photographs, proposer: str, nms: float
) -> dict[str, float]:
    """Percentage of the boxed phrases that one of 19 boxes or the frame covers, at IoU 0.5 and 0.7.

    Empty if no phrase has a box.
    """
    best: list[Tensor] = []
    for chunk in chunks(len(photographs), EVALUATED):
        looked = look_autocast(model.vision, photographs.batch(chunk))
        chosen_BI4 = choose_boxes(looked.logit_BN, looked.box_BN4, proposer, nms)
        for truth_G5, chosen_I4 in zip(photographs.truth[chunk], chosen_BI4.cpu(), strict=True):
            best_G = box_iou(truth_G5[:, :4], chosen_I4).amax(1)
            best.append(best_G.repeat_interleave(truth_G5[:, 4].long()))

    best_N = torch.cat(best)
    if not len(best_N):
        return {}
    return {f"recall@{t}": 100 * (best_N >= t).float().mean().item() for t in (0.5, 0.7)}
