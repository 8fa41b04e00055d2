"""Backbones that cannot be exported are found before training; `test_every_backbone` has those that can."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from dvsa.data import Dataset
from dvsa.learn.nets import backbones
from dvsa.learn.nets.backbones.alexnet import AlexNet
from dvsa.learn.nets.backbones.small import SmallConvNet
from dvsa.learn.nets.vision import Vision
from dvsa.learn.nets.vision_config import VisionConfig
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.exportable import export_error, require_export
from dvsa.learn.runs.fit import fit
from dvsa.learn.runs.inputs import FitOptions


class Unknown(SmallConvNet):
    """Of a kind that the tests do not prove."""

    proven = False


class Sorted(Unknown):
    """Asks for a function that has no operator in ONNX."""

    def forward(self, pixels_BHWC: Tensor) -> tuple[Tensor, Tensor]:
        fine_BCHW, coarse_BCHW = super().forward(pixels_BHWC)
        return fine_BCHW, torch.special.bessel_j0(coarse_BCHW)


class Branching(Unknown):
    """Does something else for another number of pictures, which a traced graph does not see."""

    def pooled(self, pixels_NHWC: Tensor) -> Tensor:
        return super().pooled(pixels_NHWC) * len(pixels_NHWC.tolist())


class Infinite(Unknown):
    """Gives values that are not finite."""

    def forward(self, pixels_BHWC: Tensor) -> tuple[Tensor, Tensor]:
        fine_BCHW, coarse_BCHW = super().forward(pixels_BHWC)
        return fine_BCHW, coarse_BCHW / 0


def vision(kind: type[SmallConvNet], monkeypatch: pytest.MonkeyPatch, described_by: str = "both") -> Vision:
    monkeypatch.setitem(backbones.BACKBONES, "mine", lambda pretrained: kind())
    return Vision(VisionConfig(backbone="mine", described_by=described_by, embedding=8, proposal_width=8))


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(Sorted, "Unsupported"), (Branching, "graph is wrong by"), (Infinite, "wrong by nan")],
)
def test_what_cannot_be_exported_is_refused_in_one_line(
    kind: type[SmallConvNet], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match=f"^the backbone mine cannot be exported .*{reason}") as raised:
        require_export(vision(kind, monkeypatch))
    assert "\n" not in str(raised.value)


@pytest.mark.slow
def test_crops_of_another_size_are_tried_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests prove AlexNet, but its fc6 takes crops of one size."""
    monkeypatch.setitem(backbones.BACKBONES, "mine", lambda pretrained: AlexNet(pretrained=False))
    sizes = VisionConfig(backbone="mine", described_by="crops", crop_size=112, embedding=8)
    with pytest.raises(ValueError, match=r"backbone mine cannot be exported .*shapes cannot be multiplied"):
        require_export(Vision(sizes))


def test_only_what_is_used_must_be_exportable(monkeypatch: pytest.MonkeyPatch) -> None:
    require_export(vision(Branching, monkeypatch, described_by="map"))
    require_export(vision(Unknown, monkeypatch))


def test_a_backbone_that_the_tests_prove_is_not_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sorted, "proven", True)
    require_export(vision(Sorted, monkeypatch))


def test_the_check_changes_nothing_and_draws_no_random_numbers() -> None:
    net = Unknown()
    before = {name: w.clone() for name, w in net.state_dict().items()}
    state = torch.get_rng_state()
    assert export_error(net, crop_size=net.crop_size) < 1e-4
    assert torch.equal(torch.get_rng_state(), state)
    assert net.training
    assert all(torch.equal(w, before[name]) for name, w in net.state_dict().items())


def test_a_run_that_cannot_be_exported_leaves_nothing(
    recipe: Recipe, tiny: Dataset, cpu: FitOptions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(backbones.BACKBONES, "mine", lambda pretrained: Sorted())
    with pytest.raises(ValueError, match="the backbone mine cannot be exported"):
        fit(recipe, tiny, tmp_path / "run", replace(cpu, backbone="mine"))
    assert not (tmp_path / "run").exists()
