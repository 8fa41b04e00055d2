"""Captioners: the paper's RNN (section 3.2), and LSTMs without and with attention over regions.

All are step functions. `start` turns the features of a photograph's regions and the index of the region to
describe (the *focus*) into a state. `step` turns a word and a state into the next word's logits and the next
state. The first axis of every part of a state is the batch, so a beam search can reorder any state.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dvsa.learn.nets.recurrence import Recurrence
from dvsa.learn.nets.region_encoder import Standardise
from dvsa.learn.nets.vision_config import GEOMETRY
from dvsa.text import Vocabulary

State = tuple[Tensor, ...]

ROW_PER_WORD = ("words.weight", "bias_V", "oh.weight", "oh.bias")
"""Suffixes of the names of weights that have a row for each word."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CaptionerConfig:
    """Sizes and options of a captioner."""

    kind: str = "rnn"
    """`rnn`, the paper's; `lstm`, the same around an LSTM; or `attention`."""
    hidden: int = 512
    word_size: int = 512
    beside: bool = False
    """Whether it sees the frame's features beside the region's; `attention` always sees both."""
    standardise: bool = False
    """Whether features are standardised over the training regions that it describes."""
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in CAPTIONERS:
            raise ValueError(f"unknown captioner {self.kind!r}: choose from {', '.join(sorted(CAPTIONERS))}")
        if min(self.hidden, self.word_size) < 1 or not 0 <= self.dropout < 1:
            raise ValueError(f"sizes must be positive and dropout in [0, 1): {self}")


class Captioner(nn.Module, ABC):
    """The interface of all captioners, with teacher forcing."""

    def __init__(self, cfg: CaptionerConfig, features: int) -> None:
        super().__init__()
        self.standard = Standardise(features) if cfg.standardise else nn.Identity()
        self.dropout = nn.Dropout(cfg.dropout)

    @abstractmethod
    def start(self, feature_BIF: Tensor, focus_B: Tensor) -> State:
        """The state before the first word. `focus_B` indexes the regions; the last is the whole frame."""

    @abstractmethod
    def step(self, token_B: Tensor, state: State) -> tuple[Tensor, State]:
        """Logits (B, V) of the next word, and the state after `token_B`."""

    @abstractmethod
    def forward(self, feature_BIF: Tensor, focus_B: Tensor, token_BT: Tensor) -> Tensor:
        """Logits (B, T, V) of the word after each of `token_BT`: the same as the steps one by one."""


def log_frequencies(vocabulary: Vocabulary) -> Tensor:
    """Logarithms of the words' frequencies (V,); START, which is never said, counts as one in a million."""
    count_V = torch.from_numpy(vocabulary.counts_V()).float()
    return (count_V / count_V.sum()).clamp(min=1e-6).log()


def limited(net: Captioner, token_N: Sequence[int]) -> Captioner:
    """A copy of a captioner that can say these tokens alone; its n-th token is `token_N[n]` of the captioner.

    The probabilities of these tokens keep their ratios.
    """
    copied = copy.deepcopy(net)
    for name, weight in copied.named_parameters():
        if name.endswith(ROW_PER_WORD):
            weight.data = weight.data[list(token_N)]
    return copied


def build(cfg: CaptionerConfig, features: int, log_frequency_V: Tensor) -> Captioner:
    """The captioner that `cfg` names; its softmax bias starts at the words' log frequencies."""
    return CAPTIONERS[cfg.kind](cfg, features, log_frequency_V)


