"""The stage of self-critical training: a captioner learns from the scores of its own captions.

It draws some captions of each photograph (Rennie et al., 2017). The reward r of a caption is its CIDEr
against the photograph's own sentences, with document frequencies of the training split. Captions that score
above the mean of the others become more probable, the rest less probable (Luo, 2020):

    loss = - sum over captions c of  (r_c - mean of the other r)  log p(c),  over the number of words
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor

from dvsa.learn.loop import processes
from dvsa.learn.loop.transfer import on_device
from dvsa.learn.nets.captioner import Captioner
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.tasks import targets
from dvsa.learn.tasks.captions import Asked, WritingTask, first_captioner, roll_out
from dvsa.learn.tasks.context import Context
from dvsa.learn.tasks.corpus import Corpus
from dvsa.learn.tasks.ragged import Ids
from dvsa.learn.tasks.rows_ahead import expecting, take
from dvsa.learn.tasks.stage import Stage, WarmData, WritingStage
from dvsa.learn.tasks.targets import CaptionTarget, Targets
from dvsa.metrics.cider import Cider
from dvsa.records import Subject
from dvsa.text import END, START

MAX_DRAWN = 20
"""Words of the longest caption that is drawn."""
STOP = "."
"""END, counted as a word of a sentence. Otherwise truncated captions would be rewarded."""


@dataclass(frozen=True, kw_only=True)
class RewardStage(WritingStage):
    """Continue an earlier stage's captioner of whole photographs with rewards."""

    kind: ClassVar[str] = "rewards"

    samples: int = 5
    """Captions that are drawn of each photograph."""

    def __post_init__(self) -> None:
        if self.samples < 2 or not self.after:
            raise ValueError(f"rewards need at least 2 samples, and a stage to continue in `after`: {self}")

    @property
    def writes_of(self) -> tuple[Subject, ...]:
        return ("frame",)

    def run(self, model: JointModel, context: Context) -> JointModel:
        first = first_captioner(self, model, context)
        context.train(RewardTask(self, model, context.corpus, first), self.train)
        return model

    def warm(self, data: WarmData, before: Sequence[Stage]) -> None:
        """It would take too long without a GPU."""


class RewardTask(WritingTask):
    """CIDEr of drawn captions is the reward; the examples are photographs."""

    def __init__(
        self, stage: RewardStage, model: JointModel, corpus: Corpus, first: Captioner | None = None
    ) -> None:
        super().__init__(stage, model, corpus, first)
        self.samples = stage.samples
        self.val = Targets(targets.of_frames(self.val_KIF, corpus.val_ids))

    def __len__(self) -> int:
        return len(self.corpus.train)

    def expecting(self, batches: Iterable[Sequence[int]]) -> AbstractContextManager[None]:
        """Prepare the features of coming batches."""
        return expecting(self.train_KIF, batches)

    @cached_property
    def cider(self) -> Cider:
        """CIDEr against the training split's sentences, whose n-grams are counted once."""
        decode = self.corpus.vocabulary.decode
        return Cider([[[*decode(s), STOP] for s in own] for own in self.corpus.train_ids])

    def inputs(self, net: Captioner, batch: Sequence[int]) -> tuple[Asked, Tensor]:
        """Captions of the photographs that the network draws, and how much better each is than the others."""
        # Draw, without dropout.
        own_BIF = take(self.train_KIF, batch)
        said = draw(net.eval(), own_BIF.repeat_interleave(self.samples, 0).float())
        net.train()
        frame, places = own_BIF.shape[1] - 1, [b for b in range(len(batch)) for _ in range(self.samples)]
        drawn = [CaptionTarget(b, frame, START, tuple(ids)) for b, ids in zip(places, said, strict=True)]

        # How much more each is worth than the others of its photograph.
        reward_B = torch.tensor([self._reward(batch[x.photograph], x.words) for x in drawn])
        gain_B = advantages(reward_B.reshape(-1, self.samples)).flatten()

        return self.asked(own_BIF, drawn, together=True), on_device(gain_B, own_BIF.device)

    def loss(self, net: Captioner, inputs: tuple[Asked, Tensor]) -> Tensor:
        """Make the better captions more probable."""
        asked, gain_B = inputs
        logp_BTV = asked.logits(net).log_softmax(-1)
        logp_BT = logp_BTV.gather(2, asked.target_BT[..., None])[..., 0] * asked.real_BT
        words = processes.total(asked.real_BT.sum())
        return -processes.own_part((gain_B[:, None] * logp_BT).sum(), words)

    def _reward(self, k: int, ids: Ids) -> float:
        """CIDEr of a caption of training photograph k, in [0, 10]."""
        end = [STOP] if len(ids) < MAX_DRAWN else []
        return self.cider(k, self.corpus.vocabulary.decode(ids) + end)

    @torch.no_grad()
    def evaluate(self, net: Captioner) -> Mapping[str, float]:
        """Perplexity of the validation split's sentences, and scores of greedy captions."""
        return {"negative perplexity": -self.perplexity(net, self.val)} | self.caption_scores(net)


def advantages(reward_KN: Tensor) -> Tensor:
    """Each caption's reward less the mean of the other captions of its photograph, (K, N)."""
    others_KN = (reward_KN.sum(1, keepdim=True) - reward_KN) / (reward_KN.shape[1] - 1)
    return reward_KN - others_KN


@torch.no_grad()
def draw(net: Captioner, feature_BIF: Tensor) -> list[list[int]]:
    """A random caption of each frame, every word drawn by its probability; ids before END."""
    rows = roll_out(
        net, feature_BIF, lambda logit_BV: torch.multinomial(logit_BV.softmax(-1), 1)[:, 0], MAX_DRAWN
    )
    return [row[: row.index(END)] if END in row else row for row in rows]
