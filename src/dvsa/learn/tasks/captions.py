"""Learning to write: captions of whole photographs, and phrases of regions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dvsa.learn.loop.trainer import batches, chunks, epoch_steps
from dvsa.learn.nets import captioner
from dvsa.learn.nets.captioner import Captioner, CaptionerConfig
from dvsa.learn.nets.vision import Standardise
from dvsa.learn.tasks import targets as lessons
from dvsa.learn.tasks.alignment import AlignmentModel
from dvsa.learn.tasks.corpus import Corpus, Mention, region_features
from dvsa.learn.tasks.targets import Lesson
from dvsa.metrics import captions
from dvsa.records import Subject
from dvsa.text import END, START, START_PHRASE


@dataclass(frozen=True, kw_only=True, slots=True)
class CaptionOptions:
    """What a captioner learns to speak of."""

    subjects: tuple[Subject, ...] = ("frame",)
    """`frame`: sentences of whole photographs; `region`: the MRF's segments; or both in one network."""
    proposer: str = "head"
    nms: float = 0.5
    beta: float = 1.0
    """Of the MRF that makes the segments."""
    phrases: str = "segments"
    """What to say of regions: the MRF's `segments`; `content`, those of them that are more than function
    words; or people's phrases for `boxes`, where the data has them (supervised)."""
    smoothing: float = 0.0
    """Share of the target that label smoothing spreads over all words."""
    after: str = ""
    """The stage whose captioner it begins with; a fresh one where it is empty."""
    samples: int = 0
    """Captions that self-critical training draws of each photograph; 0 learns people's words one by one."""

    def __post_init__(self) -> None:
        if not self.subjects or set(self.subjects) - {"frame", "region"}:
            raise ValueError(f"subjects must be 'frame', 'region' or both, not {self.subjects}")
        if self.phrases not in ("segments", "content", "boxes"):
            raise ValueError(f"phrases must be segments, content or boxes, not {self.phrases!r}")
        if self.samples and (self.samples < 2 or self.subjects != ("frame",) or not self.after):
            raise ValueError(
                f"self-critical training needs 2 samples of the frame and a stage before: {self}"
            )