class PaperCaptioner(Captioner):
    """The paper's multimodal RNN (eqs. 13 to 15), f = ReLU:

        b_v = W_hi CNN(I)
        h_t = f(W_hx x_t + W_hh h_{t-1} + b_h + 1(t = 1) b_v)
        y_t = softmax(W_oh h_t + b_o)

    and the same with an LSTM. It sees the focus alone, or with the frame beside it, and only at the first
    word.
    """

    def __init__(self, cfg: CaptionerConfig, features: int, log_frequency_V: Tensor) -> None:
        super().__init__(cfg, features)
        self.beside = cfg.beside
        seen = (features - GEOMETRY) * (2 if cfg.beside else 1)
        self.words = nn.Embedding(len(log_frequency_V), cfg.word_size)
        nn.init.uniform_(self.words.weight, -0.1, 0.1)
        self.hi = nn.Linear(seen, cfg.hidden, bias=False)
        self.hx = nn.Linear(cfg.word_size, cfg.hidden, bias=False)
        self.hh = CELLS[cfg.kind](cfg.hidden)
        self.oh = nn.Linear(cfg.hidden, len(log_frequency_V))
        with torch.no_grad():
            self.oh.bias.copy_(log_frequency_V)

    def start(self, feature_BIF: Tensor, focus_B: Tensor) -> State:
        seen_BIF = self.standard(feature_BIF)[..., :-GEOMETRY]
        image_BF = at(seen_BIF, focus_B)
        if self.beside:
            image_BF = torch.cat([image_BF, seen_BIF[:, -1]], 1)
        b_v_BH = self.hi(self.dropout(image_BF))
        return b_v_BH, *self.hh.nothing(b_v_BH)

    def step(self, token_B: Tensor, state: State) -> tuple[Tensor, State]:
        b_v_BH, *before = state
        x_B1H = (self.hx(self.dropout(self.words(token_B))) + b_v_BH)[:, None]
        h_B1H, after = self.hh(x_B1H, tuple(before))
        return self.oh(self.dropout(h_B1H[:, 0])), (torch.zeros_like(b_v_BH), *after)

    def forward(self, feature_BIF: Tensor, focus_B: Tensor, token_BT: Tensor) -> Tensor:
        """The same as the steps one by one, but the recurrence runs over the whole sequence at once."""
        b_v_BH, *before = self.start(feature_BIF, focus_B)
        x_BTH = self.hx(self.dropout(self.words(token_BT)))
        x_BTH = torch.cat([x_BTH[:, :1] + b_v_BH[:, None], x_BTH[:, 1:]], 1)
        logit_BTV: Tensor = self.oh(self.dropout(self.hh(x_BTH, tuple(before))[0]))
        return logit_BTV


class RnnCell(nn.Module):
    """h_t = f(x_t + W_hh h_{t-1} + b_h).

    W_hh starts near the identity (Le, Jaitly & Hinton, 2015): the photograph is shown once, and must be
    remembered to the end of the sentence.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.recurrence = Recurrence(hidden)
        with torch.no_grad():
            self.recurrence.rnn.get_parameter("weight_hh_l0").copy_(0.9 * torch.eye(hidden))

    def nothing(self, like_BH: Tensor) -> State:
        """The state before the first word."""
        return (torch.zeros_like(like_BH),)

    def forward(self, x_BTH: Tensor, state: State) -> tuple[Tensor, State]:
        """Outputs (B, T, H) and the state after the last."""
        h_BTH = self.recurrence(x_BTH, *state)
        return h_BTH, (h_BTH[:, -1],)


class LstmCell(nn.Module):
    """An LSTM (Hochreiter & Schmidhuber, 1997) with the same interface."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(hidden, hidden, batch_first=True)

    def nothing(self, like_BH: Tensor) -> State:
        """The state before the first word."""
        return torch.zeros_like(like_BH), torch.zeros_like(like_BH)

    def forward(self, x_BTH: Tensor, state: State) -> tuple[Tensor, State]:
        """Outputs (B, T, H) and the state after the last."""
        h_BTH, (h_1BH, c_1BH) = self.lstm(x_BTH, (state[0][None], state[1][None]))
        return h_BTH, (h_1BH[0], c_1BH[0])


CELLS: dict[str, type[RnnCell] | type[LstmCell]] = {"rnn": RnnCell, "lstm": LstmCell}


