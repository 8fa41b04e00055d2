"""Models of timm as backbones: against timm's own results, for each way of giving maps and features."""

from pathlib import Path
from typing import cast

import pytest
import timm
import torch
from safetensors.torch import save_file
from timm.data.config import resolve_data_config
from timm.data.transforms_factory import create_transform
from torch import Tensor, nn
from torchvision.models import vgg16  # type: ignore[import-untyped]

from dvsa.learn.nets.backbones.timm_backbone import TimmBackbone, TimmModel


def pictures(count: int, side: int) -> Tensor:
    return torch.randint(0, 256, (count, side, side, 3), dtype=torch.uint8)


def standard(pixels_BHWC: Tensor, model: nn.Module) -> Tensor:
    """Pixels as timm's own transforms make them; the last of these is about the scale."""
    transform = create_transform(**resolve_data_config({}, model=model))  # type: ignore[no-untyped-call]
    x_BCHW: Tensor = transform.transforms[-1](pixels_BHWC.permute(0, 3, 1, 2) / 255)
    return x_BCHW


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("test_resnet", "fc"),
        ("test_vit", "head"),
        pytest.param("test_efficientnet", "classifier", marks=pytest.mark.slow),
        pytest.param("test_convnext", "head.fc", marks=pytest.mark.slow),
        pytest.param("mobilenetv3_small_050", "classifier", marks=pytest.mark.slow),
        pytest.param("vit_xsmall_patch16_clip_224", "head", marks=pytest.mark.slow),
    ],
)
@torch.no_grad()
def test_the_classifier_makes_its_classes_of_the_pooled_features(name: str, last: str) -> None:
    """Weights with a classifier are loaded without it, and pixels have the scale of the model."""
    torch.manual_seed(0)
    theirs, net = timm.create_model(name).eval(), TimmBackbone(name, pretrained=False).eval()
    net.load(theirs.state_dict())
    pixels_NHWC = pictures(2, net.crop_size)
    logit_NC = theirs(standard(pixels_NHWC, theirs))
    torch.testing.assert_close(
        theirs.get_submodule(last)(net.pooled(pixels_NHWC)), logit_NC, atol=1e-4, rtol=1e-4
    )


@torch.no_grad()
def test_convolutional_maps_have_strides_16_and_32() -> None:
    net = TimmBackbone("test_resnet", pretrained=False).eval()
    assert (net.size, net.inner, net.crop_size) == (160, 160, 160)
    photograph_BHWC = pictures(1, 160)
    fine_BCHW, coarse_BCHW = net(photograph_BHWC)
    assert (fine_BCHW.shape[2:], coarse_BCHW.shape[2:]) == ((10, 10), (5, 5))
    torch.testing.assert_close(coarse_BCHW.mean((2, 3)), net.pooled(photograph_BHWC))


@torch.no_grad()
def test_a_transformer_gives_the_maps_from_half_way_and_from_the_end() -> None:
    net = TimmBackbone("test_vit", pretrained=False).eval()
    photograph_BHWC = pictures(1, net.size)
    x_BCHW = standard(photograph_BHWC, net.net)
    every_BCHW = cast(TimmModel, net.net).forward_intermediates(
        x_BCHW, indices=None, norm=True, output_fmt="NCHW", intermediates_only=True
    )
    assert len(every_BCHW) == 6
    for mine, wanted in zip(net(photograph_BHWC), (every_BCHW[2], every_BCHW[5]), strict=True):
        torch.testing.assert_close(mine, wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.slow
def test_photographs_are_enlarged_to_the_size_of_the_model() -> None:
    net = TimmBackbone("tf_efficientnet_lite1", pretrained=False)
    assert (net.size, net.inner, net.crop_size) == (224, 240, 240)
    assert net(pictures(1, 224))[0].shape[2:] == (15, 15)


def refuses(*_: object, **__: object) -> None:
    raise NotImplementedError


@torch.no_grad()
def test_a_model_without_maps_has_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timm.models.resnet.ResNet, "forward_intermediates", refuses)
    net = TimmBackbone("test_resnet", pretrained=False).eval()
    photograph_BHWC = pictures(2, 160)
    for map_BCHW, channels in zip(
        net(photograph_BHWC), (net.fine_channels, net.coarse_channels), strict=True
    ):
        assert channels == net.pooled_channels == 96
        torch.testing.assert_close(map_BCHW, net.pooled(photograph_BHWC)[:, :, None, None])


