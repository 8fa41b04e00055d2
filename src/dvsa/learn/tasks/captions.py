"""The stage that trains a captioner on people's words: sentences of photographs, phrases of regions."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dvsa.learn.loop import checkpoint, processes
from dvsa.learn.loop.order import chunks
from dvsa.learn.loop.transfer import on_device
from dvsa.learn.nets import captioner
from dvsa.learn.nets.captioner import Captioner
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.nets.region_encoder import Standardise
from dvsa.learn.tasks import targets
from dvsa.learn.tasks.context import Context
from dvsa.learn.tasks.corpus import Corpus
from dvsa.learn.tasks.features import region_features
from dvsa.learn.tasks.ragged import PhraseTarget
from dvsa.learn.tasks.rows_ahead import Rows, expecting, measured, take
from dvsa.learn.tasks.stage import Stage, WarmData, WritingStage
from dvsa.learn.tasks.targets import CaptionTarget, Targets
from dvsa.metrics import captions
from dvsa.records import SUBJECTS, Subject
from dvsa.text import END, START, START_PHRASE

PHRASES = ("segments", "content", "boxes")
IGNORED = -100
"""The target at padding, which the loss leaves out."""


@dataclass(frozen=True, kw_only=True)
class CaptionStage(WritingStage):
    """Train a captioner by teacher forcing; the features of regions stay as they are."""

    kind: ClassVar[str] = "captions"

    subjects: tuple[Subject, ...] = ("frame",)
    """`frame`: sentences of whole photographs; `region`: phrases; or both in one network."""
    phrases: str = "segments"
    """What is written of regions: the MRF's `segments`; `content`, the segments with more than function
    words; or people's phrases for `boxes` (supervised)."""
    beta: float = 1.0
    """The MRF's preference for longer segments."""
    smoothing: float = 0.0
    """Share of the target that label smoothing spreads over all words."""

    def __post_init__(self) -> None:
        if not self.subjects or set(self.subjects) - {*SUBJECTS}:
            raise ValueError(f"subjects must be 'frame', 'region' or both, not {self.subjects}")
        if self.phrases not in PHRASES:
            raise ValueError(f"unknown phrases {self.phrases!r}: choose from {', '.join(PHRASES)}")

    @property
    def writes_of(self) -> tuple[Subject, ...]:
        return self.subjects

    def run(self, model: JointModel, context: Context) -> JointModel:
        """Train the captioner, or keep the one that it continues if its phrase boxes are missing."""
        first = first_captioner(self, model, context)
        if first is not None and self.phrases == "boxes" and not context.corpus.train.has_boxes:
            checkpoint.save(context.folder / self.name / "best.safetensors", first.state_dict(), {})
        else:
            context.train(CaptionTask(self, model, context.corpus, first), self.train)
        return model

    def without_boxes(self) -> "CaptionStage":
        """Write segments in place of people's phrases for boxes."""
        return replace(self, phrases="content") if self.phrases == "boxes" else self

    def warm(self, data: WarmData, before: Sequence[Stage]) -> "CaptionStage":
        return self.gently(data)


def first_captioner(stage: WritingStage, model: JointModel, context: Context) -> Captioner | None:
    """The captioner that a stage continues: a warm start's or an earlier stage's; None for a new one."""
    features, vocabulary = model.vision.features, context.vocabulary
    if context.warm_start is not None:
        return context.warm_start.captioner(stage.name, stage.captioner, vocabulary, features)
    if not stage.after:
        return None
    net = captioner.build(stage.captioner, features, captioner.log_frequencies(vocabulary))
    net.load_state_dict(checkpoint.load(context.folder / stage.after / "best.safetensors")[0])
    return net


class Asked(NamedTuple):
    """What a captioner is shown and told, and what it shall say, on the device."""

    feature_BIF: Tensor
    """The regions that are shown."""
    focus_B: Tensor
    """The one to describe."""
    token_BT: Tensor
    """The words before each word, a start first."""
    target_BT: Tensor
    """The true words, with END."""
    real_BT: Tensor
    """Which of these are no padding."""

    def logits(self, net: Captioner) -> Tensor:
        """Of every next word, (B, T, V)."""
        logit_BTV: Tensor = net(self.feature_BIF.float(), self.focus_B, self.token_BT)
        return logit_BTV


