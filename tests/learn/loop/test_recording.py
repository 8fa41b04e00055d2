"""Gradients of a step; a recorded step equals a computed one."""

import copy

import pytest
import torch
from torch import Tensor, nn

from dvsa.learn.loop import trainer
from dvsa.learn.loop.recording import WARM_UP, Recorder
from dvsa.learn.tasks import fused_maxsim, objective

GPU = torch.device("cuda" if torch.cuda.is_available() else "cpu")
Pair = tuple[Tensor, Tensor]


class Reader(nn.Module):
    """A small network with words, a recurrence and dropout."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.words = nn.Embedding(20, 8)
        self.read = nn.GRU(8, 8, batch_first=True)
        self.dropout, self.out = nn.Dropout(dropout), nn.Linear(8, 1)

    def loss(self, inputs: Pair) -> Tensor:
        ids_LT, y_L = inputs
        h_LH = self.dropout(self.read(self.words(ids_LT))[0][:, -1])
        loss: Tensor = (self.out(h_LH)[:, 0] - y_L).square().mean()
        return loss


def batches(count: int) -> list[Pair]:
    """Batches of three shapes that come again and again."""
    torch.manual_seed(1)
    return [(torch.randint(0, 20, (4, 3 + n % 3)).to(GPU), torch.randn(4).to(GPU)) for n in range(count)]


def test_gradients_replace_those_of_the_step_before() -> None:
    net = Reader(0.0).to(GPU)
    recorder = Recorder(list(net.parameters()), record=False)
    first, second = batches(2)
    recorder.gradients(net.loss, first)
    loss = recorder.gradients(net.loss, second)
    assert not loss.requires_grad
    wanted = torch.autograd.grad(net.loss(second), list(net.parameters()))
    torch.testing.assert_close([p.grad for p in net.parameters()], list(wanted))


@pytest.mark.skipif(GPU.type == "cpu", reason="needs a GPU")
def test_kernels_of_scores_are_recorded() -> None:
    pytest.importorskip("triton", reason="the kernels need Triton")
    torch.manual_seed(0)
    net = nn.Linear(16, 16).to(GPU)
    v_KID, s_LTD = torch.randn(300, 20, 16, device=GPU), torch.randn(2000, 16, 16, device=GPU)
    real_LT = torch.rand(2000, 16, device=GPU) < 0.7

    def loss(x_KID: Tensor) -> Tensor:
        return objective.maxsim(net(x_KID), s_LTD, real_LT).square().mean()

    found = []
    with trainer._fast_products(GPU):
        assert fused_maxsim.serves(v_KID, s_LTD)
        for record in (True, False):
            recorder = Recorder(list(net.parameters()), record=record)
            for step in range(WARM_UP + 2):
                value = recorder.gradients(loss, v_KID + step).clone()
            assert bool(recorder.recordings) == record
            found.append([value, *(p.grad.clone() for p in net.parameters() if p.grad is not None)])
    torch.testing.assert_close(*found, rtol=1e-3, atol=1e-2)


@pytest.mark.skipif(GPU.type == "cpu", reason="needs a GPU")
def test_recorded_steps_equal_computed_ones() -> None:
    one, other = Reader(0.3).to(GPU), Reader(0.3).to(GPU)
    other.load_state_dict(copy.deepcopy(one.state_dict()))
    recorded = Recorder(list(one.parameters()), record=True)
    computed = Recorder(list(other.parameters()), record=False)
    for step, batch in enumerate(batches(30)):
        losses = []
        for net, recorder in ((one, recorded), (other, computed)):
            torch.manual_seed(step)  # dropout follows the seed
            losses.append(recorder.gradients(net.loss, batch).clone())
            with torch.no_grad():
                for p in net.parameters():
                    assert p.grad is not None
                    p.sub_(0.1 * p.grad)
        torch.testing.assert_close(*losses)
    torch.testing.assert_close(one.state_dict(), other.state_dict())
    assert len(recorded.recordings) == 3
    assert all(count == 10 > WARM_UP for count in recorded.seen.values())
