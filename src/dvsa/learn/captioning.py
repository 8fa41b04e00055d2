"""Learning to write: captions of whole photographs, and phrases of regions from aligned segments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dvsa import segments
from dvsa.learn import captioner
from dvsa.learn.alignment import AlignmentModel
from dvsa.learn.bank import Corpus, region_features
from dvsa.learn.captioner import Captioner, CaptionerConfig
from dvsa.learn.progress import progress
from dvsa.learn.trainer import batches, chunks, epoch_steps
from dvsa.learn.vision import Standardise
from dvsa.metrics import captions
from dvsa.text import END, FUNCTION_WORDS, START, START_PHRASE


@dataclass(frozen=True, kw_only=True, slots=True)
class CaptionOptions:
    """What a captioner learns to speak of."""

    subjects: tuple[str, ...] = ("frame",)
    """`frame`: sentences of whole photographs; `region`: the MRF's segments; or both in one network."""
    proposer: str = "head"
    nms: float = 0.5
    beta: float = 1.0
    """Of the MRF that makes the segments."""
    clean: bool = False
    """Whether segments of function words alone, such as "on a", are left out."""
    smoothing: float = 0.0
    """Share of the target that label smoothing spreads over all words."""

    def __post_init__(self) -> None:
        if not self.subjects or set(self.subjects) - {"frame", "region"}:
            raise ValueError(f"subjects must be 'frame', 'region' or both, not {self.subjects}")


class Lesson(NamedTuple):
    """One thing to write: the photograph, the region to speak of, how to begin, and the words."""

    photograph: int
    focus: int
    start: int
    words: tuple[int, ...]


class CaptionTask:
    """Teacher forcing on captions or segments; the features of regions are fixed.

    The goal is CIDEr of greedy captions on the validation split, or, for a captioner of regions alone, the
    falling perplexity of the validation split's segments.
    """

    def __init__(
        self, name: str, model: AlignmentModel, corpus: Corpus, cfg: CaptionerConfig, options: CaptionOptions
    ) -> None:
        self.name, self.corpus, self.cfg, self.options = name, corpus, cfg, options
        self.goal = "CIDEr" if "frame" in options.subjects else "negative perplexity"
        self.features = model.vision.features
        self.train_KIF, self.val_KIF = (
            region_features(model.vision, split, options.proposer, options.nms)
            for split in (corpus.train, corpus.val)
        )
        self.train = self._lessons(model, self.train_KIF, corpus.train_ids)
        self.val = self._lessons(model, self.val_KIF, corpus.val_ids)

    def _lessons(
        self, model: AlignmentModel, feature_KIF: Tensor, ids: Sequence[Sequence[Sequence[int]]]
    ) -> list[Lesson]:
        frame = feature_KIF.shape[1] - 1
        lessons = []
        if "frame" in self.options.subjects:
            lessons += [Lesson(k, frame, START, tuple(s)) for k, own in enumerate(ids) for s in own if s]
        if "region" in self.options.subjects:
            found = segment_lessons(model, feature_KIF, ids, self.corpus, self.options.beta)
            lessons += [x for x in found if not self.options.clean or self._says_something(x)]
        return lessons

    def _says_something(self, lesson: Lesson) -> bool:
        return not set(self.corpus.vocabulary.decode(lesson.words)) <= FUNCTION_WORDS

    def build(self) -> Captioner:
        count_V = torch.from_numpy(self.corpus.vocabulary.counts_V()).float()
        # a word that is never a target (START) gets the frequency of one in a million, not -inf
        log_frequency_V = (count_V / count_V.sum()).clamp(min=1e-6).log()
        net = captioner.build(self.cfg, self.features, log_frequency_V)
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
        self, model: Captioner, feature_KIF: Tensor, lessons: Sequence[Lesson]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (B, T, V) of every next word, the true words (B, T) with END, and which of them are real."""
        target_BT, real_BT = self.corpus.padded([[*x.words, END] for x in lessons])
        start_B1 = target_BT.new_tensor([[x.start] for x in lessons])
        token_BT = torch.cat([start_B1, target_BT[:, :-1]], 1)
        return model(*self._shown(feature_KIF, lessons), token_BT), target_BT, real_BT

    def _shown(self, feature_KIF: Tensor, lessons: Sequence[Lesson]) -> tuple[Tensor, Tensor]:
        """Features (B, I, F) of what each lesson may look at, and the focus (B,) among them."""
        photograph_B = torch.tensor([x.photograph for x in lessons], device=feature_KIF.device)
        focus_B = torch.tensor([x.focus for x in lessons], device=feature_KIF.device)
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
    frame_B = torch.full((len(feature_BIF),), feature_BIF.shape[1] - 1, device=feature_BIF.device)
    state, token_B = model.start(feature_BIF, frame_B), torch.full_like(frame_B, START)
    said = []
    for _ in range(max_len):
        logit_BV, state = model.step(token_B, state)
        logit_BV[:, [START, START_PHRASE]] = -torch.inf
        token_B = logit_BV.argmax(-1)
        said.append(token_B)
    return torch.stack(said, 1).tolist()


@torch.no_grad()
def segment_lessons(
    model: AlignmentModel,
    feature_KIF: Tensor,
    ids: Sequence[Sequence[Sequence[int]]],
    corpus: Corpus,
    beta: float,
) -> list[Lesson]:
    """The (region, segment) pairs that the chain MRF finds in each photograph's own sentences."""
    model.eval()
    lessons = []
    with progress("aligning segments", len(ids), quiet=corpus.quiet) as advance:
        for k, own in enumerate(ids):
            v_ID = model.vision.regions(feature_KIF[k : k + 1].float())[0]
            ids_LT, real_LT = corpus.padded(own)
            dot_LTI = (model.sentence(ids_LT, real_LT) @ v_ID.T).cpu().numpy()
            for sentence, dot_TI in zip(own, dot_LTI, strict=True):
                region_T = segments.viterbi(dot_TI[: len(sentence)], beta)
                for first, last, region in segments.segments(region_T):
                    lessons.append(Lesson(k, region, START_PHRASE, tuple(sentence[first : last + 1])))
            advance(1)
    return lessons