def teacher_forcing(net: Captioner, asked: Asked, smoothing: float = 0.0) -> Tensor:
    """The mean of -ln p of the true words, each after the true words before it; a scalar.

    `smoothing` is the share of the target that is spread over all words.
    """
    nats = functional.cross_entropy(
        asked.logits(net).flatten(0, 1),
        asked.target_BT.masked_fill(~asked.real_BT, IGNORED).flatten(),
        ignore_index=IGNORED,
        label_smoothing=smoothing,
        reduction="sum",
    )
    return processes.own_part(nats, processes.total(asked.real_BT.sum()))


class WritingTask:
    """What teacher forcing and rewards share: features of all regions, a network, and captions of val.

    The goal is CIDEr of greedy captions on the validation split. A captioner of regions alone is judged by
    the perplexity of the validation split's phrases, with a minus sign.
    """

    recordable = True

    def __init__(
        self, stage: WritingStage, model: JointModel, corpus: Corpus, first: Captioner | None
    ) -> None:
        """Continue with the network `first`, or build a new one."""
        self.name, self.corpus, self.captioner = stage.name, corpus, stage.captioner
        self.subjects, self.first = stage.writes_of, first
        self.goal = "CIDEr" if "frame" in self.subjects else "negative perplexity"
        self.features = model.vision.features
        self.train_KIF, self.val_KIF = (
            region_features(model.vision, split, stage.proposer, stage.nms)
            for split in (corpus.train, corpus.val)
        )

    def build(self) -> Captioner:
        """The network before the first step."""
        if self.first is not None:
            return self.first
        frequencies = captioner.log_frequencies(self.corpus.vocabulary)
        net = captioner.build(self.captioner, self.features, frequencies)
        if isinstance(net.standard, Standardise):
            some_KIF = measured(self.train_KIF)
            net.standard.measure(some_KIF if "region" in self.subjects else some_KIF[:, -1:])
        return net

    def lr_scale(self, parameter: str) -> float:
        """The whole captioner is trained."""
        return 1.0

    def asked(self, feature_KIF: Rows, targets: Sequence[CaptionTarget], *, together: bool = False) -> Asked:
        """What a captioner is shown and told for some targets, and what it shall say.

        With `together`, all processes call this at the same time, and get the same number of words.
        """
        target_BT, real_BT = self.corpus.padded([[*x.words, END] for x in targets], together=together)
        start_B1 = on_device([[x.start] for x in targets], target_BT.device)
        token_BT = torch.cat([start_B1, target_BT[:, :-1]], 1)
        return Asked(*self._shown(feature_KIF, targets), token_BT, target_BT, real_BT)

    def _shown(self, feature_KIF: Rows, asked: Sequence[CaptionTarget]) -> tuple[Tensor, Tensor]:
        """Features (B, I, F) of the regions that are shown, and the index (B,) of the one to describe."""
        photographs = [x.photograph for x in asked]
        focus_B = on_device([x.focus for x in asked], feature_KIF.device)
        if "frame" in self.subjects:
            return take(feature_KIF, photographs), focus_B
        # A phrase needs its region and the frame only: showing no more saves most of the work.
        pair_B2 = torch.stack([focus_B, torch.full_like(focus_B, feature_KIF.shape[1] - 1)], 1)
        if isinstance(feature_KIF, Tensor):
            photograph_B = on_device(photographs, feature_KIF.device)
            return feature_KIF[photograph_B[:, None], pair_B2], torch.zeros_like(focus_B)
        own_B = torch.arange(len(asked), device=feature_KIF.device)
        return feature_KIF[photographs][own_B[:, None], pair_B2], torch.zeros_like(focus_B)

    def perplexity(self, net: Captioner, targets: Sequence[CaptionTarget]) -> float:
        """Exp of the mean of -ln p over the words and ENDs of validation targets."""
        nats, count = 0.0, 0
        for chunk in chunks(len(targets), 500):
            asked = self.asked(self.val_KIF, targets[chunk])
            real_BT = asked.real_BT
            logit_NV, target_N = asked.logits(net)[real_BT], asked.target_BT[real_BT]
            nats += functional.cross_entropy(logit_NV, target_N, reduction="sum").item()
            count += len(target_N)
        return float(np.exp(nats / count))

    def caption_scores(self, net: Captioner) -> dict[str, float]:
        """CIDEr and BLEU-4 of greedy captions of the validation photographs."""
        hypotheses = {}
        for chunk in chunks(len(self.corpus.val), 100):
            for n, ids in enumerate(greedy(net, self.val_KIF[chunk].float())):
                example = self.corpus.val.examples[chunk.start + n]
                hypotheses[example.name] = " ".join(self.corpus.vocabulary.decode(ids))
        references = {e.name: e.sentences for e in self.corpus.val.examples}
        scores = captions.score(references, hypotheses, with_meteor=False).figures(np.arange(len(references)))
        return {key: scores[key] for key in ("CIDEr", "BLEU-4")}


