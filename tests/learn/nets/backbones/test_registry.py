"""Backbones by name, and names that there are not."""

import pytest

from dvsa.learn.nets import backbones
from dvsa.learn.nets.backbones.timm_backbone import TimmBackbone


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("vgg", r"unknown backbone 'vgg': did you mean vgg16\? choose from alexnet, .* or timm:NAME"),
        ("xylophone", r"unknown backbone 'xylophone': choose from"),
        ("timm:resnet81", r"timm has no model 'resnet81': did you mean .*resnet18"),
        ("timm:resnet18.a1_in2k", r"timm has no model 'resnet18\.a1_in2k': did you mean .*resnet18\.a1_in1k"),
        ("timm:hf-hub:timm/resnet18", "timm has no model 'hf-hub:timm/resnet18'"),
        ("timm:", "timm has no model ''"),
    ],
)
def test_an_unknown_name_is_refused_with_similar_ones(name: str, message: str) -> None:
    for use in (backbones.check, backbones.build):
        with pytest.raises(ValueError, match=message) as raised:
            use(name)
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", [*backbones.BACKBONES, "timm:resnet18", "timm:resnet18.a1_in1k"])
def test_a_known_name_is_accepted(name: str) -> None:
    backbones.check(name)


def test_a_name_of_timm_builds_its_model() -> None:
    net = backbones.build("timm:test_vit", pretrained=False)
    assert isinstance(net, TimmBackbone)
    assert not net.proven
