"""Sentence encoders against literal loops over their equations, one word and one direction at a time."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dvsa.learn.nets.sentence import ENCODERS, SentenceConfig, TransformerEncoder, build
from dvsa.learn.nets.transformer import TransformerConfig
from dvsa.text import pad

IDS = [[3, 9, 4], [7], [5, 5, 8, 11, 6], [10, 3]]
BERT = {
    **{"model_type": "bert", "vocab_size": 20, "hidden_size": 8, "intermediate_size": 12},
    **{"num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 40},
}
SIZES = SentenceConfig(embedding=5, word_size=6, hidden=4)
FROM_WORDS = [kind for kind in ENCODERS if kind != "transformer"]
"""The encoders that begin with a vector for each word."""


def encoder(kind: str, *, seed: int = 0, dropout: float = 0.0, word_dropout: float = 0.0) -> nn.Module:
    """A small encoder in eval mode, with random weights, also where they normally start at 0."""
    torch.manual_seed(seed)
    transformer = TransformerConfig(architecture=BERT, begin=1, end=2, pieces=2)
    cfg = replace(SIZES, kind=kind, transformer=transformer if kind == "transformer" else None)
    net = build(replace(cfg, dropout=dropout, word_dropout=word_dropout), 12)
    for parameter in net.parameters():
        if parameter.requires_grad:
            nn.init.normal_(parameter, std=0.7)
    if isinstance(net, TransformerEncoder):
        pieces = [[n, n + 5] if n % 2 else [n, -1] for n in range(12)]
        net.reader.fill(net.reader.net.state_dict(), torch.tensor(pieces))
    return net.eval()


def encode(net: nn.Module, ids: list[list[int]]) -> tuple[Tensor, Tensor]:
    ids_LT, real_LT = (torch.from_numpy(x) for x in pad(ids))
    with torch.no_grad():
        return net(ids_LT, real_LT), real_LT


def weights(net: nn.Module) -> dict[str, NDArray[np.float64]]:
    return {name: tensor.double().numpy() for name, tensor in net.state_dict().items()}


def relu(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(x, 0)


@pytest.mark.parametrize("kind", ["brnn", "rnn", "bag"])
def test_the_papers_encoder_equals_a_literal_loop(kind: str) -> None:
    net = encoder(kind)
    w = weights(net)
    s_LTD, _ = encode(net, IDS)

    for n, sentence in enumerate(IDS):
        # Each word alone, then each direction from its first word.
        e = [relu(w["e.weight"] @ w["words.weight"][i] + w["e.bias"]) for i in sentence]
        h = [np.zeros(4) for _ in e] if kind != "bag" else [*e]
        directions = {"brnn": (1, -1), "rnn": (1,), "bag": ()}[kind]
        for number, direction in enumerate(directions):
            before = np.zeros(4)
            for t in list(range(len(e)))[::direction]:
                W = w[f"recurrent.{number}.rnn.weight_hh_l0"]
                before = relu(e[t] + W @ before + w[f"recurrent.{number}.rnn.bias_hh_l0"])
                h[t] = h[t] + before

        for t, h_t in enumerate(h):
            s_t = relu(w["d.weight"] @ h_t + w["d.bias"])
            np.testing.assert_allclose(s_LTD[n, t].numpy(), s_t, atol=1e-5)


def test_the_gru_encoder_equals_a_literal_loop() -> None:
    net = encoder("gru")
    w = weights(net)
    s_LTD, _ = encode(net, IDS)

    def gru(name: str, words: list[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
        h, out = np.zeros(4), []
        for x in words:
            a = np.split(w[f"{name}.weight_ih_l0"] @ x + w[f"{name}.bias_ih_l0"], 3)
            b = np.split(w[f"{name}.weight_hh_l0"] @ h + w[f"{name}.bias_hh_l0"], 3)
            reset, update = (1 / (1 + np.exp(-a[gate] - b[gate])) for gate in (0, 1))
            h = (1 - update) * np.tanh(a[2] + reset * b[2]) + update * h
            out.append(h)
        return out

    for n, sentence in enumerate(IDS):
        # Both directions, the softmax of the weights, and vectors of length 1.
        x = [w["words.weight"][i] for i in sentence]
        h = [np.concatenate(two) for two in zip(gru("forth", x), gru("back", x[::-1])[::-1], strict=True)]
        weight = np.exp([float((w["weight.weight"] @ h_t + w["weight.bias"])[0]) for h_t in h])
        for t, h_t in enumerate(h):
            u = w["out.weight"] @ h_t + w["out.bias"] + w["direct.weight"] @ x[t] + w["direct.bias"]
            s_t = np.exp(w["log_scale"]) * weight[t] / weight.sum() * u / np.linalg.norm(u)
            np.testing.assert_allclose(s_LTD[n, t].numpy(), s_t, atol=1e-5)


def test_the_head_on_a_transformer_equals_its_formula() -> None:
    net = encoder("transformer")
    assert isinstance(net, TransformerEncoder)
    w = weights(net)
    s_LTD, _ = encode(net, IDS)
    h_LTH = net.reader(*(torch.from_numpy(x) for x in pad(IDS))).double().numpy()

    for n, sentence in enumerate(IDS):
        h = h_LTH[n, : len(sentence)]
        g = relu(h @ w["g.weight"].T + w["g.bias"])
        weight = np.exp(g @ w["weight.weight"][0] + w["weight.bias"])
        u = g @ w["out.weight"].T + w["out.bias"] + h @ w["direct.weight"].T + w["direct.bias"]
        u *= np.exp(w["log_scale"]) * (weight / weight.sum() / np.linalg.norm(u, axis=1))[:, None]
        np.testing.assert_allclose(s_LTD[n, : len(sentence)].numpy(), u, atol=1e-5)


@pytest.mark.parametrize("kind", ENCODERS)
def test_a_sentences_vectors_do_not_depend_on_padding_or_on_the_batch(kind: str) -> None:
    net = encoder(kind)
    together_LTD, real_LT = encode(net, IDS)
    wider_LTD = net(torch.from_numpy(pad([*IDS, [4] * 9])[0]), torch.from_numpy(pad([*IDS, [4] * 9])[1]))
    for n, sentence in enumerate(IDS):
        alone_1TD, _ = encode(net, [sentence])
        torch.testing.assert_close(together_LTD[n, real_LT[n]], alone_1TD[0])
        torch.testing.assert_close(wider_LTD[n, : len(sentence)], alone_1TD[0])


@pytest.mark.parametrize("kind", ENCODERS)
def test_the_words_at_padding_are_ignored(kind: str) -> None:
    net = encoder(kind)
    ids_LT, real_LT = (torch.from_numpy(x) for x in pad(IDS))
    others_LT = torch.where(real_LT, ids_LT, 11)
    torch.testing.assert_close(net(others_LT, real_LT)[real_LT], net(ids_LT, real_LT)[real_LT])


@pytest.mark.parametrize("kind", ENCODERS)
def test_a_sentence_without_words_does_not_change_the_others(kind: str) -> None:
    net = encoder(kind)
    s_LTD, real_LT = encode(net, [[], *IDS])
    assert torch.isfinite(s_LTD).all()
    torch.testing.assert_close(s_LTD[1:][real_LT[1:]], encode(net, IDS)[0][encode(net, IDS)[1]])


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        ("brnn", [True, True, True, True]),
        ("gru", [True, True, True, True]),
        ("transformer", [True, True, True, True]),
        ("rnn", [False, False, True, True]),
        ("bag", [False, False, True, False]),
    ],
)
def test_which_vectors_depend_on_a_word(kind: str, changed: list[bool]) -> None:
    net = encoder(kind, seed=3)
    before, _ = encode(net, [[3, 4, 5, 6]])
    after, _ = encode(net, [[3, 4, 9, 6]])
    assert ((before - after).abs().amax(-1)[0] > 1e-7).tolist() == changed


@pytest.mark.parametrize("kind", FROM_WORDS)
def test_vectors_from_a_file_stay_fixed(kind: str) -> None:
    word_VD = torch.randn(12, 6, dtype=torch.float64)
    net = build(replace(SIZES, kind=kind), 12, word_VD)
    names = {name for name, parameter in net.named_parameters() if parameter.requires_grad}
    assert "words.weight" not in names
    torch.testing.assert_close(net.state_dict()["words.weight"], word_VD.float())
    assert not any("_ih_" in name and name.startswith("recurrent") for name in names)
    trained = build(replace(SIZES, kind=kind), 12)
    assert dict(trained.named_parameters())["words.weight"].requires_grad


def test_the_input_weights_of_the_recurrence_are_the_identity() -> None:
    state = encoder("brnn").state_dict()
    for number in (0, 1):
        assert torch.equal(state[f"recurrent.{number}.rnn.weight_ih_l0"], torch.eye(4))
        assert not state[f"recurrent.{number}.rnn.bias_ih_l0"].any()


@pytest.mark.parametrize(
    ("kind", "dropout", "word_dropout"), [("brnn", 0.5, 0.0), ("gru", 0.0, 0.5), ("transformer", 0.5, 0.0)]
)
def test_dropout_acts_only_in_training(kind: str, dropout: float, word_dropout: float) -> None:
    net = encoder(kind, dropout=dropout, word_dropout=word_dropout)
    torch.testing.assert_close(encode(net, IDS)[0], encode(encoder(kind), IDS)[0])
    net.train()
    assert not torch.allclose(encode(net, IDS)[0], encode(net, IDS)[0])


def test_invalid_options_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown sentence encoder 'choir': choose from .*gru"):
        SentenceConfig(kind="choir")
    with pytest.raises(ValueError, match="positive"):
        SentenceConfig(hidden=0)
    with pytest.raises(ValueError, match=r"\(12, 7\), wanted \(12, 6\)"):
        build(SentenceConfig(word_size=6), 12, torch.zeros(12, 7))
    with pytest.raises(ValueError, match="needs the option `transformer`"):
        SentenceConfig(kind="transformer")
    transformer = TransformerConfig(architecture=BERT, begin=1, end=2, pieces=2)
    with pytest.raises(ValueError, match="has its own words"):
        build(replace(SIZES, kind="transformer", transformer=transformer), 12, torch.zeros(12, 6))
