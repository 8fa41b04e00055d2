"""Scores and losses against literal loops over their formulas."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from dvsa import maxsim as reference
from dvsa.learn.tasks import objective
from dvsa.learn.tasks.objective import (
    LOSSES,
    SCORES,
    defrag,
    grounding,
    info_nce,
    max_margin,
    maxsim,
    of_all_places,
    of_real_words,
)

sizes = st.integers(1, 4)
seeds = st.integers(0, 10_000)


def draw(K: int, I: int, L: int, T: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:  # noqa: E741
    """Random regions, words, and a mask of real words; a sentence may be empty."""
    torch.manual_seed(seed)
    return torch.randn(K, I, 3), torch.randn(L, T, 3), torch.arange(T) < torch.randint(0, T + 1, (L, 1))


def pairs(K: int, L: int, seed: int) -> tuple[Tensor, Tensor]:
    """Scores of about the size of the margin, and the photograph of each of several sentences."""
    torch.manual_seed(seed)
    return torch.randn(K, L, dtype=torch.float64), torch.randint(0, K, (L,))


@given(sizes, sizes, sizes, sizes, seeds)
def test_scores_equal_literal_loops(K: int, I: int, L: int, T: int, seed: int) -> None:  # noqa: E741
    v_KID, s_LTD, real_LT = draw(K, I, L, T, seed)
    for k in range(K):
        for n in range(L):
            best = total = 0.0
            for t in range(T):
                if real_LT[n, t]:
                    dots = [float(v_KID[k, i] @ s_LTD[n, t]) for i in range(I)]
                    best += max(dots)
                    total += sum(max(0.0, dot) for dot in dots)
            assert float(maxsim(v_KID, s_LTD, real_LT)[k, n]) == pytest.approx(best, abs=1e-5)
            assert float(defrag(v_KID, s_LTD, real_LT)[k, n]) == pytest.approx(total, abs=1e-5)


@given(sizes, sizes, sizes, sizes, seeds)
def test_scores_equal_those_of_dvsa_maxsim(K: int, I: int, L: int, T: int, seed: int) -> None:  # noqa: E741
    parts = draw(K, I, L, T, seed)
    arrays = [x.numpy() for x in parts]
    torch.testing.assert_close(maxsim(*parts), torch.from_numpy(reference.scores(*arrays)))
    torch.testing.assert_close(defrag(*parts), torch.from_numpy(reference.defrag(*arrays)))


@given(sizes, sizes, sizes, sizes, seeds)
def test_a_gpu_and_a_cpu_sum_the_same_scores(K: int, I: int, L: int, T: int, seed: int) -> None:  # noqa: E741
    parts = draw(K, I, L, T, seed)
    for over_regions in (lambda dot: dot.max(2).values, lambda dot: dot.clamp(min=0).sum(2)):
        both = (summed(over_regions, *parts) for summed in (of_all_places, of_real_words))
        torch.testing.assert_close(*both)


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("most", [1, 60, 100])
def test_blocks_of_sentences_give_the_same_scores_and_gradients(
    name: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    v_KID, s_LTD, real_LT = draw(3, 4, 7, 5, seed=1)
    v_KID, s_LTD = v_KID.double(), s_LTD.double()  # processors round sums in other orders
    leaves = v_KID.requires_grad_(), s_LTD.requires_grad_()
    results = []
    for table in (objective.TABLE, most):
        monkeypatch.setattr(objective, "TABLE", table)
        S_KL = SCORES[name](v_KID, s_LTD, real_LT)
        results.append((S_KL, *torch.autograd.grad(S_KL.square().sum(), leaves)))
    torch.testing.assert_close(*results)


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("filling", [0.0, 1e3, -1e3])
def test_padding_never_changes_a_score(name: str, filling: float) -> None:
    v_KID, s_LTD, real_LT = draw(3, 4, 5, 6, seed=0)
    filled_LTD = s_LTD.masked_fill(~real_LT[..., None], filling)
    wider_LTD = torch.nn.functional.pad(filled_LTD, (0, 0, 0, 2), value=filling)
    wider_LT = torch.nn.functional.pad(real_LT, (0, 2))
    torch.testing.assert_close(SCORES[name](v_KID, wider_LTD, wider_LT), SCORES[name](v_KID, s_LTD, real_LT))


def test_negative_words_give_a_negative_maxsim_and_a_defrag_of_0() -> None:
    v_KID, s_LTD = torch.ones(1, 2, 3), -torch.ones(1, 4, 3)
    assert maxsim(v_KID, s_LTD, torch.tensor([[True, True, False, False]])).item() == -6
    assert defrag(v_KID, s_LTD, torch.ones(1, 4, dtype=torch.bool)).item() == 0


@given(sizes, st.integers(1, 6), seeds, st.sampled_from([1.0, 0.2]))
def test_max_margin_equals_literal_loops(K: int, L: int, seed: int, margin: float) -> None:
    S_KL, owner_L = pairs(K, L, seed)
    loss = 0.0
    for n in range(L):
        k = int(owner_L[n])
        for rival in range(L):
            if owner_L[rival] != k:
                loss += max(0.0, float(S_KL[k, rival] - S_KL[k, n]) + margin)
        for rival in range(K):
            if rival != k:
                loss += max(0.0, float(S_KL[rival, n] - S_KL[k, n]) + margin)
    assert max_margin(S_KL, owner_L, margin).item() == pytest.approx(loss / L)


@given(sizes, seeds)
def test_max_margin_of_one_sentence_each_is_the_papers_sum_over_pairs(K: int, seed: int) -> None:
    S_KK, _ = pairs(K, K, seed)
    paper = sum(
        max(0.0, float(S_KK[k, n] - S_KK[k, k]) + 1) + max(0.0, float(S_KK[n, k] - S_KK[k, k]) + 1)
        for k in range(K)
        for n in range(K)
    )
    assert max_margin(S_KK, torch.arange(K)).item() == pytest.approx(paper / K - 2)


@given(sizes, st.integers(1, 6), seeds)
def test_info_nce_equals_literal_loops(K: int, L: int, seed: int) -> None:
    S_KL, owner_L = pairs(K, L, seed)
    to_photo = to_sentence = 0.0
    for n in range(L):
        k = int(owner_L[n])
        true = math.exp(S_KL[k, n])
        to_photo -= math.log(true / sum(math.exp(S_KL[j, n]) for j in range(K)))
        wrong = sum(math.exp(S_KL[k, m]) for m in range(L) if owner_L[m] != k)
        to_sentence -= math.log(true / (true + wrong))
    assert info_nce(S_KL, owner_L).item() == pytest.approx((to_photo + to_sentence) / L / 2)


@given(st.integers(0, 5), sizes, seeds)
def test_grounding_equals_a_literal_loop(P: int, I: int, seed: int) -> None:  # noqa: E741
    torch.manual_seed(seed)
    dot_PI, iou_PI = torch.randn(P, I), torch.rand(P, I)
    losses = []
    for dots, overlaps in zip(dot_PI.tolist(), iou_PI.tolist(), strict=True):
        target = [overlap if overlap >= 0.5 else 0.0 for overlap in overlaps]
        if sum(target):
            total = math.log(sum(math.exp(dot) for dot in dots))
            losses.append(sum(t / sum(target) * (total - dot) for t, dot in zip(target, dots, strict=True)))
    wanted = sum(losses) / len(losses) if losses else 0.0
    assert grounding(dot_PI, iou_PI).item() == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("owners", [[0], [0, 0], [0, 1, 1, 0, 2], [2, 2, 2]])
def test_gradients_are_finite(loss: str, score: str, owners: list[int]) -> None:
    v_KID, s_LTD, real_LT = draw(max(owners) + 1, 4, len(owners), 5, seed=3)
    real_LT[0] = False  # a sentence without words
    v_KID.requires_grad_()
    s_LTD.requires_grad_()
    LOSSES[loss](SCORES[score](20 * v_KID, s_LTD, real_LT), torch.tensor(owners)).backward()  # type: ignore[no-untyped-call]
    for leaf in (v_KID, s_LTD):
        assert leaf.grad is not None
        assert torch.isfinite(leaf.grad).all()
    assert s_LTD.grad is not None
    assert not s_LTD.grad[~real_LT].any()


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_falls_if_true_pairs_score_higher(name: str) -> None:
    S_KL, owner_L = torch.zeros(3, 5), torch.tensor([0, 0, 1, 2, 2])
    true_KL = torch.nn.functional.one_hot(owner_L, 3).T.float()
    assert LOSSES[name](S_KL + 20 * true_KL, owner_L) < 1e-6 < LOSSES[name](S_KL, owner_L)
