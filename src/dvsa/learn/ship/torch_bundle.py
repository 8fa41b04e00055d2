"""A bundle that answers from torch: a run used like a bundle, without an export.

The weights stay in single precision, where an export stores half precision. On a GPU a split is judged in
seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from dvsa.bundle import Bundle
from dvsa.graphs import Array
from dvsa.learn.nets.captioner import limited
from dvsa.learn.runs.device import pick_device
from dvsa.learn.runs.run import Run
from dvsa.learn.ship.export import manifest
from dvsa.learn.ship.parts import Crop, Encode, Look, Start, Step, voice
from dvsa.manifest import Voice
from dvsa.model import Model
from dvsa.records import Subject


@dataclass(frozen=True)
class TorchGraphs:
    """The networks of a run in place of ONNX graphs."""

    nets: Mapping[str, nn.Module]
    names: Mapping[str, list[str]]
    """The inputs of `encode` and of the captioners' steps."""
    device: torch.device

    def run(self, graph: str, inputs: Mapping[str, Array]) -> list[Array]:
        """Run a network on named arrays, given in the order of its arguments; its outputs."""
        with torch.no_grad():
            given = [
                torch.from_numpy(np.ascontiguousarray(array)).to(self.device) for array in inputs.values()
            ]
            outputs: Tensor | tuple[Tensor, ...] = self.nets[graph](*given)
        return [t.cpu().numpy() for t in ((outputs,) if isinstance(outputs, Tensor) else outputs)]

    def inputs(self, graph: str) -> list[str]:
        """The names of the inputs of `encode` or of a captioner's step, in order."""
        return self.names[graph]


def torch_model(run: Run, device: str | None = None) -> Model:
    """The model of a finished run, on a GPU if there is one.

    Raises:
        ValueError: a stage is unfinished, or the device cannot be used.
    """
    where = pick_device(device)
    net = run.joint_model()
    encode = Encode(net.vision)
    nets: dict[str, nn.Module] = {
        "look": Look(net.vision),
        "crop": Crop(net.vision),
        "encode": encode,
        "sentence": net.sentence,
    }

    # Every captioner, with the names of its state.
    names = {"encode": encode.inputs}
    voices: dict[Subject, Voice] = {}
    for subject, (stage, captioner) in run.captioners().items():
        voices[subject] = voice(stage, subject)
        captioner = limited(captioner, run.said)
        nets |= {f"{stage}.start": Start(captioner), f"{stage}.step": Step(captioner)}
        state = captioner.start(torch.zeros(1, 1, net.vision.features), torch.zeros(1, dtype=torch.int64))
        names[f"{stage}.step"] = ["token", *(f"state{n}" for n in range(len(state)))]

    nets = {name: part.eval().to(where) for name, part in nets.items()}
    content = manifest(run, voices, run.folder.resolve().name, {})
    return Model(Bundle(run.folder, content, run.vocabulary, TorchGraphs(nets, names, where)))
