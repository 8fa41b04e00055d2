"""Boxed phrases of a batch: padding changes no loss."""

import numpy as np
import torch

from dvsa.learn.tasks import objective
from dvsa.learn.tasks.phrases import Phrases, phrase_scores
from dvsa.learn.tasks.ragged import NO_PHRASES, PhraseTarget, PhraseTargets

CPU = torch.device("cpu")


def test_padding_changes_neither_the_grounding_loss_nor_its_gradients() -> None:
    torch.manual_seed(0)
    v_KID, s_LTD = torch.randn(3, 5, 8, requires_grad=True), torch.randn(4, 6, 8, requires_grad=True)
    low_KI2 = 0.5 * torch.rand(3, 5, 2)
    feature_KIF = torch.cat([torch.rand(3, 5, 7), low_KI2, low_KI2 + 0.5, torch.rand(3, 5, 1)], -1)
    named = [
        [PhraseTarget((0, 1), (0.1, 0.1, 0.6, 0.6)), PhraseTarget((3,), (0.2, 0.2, 0.8, 0.7))],
        [],
        [PhraseTarget((5, 4), (0.3, 0.3, 0.8, 0.8))],
        [PhraseTarget((2,), (0.0, 0.3, 0.5, 0.8))],
    ]
    boxed, owner_L = PhraseTargets([named]).of(np.arange(4)), np.array([2, 0, 1, 0])

    found = []
    for unit in (1, 64):
        phrases = Phrases.of(boxed, owner_L, 6, CPU, unit)
        assert len(phrases.box_P4) == (4 if unit == 1 else 64)
        assert phrases.photo_P[:4].tolist() == [2, 2, 1, 0]
        assert phrases.inside_PT[:4].nonzero().tolist() == [[0, 0], [0, 1], [1, 3], [2, 4], [2, 5], [3, 2]]
        loss = objective.grounding(*phrase_scores(v_KID, s_LTD, feature_KIF, phrases))
        found.append((loss, *torch.autograd.grad(loss, (v_KID, s_LTD))))
    torch.testing.assert_close(found[0], found[1])
    assert found[0][0] > 0


def test_a_batch_may_have_no_phrases() -> None:
    assert Phrases.of(NO_PHRASES, np.array([0, 1]), 3, CPU).inside_PT.shape == (0, 3)
    assert Phrases.of(NO_PHRASES, np.array([0, 1]), 3, CPU, 64).box_P4.shape == (0, 4)
