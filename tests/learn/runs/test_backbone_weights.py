"""Files of weights: read by content, and refused in one line if they are something else."""

import hashlib
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from dvsa.learn.nets.backbones.small import SmallConvNet
from dvsa.learn.runs.backbone_weights import BackboneWeights


def test_weights_come_into_the_backbone(tmp_path: Path) -> None:
    theirs, net = SmallConvNet(), SmallConvNet()
    save_file(theirs.state_dict(), tmp_path / "small.safetensors")
    opened = BackboneWeights.open(tmp_path / "small.safetensors")
    assert opened.sha256 == hashlib.sha256(opened.path.read_bytes()).hexdigest()
    opened.load_into(net, "small")
    assert all(torch.equal(w, theirs.state_dict()[name]) for name, w in net.state_dict().items())


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    save_file(SmallConvNet(width=32).state_dict(), tmp_path / "wide.safetensors")
    with pytest.raises(
        ValueError, match=r"wide\.safetensors is not of the backbone small: .*has shape"
    ) as raised:
        BackboneWeights.open(tmp_path / "wide.safetensors").load_into(SmallConvNet(), "small")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_named(tmp_path: Path, value: float) -> None:
    weights = SmallConvNet().state_dict()
    name = max(weights)
    weights[name] = torch.full_like(weights[name].float(), value)
    save_file(weights, tmp_path / "small.safetensors")
    opened = BackboneWeights.open(tmp_path / "small.safetensors")
    with pytest.raises(ValueError, match=rf"small\.safetensors: the weight {name} has NaN or infinite"):
        opened.load_into(SmallConvNet(), "small")


class Spy:
    """Leaves a trace if it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.trace,)


def test_a_pickle_is_refused_and_not_read(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    torch.save({"weight": Spy(trace)}, tmp_path / "weights.pth")
    for name, content in (
        ("weights.pth", None),
        ("empty.safetensors", b""),
        ("cut.safetensors", b"\x20" * 9),
    ):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"{name} is not a safetensors file .*save_file$") as raised:
            BackboneWeights.open(tmp_path / name)
        assert "\n" not in str(raised.value)
    assert not trace.exists()


def test_a_missing_file_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="none"):
        BackboneWeights.open(tmp_path / "none.safetensors")