class CaptionTask(WritingTask):
    """Teacher forcing: predict each word of people's sentences or phrases from the words before it."""

    def __init__(
        self, stage: CaptionStage, model: JointModel, corpus: Corpus, first: Captioner | None = None
    ) -> None:
        """Raises ValueError if a split has nothing to write."""
        super().__init__(stage, model, corpus, first)
        self.stage = stage
        self.train, self.val = (
            Targets(self._targets(model, feature_KIF, ids, phrases))
            for feature_KIF, ids, phrases in (
                (self.train_KIF, corpus.train_ids, lambda: corpus.train_phrases),
                (self.val_KIF, corpus.val_ids, lambda: corpus.val_phrases),
            )
        )
        if not (self.train and self.val):
            raise ValueError(f"the data has no {stage.phrases} to learn from: does it have phrase boxes?")

    def _targets(
        self,
        model: JointModel,
        feature_KIF: Rows,
        sentences: targets.Sentences,
        phrases: Callable[[], Sequence[Sequence[Sequence[PhraseTarget]]]],
    ) -> Iterator[CaptionTarget]:
        if "frame" in self.subjects:
            yield from targets.of_frames(feature_KIF, sentences)

        if "region" in self.subjects and self.stage.phrases == "boxes":
            yield from targets.of_boxes(feature_KIF, sentences, phrases())
        elif "region" in self.subjects:
            segments = targets.of_segments(model, feature_KIF, sentences, self.corpus, self.stage.beta)
            content = self.stage.phrases == "content"
            yield from targets.with_content(segments, self.corpus.vocabulary) if content else segments

    def __len__(self) -> int:
        return len(self.train)

    def expecting(self, batches: Iterable[Sequence[int]]) -> AbstractContextManager[None]:
        """Prepare the features of coming batches."""
        shown = ([self.train[n].photograph for n in batch] for batch in batches)
        return expecting(self.train_KIF, shown)

    def inputs(self, net: Captioner, batch: Sequence[int]) -> Asked:
        """Some targets."""
        return self.asked(self.train_KIF, [self.train[n] for n in batch], together=True)

    def loss(self, net: Captioner, inputs: Asked) -> Tensor:
        """Cross-entropy of the true words."""
        return teacher_forcing(net, inputs, self.stage.smoothing)

    @torch.no_grad()
    def evaluate(self, net: Captioner) -> Mapping[str, float]:
        """Perplexity on the validation split, and scores of captions if it writes captions."""
        figures = {"negative perplexity": -self.perplexity(net, self.val)}
        return figures | self.caption_scores(net) if "frame" in self.subjects else figures


def greedy(net: Captioner, feature_BIF: Tensor, max_len: int = 25) -> list[list[int]]:
    """Captions of frames from the most probable word at each step, as ids."""
    return roll_out(net, feature_BIF, lambda logit_BV: logit_BV.argmax(-1), max_len)


def roll_out(
    net: Captioner, feature_BIF: Tensor, choose: Callable[[Tensor], Tensor], max_len: int
) -> list[list[int]]:
    """`max_len` ids for each frame, each chosen by `choose` from logits (B, V); ignore those after END."""
    frame_B = torch.full((len(feature_BIF),), feature_BIF.shape[1] - 1, device=feature_BIF.device)
    state, token_B = net.start(feature_BIF, frame_B), torch.full_like(frame_B, START)
    said = []
    for _ in range(max_len):
        logit_BV, state = net.step(token_B, state)
        logit_BV[:, [START, START_PHRASE]] = -torch.inf
        token_B = choose(logit_BV)
        said.append(token_B)
    return torch.stack(said, 1).tolist()
