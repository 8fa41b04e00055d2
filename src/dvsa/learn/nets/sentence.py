"""From words to word vectors s_t in the space of the regions (paper, section 3.1.2).

Every encoder takes padded word ids (L, T) with a mask of the real ones, and returns one vector for each word
(L, T, D). Reading right to left starts at the last word of each sentence, never at padding. To add an
encoder, write a class here and enter it in `ENCODERS`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from dvsa.learn.nets.recurrence import Recurrence
from dvsa.learn.nets.transformer import FrozenTransformer, TransformerConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class SentenceConfig:
    """Sizes of the sentence's side of the model."""

    kind: str = "brnn"
    """One of `brnn` (the paper's), `rnn` (left to right only), `bag` (words alone), `gru`, and `transformer`
    (pretrained elsewhere, frozen)."""
    embedding: int = 256
    word_size: int = 300
    hidden: int = 300
    dropout: float = 0.0
    word_dropout: float = 0.0
    """Share of words that are hidden during training (`gru` only)."""
    transformer: TransformerConfig | None = None
    """The pretrained network of `transformer`."""

    def __post_init__(self) -> None:
        if self.kind not in ENCODERS:
            raise ValueError(
                f"unknown sentence encoder {self.kind!r}: choose from {', '.join(sorted(ENCODERS))}"
            )
        if min(self.embedding, self.word_size, self.hidden) < 1:
            raise ValueError(f"sizes must be positive: {self}")
        if (self.kind == "transformer") != (self.transformer is not None):
            raise ValueError(
                "the encoder 'transformer' needs the option `transformer`, and no other takes it"
            )


def build(cfg: SentenceConfig, vocabulary: int, word_VD: Tensor | None = None) -> nn.Module:
    """The encoder that `cfg` names, for V = `vocabulary` word ids.

    `word_VD` (V, word_size) are word vectors from a file; they stay fixed, as in the paper.
    """
    return ENCODERS[cfg.kind](cfg, vocabulary, word_VD)


def embedding(cfg: SentenceConfig, vocabulary: int, word_VD: Tensor | None) -> nn.Embedding:
    """The words' own vectors: random and trained, or fixed ones from a file."""
    words = nn.Embedding(vocabulary, cfg.word_size)
    if word_VD is None:
        nn.init.uniform_(words.weight, -0.1, 0.1)
    elif word_VD.shape != words.weight.shape:
        raise ValueError(f"word vectors are {tuple(word_VD.shape)}, wanted {tuple(words.weight.shape)}")
    else:
        words.weight = nn.Parameter(word_VD.float(), requires_grad=False)
    return words


class PaperEncoder(nn.Module):
    """The paper's BRNN, and the smaller encoders of its ablation.

        x_t = W_w 1_t                            word vectors
        e_t = f(W_e x_t + b_e)
        hf_t = f(e_t + W_f hf_{t-1} + b_f)       left to right
        hb_t = f(e_t + W_b hb_{t+1} + b_b)       right to left
        s_t = f(W_d (hf_t + hb_t) + b_d)         f is ReLU everywhere

    `rnn` has no hb; `bag` has e_t in place of both. Dropout is everywhere except in the recurrence.
    """

    def __init__(self, cfg: SentenceConfig, vocabulary: int, word_VD: Tensor | None) -> None:
        super().__init__()
        self.words = embedding(cfg, vocabulary, word_VD)
        self.e = nn.Linear(cfg.word_size, cfg.hidden)
        directions = {"brnn": 2, "rnn": 1, "bag": 0}[cfg.kind]
        self.recurrent = nn.ModuleList(Recurrence(cfg.hidden) for _ in range(directions))
        self.d = nn.Linear(cfg.hidden, cfg.embedding)
        self.dropout = nn.Dropout(cfg.dropout)
        if word_VD is None:
            nn.init.normal_(self.words.weight, std=0.15)
        for layer in (self.e, self.d):  # words must differ from the start, or learning starts late
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)

    def forward(self, ids_LT: Tensor, real_LT: Tensor) -> Tensor:
        e_LTH = self.dropout(torch.relu(self.e(self.dropout(self.words(ids_LT)))))
        h_LTH = e_LTH
        if len(self.recurrent) > 0:
            h_LTH = self.recurrent[0](e_LTH)
        if len(self.recurrent) > 1:
            back_LT = reversal(real_LT)
            h_LTH = h_LTH + reorder(self.recurrent[1](reorder(e_LTH, back_LT)), back_LT)
        return torch.relu(self.d(self.dropout(h_LTH)))


