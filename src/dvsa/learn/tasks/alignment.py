"""The stage that trains the vectors of regions and words to match (paper, section 3.1)."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import chain
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor

from dvsa.arrays import IntArray
from dvsa.learn.loop import processes
from dvsa.learn.loop.order import chunks
from dvsa.learn.loop.transfer import on_device
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.nets.region_encoder import Standardise
from dvsa.learn.nets.sentence import TransformerEncoder
from dvsa.learn.tasks import naming, objective
from dvsa.learn.tasks.augmentation import WHOLE, Window, boxes_in
from dvsa.learn.tasks.context import Context
from dvsa.learn.tasks.corpus import Corpus
from dvsa.learn.tasks.features import describe, region_features
from dvsa.learn.tasks.naming import Called
from dvsa.learn.tasks.photographs import SquarePhotographs
from dvsa.learn.tasks.phrases import UNIT, Phrases, phrase_scores
from dvsa.learn.tasks.ragged import NO_PHRASES, BoxedPhrases, SentenceIds
from dvsa.learn.tasks.recalls import recalls
from dvsa.learn.tasks.replay import SHARE, Replay
from dvsa.learn.tasks.rows_ahead import expecting, measured, take
from dvsa.learn.tasks.stage import ALL, Stage, WarmData
from dvsa.learn.tasks.visual import EVALUATED, HEADS, View, VisualStage, VisualTask, proposal_recall


@dataclass(frozen=True, kw_only=True)
class AlignmentStage(VisualStage):
    """Learn which words belong to which regions."""

    kind: ClassVar[str] = "alignment"
    weights: ClassVar[tuple[str, ...]] = ALL

    score: str = "maxsim"
    loss: str = "max_margin"
    sentences: int = 1
    """Sentences of each photograph in a batch."""
    proposal_weight: float = 1.0
    """Weight of the proposal head's loss, if the backbone is in the loop."""
    grounding: float = 0.0
    """Weight of the supervised loss on the boxes of phrases; 0 learns from sentences alone."""
    each_word: bool = False
    """Whether each word of a phrase learns its box too, beside all words together."""
    naming: float = 0.0
    """Weight of the loss on the names of ImageNet's classes (see `dvsa.learn.tasks.naming`)."""
    pushed: float = 0.3
    """The share of regions that are pushed towards a random class, for that loss."""

    def __post_init__(self) -> None:
        VisualStage.__post_init__(self)
        if self.score not in objective.SCORES:
            raise ValueError(f"unknown score {self.score!r}: choose from {', '.join(objective.SCORES)}")
        if self.loss not in objective.LOSSES:
            raise ValueError(f"unknown loss {self.loss!r}: choose from {', '.join(objective.LOSSES)}")
        if self.sentences < 1:
            raise ValueError(f"sentences must be at least 1: {self}")

    def run(self, model: JointModel, context: Context) -> JointModel:
        return context.train(AlignmentTask(self, model, context.corpus, context.replay), self.train)

    def with_frozen_proposals(self) -> "AlignmentStage":
        """The boxes stay as they are."""
        lr = {prefix: factor for prefix, factor in self.lr.items() if prefix != "vision.proposals."}
        return replace(self, lr=lr)

    def on_given_features(self) -> "AlignmentStage":
        """Nothing but the heads can be trained, and no classifier knows the features."""
        return replace(self, lr=HEADS, flip=False, min_window=1.0, max_window=1.0, naming=0.0)

    def without_boxes(self) -> "AlignmentStage":
        """Learn from sentences alone."""
        return replace(self, grounding=0.0, each_word=False)

    def warm(self, data: WarmData, before: Sequence[Stage]) -> "AlignmentStage | None":
        """The heads continue on features that stay as they are.

        A second alignment is left out if it would change the backbone or learn from missing boxes.
        """
        grounding = self.grounding if data.boxed else 0.0
        again = any(stage.kind == self.kind for stage in before)
        if again and (self.backbone_in_loop or grounding != self.grounding):
            return None
        heads = replace(self, lr=HEADS, flip=False) if self.backbone_in_loop else self
        return replace(heads.gently(data), grounding=grounding)


class AlignmentInputs(NamedTuple):
    """What a step of the alignment learns from, on the device."""

    photographs: View | Tensor
    """Windows of photographs, or the features (K, I, F) of their regions."""
    ids_LT: Tensor
    real_LT: Tensor
    owner_L: Tensor
    """The photograph of each sentence."""
    phrases: Phrases
    called: Called | tuple[()]
    """The names of classes; empty if they are not learned."""


