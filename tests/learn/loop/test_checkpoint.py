"""Checkpoints: tensors and facts are read as they were written, and damaged files are found."""

import math
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from dvsa.learn.loop import checkpoint
from dvsa.learn.loop.optimizer import BUILDERS


def tensors() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {
        "a": torch.randn(3, 4).T,
        "b/c": torch.tensor(2.5, requires_grad=True),
        "n": torch.arange(5),
        "h": torch.randn(2).half(),
        "last": torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last),
    }


def test_tensors_and_facts_are_read_as_they_were_written(tmp_path: Path) -> None:
    facts: dict[str, checkpoint.JsonValue] = {"step": 3, "best": -math.inf, "lines": [{"x": 0.1 + 0.2}]}
    checkpoint.save(tmp_path / "deep" / "w.safetensors", tensors(), facts)
    found, found_facts = checkpoint.load(tmp_path / "deep" / "w.safetensors")
    assert found_facts == facts
    assert found.keys() == tensors().keys()
    for name, tensor in tensors().items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)


def test_files_have_ordinary_permissions(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        checkpoint.save(tmp_path / "w.safetensors", tensors(), {})
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "w.safetensors").stat().st_mode) == 0o644


def test_a_missing_or_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    with pytest.raises(ValueError, match=r"no checkpoint at .*w\.safetensors: the stage is not finished"):
        checkpoint.load(path)
    checkpoint.save(path, tensors(), {})
    whole = path.read_bytes()
    for damaged in (b"", whole[:5], whole[:-1], b"\xff" * 100, b"PK\x03\x04" + whole):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"w\.safetensors is damaged"):
            checkpoint.load(path)


def test_prefixes_are_added_and_removed() -> None:
    both = checkpoint.prefixed("model", tensors()) | checkpoint.prefixed("mean", {"a": torch.zeros(1)})
    assert checkpoint.under("model", both).keys() == tensors().keys()
    assert checkpoint.under("mean", both).keys() == {"a"}
    assert not checkpoint.under("mod", both)


@pytest.mark.parametrize("make", BUILDERS.values())
def test_an_optimizer_continues_from_its_saved_state(
    tmp_path: Path, make: Callable[..., torch.optim.Optimizer]
) -> None:
    def fresh() -> tuple[nn.Linear, torch.optim.Optimizer]:
        torch.manual_seed(0)
        net = nn.Linear(3, 2)
        return net, make([{"params": [net.weight], "lr": 0.1}, {"params": [net.bias], "lr": 0.2}], False)

    def step(net: nn.Linear, optimizer: torch.optim.Optimizer) -> None:
        optimizer.zero_grad()
        net(torch.ones(1, 3)).square().sum().backward()
        optimizer.step()

    # One step, saved and restored.
    net, optimizer = fresh()
    step(net, optimizer)
    checkpoint.save(tmp_path / "o", checkpoint.optimizer_tensors(optimizer), {})
    other, resumed = fresh()
    other.load_state_dict(net.state_dict())
    checkpoint.restore_optimizer(resumed, checkpoint.load(tmp_path / "o")[0])

    # Three more, with the one that went on and with the restored one.
    for _ in range(3):
        step(net, optimizer)
        step(other, resumed)
    assert torch.equal(net.weight, other.weight)
    assert torch.equal(net.bias, other.bias)
