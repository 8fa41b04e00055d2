"""Whether a backbone can be exported, found out before it is trained for hours."""

import tempfile
from pathlib import Path

import onnxruntime
import torch
from torch import Tensor, nn

from dvsa.learn.nets.backbones.backbone import Backbone
from dvsa.learn.nets.vision import Vision
from dvsa.learn.runs import onnx_file

TOLERANCE = 1e-3
"""Largest error of ONNX Runtime, as a share of the largest value."""


def require_export(vision: Vision) -> None:
    """Export what is used of a backbone, run the graphs, and compare them with torch.

    Nothing is done if the tests of this package do it. They do it for crops of the size that the backbone
    was trained on.

    Args:
        vision: the photograph's side of a model, on the CPU; it is not changed.

    Raises:
        ValueError: a graph cannot be written or run, or gives other values.
    """
    cfg, backbone = vision.cfg, vision.backbone
    if backbone.proven and (cfg.given_features or vision.crop_size == backbone.crop_size):
        return
    try:
        maps, crop_size = cfg.by_map or cfg.proposer is None, vision.crop_size if cfg.by_crops else None
        error = export_error(backbone, maps=maps, crop_size=crop_size)
        fault = "" if error <= TOLERANCE else f"the exported graph is wrong by {100 * error:.2g} %"
    except Exception as raised:  # tracer, exporter, checker and runtime have many ways to say no
        fault = f"{type(raised).__name__}: {raised}".splitlines()[0]
    if fault:
        raise ValueError(f"the backbone {cfg.backbone} cannot be exported ({fault}): choose another backbone")


def export_error(backbone: Backbone, *, maps: bool = True, crop_size: int | None) -> float:
    """The largest error of the exported graphs, as a share of the largest value of torch.

    The weights are in half precision on both sides.

    Args:
        backbone: is not changed.
        maps: whether to export `forward`.
        crop_size: side of the crops for which to export `pooled`; None not to export it.
    """
    net = onnx_file.as_stored(backbone)
    errors = _errors(net, net.size) if maps else []
    if crop_size is not None:
        errors += _errors(_Pooled(net), crop_size)
    return torch.stack(errors).max().item()  # NaN if any of them is


class _Pooled(nn.Module):
    """The other method of a backbone as a network."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, pixels_NHWC: Tensor) -> Tensor:
        return self.backbone.pooled(pixels_NHWC)


@torch.no_grad()
def _errors(net: nn.Module, side: int) -> list[Tensor]:
    """The error of each output of ONNX Runtime for a picture of noise, as a share of its largest value."""
    noise = torch.Generator().manual_seed(0)
    pixels_BHWC = torch.randint(0, 256, (2, side, side, 3), dtype=torch.uint8, generator=noise)
    wanted = net(pixels_BHWC[:1])
    wanted = (wanted,) if isinstance(wanted, Tensor) else wanted

    # The graph is written for two pictures and run on one, as every size of batch must do.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.onnx"
        onnx_file.write(net, (pixels_BHWC,), path, ["pixels"], [f"output{n}" for n in range(len(wanted))])
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        found = session.run(None, {"pixels": pixels_BHWC[:1].numpy()})
    return [
        (torch.from_numpy(mine) - theirs).abs().max() / theirs.abs().max().clamp(min=1e-12)
        for mine, theirs in zip(found, wanted, strict=True)
    ]
