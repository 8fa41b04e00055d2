"""The small backbone."""

import torch

from dvsa.learn.nets.backbones.small import SmallConvNet


def test_the_small_backbone_halves_its_fine_map() -> None:
    net = SmallConvNet()
    fine, coarse = net(torch.zeros(1, net.size, net.size, 3, dtype=torch.uint8))
    assert fine.shape == (1, net.fine_channels, 16, 16)
    assert coarse.shape == (1, net.coarse_channels, 8, 8)
