"""Beam search in torch against `dvsa.beam`, with the steps of the same captioner."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor, nn

from dvsa import beam
from dvsa.arrays import FloatArray, IntArray
from dvsa.fluency import Fluency
from dvsa.learn.nets.beam import Beams, beam_search
from dvsa.learn.nets.captioner import CAPTIONERS, Captioner, CaptionerConfig, build
from dvsa.learn.nets.fluency import FluencyRules
from dvsa.learn.nets.vision_config import GEOMETRY
from dvsa.text import END, START, Vocabulary

FEATURES, REGIONS, WORDS = 6 + GEOMETRY, 4, 9


def captioner(kind: str, seed: int) -> Captioner:
    """A small captioner with random weights, which ends captions at different lengths."""
    torch.manual_seed(seed)
    net = build(CaptionerConfig(kind=kind, hidden=6, word_size=5), FEATURES, torch.zeros(WORDS))
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.6)
    return net.eval()


def reference(
    net: Captioner, feature_BIF: Tensor, focus_B: Tensor, **options: object
) -> list[list[beam.Hypothesis]]:
    """What `dvsa.beam` finds."""

    def step(token_B: IntArray, state: beam.State) -> tuple[FloatArray, beam.State]:
        tensors = tuple(map(torch.from_numpy, state))
        with torch.no_grad():
            logit_BV, after = net.step(torch.from_numpy(token_B), tensors)
        return logit_BV.log_softmax(-1).numpy(), tuple(part.numpy() for part in after)

    with torch.no_grad():
        state = tuple(part.numpy() for part in net.start(feature_BIF, focus_B))
    return beam.beam_search(step, state, start=START, end=END, **options)  # type: ignore[arg-type]


def assert_equal(beams: Beams, wanted: list[list[beam.Hypothesis]]) -> None:
    for b, hypotheses in enumerate(wanted):
        assert int(beams.total_BW[b].isfinite().sum()) == len(hypotheses)
        for w, hypothesis in enumerate(hypotheses):
            steps = int(beams.steps_BW[b, w])
            tokens = beams.token_BWT[b, w].tolist()
            assert steps == len(hypothesis.logps)
            assert bool(beams.live_BW[b, w]) != hypothesis.finished
            assert tuple(tokens[: len(hypothesis.tokens)]) == hypothesis.tokens
            assert {*tokens[len(hypothesis.tokens) :]} <= {END}
            np.testing.assert_allclose(beams.logp_BWT[b, w, :steps], hypothesis.logps, rtol=1e-4, atol=1e-4)
            assert not beams.logp_BWT[b, w, steps:].any()
            assert beams.total_BW[b, w].item() == pytest.approx(hypothesis.logp, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("kind", sorted(CAPTIONERS))
@given(
    seed=st.integers(0, 9999),
    width=st.integers(1, 6),
    max_len=st.integers(1, 9),
    min_len=st.integers(0, 2),
    length_power=st.sampled_from([0.0, 0.7, 1.0]),
    banned=st.sampled_from([(), (START,), (START, 2)]),
)
def test_the_hypotheses_are_those_of_the_core(
    kind: str,
    seed: int,
    width: int,
    max_len: int,
    min_len: int,
    length_power: float,
    banned: tuple[int, ...],
) -> None:
    net = captioner(kind, seed)
    feature_BIF, focus_B = torch.rand(3, REGIONS, FEATURES), torch.tensor([REGIONS - 1, 0, 2])
    options = {
        "width": width,
        "max_len": max_len,
        "min_len": min_len,
        "length_power": length_power,
        "banned": banned,
    }
    beams = beam_search(net, feature_BIF, focus_B, start=START, end=END, **options)  # type: ignore[arg-type]
    assert_equal(beams, reference(net, feature_BIF, focus_B, **options))


def test_a_beam_wider_than_the_vocabulary_has_empty_places() -> None:
    net = captioner("lstm", 0)
    feature_BIF, focus_B = torch.rand(2, REGIONS, FEATURES), torch.tensor([0, 1])
    beams = beam_search(net, feature_BIF, focus_B, start=START, end=END, width=WORDS + 3, max_len=1)
    wanted = reference(net, feature_BIF, focus_B, width=WORDS + 3, max_len=1)
    assert_equal(beams, wanted)
    assert len(wanted[0]) == WORDS


def test_the_search_ends_soon_after_all_hypotheses_are_finished() -> None:
    net = captioner("attention", 0)
    with torch.no_grad():
        net.get_parameter("bias_V")[END] += 50  # END is certain
    beams = beam_search(
        net, torch.rand(2, REGIONS, FEATURES), torch.tensor([0, 1]), start=START, end=END, width=2, max_len=99
    )
    assert beams.token_BWT.shape[2] < 12


@pytest.mark.parametrize("rich", [0, 10_000])
@given(seed=st.integers(0, 9999), width=st.integers(1, 6), max_len=st.integers(3, 9))
def test_the_rules_of_fluency_are_those_of_the_core(rich: int, seed: int, width: int, max_len: int) -> None:
    vocabulary = Vocabulary(("a", "in", "dog", "red", "runs", "sees"), (9, 8, 7, 6, 5, 4), 9)
    rng = np.random.default_rng(seed)
    sentences = [rng.choice(vocabulary.words, rng.integers(1, 6)).tolist() for _ in range(30)]
    rules, net = Fluency.learn(sentences, vocabulary), captioner("lstm", seed)
    assume(rules.allowed(np.array([[START]]), max_len).any())
    feature_BIF, focus_B = torch.rand(3, REGIONS, FEATURES), torch.tensor([REGIONS - 1, 0, 2])

    def step(token_B: IntArray, state: beam.State) -> tuple[FloatArray, beam.State]:
        with torch.no_grad():
            logit_BV, after = net.step(torch.from_numpy(token_B), tuple(map(torch.from_numpy, state[:-1])))
        said_BT = np.column_stack([state[-1], token_B])
        logp_BV = logit_BV.log_softmax(-1).numpy()
        allowed_BV = rules.allowed(said_BT, max_len)
        return np.where(allowed_BV, logp_BV, -np.inf), (*(part.numpy() for part in after), said_BT)

    with torch.no_grad(), pytest.MonkeyPatch.context() as patch:
        for module in ("dvsa.fluency", "dvsa.learn.nets.fluency"):
            patch.setattr(f"{module}.RICH", rich)
        first = (*(part.numpy() for part in net.start(feature_BIF, focus_B)), np.zeros((3, 0), np.int64))
        wanted = beam.beam_search(step, first, start=START, end=END, width=width, max_len=max_len)
        on_device = FluencyRules.of(rules, torch.device("cpu"))
        beams = beam_search(
            net, feature_BIF, focus_B, start=START, end=END, width=width, max_len=max_len, rules=on_device
        )
    assert_equal(beams, wanted)
