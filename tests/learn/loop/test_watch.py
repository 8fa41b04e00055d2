"""What a training says beside its bar."""

import pytest
import torch

from dvsa.learn.loop import watch
from dvsa.learn.loop.watch import Watch, memory_of

CPU = torch.device("cpu")


def test_a_text_once_a_second_counts_the_examples_since_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 10.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    monkeypatch.setattr(watch, "memory_of", lambda device: 3 * 2**29)
    watched, loss = Watch(CPU), torch.tensor(6.0)
    now = 10.5
    assert watched.look(100, loss, 2, 1e-3) == ""
    now = 12.0
    assert watched.look(300, loss, 4, 1e-3) == "loss 1.5, lr 0.001, 200 examples/s, 1.5 GiB"
    now = 12.5
    assert watched.look(100, loss, 4, 1e-3) == ""
    now = 13.0
    assert watched.look(100, loss, 4, 1e-3).endswith("200 examples/s, 1.5 GiB")


def test_memory_is_that_of_this_process() -> None:
    before = memory_of(CPU)
    ones = torch.ones(64 * 2**20)  # 256 MiB
    assert memory_of(CPU) >= max(before, 4 * len(ones))
