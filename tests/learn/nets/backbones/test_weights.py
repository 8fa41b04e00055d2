"""Weights into a network: all of them, or an error that names one, and then nothing is changed."""

import pytest
import torch
from torch import Tensor, nn

from dvsa.learn.nets.backbones.weights import fill, without_classifier


def net() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))


def full() -> dict[str, Tensor]:
    return {name: torch.full_like(w, 2) for name, w in net().state_dict().items()}


def test_weights_are_copied_in_the_precision_of_the_network() -> None:
    mine = net()
    fill(mine, {name: w.half() if w.is_floating_point() else w for name, w in full().items()})
    for name, weight in mine.state_dict().items():
        assert torch.equal(weight, full()[name])


def test_a_counter_may_be_missing() -> None:
    fill(net(), {name: w for name, w in full().items() if name != "1.num_batches_tracked"})


@pytest.mark.parametrize(
    ("without", "extra", "message"),
    [
        ({"0.weight"}, {}, "missing is 0.weight$"),
        ({"0.weight", "0.bias"}, {}, "missing are 0.weight and 1 other$"),
        ({"0.weight", "0.bias", "1.bias"}, {}, "missing are 0.weight and 2 others$"),
        (set(), {"2.bias": torch.zeros(3)}, "unknown is 2.bias$"),
        ({"0.bias"}, {"conv.bias": torch.zeros(3)}, "missing is 0.bias; unknown is conv.bias$"),
        (set(), {"0.bias": torch.zeros(3)}, "0.bias has shape 3 instead of 4$"),
        (set(), {"0.weight": torch.zeros(())}, r"0.weight has shape \(\) instead of 4 x 3 x 1 x 1$"),
        (
            set(),
            {"0.bias": torch.zeros(4, dtype=torch.int8)},
            "0.bias is of type torch.int8 instead of torch.float32$",
        ),
    ],
)
def test_a_fault_is_named_and_changes_nothing(
    without: set[str], extra: dict[str, Tensor], message: str
) -> None:
    mine = net()
    before = {name: w.clone() for name, w in mine.state_dict().items()}
    with pytest.raises(ValueError, match=message):
        fill(mine, {name: w for name, w in full().items() if name not in without} | extra)
    assert all(torch.equal(w, before[name]) for name, w in mine.state_dict().items())


def test_only_the_layers_of_the_classifier_are_left_out() -> None:
    weights = dict.fromkeys(
        ("head.fc.weight", "head.fc.bias", "head.norm.bias", "head.fcs.bias"), torch.zeros(1)
    )
    assert [*without_classifier(weights, ["head.fc"])] == ["head.norm.bias", "head.fcs.bias"]
    assert without_classifier(weights, []) == weights
