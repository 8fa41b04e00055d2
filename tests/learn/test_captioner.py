"""Captioners against literal loops over their equations, and what each may see."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dvsa.learn.captioner import CAPTIONERS, Captioner, CaptionerConfig, at, build
from dvsa.learn.vision import GEOMETRY

FEATURES, REGIONS = 7 + GEOMETRY, 4
LOG_FREQUENCY = torch.tensor([0.3, 1e-6, 1e-6, 0.4, 0.2, 0.05, 0.05]).log()
TOKENS = torch.tensor([[1, 3, 5, 4], [2, 6, 6, 3], [1, 4, 0, 0]])
FOCUS = torch.tensor([REGIONS - 1, 1, 0])


def captioner(kind: str, seed: int = 0, dropout: float = 0.0) -> Captioner:
    """A small captioner in use, with every weight drawn anew, those that begin at zero too."""
    torch.manual_seed(seed)
    net = build(CaptionerConfig(kind=kind, hidden=6, word_size=5, dropout=dropout), FEATURES, LOG_FREQUENCY)
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.6)
    return net.eval()


def features(seed: int = 1) -> Tensor:
    torch.manual_seed(seed)
    return torch.rand(len(TOKENS), REGIONS, FEATURES)


def test_the_papers_rnn_equals_a_literal_loop() -> None:
    net, feature_BIF = captioner("rnn"), features()
    w = {name: tensor.double().numpy() for name, tensor in net.state_dict().items()}
    with torch.no_grad():
        logit_BTV = net(feature_BIF, FOCUS, TOKENS).numpy()
    for b, tokens in enumerate(TOKENS.tolist()):
        image = feature_BIF[b, FOCUS[b], :-GEOMETRY].double().numpy()
        h = np.zeros(6)
        for t, token in enumerate(tokens):
            total = w["hx.weight"] @ w["words.weight"][token] + w["hh.weight"] @ h + w["hh.bias"]
            if t == 0:
                total = total + w["hi.weight"] @ image
            h = np.maximum(total, 0)
            np.testing.assert_allclose(logit_BTV[b, t], w["oh.weight"] @ h + w["oh.bias"], atol=1e-5)


def test_the_lstm_equals_a_literal_loop() -> None:
    net, feature_BIF = captioner("attention"), features()
    w = {name: tensor.double().numpy() for name, tensor in net.state_dict().items()}
    with torch.no_grad():
        logit_BTV = net(feature_BIF, FOCUS, TOKENS).numpy()
    for b, tokens in enumerate(TOKENS.tolist()):
        seen = feature_BIF[b].double().numpy() @ w["see.0.weight"].T + w["see.0.bias"]
        seen = (seen - seen.mean(1, keepdims=True)) / np.sqrt(seen.var(1, keepdims=True) + 1e-5)
        seen = np.maximum(seen * w["see.1.weight"] + w["see.1.bias"], 0)
        focus = int(FOCUS[b])
        h, c = np.split(np.tanh(w["begin.weight"] @ seen[focus] + w["begin.bias"]), 2)
        visible = range(REGIONS) if focus == REGIONS - 1 else (focus, REGIONS - 1)
        for t, token in enumerate(tokens):
            query = w["query.weight"] @ h + w["query.bias"]
            key = {i: w["key.weight"] @ seen[i] + w["key.bias"] for i in visible}
            score = {i: np.exp(float((w["score.weight"] @ np.tanh(key[i] + query))[0])) for i in visible}
            context = np.sum([score[i] * seen[i] for i in visible], axis=0) / sum(score.values())
            x = np.concatenate([w["words.weight"][token], context])
            gates = w["lstm.weight_ih"] @ x + w["lstm.bias_ih"] + w["lstm.weight_hh"] @ h + w["lstm.bias_hh"]
            i, f, g, o = np.split(gates, 4)
            c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
            h = np.tanh(c) / (1 + np.exp(-o))
            out = np.tanh(w["out.weight"] @ np.concatenate([h, context]) + w["out.bias"])
            np.testing.assert_allclose(logit_BTV[b, t], w["words.weight"] @ out + w["bias_V"], atol=1e-4)


@pytest.mark.parametrize("kind", CAPTIONERS)
def test_step_by_step_equals_forward_in_any_order_of_the_batch(kind: str) -> None:
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


def test_the_image_enters_the_rnn_only_at_the_first_word() -> None:
    net, feature_BIF = captioner("rnn"), features()
    with torch.no_grad():
        _, (h_BH, rest_BH) = net.step(TOKENS[:, 0], net.start(feature_BIF, FOCUS))
        assert not rest_BH.any()
        dict(net.named_parameters())["hh.weight"].zero_()  # cut off the past
        first, state = net.step(TOKENS[:, 0], net.start(feature_BIF, FOCUS))
        other, changed = net.step(TOKENS[:, 0], net.start(features(seed=2), FOCUS))
        assert h_BH.any()
        assert not torch.allclose(first, other)
        torch.testing.assert_close(net.step(TOKENS[:, 1], state)[0], net.step(TOKENS[:, 1], changed)[0])


def test_the_rnn_sees_its_focus_alone_and_not_where_it_lies() -> None:
    net, feature_BIF = captioner("rnn"), features().requires_grad_()
    (grad_BIF,) = torch.autograd.grad(net(feature_BIF, FOCUS, TOKENS).sum(), feature_BIF)
    for b, focus in enumerate(FOCUS.tolist()):
        assert {i for i in range(REGIONS) if grad_BIF[b, i].any()} == {focus}
        assert not grad_BIF[b, focus, -GEOMETRY:].any()


def test_a_regions_phrase_cannot_see_other_regions() -> None:
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
    bias_V = dict(net.named_parameters())["oh.bias" if kind == "rnn" else "bias_V"]
    torch.testing.assert_close(bias_V.detach(), LOG_FREQUENCY)
    assert bias_V.requires_grad
    with torch.no_grad():
        bias_V.zero_()
    assert LOG_FREQUENCY.all()  # a copy: training does not write into the caller's tensor


@pytest.mark.parametrize("kind", CAPTIONERS)
def test_dropout_is_for_training_alone(kind: str) -> None:
    net, feature_BIF = captioner(kind, dropout=0.5), features()
    torch.testing.assert_close(net(feature_BIF, FOCUS, TOKENS), captioner(kind)(feature_BIF, FOCUS, TOKENS))
    net.train()
    assert not torch.allclose(net(feature_BIF, FOCUS, TOKENS), net(feature_BIF, FOCUS, TOKENS))


def test_at_picks_one_row_of_each() -> None:
    x_BIF = features()
    torch.testing.assert_close(at(x_BIF, FOCUS), torch.stack([x_BIF[b, i] for b, i in enumerate(FOCUS)]))


def test_bad_configurations_are_refused() -> None:
    with pytest.raises(ValueError, match=r"no captioner 'gpt'; there are attention, rnn"):
        CaptionerConfig(kind="gpt")
    with pytest.raises(ValueError, match="dropout"):
        CaptionerConfig(dropout=1.0)
