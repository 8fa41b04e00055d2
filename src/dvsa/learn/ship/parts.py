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
    """Boxes, and what describes them, to features and vectors of regions.

    The inputs depend on what describes regions: `fine`, `coarse`, `boxes`; `shown`, `boxes`; or all of them.
    """

    def __init__(self, vision: Vision) -> None:
        super().__init__()
        self.vision = vision

    @property
    def inputs(self) -> list[str]:
        """The names of the inputs, in order."""
        cfg = self.vision.cfg
        return [*(["fine", "coarse"] if cfg.by_map else []), *(["shown"] if cfg.by_crops else []), "boxes"]

    def forward(self, *given: Tensor) -> tuple[Tensor, Tensor]:
        named = dict(zip(self.inputs, given, strict=True))
        maps = (named["fine"], named["coarse"]) if "fine" in named else None
        return self.vision.encode(maps, named.get("shown"), named["boxes"])


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


class Classes(nn.Module):
    """Features of regions to probabilities of ImageNet's classes."""

    def __init__(self, weight_CF: Tensor, bias_C: Tensor) -> None:
        super().__init__()
        self.known = nn.Linear(weight_CF.shape[1], len(weight_CF))
        self.known.load_state_dict({"weight": weight_CF, "bias": bias_C})

    def forward(self, features: Tensor) -> Tensor:
        logit_BIC: Tensor = self.known(features[..., : self.known.in_features])
        return logit_BIC.softmax(-1)


def voice(stage: str, subject: Subject) -> Voice:
    """How the captioner of a stage describes a `frame` or a `region`."""
    return Voice(stage, START if subject == "frame" else START_PHRASE)
