"""The networks of a bundle: graphs with named inputs, run by ONNX Runtime."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from dvsa.external_data import refuse_external_data
from dvsa.manifest import BundleError, FileRecord
from dvsa.verified import verified_content

Array = NDArray[np.generic]

OUTPUTS: Final = {"look": (4, 4, 2, 3), "encode": (3, 3), "sentence": (3,), "step": (2,), "classes": (3,)}
"""The number of axes of the outputs of a graph, by the last part of its name; `step` also gives a state."""


class Graphs(Protocol):
    """Something that runs the graphs `look`, `encode`, `sentence`, `NAME.start` and `NAME.step`."""

    def run(self, graph: str, inputs: Mapping[str, Array]) -> list[Array]:
        """Run a graph on named arrays; its outputs in their order."""

    def inputs(self, graph: str) -> list[str]:
        """The names of a graph's inputs, in their order."""


@dataclass(frozen=True)
class OnnxGraphs:
    """The graphs in a folder. Each is verified and loaded when it is first used. Threads may share it."""

    folder: Path
    files: Mapping[str, FileRecord]
    threads: int = 0
    """Threads that a graph may use; 0 lets ONNX Runtime choose."""
    _sessions: dict[str, onnxruntime.InferenceSession] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    def run(self, graph: str, inputs: Mapping[str, Array]) -> list[Array]:
        """Run `graph`.onnx on named arrays; its outputs in their order.

        Raises:
            BundleError: the graph cannot be run on these inputs, or gives other outputs than `OUTPUTS` says.
        """
        session = self._session(graph)
        try:
            outputs: list[Array] = session.run(None, dict(inputs))
        except Exception as error:  # ONNX Runtime has many kinds of errors, without a common class
            raise self._failed(graph, f"cannot be run ({' '.join(str(error).split()):.200})") from error

        expected = OUTPUTS.get(graph.rpartition(".")[2], ())
        ranks = [output.ndim for output in outputs]
        if len(ranks) < len(expected) or any(
            rank != wanted for rank, wanted in zip(ranks, expected, strict=False)
        ):
            raise self._failed(graph, f"has outputs with {ranks} axes, not {[*expected]}")
        return outputs

    def inputs(self, graph: str) -> list[str]:
        """The names of a graph's inputs, in their order."""
        return [value.name for value in self._session(graph).get_inputs()]

    def _session(self, graph: str) -> onnxruntime.InferenceSession:
        with self._lock:
            if graph not in self._sessions:
                self._sessions[graph] = self._load(graph)
            return self._sessions[graph]

    def _load(self, graph: str) -> onnxruntime.InferenceSession:
        """A session with the very bytes that have the recorded digest."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.log_severity_level = 4
        # Each graph has its own threads. Spinning threads of one graph would slow down the next.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")

        content = verified_content(self.folder, f"{graph}.onnx", self.files)
        refuse_external_data(content, str(self.folder / f"{graph}.onnx"))
        try:
            return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime has many kinds of errors, without a common class
            raise self._failed(graph, f"cannot be loaded ({' '.join(str(error).split()):.200})") from error

    def _failed(self, graph: str, how: str) -> BundleError:
        return BundleError(f"{self.folder / graph}.onnx {how}: export the bundle again")
