"""AlexNet (Krizhevsky et al., 2012): the network of R-CNN, whose features the paper uses (section 3.1.1)."""

from typing import TYPE_CHECKING

from torch import Tensor, nn

from dvsa.learn.nets.backbones.pretrained import READ, PretrainedBackbone

if TYPE_CHECKING:
    from torchvision.models import AlexNet as TorchvisionAlexNet  # type: ignore[import-untyped]


class AlexNet(PretrainedBackbone):
    """AlexNet as torchvision has it: the maps of the last convolution (stride 16) and of the pooling behind
    it (stride 32); `pooled` is fc7 after its ReLU, the paper's 4096 numbers.
    """

    size = inner = crop_size = READ
    fine_channels = coarse_channels = 256
    pooled_channels = 4096
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    classifier = ("classifier.6",)
    origin = "AlexNet weights from a file; their own licence applies to them"
    proven = True
    net: "TorchvisionAlexNet"

    def __init__(self, *, pretrained: bool = True) -> None:
        super().__init__()
        from torchvision.models import alexnet

        if pretrained:
            raise ValueError(
                "no package and no hub has weights of alexnet as safetensors: save torchvision's in a "
                "file and give --backbone-weights FILE (docs/data.md shows how)"
            )
        self.net = alexnet(dropout=0.0)
        self.net.classifier[6] = nn.Identity()

    def maps(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        fine_BCHW = self.net.features[:-1](x_BCHW)
        return fine_BCHW, self.net.features[-1](fine_BCHW)

    def vector(self, x_NCHW: Tensor) -> Tensor:
        # At this size torchvision's adaptive pooling changes nothing; ONNX has no operator for it.
        fc7_NC: Tensor = self.net.classifier(self.net.features(x_NCHW).flatten(1))
        return fc7_NC
