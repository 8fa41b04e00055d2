"""The state of a training on disk."""

from pathlib import Path

import pytest
import torch
from torch import nn

from dvsa.learn.loop import checkpoint
from dvsa.learn.loop.state import TrainingState


def test_a_checkpoint_that_does_not_say_its_step_is_refused(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "last.safetensors", {"x": torch.zeros(1)}, {"step": 1})
    net = nn.Linear(1, 1)
    state = TrainingState(net, net, torch.optim.SGD(net.parameters()))
    with pytest.raises(ValueError, match=r"last\.safetensors does not say its step"):
        state.restore(tmp_path)