class GruEncoder(nn.Module):
    """A two-way GRU with learned word weights and a learned temperature.

    s_t = a w_t u_t. u_t has length 1, the weights w_t are a softmax over the sentence's words, and a is the
    inverse temperature. So S_kl is a times a weighted mean of cosines. It is the logit of the loss, short and
    long sentences compare, and it is still the paper's plain sum of maxima.
    """

    def __init__(self, cfg: SentenceConfig, vocabulary: int, word_VD: Tensor | None) -> None:
        super().__init__()
        self.words = embedding(cfg, vocabulary, word_VD)
        self.word_dropout = cfg.word_dropout
        self.forth = nn.GRU(cfg.word_size, cfg.hidden, batch_first=True)
        self.back = nn.GRU(cfg.word_size, cfg.hidden, batch_first=True)
        self.direct = nn.Linear(cfg.word_size, cfg.embedding)
        self.out = nn.Linear(2 * cfg.hidden, cfg.embedding)
        self.weight = nn.Linear(2 * cfg.hidden, 1)
        self.log_scale = nn.Parameter(torch.tensor(LOG_SCALE))
        self.dropout = nn.Dropout(cfg.dropout)

    def forward(self, ids_LT: Tensor, real_LT: Tensor) -> Tensor:
        x_LTE = self.dropout(self.words(ids_LT))
        if self.training and self.word_dropout:
            x_LTE = x_LTE * (torch.rand_like(x_LTE[..., :1]) >= self.word_dropout)

        # Both directions, then the direction and the weight of each word.
        back_LT = reversal(real_LT)
        h_LTH = torch.cat([self.forth(x_LTE)[0], reorder(self.back(reorder(x_LTE, back_LT))[0], back_LT)], -1)
        h_LTH = self.dropout(h_LTH)
        u_LTD = self.out(h_LTH) + self.direct(x_LTE)
        return weighted(u_LTD, self.weight(h_LTH), real_LT, self.log_scale)


class TransformerEncoder(nn.Module):
    """A trained head on a pretrained transformer that stays frozen.

    h_t = the mean of the transformer's last states over the pieces of word t
    g_t = f(W_g h_t + b_g)                   f is ReLU
    u_t = W_o g_t + W_h h_t + b_o            scaled to length 1
    s_t = a w_t u_t                          as in `GruEncoder`, with weights from g_t
    """

    def __init__(self, cfg: SentenceConfig, vocabulary: int, word_VD: Tensor | None) -> None:
        super().__init__()
        if cfg.transformer is None or word_VD is not None:
            raise ValueError("a pretrained sentence encoder has its own words: leave the word vectors out")
        self.reader = FrozenTransformer(cfg.transformer, vocabulary)
        self.g = nn.Linear(self.reader.size, cfg.hidden)
        self.direct = nn.Linear(self.reader.size, cfg.embedding)
        self.out = nn.Linear(cfg.hidden, cfg.embedding)
        self.weight = nn.Linear(cfg.hidden, 1)
        self.log_scale = nn.Parameter(torch.tensor(LOG_SCALE))
        self.dropout = nn.Dropout(cfg.dropout)

    def forward(self, ids_LT: Tensor, real_LT: Tensor) -> Tensor:
        h_LTH = self.dropout(self.reader(ids_LT, real_LT))
        g_LTH = self.dropout(torch.relu(self.g(h_LTH)))
        u_LTD = self.out(g_LTH) + self.direct(h_LTH)
        return weighted(u_LTD, self.weight(g_LTH), real_LT, self.log_scale)


LOG_SCALE = 2.5
"""The logarithm of the inverse temperature a before training."""


def weighted(u_LTD: Tensor, weight_LT1: Tensor, real_LT: Tensor, log_scale: Tensor) -> Tensor:
    """The vectors a w_t u_t: each u scaled to length 1, w the softmax over the real words, a at most 100."""
    w_LT1 = weight_LT1.masked_fill(~real_LT[..., None], -1e4).softmax(1)
    return log_scale.clamp(max=4.6).exp() * w_LT1 * functional.normalize(u_LTD, dim=-1)


ENCODERS: dict[str, Callable[[SentenceConfig, int, Tensor | None], nn.Module]] = {
    "brnn": PaperEncoder,
    "rnn": PaperEncoder,
    "bag": PaperEncoder,
    "gru": GruEncoder,
    "transformer": TransformerEncoder,
}


def reversal(real_LT: Tensor) -> Tensor:
    """For each place, the place to read so that the real words come backwards; padding stays in place."""
    length_L1 = real_LT.sum(1, keepdim=True)
    t_1T = torch.arange(real_LT.shape[1], device=real_LT.device)[None]
    return torch.where(t_1T < length_L1, length_L1 - 1 - t_1T, t_1T)


def reorder(x_LTH: Tensor, place_LT: Tensor) -> Tensor:
    """x[l, place[l, t]] for every l and t."""
    return x_LTH.gather(1, place_LT[..., None].expand(-1, -1, x_LTH.shape[-1]))