@torch.no_grad()
def test_a_model_that_does_not_pool_has_the_mean_of_its_map(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timm.models.resnet.ResNet, "forward_head", refuses)
    net = TimmBackbone("test_resnet", pretrained=False).eval()
    photograph_BHWC = pictures(2, 160)
    torch.testing.assert_close(net.pooled(photograph_BHWC), net(photograph_BHWC)[1].mean((2, 3)))


def test_a_model_that_gives_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timm.models.resnet.ResNet, "forward_intermediates", refuses)
    monkeypatch.setattr(timm.models.resnet.ResNet, "forward_head", refuses)
    with pytest.raises(ValueError, match="timm's test_resnet gives neither maps nor pooled features"):
        TimmBackbone("test_resnet", pretrained=False)


def test_a_model_that_cannot_apply_its_last_norm_gives_maps_without_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = timm.models.vision_transformer.VisionTransformer.forward_intermediates

    def without_norm(*args: object, **options: object) -> object:
        assert not options["norm"], "normalization of features not supported"
        return original(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(
        timm.models.vision_transformer.VisionTransformer, "forward_intermediates", without_norm
    )
    net = TimmBackbone("test_vit", pretrained=False)
    assert net(pictures(1, 160))[1].shape == (1, 64, 10, 10)


def test_weights_of_another_model_are_refused() -> None:
    net = TimmBackbone("test_resnet", pretrained=False)
    weights = net.net.state_dict()
    with pytest.raises(ValueError, match=r"do not fit: missing are conv1\.0\.weight and \d+ others; unknown"):
        net.load(timm.create_model("test_vit").state_dict())
    with pytest.raises(ValueError, match=r"unknown is fc2\.weight$"):
        net.load(weights | {"fc2.weight": torch.zeros(1)})
    with pytest.raises(ValueError, match=r"layer1\.0\.conv1\.weight has shape 1 instead of"):
        net.load(weights | {"layer1.0.conv1.weight": torch.zeros(1)})


@pytest.mark.slow
@torch.no_grad()
def test_vgg16_has_fc7_and_takes_weights_of_torchvision() -> None:
    """The oracle is torchvision's network: the convolutions, and its classifier up to the second ReLU."""
    torch.manual_seed(0)
    theirs, net = vgg16().eval(), TimmBackbone("vgg16", pretrained=False).eval()
    net.load(theirs.state_dict())
    photograph_BHWC = pictures(1, 224)
    feature_BCHW = theirs.features(standard(photograph_BHWC, net.net))
    fc7_BC = theirs.classifier[:5](feature_BCHW.flatten(1))

    assert fc7_BC.shape == (1, 4096)
    torch.testing.assert_close(net.pooled(photograph_BHWC), fc7_BC, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(net(photograph_BHWC)[1], feature_BCHW)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of files from the hub on a machine without a network, empty."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def test_weights_that_an_earlier_call_brought_from_the_hub_are_used(hub: Path) -> None:
    torch.manual_seed(1)
    theirs = timm.create_model("test_vit")
    folder = hub / "models--timm--test_vit.r160_in1k"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("0123")
    (folder / "snapshots" / "0123").mkdir(parents=True)
    save_file(theirs.state_dict(), folder / "snapshots" / "0123" / "model.safetensors")

    net = TimmBackbone("test_vit")
    for name, weight in net.net.state_dict().items():
        assert torch.equal(weight, theirs.state_dict()[name])


def test_without_a_network_a_file_is_asked_for(hub: Path) -> None:
    with pytest.raises(
        ValueError, match=r"hub does not give the weights of test_vit .*give --back"
    ) as raised:
        TimmBackbone("test_vit")
    assert "\n" not in str(raised.value)


def test_a_model_that_is_not_on_the_hub_needs_a_file(hub: Path) -> None:
    with pytest.raises(ValueError, match="hub has no weights of test_mambaout: give --backbone-weights FILE"):
        TimmBackbone("test_mambaout")
