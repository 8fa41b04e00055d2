"""A transformer that was pretrained elsewhere, in the layout of Hugging Face; it reads words and is frozen.

Transformers read pieces of words. A table holds the pieces of every word of the vocabulary. So the network
takes word ids, like every other encoder, and neither a run nor a bundle needs the tokenizer.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

import torch
from torch import Tensor, nn
from torch.nn import functional

FIRST_POSITION = {"bert": 0, "distilbert": 0, "electra": 0, "mpnet": 2}
"""The families of transformers that can be read (`model_type`), and the number of their first position."""
POOLER = "pooler"
"""The layer above the last states that some families have; it is left out."""
NO_PIECE = -1
"""Fills the table where a word has no more pieces."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TransformerConfig:
    """The architecture of a pretrained transformer, and how it reads words."""

    architecture: Mapping[str, object]
    """The content of its `config.json`."""
    begin: int
    """The piece before the first word, such as `[CLS]`."""
    end: int
    """The piece after the last word, such as `[SEP]`."""
    pieces: int
    """The most pieces that a word of the vocabulary has."""

    def __post_init__(self) -> None:
        first_position(self.architecture)


def first_position(architecture: Mapping[str, object]) -> int:
    """The number of the first position; ValueError for a transformer that cannot be read."""
    family = architecture.get("model_type")
    if not isinstance(family, str) or family not in FIRST_POSITION:
        known = ", ".join(FIRST_POSITION)
        raise ValueError(f"a transformer of the family {family!r} cannot be read, only {known}")
    return FIRST_POSITION[family]


class FrozenTransformer(nn.Module):
    """Words to the transformer's last states, each word's the mean over its pieces.

    The pieces of a sentence stand side by side between `begin` and `end`, exactly as the transformer's own
    tokenizer puts them. Pieces that come after the last position of the transformer share that position.
    """

    pieces_VP: Tensor

    def __init__(self, cfg: TransformerConfig, vocabulary: int) -> None:
        """An untrained network without pieces; `fill` brings both, or a checkpoint does."""
        super().__init__()
        with library() as transformers:
            config = transformers.AutoConfig.for_model(**cfg.architecture)
            self.net: nn.Module = transformers.AutoModel.from_config(
                config, attn_implementation="eager", dtype=torch.float32
            )
        setattr(self.net, POOLER, None)

        self.size: int = config.hidden_size
        self.begin, self.end = cfg.begin, cfg.end
        self.first, self.last = first_position(cfg.architecture), config.max_position_embeddings - 1
        self.register_buffer("pieces_VP", torch.full((vocabulary, cfg.pieces), NO_PIECE))
        self.requires_grad_(False).eval()

    def fill(self, weights: Mapping[str, Tensor], pieces_VP: Tensor) -> None:
        """Take the pretrained weights, and the pieces of the vocabulary's words."""
        self.net.load_state_dict(weights)
        self.pieces_VP.copy_(pieces_VP)

    def train(self, mode: bool = True) -> "FrozenTransformer":
        """Stay in the mode for use: what is frozen has no dropout."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, ids_LT: Tensor, real_LT: Tensor) -> Tensor:
        piece_LTP = self.pieces_VP[ids_LT]
        used_LTP = (piece_LTP != NO_PIECE) & real_LT[..., None]

        # The place of every piece in its sentence. Unused slots go to a place behind all others.
        slot_LS = functional.pad(piece_LTP.flatten(1), (1, 0), value=self.begin)
        slot_LS = functional.pad(slot_LS, (0, 1), value=self.end)
        used_LS = functional.pad(used_LTP.flatten(1), (1, 1), value=True)
        place_LS = torch.where(used_LS, used_LS.long().cumsum(1) - 1, slot_LS.shape[1])

        # The pieces at their places, without gaps; N places in the longest sentence.
        length_L1 = used_LS.long().sum(1, keepdim=True)
        place_N = torch.arange(length_L1.max(), device=ids_LT.device)  # type: ignore[call-overload]
        blank_LS = torch.zeros_like(functional.pad(slot_LS, (0, 1)))
        token_LN = blank_LS.scatter(1, place_LS, slot_LS.clamp(min=0)).index_select(1, place_N)

        # The transformer, and the mean of its states over the pieces of each word.
        position_LN = (self.first + place_N).clamp(max=self.last).expand_as(token_LN)
        mask_LN = (place_N < length_L1).long()
        h_LNH = self.net(input_ids=token_LN, attention_mask=mask_LN, position_ids=position_LN)[0]
        place_LTP = place_LS[:, 1:-1].reshape(piece_LTP.shape)
        share_LTN = (place_LTP[..., None] == place_N).sum(2).to(h_LNH.dtype)
        pooled_LTH: Tensor = share_LTN @ h_LNH / share_LTN.sum(2, keepdim=True).clamp(min=1)
        return pooled_LTH


@contextmanager
def library(purpose: str = "pretrained sentence encoders") -> Iterator[ModuleType]:
    """The package transformers, without its messages and progress bars; ValueError if it is not installed."""
    try:
        transformers = import_module("transformers")
    except ModuleNotFoundError:
        raise ValueError(f"{purpose} needs the extra: pip install 'dvsa[transformers]'") from None

    logging = transformers.logging
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield transformers
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
