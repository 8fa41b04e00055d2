"""The parts of a model as graphs of a bundle: networks with the inputs and outputs that `dvsa.model` uses."""

from torch import Tensor, nn

from dvsa.learn.nets.captioner import Captioner
from dvsa.learn.nets.vision import Vision
from dvsa.manifest import Voice
from dvsa.records import Subject
from dvsa.text import START, START_PHRASE


class Look(nn.Module):
    """Pixels to maps and candidates, with scores in [0, 1]."""

    def __init__(self, vision: Vision) -> None:
        super().__init__()
        self.vision = vision

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        fine, coarse, logit_BN, box_BN4 = self.vision.look(pixels)
        return fine, coarse, logit_BN.sigmoid(), box_BN4


class Crop(nn.Module):
    """Crops to what they show."""

    def __init__(self, vision: Vision) -> None:
        super().__init__()
        self.vision = vision

    def forward(self, crops: Tensor) -> Tensor:
        return self.vision.pooled(crops)


class Encode(nn.Module):
    """Maps, boxes, and what the crops show if they describe regions, to features and vectors of regions."""

    def __init__(self, vision: Vision) -> None:
        super().__init__()
        self.vision = vision

    def forward(
        self, fine: Tensor, coarse: Tensor, boxes: Tensor, shown: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        return self.vision.encode(fine, coarse, boxes, shown)


class Start(nn.Module):
    """Features and focus to a captioner's first state."""

    def __init__(self, captioner: Captioner) -> None:
        super().__init__()
        self.captioner = captioner

    def forward(self, features: Tensor, focus: Tensor) -> tuple[Tensor, ...]:
        return self.captioner.start(features, focus)


class Step(nn.Module):
    """A word and a state to log-probabilities of the next word and the next state."""

    def __init__(self, captioner: Captioner) -> None:
        super().__init__()
        self.captioner = captioner

    def forward(self, token: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        logit_BV, after = self.captioner.step(token, state)
        return logit_BV.log_softmax(-1), *after


def voice(stage: str, subject: Subject) -> Voice:
    """How the captioner of a stage describes a `frame` or a `region`."""
    return Voice(stage, START if subject == "frame" else START_PHRASE)