class AlignmentTask(VisualTask):
    """The goal is the mean of R@1, R@5 and R@10 in both directions.

    With grounding, the goal is the mean of that and of the percentage of boxed phrases whose best region has
    an IoU of at least 0.5.
    """

    stage: AlignmentStage

    def __init__(
        self, stage: AlignmentStage, model: JointModel, corpus: Corpus, replay: Replay | None = None
    ) -> None:
        """Prepare the data.

        Args:
            stage: the options.
            model: to be trained.
            corpus: what it learns.
            replay: what it must not forget; not used while the backbone changes, whose features would differ.

        Raises ValueError if grounding lacks phrase boxes, or the replay does not fit.
        """
        super().__init__(stage, model, corpus)
        self.goal = "recall and grounding" if stage.grounding else "mean recall"
        if stage.grounding:
            self.require_boxes("grounding", "set its weight to 0")

        self.naming = None
        if stage.naming:
            self.naming = naming.of_model(model, corpus.vocabulary, stage.pushed, corpus.device)

        # If the backbone is frozen, all features are computed here, once.
        if not stage.backbone_in_loop:
            self.train_KIF, self.val_KIF = (
                region_features(model.vision, split, stage.proposer, stage.nms)
                for split in (corpus.train, corpus.val)
            )
            if isinstance(model.vision.regions.standard, Standardise):
                model.vision.regions.standard.measure(measured(self.train_KIF))

        # Replayed photographs come after the new ones.
        self.train_ids = corpus.train_ids
        self.replayed_KIF: Tensor | None = None
        if replay is not None and not stage.backbone_in_loop:
            self._join(replay)

    def _join(self, replay: Replay) -> None:
        """Add what is replayed, except photographs without a known word."""
        if replay.feature_KIF.shape[1:] != self.train_KIF.shape[1:]:
            have, want = (tuple(t.shape[1:]) for t in (replay.feature_KIF, self.train_KIF))
            raise ValueError(f"what the bundle replays has features {have}, and the photographs {want}")
        ids = replay.ids(self.corpus.vocabulary)
        kept = [k for k, own in enumerate(ids) if own]
        self.train_ids = SentenceIds(chain(self.train_ids, (ids[k] for k in kept)))
        self.replayed_KIF = replay.feature_KIF[kept].to(self.train_KIF.device)

    @property
    def recordable(self) -> bool:
        """Not with a transformer, and not with the backbone in the loop, whose large kernels fill a GPU."""
        return not (self.stage.backbone_in_loop or isinstance(self.model.sentence, TransformerEncoder))

    def inputs(self, model: JointModel, batch: Sequence[int]) -> AlignmentInputs:
        """Photographs with some sentences of each, and the phrases of these if their boxes are learned."""
        own, batch = batch, [*batch, *self._replayed(len(batch))]
        if self.stage.backbone_in_loop:
            windows = self.windows(len(batch))
            photographs: View | Tensor = self.view(batch, windows)
        else:
            windows = [WHOLE] * len(batch)
            photographs = take(self.train_KIF, own)
            if self.replayed_KIF is not None:
                replayed = [k - len(self.corpus.train_ids) for k in batch[len(own) :]]
                photographs = torch.cat([photographs, take(self.replayed_KIF, replayed)])

        owner_L, number_L = self.train_ids.some(np.array(batch), self.stage.sentences)
        ids_LT, real_LT = self.corpus.drawn(self.train_ids, number_L)
        boxed, device = self._phrases(owner_L, number_L, windows), ids_LT.device
        phrases = Phrases.of(boxed, owner_L, ids_LT.shape[1], device, UNIT if self.recordable else 1)
        regions = self.corpus.train.regions(self.stage.proposer)
        called = () if self.naming is None else self.naming.drawn(len(batch), regions, device)
        return AlignmentInputs(photographs, ids_LT, real_LT, on_device(owner_L, device), phrases, called)

    def expecting(self, batches: Iterable[Sequence[int]]) -> AbstractContextManager[None]:
        """Prepare the photographs of coming batches, or their features."""
        if self.stage.backbone_in_loop:
            return super().expecting(batches)
        return expecting(self.train_KIF, batches)

    def loss(self, model: JointModel, inputs: AlignmentInputs) -> Tensor:
        """The ranking loss of a batch of photographs, with those of proposals and grounding if asked for."""
        # Regions of the photographs, through the backbone or from the cache.
        view = inputs.photographs
        if isinstance(view, View):
            looked = self.look(model, self.corpus.train, view.pixels_BHWC)
            feature_KIF = describe(model.vision, view.pixels_BHWC, looked, self.regions(view, looked))
            loss = self.stage.proposal_weight * self.proposal_loss(model, looked, view)
        else:
            feature_KIF = view.float()
            loss = feature_KIF.new_zeros(())
        v_KID = model.vision.regions(feature_KIF)

        # The own photographs against the sentences of all processes; their scores are joined.
        s_LTD = model.sentence(inputs.ids_LT, inputs.real_LT)
        all_LTD, all_LT = processes.gathered(s_LTD), processes.gathered(inputs.real_LT)
        S_KL = processes.gathered(objective.SCORES[self.stage.score](v_KID, all_LTD, all_LT))
        own_L = inputs.owner_L + processes.rank() * len(v_KID)
        loss = loss + objective.LOSSES[self.stage.loss](S_KL, processes.gathered(own_L))

        # Every boxed phrase against the regions of its photograph.
        if self.stage.grounding:
            dot_PI, iou_PI = phrase_scores(v_KID, s_LTD, feature_KIF, inputs.phrases)
            loss = loss + self.stage.grounding * objective.grounding(dot_PI, iou_PI)

        # Every region against the names of what the classifier sees in it.
        if self.naming is not None and isinstance(inputs.called, Called):
            pushed_KIF = self.naming.push(feature_KIF, inputs.called)
            named_KID = model.vision.regions(pushed_KIF)
            s_NTD = model.sentence(inputs.called.ids_NT, inputs.called.real_NT)
            loss = loss + self.stage.naming * self.naming.loss(pushed_KIF, named_KID, s_NTD, inputs.called)
        return loss

    def _replayed(self, count: int) -> list[int]:
        """Which photographs are replayed beside `count` new ones, drawn anew at each step."""
        own = len(self.corpus.train_ids)
        more = len(self.train_ids) - own
        return (own + torch.randint(more, (round(SHARE * count),))).tolist() if more else []

    def _phrases(self, owner_L: IntArray, number_L: IntArray, windows: Sequence[Window]) -> BoxedPhrases:
        """The boxed phrases of sentences, as they lie in the windows of their photographs.

        Replayed sentences, which come last, have none.
        """
        if not self.stage.grounding:
            return NO_PHRASES
        found = self.corpus.train_phrases.of(number_L[number_L < self.corpus.train_ids.sentences])
        seen_P4, visible_P = boxes_in(windows, owner_L[found.sentence_P], found.box_P4)
        found = found._replace(box_P4=seen_P4).chosen(visible_P)
        return found.with_words() if self.stage.each_word else found

    @torch.no_grad()
    def evaluate(self, model: JointModel) -> Mapping[str, float]:
        """Recalls on the validation split; of the proposals too, if they are trained."""
        # All regions of the split.
        photographs = list(chunks(len(self.corpus.val), EVALUATED))
        feature_KIF = torch.cat([self._val_features(model, chunk) for chunk in photographs])
        v_KID = torch.cat([model.vision.regions(feature_KIF[chunk]) for chunk in photographs])

        # All sentences against them, and each phrase against those of its photograph.
        ids = [s for sentences in self.corpus.val_ids for s in sentences]
        owner_L = np.repeat(np.arange(len(self.corpus.val)), [len(s) for s in self.corpus.val_ids])
        columns, grounded = [], []
        for chunk in chunks(len(ids), 100):
            ids_LT, real_LT = self.corpus.padded(ids[chunk])
            s_LTD = model.sentence(ids_LT, real_LT)
            columns.append(objective.SCORES[self.stage.score](v_KID, s_LTD, real_LT).cpu())
            if self.stage.grounding:
                boxed = self.corpus.val_phrases.of(np.arange(len(ids))[chunk])
                own_phrases = Phrases.of(boxed, owner_L[chunk], ids_LT.shape[1], ids_LT.device)
                dot_PI, iou_PI = phrase_scores(v_KID, s_LTD, feature_KIF, own_phrases)
                grounded.append(iou_PI.gather(1, dot_PI.argmax(1, keepdim=True))[:, 0] >= 0.5)

        # The figures.
        figures = recalls(torch.cat(columns, 1).numpy(), owner_L)
        if self.stage.grounding:
            figures["grounding"] = 100 * torch.cat(grounded).float().mean().item()
            figures[self.goal] = (figures["mean recall"] + figures["grounding"]) / 2
        if self.stage.lr_scale("vision.proposals."):
            figures |= proposal_recall(model, self.corpus.val, self.stage.proposer, self.stage.nms)
        return figures

    def _val_features(self, model: JointModel, chunk: slice) -> Tensor:
        if self.stage.backbone_in_loop:
            photographs = self.corpus.val
            assert isinstance(photographs, SquarePhotographs)
            pixels_KHWC = photographs.batch(chunk)
            looked = self.look(model, photographs, pixels_KHWC)
            box_KI4 = photographs.boxes(chunk, looked, self.stage.proposer, self.stage.nms)
            return describe(model.vision, pixels_KHWC, looked, box_KI4)
        return self.val_KIF[chunk].float()
