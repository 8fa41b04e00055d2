"""Captioners against literal loops over their equations, and which regions each depends on."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dvsa.learn.nets.captioner import CAPTIONERS, Captioner, CaptionerConfig, at, build, limited
from dvsa.learn.nets.vision_config import GEOMETRY

FEATURES, REGIONS = 7 + GEOMETRY, 4
LOG_FREQUENCY = torch.tensor([0.3, 1e-6, 1e-6, 0.4, 0.2, 0.05, 0.05]).log()
TOKENS = torch.tensor([[1, 3, 5, 4], [2, 6, 6, 3], [1, 4, 0, 0]])
FOCUS = torch.tensor([REGIONS - 1, 1, 0])


def captioner(kind: str, seed: int = 0, dropout: float = 0.0, beside: bool = False) -> Captioner:
    """A small captioner in eval mode, with random weights, also where they normally start at 0."""
    torch.manual_seed(seed)
    cfg = CaptionerConfig(kind=kind, hidden=6, word_size=5, dropout=dropout, beside=beside)
    net = build(cfg, FEATURES, LOG_FREQUENCY)
    for parameter in net.parameters():
        if parameter.requires_grad:
            nn.init.normal_(parameter, std=0.6)
    return net.eval()


def features(seed: int = 1) -> Tensor:
    torch.manual_seed(seed)
    return torch.rand(len(TOKENS), REGIONS, FEATURES)


@pytest.mark.parametrize("beside", [False, True])
def test_the_papers_rnn_equals_a_literal_loop(beside: bool) -> None:
    net, feature_BIF = captioner("rnn", beside=beside), features()
    w = {name: tensor.double().numpy() for name, tensor in net.state_dict().items()}
    W_hh, b_h = (w[f"hh.recurrence.rnn.{name}_hh_l0"] for name in ("weight", "bias"))
    with torch.no_grad():
        logit_BTV = net(feature_BIF, FOCUS, TOKENS).numpy()

    for b, tokens in enumerate(TOKENS.tolist()):
        h = np.zeros(6)
        for t, token in enumerate(tokens):
            total = w["hx.weight"] @ w["words.weight"][token] + W_hh @ h + b_h
            if t == 0:
                total = total + w["hi.weight"] @ image(feature_BIF[b], FOCUS[b], beside)
            h = np.maximum(total, 0)
            np.testing.assert_allclose(logit_BTV[b, t], w["oh.weight"] @ h + w["oh.bias"], atol=1e-5)


def image(feature_IF: Tensor, focus: Tensor, beside: bool) -> np.ndarray:
    """The input of the paper's captioners: the region, with or without the frame, but not its place."""
    seen_IF = feature_IF[:, :-GEOMETRY].double().numpy()
    return np.concatenate([seen_IF[focus], seen_IF[-1]]) if beside else seen_IF[focus]


