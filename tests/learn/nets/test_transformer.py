"""A frozen transformer that reads words: the same states as the transformer itself gives for the pieces."""

import sys

import pytest
import torch
from torch import Tensor

from dvsa.learn.nets.transformer import FIRST_POSITION, NO_PIECE, FrozenTransformer, TransformerConfig
from dvsa.text import pad

BEGIN, END, MOST, WORDS, POSITIONS = 2, 3, 4, 50, 24
SIZES = {
    **{"vocab_size": 60, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2},
    **{"num_attention_heads": 2, "initializer_range": 0.4},
}


def reader(family: str) -> FrozenTransformer:
    """A tiny transformer with random weights, and random pieces: 1 to `MOST` for each word."""
    torch.manual_seed(0)
    positions = POSITIONS + FIRST_POSITION[family]
    architecture = SIZES | {"model_type": family, "max_position_embeddings": positions}
    cfg = TransformerConfig(architecture=architecture, begin=BEGIN, end=END, pieces=MOST)
    net = FrozenTransformer(cfg, WORDS)
    pieces_VP = torch.randint(4, 60, (WORDS, MOST))
    pieces_VP[torch.arange(MOST) >= torch.randint(1, MOST + 1, (WORDS, 1))] = NO_PIECE
    net.fill(net.net.state_dict(), pieces_VP)
    return net


def alone(net: FrozenTransformer, sentence: list[int]) -> list[Tensor]:
    """The mean state of each word, from one call of the transformer with the pieces of one sentence."""
    pieces = [[p for p in net.pieces_VP[n].tolist() if p != NO_PIECE] for n in sentence]
    ids_1N = torch.tensor([[BEGIN, *(p for own in pieces for p in own), END]])
    with torch.no_grad():
        h_NH = net.net(input_ids=ids_1N)[0][0]
    return [own_NH.mean(0) for own_NH in h_NH[1:-1].split([len(own) for own in pieces])]


@pytest.mark.parametrize("family", FIRST_POSITION)
def test_words_have_the_mean_states_of_their_pieces(family: str) -> None:
    net = reader(family)
    sentences = [torch.randint(3, WORDS, (length,)).tolist() for length in (5, 1, 4, 2)]
    h_LTH = net(*(torch.from_numpy(x) for x in pad(sentences)))
    assert h_LTH.shape == (4, 5, 16)
    for h_TH, sentence in zip(h_LTH, sentences, strict=True):
        torch.testing.assert_close(h_TH[: len(sentence)], torch.stack(alone(net, sentence)))
    assert h_LTH[0].std() > 0.1


@pytest.mark.parametrize("family", FIRST_POSITION)
def test_a_sentence_may_be_longer_than_the_positions(family: str) -> None:
    """All of its words get vectors that depend on the words around them."""
    net = reader(family)
    ids_1T = torch.randint(3, WORDS, (1, 500))
    other_1T = ids_1T.clone()
    other_1T[0, 100] = (ids_1T[0, 100] + 1) % WORDS
    real_1T = torch.ones_like(ids_1T, dtype=torch.bool)
    changed_T = (net(ids_1T, real_1T) - net(other_1T, real_1T))[0].abs().amax(1)
    assert torch.isfinite(changed_T).all()
    assert changed_T.min() > 0


def test_it_stays_frozen() -> None:
    net = reader("bert")
    assert not any(parameter.requires_grad for parameter in net.parameters())
    ids_LT, real_LT = torch.tensor([[3, 4, 5]]), torch.ones(1, 3, dtype=torch.bool)
    h_LTH = net(ids_LT, real_LT)
    assert not h_LTH.requires_grad
    torch.testing.assert_close(net.train()(ids_LT, real_LT), h_LTH)  # dropout would change it


def test_other_families_are_refused() -> None:
    with pytest.raises(ValueError, match=r"family 'gpt2' cannot be read, only bert, .*mpnet"):
        TransformerConfig(architecture={"model_type": "gpt2"}, begin=1, end=2, pieces=3)


def test_without_transformers_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ValueError, match=r"pip install 'dvsa\[transformers\]'"):
        reader("bert")
