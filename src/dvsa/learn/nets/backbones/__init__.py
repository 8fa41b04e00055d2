"""Backbones by name. To add one, write its module here and enter it in `BACKBONES`."""

import difflib
from collections.abc import Callable

from dvsa.learn.nets.backbones import timm_backbone
from dvsa.learn.nets.backbones.alexnet import AlexNet
from dvsa.learn.nets.backbones.backbone import Backbone
from dvsa.learn.nets.backbones.efficientnet_lite import EfficientNetLite
from dvsa.learn.nets.backbones.small import SmallConvNet
from dvsa.learn.nets.backbones.timm_backbone import TimmBackbone

BACKBONES: dict[str, Callable[[bool], Backbone]] = {
    "alexnet": lambda pretrained: AlexNet(pretrained=pretrained),
    "efficientnet_lite0": lambda pretrained: EfficientNetLite(0, pretrained=pretrained),
    "efficientnet_lite1": lambda pretrained: EfficientNetLite(1, pretrained=pretrained),
    "efficientnet_lite2": lambda pretrained: EfficientNetLite(2, pretrained=pretrained),
    "small": lambda pretrained: SmallConvNet(),
    "vgg16": lambda pretrained: TimmBackbone("vgg16.tv_in1k", pretrained=pretrained, proven=True),
}
"""Backbones by the name in a recipe; the argument says whether to load pretrained weights."""

TIMM = "timm:"
"""Before the name of a model of timm: such a name is a backbone too."""


def check(name: str) -> None:
    """Raise ValueError, with the most similar names, unless there is a backbone of this name."""
    if name.startswith(TIMM):
        timm_backbone.check(name.removeprefix(TIMM))
    elif name not in BACKBONES:
        similar = difflib.get_close_matches(name, BACKBONES, n=1, cutoff=0.5)
        hint = f"did you mean {similar[0]}? " if similar else ""
        raise ValueError(
            f"unknown backbone {name!r}: {hint}choose from {', '.join(sorted(BACKBONES))} or {TIMM}NAME"
        )


def build(name: str, pretrained: bool = True) -> Backbone:
    """The backbone of this name.

    Args:
        name: of `BACKBONES`, or `timm:` and the name of a model of timm.
        pretrained: whether to load weights: from an installed package, or from timm's hub.

    Raises:
        ValueError: there is no backbone of this name, or its weights cannot be had.
    """
    check(name)
    if name.startswith(TIMM):
        return TimmBackbone(name.removeprefix(TIMM), pretrained=pretrained)
    return BACKBONES[name](pretrained)
