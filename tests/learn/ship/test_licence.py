"""The licence of a bundle names what its backbone started from."""

from types import SimpleNamespace
from typing import cast

import pytest

from dvsa.learn.nets.vision_config import VisionConfig
from dvsa.learn.runs.run import Run
from dvsa.learn.ship.licence import licence


@pytest.mark.parametrize(
    ("backbone", "config", "origin"),
    [
        ("small", {}, "random weights."),
        ("efficientnet_lite0", {}, "EfficientNet-Lite0 weights trained on ImageNet (Apache License 2.0)."),
        ("timm:test_vit", {}, "weights of timm's test_vit (licence: apache-2.0)."),
        (
            "timm:test_vit",
            {"backbone_weights": {"file": "mine.safetensors", "sha256": "0"}},
            "the weights in the file mine.safetensors; ",
        ),
    ],
)
def test_the_first_weights_are_named(backbone: str, config: dict[str, object], origin: str) -> None:
    run = SimpleNamespace(config=config, recipe=SimpleNamespace(vision=VisionConfig(backbone=backbone)))
    text = licence(cast(Run, run))
    assert f"The backbone started from {origin}" in text
    assert "research and education only" in text