class CaptionTask:
    """Teacher forcing on captions or segments; the features of regions are fixed.

    The goal is CIDEr of greedy captions on the validation split, or, for a captioner of regions alone, the
    falling perplexity of the validation split's segments.
    """

    def __init__(
        self,
        name: str,
        model: AlignmentModel,
        corpus: Corpus,
        cfg: CaptionerConfig,
        options: CaptionOptions,
        begin: Captioner | None = None,
    ) -> None:
        """Learn with a fresh network, or with one that can write already."""
        self.name, self.corpus, self.cfg, self.options = name, corpus, cfg, options
        self.goal = "CIDEr" if "frame" in options.subjects else "negative perplexity"
        self.features, self.begin = model.vision.features, begin
        self.train_KIF, self.val_KIF = (
            region_features(model.vision, split, options.proposer, options.nms)
            for split in (corpus.train, corpus.val)
        )
        self.train = self._lessons(model, self.train_KIF, corpus.train_ids, lambda: corpus.train_mentions)
        self.val = self._lessons(model, self.val_KIF, corpus.val_ids, lambda: corpus.val_mentions)
        if not (self.train and self.val):
            raise ValueError(f"there is nothing to learn {options.phrases} from: has the data phrase boxes?")

    def _lessons(
        self,
        model: AlignmentModel,
        feature_KIF: Tensor,
        ids: Sequence[Sequence[Sequence[int]]],
        mentions: Callable[[], Sequence[Sequence[Sequence[Mention]]]],
    ) -> list[Lesson]:
        found = []
        if "frame" in self.options.subjects:
            found += lessons.of_frames(feature_KIF, ids)
        if "region" in self.options.subjects and self.options.phrases == "boxes":
            found += lessons.of_boxes(feature_KIF, ids, mentions())
        elif "region" in self.options.subjects:
            segments = lessons.of_segments(model, feature_KIF, ids, self.corpus, self.options.beta)
            content = self.options.phrases == "content"
            found += lessons.with_content(segments, self.corpus.vocabulary) if content else segments
        return found

    def build(self) -> Captioner:
        if self.begin is not None:
            return self.begin
        net = captioner.build(self.cfg, self.features, captioner.log_frequencies(self.corpus.vocabulary))
        if isinstance(net.standard, Standardise):
            spoken_KIF = self.train_KIF if "region" in self.options.subjects else self.train_KIF[:, -1:]
            net.standard.measure(spoken_KIF)
        return net

    def lr_scale(self, parameter: str) -> float:
        return 1.0

    def steps_per_epoch(self, batch: int) -> int:
        return epoch_steps(len(self.train), batch)

    def loss(self, model: Captioner, step: int, batch: int, seed: int) -> Tensor:
        index = batches(len(self.train), step, batch, seed)
        logit_BTV, target_BT, real_BT = self._predict(model, self.train_KIF, [self.train[n] for n in index])
        return functional.cross_entropy(
            logit_BTV[real_BT], target_BT[real_BT], label_smoothing=self.options.smoothing
        )

    def _predict(
        self, model: Captioner, feature_KIF: Tensor, asked: Sequence[Lesson]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (B, T, V) of every next word, the true words (B, T) with END, and which of them are real."""
        target_BT, real_BT = self.corpus.padded([[*x.words, END] for x in asked])
        start_B1 = target_BT.new_tensor([[x.start] for x in asked])
        token_BT = torch.cat([start_B1, target_BT[:, :-1]], 1)
        return model(*self._shown(feature_KIF, asked), token_BT), target_BT, real_BT

    def _shown(self, feature_KIF: Tensor, asked: Sequence[Lesson]) -> tuple[Tensor, Tensor]:
        """Features (B, I, F) of what each lesson may look at, and the focus (B,) among them."""
        photograph_B = torch.tensor([x.photograph for x in asked], device=feature_KIF.device)
        focus_B = torch.tensor([x.focus for x in asked], device=feature_KIF.device)
        if "frame" in self.options.subjects:
            return feature_KIF[photograph_B].float(), focus_B
        # a phrase sees its region and the frame alone: to show no more saves most of the work
        pair_B2 = torch.stack([focus_B, torch.full_like(focus_B, feature_KIF.shape[1] - 1)], 1)
        return feature_KIF[photograph_B[:, None], pair_B2].float(), torch.zeros_like(focus_B)

    @torch.no_grad()
    def evaluate(self, model: Captioner) -> Mapping[str, float]:
        """Perplexity of the validation split, and CIDEr and BLEU-4 of greedy captions of its photographs."""
        nats, count = 0.0, 0
        for chunk in chunks(len(self.val), 500):
            logit_BTV, target_BT, real_BT = self._predict(model, self.val_KIF, self.val[chunk])
            nats += functional.cross_entropy(logit_BTV[real_BT], target_BT[real_BT], reduction="sum").item()
            count += int(real_BT.sum())
        figures = {"negative perplexity": -float(np.exp(nats / count))}
        if "frame" not in self.options.subjects:
            return figures
        hypotheses = {}
        for chunk in chunks(len(self.corpus.val), 100):
            for n, ids in enumerate(greedy(model, self.val_KIF[chunk].float())):
                example = self.corpus.val.examples[chunk.start + n]
                hypotheses[example.name] = " ".join(self.corpus.vocabulary.decode(ids))
        references = {e.name: e.sentences for e in self.corpus.val.examples}
        scores = captions.score(references, hypotheses, with_meteor=False).figures(np.arange(len(references)))
        return figures | {key: scores[key] for key in ("CIDEr", "BLEU-4")}


def greedy(model: Captioner, feature_BIF: Tensor, max_len: int = 25) -> list[list[int]]:
    """The likeliest word at each step, for a look at progress during training; ids up to END."""
    return roll_out(model, feature_BIF, lambda logit_BV: logit_BV.argmax(-1), max_len)


def roll_out(
    model: Captioner, feature_BIF: Tensor, choose: Callable[[Tensor], Tensor], max_len: int
) -> list[list[int]]:
    """A sequence for each frame, each word by `choose` from logits (B, V); it goes on behind END."""
    frame_B = torch.full((len(feature_BIF),), feature_BIF.shape[1] - 1, device=feature_BIF.device)
    state, token_B = model.start(feature_BIF, frame_B), torch.full_like(frame_B, START)
    said = []
    for _ in range(max_len):
        logit_BV, state = model.step(token_B, state)
        logit_BV[:, [START, START_PHRASE]] = -torch.inf
        token_B = choose(logit_BV)
        said.append(token_B)
    return torch.stack(said, 1).tolist()
