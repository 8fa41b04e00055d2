"""A run used as a bundle is, without being exported: its graphs are the networks themselves.

What an export stores in half precision is here in single; on a GPU a split is judged in seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from dvsa.bundle import Array, Bundle, Voice
from dvsa.learn.runs.run import Run, pick_device
from dvsa.learn.ship.export import Encode, Look, Start, Step, manifest, voice
from dvsa.model import Model


@dataclass(frozen=True)
class LiveBundle(Bundle):
    """A bundle whose graphs are torch networks; it has no files of its own."""

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    graphs: Mapping[str, nn.Module] = field(default_factory=dict, repr=False)
    names: Mapping[str, list[str]] = field(default_factory=dict, repr=False)

    def run(self, graph: str, inputs: Mapping[str, Array]) -> list[Array]:
        """Run a network on named arrays, which stand in the order that it takes them; its outputs."""
        with torch.no_grad():
            given = [
                torch.from_numpy(np.ascontiguousarray(array)).to(self.device) for array in inputs.values()
            ]
            outputs: Tensor | tuple[Tensor, ...] = self.graphs[graph](*given)
        return [t.cpu().numpy() for t in ((outputs,) if isinstance(outputs, Tensor) else outputs)]

    def inputs(self, graph: str) -> list[str]:
        """Names of a captioner's inputs, in their order."""
        return self.names[graph]


def model(run: Run, device: str | None = None) -> Model:
    """The model of a finished run; on the GPU where there is one.

    Raises:
        ValueError: a stage is unfinished, or the device cannot be used.
    """
    where = pick_device(device)
    net = run.alignment()
    graphs: dict[str, nn.Module] = {
        "look": Look(net.vision), "encode": Encode(net.vision), "sentence": net.sentence
    }  # fmt: skip
    names: dict[str, list[str]] = {}
    voices: dict[str, Voice] = {}
    for subject, (stage, captioner) in run.captioners().items():
        voices[subject] = voice(stage, subject)
        graphs |= {f"{stage}.start": Start(captioner), f"{stage}.step": Step(captioner)}
        state = captioner.start(torch.zeros(1, 1, net.vision.features), torch.zeros(1, dtype=torch.int64))
        names[f"{stage}.step"] = ["token", *(f"state{n}" for n in range(len(state)))]
    graphs = {name: graph.eval().to(where) for name, graph in graphs.items()}
    content = manifest(run, voices, run.folder.resolve().name, {})
    return Model(LiveBundle(run.folder, content, run.vocabulary, device=where, graphs=graphs, names=names))