def gates(total: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One step of an LSTM from the sum at its gates: outputs and cells."""
    i, f, g, o = np.split(total, 4)
    c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
    return np.tanh(c) / (1 + np.exp(-o)), c


def test_the_lstm_equals_a_literal_loop() -> None:
    net, feature_BIF = captioner("lstm"), features()
    w = {name: tensor.double().numpy() for name, tensor in net.state_dict().items()}
    cell = {name.removeprefix("hh.lstm."): array for name, array in w.items()}
    with torch.no_grad():
        logit_BTV = net(feature_BIF, FOCUS, TOKENS).numpy()

    for b, tokens in enumerate(TOKENS.tolist()):
        h, c = np.zeros(6), np.zeros(6)
        for t, token in enumerate(tokens):
            x = w["hx.weight"] @ w["words.weight"][token]
            if t == 0:
                x = x + w["hi.weight"] @ image(feature_BIF[b], FOCUS[b], False)
            total = cell["weight_ih_l0"] @ x + cell["bias_ih_l0"]
            h, c = gates(total + cell["weight_hh_l0"] @ h + cell["bias_hh_l0"], c)
            np.testing.assert_allclose(logit_BTV[b, t], w["oh.weight"] @ h + w["oh.bias"], atol=1e-5)


def test_the_lstm_with_attention_equals_a_literal_loop() -> None:
    net, feature_BIF = captioner("attention"), features()
    w = {name: tensor.double().numpy() for name, tensor in net.state_dict().items()}
    with torch.no_grad():
        logit_BTV = net(feature_BIF, FOCUS, TOKENS).numpy()

    for b, tokens in enumerate(TOKENS.tolist()):
        # The features of the regions, and the first state.
        seen = feature_BIF[b].double().numpy() @ w["see.0.weight"].T + w["see.0.bias"]
        seen = (seen - seen.mean(1, keepdims=True)) / np.sqrt(seen.var(1, keepdims=True) + 1e-5)
        seen = np.maximum(seen * w["see.1.weight"] + w["see.1.bias"], 0)
        focus = int(FOCUS[b])
        h, c = np.split(np.tanh(w["begin.weight"] @ seen[focus] + w["begin.bias"]), 2)
        visible = range(REGIONS) if focus == REGIONS - 1 else (focus, REGIONS - 1)

        for t, token in enumerate(tokens):
            # Attention, the LSTM, and the next word.
            query = w["query.weight"] @ h + w["query.bias"]
            key = {i: w["key.weight"] @ seen[i] + w["key.bias"] for i in visible}
            score = {i: np.exp(float((w["score.weight"] @ np.tanh(key[i] + query))[0])) for i in visible}
            context = np.sum([score[i] * seen[i] for i in visible], axis=0) / sum(score.values())
            x = np.concatenate([w["words.weight"][token], context])
            total = w["lstm.weight_ih"] @ x + w["lstm.bias_ih"]
            h, c = gates(total + w["lstm.weight_hh"] @ h + w["lstm.bias_hh"], c)
            out = np.tanh(w["out.weight"] @ np.concatenate([h, context]) + w["out.bias"])
            np.testing.assert_allclose(logit_BTV[b, t], w["words.weight"] @ out + w["bias_V"], atol=1e-4)


@pytest.mark.parametrize("kind", CAPTIONERS)
def test_steps_equal_forward_in_any_order_of_the_batch(kind: str) -> None:
    net, feature_BIF = captioner(kind), features()
    with torch.no_grad():
        logit_BTV = net(feature_BIF, FOCUS, TOKENS)
        order = torch.tensor([2, 0, 1])
        state = net.start(feature_BIF, FOCUS)
        assert all(len(part) == len(TOKENS) for part in state)
        state = tuple(part[order] for part in state)  # as a beam search does
        for t in range(TOKENS.shape[1]):
            logit_BV, state = net.step(TOKENS[order, t], state)
            torch.testing.assert_close(logit_BV, logit_BTV[order, t])


def test_the_rnn_sees_the_image_only_at_the_first_word() -> None:
    net, feature_BIF = captioner("rnn"), features()
    with torch.no_grad():
        _, (rest_BH, h_BH) = net.step(TOKENS[:, 0], net.start(feature_BIF, FOCUS))
        assert not rest_BH.any()
        dict(net.named_parameters())["hh.recurrence.rnn.weight_hh_l0"].zero_()  # cut off the past
        first, state = net.step(TOKENS[:, 0], net.start(feature_BIF, FOCUS))
        other, changed = net.step(TOKENS[:, 0], net.start(features(seed=2), FOCUS))
        assert h_BH.any()
        assert not torch.allclose(first, other)
        torch.testing.assert_close(net.step(TOKENS[:, 1], state)[0], net.step(TOKENS[:, 1], changed)[0])


@pytest.mark.parametrize("beside", [False, True])
def test_the_rnn_sees_its_focus_and_perhaps_the_frame_but_not_their_places(beside: bool) -> None:
    net, feature_BIF = captioner("rnn", beside=beside), features().requires_grad_()
    (grad_BIF,) = torch.autograd.grad(net(feature_BIF, FOCUS, TOKENS).sum(), feature_BIF)
    for b, focus in enumerate(FOCUS.tolist()):
        seen = {focus, REGIONS - 1} if beside else {focus}
        assert {i for i in range(REGIONS) if grad_BIF[b, i].any()} == seen
        assert not grad_BIF[b, :, -GEOMETRY:].any()


def test_the_phrase_of_a_region_does_not_depend_on_other_regions() -> None:
    net, feature_BIF = captioner("attention"), features().requires_grad_()
    logit_BTV = net(feature_BIF, FOCUS, TOKENS)
    (grad_BIF,) = torch.autograd.grad(logit_BTV.square().sum(), feature_BIF)
    for b, focus in enumerate(FOCUS.tolist()):
        visible = set(range(REGIONS)) if focus == REGIONS - 1 else {focus, REGIONS - 1}
        assert {i for i in range(REGIONS) if grad_BIF[b, i].any()} == visible
    with torch.no_grad():
        changed_BIF = feature_BIF.clone()
        changed_BIF[1, [0, 2]] = 100.0
        assert torch.equal(net(changed_BIF, FOCUS, TOKENS)[1], logit_BTV[1])


@pytest.mark.parametrize("kind", CAPTIONERS)
def test_the_softmax_bias_starts_at_the_log_frequencies(kind: str) -> None:
    net = build(CaptionerConfig(kind=kind, hidden=6, word_size=5), FEATURES, LOG_FREQUENCY)
    bias_V = dict(net.named_parameters())["bias_V" if kind == "attention" else "oh.bias"]
    torch.testing.assert_close(bias_V.detach(), LOG_FREQUENCY)
    assert bias_V.requires_grad
    with torch.no_grad():
        bias_V.zero_()
    assert LOG_FREQUENCY.all()  # the bias is a copy: training does not change the caller's tensor


@pytest.mark.parametrize("kind", CAPTIONERS)
def test_dropout_acts_only_in_training(kind: str) -> None:
    net, feature_BIF = captioner(kind, dropout=0.5), features()
    torch.testing.assert_close(net(feature_BIF, FOCUS, TOKENS), captioner(kind)(feature_BIF, FOCUS, TOKENS))
    net.train()
    assert not torch.allclose(net(feature_BIF, FOCUS, TOKENS), net(feature_BIF, FOCUS, TOKENS))


def test_at_takes_one_row_of_each_photograph() -> None:
    x_BIF = features()
    torch.testing.assert_close(at(x_BIF, FOCUS), torch.stack([x_BIF[b, i] for b, i in enumerate(FOCUS)]))


def test_invalid_options_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown captioner 'gpt': choose from .*rnn"):
        CaptionerConfig(kind="gpt")
    with pytest.raises(ValueError, match="dropout"):
        CaptionerConfig(dropout=1.0)


@pytest.mark.parametrize("kind", sorted(CAPTIONERS))
def test_a_captioner_of_fewer_words_gives_these_the_same_logits(kind: str) -> None:
    net, kept = captioner(kind), [0, 1, 2, 4, 6]
    fewer = limited(net, kept)
    state, own = (part.start(features(), FOCUS) for part in (net, fewer))
    with torch.no_grad():
        for token in (1, 3, 4):
            wanted_BV, state = net.step(torch.full((3,), kept[token]), state)
            found_BV, own = fewer.step(torch.full((3,), token), own)
            torch.testing.assert_close(found_BV, wanted_BV[:, kept])
