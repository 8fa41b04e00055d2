"""Self-critical training: a captioner learns from what its own captions are worth (Rennie et al., 2017).

Of each photograph it draws some captions. Each is worth its CIDEr against the photograph's own sentences,
with document frequencies of the training split; those worth more than the mean of the others become likelier,
the rest less likely (Luo, 2020):

    loss = - sum over captions c of  (r_c - mean of the other r)  log p(c),  over the number of words
"""

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from dvsa.learn.loop.trainer import batches, epoch_steps
from dvsa.learn.nets.captioner import Captioner
from dvsa.learn.tasks.captions import CaptionTask, roll_out
from dvsa.learn.tasks.targets import Lesson
from dvsa.metrics.cider import Cider
from dvsa.text import END, START

LONGEST = 20
"""Words of a caption that is drawn; one that is longer is broken off there."""
STOP = "."
"""The end, which counts as a word of a sentence: else it would pay to break off behind "in front of a"."""


class SelfCriticalTask(CaptionTask):
    """CIDEr of drawn captions as the reward; batches are of photographs. Judged as `CaptionTask` is."""

    @cached_property
    def cider(self) -> Cider:
        """Against the training split's sentences, counted once."""
        decode = self.corpus.vocabulary.decode
        return Cider([[[*decode(s), STOP] for s in own] for own in self.corpus.train_ids])

    def steps_per_epoch(self, batch: int) -> int:
        return epoch_steps(len(self.corpus.train), batch)

    def loss(self, model: Captioner, step: int, batch: int, seed: int) -> Tensor:
        index = batches(len(self.corpus.train), step, batch, seed)
        asked = [k for k in index for _ in range(self.options.samples)]
        frame = self.train_KIF.shape[1] - 1
        said = draw(model.eval(), self.train_KIF[asked].float())
        model.train()
        drawn = [Lesson(k, frame, START, tuple(ids)) for k, ids in zip(asked, said, strict=True)]
        gain_B = advantages(torch.tensor(self._worth(drawn)).reshape(-1, self.options.samples)).flatten()
        logit_BTV, target_BT, real_BT = self._predict(model, self.train_KIF, drawn)
        logp_BT = logit_BTV.log_softmax(-1).gather(2, target_BT[..., None])[..., 0] * real_BT
        return -(gain_B.to(logp_BT.device)[:, None] * logp_BT).sum() / real_BT.sum()

    def _worth(self, drawn: Sequence[Lesson]) -> list[float]:
        """CIDEr of each caption, in [0, 10]."""
        decode = self.corpus.vocabulary.decode
        ends = [[STOP] if len(x.words) < LONGEST else [] for x in drawn]
        return [self.cider(x.photograph, decode(x.words) + end) for x, end in zip(drawn, ends, strict=True)]


def advantages(reward_KN: Tensor) -> Tensor:
    """How much more each of a photograph's captions is worth than the others are on average, (K, N)."""
    others_KN = (reward_KN.sum(1, keepdim=True) - reward_KN) / (reward_KN.shape[1] - 1)
    return reward_KN - others_KN


@torch.no_grad()
def draw(model: Captioner, feature_BIF: Tensor) -> list[list[int]]:
    """A caption of each frame, every word drawn by its probability; ids before END."""
    rows = roll_out(
        model, feature_BIF, lambda logit_BV: torch.multinomial(logit_BV.softmax(-1), 1)[:, 0], LONGEST
    )
    return [row[: row.index(END)] if END in row else row for row in rows]