class AttentionLstm(Captioner):
    """An LSTM that attends to the regions for every word (after Xu et al., 2015; Anderson et al., 2018).

    To describe the frame it attends to all regions; to describe one region, to that and the frame. Input and
    output share their word vectors (Press & Wolf, 2017).
    """

    def __init__(self, cfg: CaptionerConfig, features: int, log_frequency_V: Tensor) -> None:
        super().__init__(cfg, features)
        width = cfg.word_size
        self.words = nn.Embedding(len(log_frequency_V), width)
        nn.init.normal_(self.words.weight, std=width**-0.5)
        self.see = nn.Sequential(nn.Linear(features, width), nn.LayerNorm(width), nn.ReLU())
        self.begin = nn.Linear(width, 2 * cfg.hidden)
        self.key = nn.Linear(width, cfg.hidden)
        self.query = nn.Linear(cfg.hidden, cfg.hidden)
        self.score = nn.Linear(cfg.hidden, 1, bias=False)
        self.lstm = nn.LSTMCell(2 * width, cfg.hidden)
        self.out = nn.Linear(cfg.hidden + width, width)
        self.bias_V = nn.Parameter(log_frequency_V.clone())

    def start(self, feature_BIF: Tensor, focus_B: Tensor) -> State:
        seen_BIE = self.see(self.dropout(self.standard(feature_BIF)))
        focus_BE = at(seen_BIE, focus_B)
        h_BH, c_BH = self.begin(focus_BE).tanh().chunk(2, -1)

        # Which regions it may attend to.
        last = feature_BIF.shape[1] - 1
        i_I = torch.arange(last + 1, device=focus_B.device)
        visible_BI = (focus_B[:, None] == last) | (i_I == focus_B[:, None]) | (i_I == last)
        return h_BH, c_BH, seen_BIE, self.key(seen_BIE), torch.where(visible_BI, 0.0, -1e4)

    def step(self, token_B: Tensor, state: State) -> tuple[Tensor, State]:
        out_BE, state = self._read(token_B, state)
        return self._logits(out_BE), state

    def forward(self, feature_BIF: Tensor, focus_B: Tensor, token_BT: Tensor) -> Tensor:
        """The same as the steps one by one, but all words are scored at once."""
        state = self.start(feature_BIF, focus_B)
        outputs = []
        for token_B in token_BT.unbind(1):
            out_BE, state = self._read(token_B, state)
            outputs.append(out_BE)
        return self._logits(torch.stack(outputs, 1))

    def _read(self, token_B: Tensor, state: State) -> tuple[Tensor, State]:
        """Read a word: a vector near that of the next word, (B, E), and the next state."""
        # Where to look.
        h_BH, c_BH, seen_BIE, key_BIH, visible_BI = state
        score_BI = self.score(torch.tanh(key_BIH + self.query(h_BH)[:, None]))[..., 0] + visible_BI
        context_BE = (score_BI.softmax(-1)[..., None] * seen_BIE).sum(1)

        # What to say.
        x_BE = self.dropout(self.words(token_B))
        h_BH, c_BH = self.lstm(torch.cat([x_BE, context_BE], -1), (h_BH, c_BH))
        out_BE = self.out(self.dropout(torch.cat([h_BH, context_BE], -1))).tanh()
        return out_BE, (h_BH, c_BH, seen_BIE, key_BIH, visible_BI)

    def _logits(self, out_E: Tensor) -> Tensor:
        """The logits of all words, (..., V), for vectors (..., E)."""
        logit_V: Tensor = self.dropout(out_E) @ self.words.weight.T + self.bias_V
        return logit_V


CAPTIONERS: dict[str, type[PaperCaptioner] | type[AttentionLstm]] = {
    "rnn": PaperCaptioner,
    "lstm": PaperCaptioner,
    "attention": AttentionLstm,
}


def at(x_BIF: Tensor, index_B: Tensor) -> Tensor:
    """x[b, index[b]] for every b, (B, F)."""
    return x_BIF.gather(1, index_B[:, None, None].expand(-1, 1, x_BIF.shape[-1]))[:, 0]
