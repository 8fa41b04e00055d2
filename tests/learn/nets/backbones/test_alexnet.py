"""AlexNet against torchvision's own."""

import pytest
import torch
from torch import nn
from torchvision.models import alexnet  # type: ignore[import-untyped]
from torchvision.transforms.functional import normalize  # type: ignore[import-untyped]

from dvsa.learn.nets.backbones.alexnet import AlexNet


@pytest.mark.slow
@torch.no_grad()
def test_pooled_is_fc7_of_torchvision() -> None:
    """A file of torchvision's weights gives its fc7, from which its last layer makes the classes."""
    torch.manual_seed(0)
    theirs, net = alexnet().eval(), AlexNet(pretrained=False).eval()
    net.load(theirs.state_dict())
    pixels_NHWC = torch.randint(0, 256, (2, 224, 224, 3), dtype=torch.uint8)

    x_NCHW = normalize(pixels_NHWC.permute(0, 3, 1, 2) / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    fc7_NC = net.pooled(pixels_NHWC)
    assert fc7_NC.shape == (2, 4096)
    assert fc7_NC.min() == 0  # after its ReLU
    last = theirs.classifier[6]
    assert isinstance(last, nn.Linear)
    torch.testing.assert_close(last(fc7_NC), theirs(x_NCHW))

    # The maps are those on which fc6 stands.
    fine_BCHW, coarse_BCHW = net(pixels_NHWC)
    assert fine_BCHW.shape == (2, 256, 13, 13)
    torch.testing.assert_close(coarse_BCHW, theirs.features(x_NCHW))


def test_there_are_no_weights_without_a_file() -> None:
    with pytest.raises(ValueError, match="give --backbone-weights FILE"):
        AlexNet(pretrained=True)
