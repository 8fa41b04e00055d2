"""The networks of a bundle: graphs with named inputs, run by ONNX Runtime."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from dvsa.manifest import FileRecord, verified_content

Array = NDArray[np.generic]


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
        """Run `graph`.onnx on named arrays; its outputs in their order."""
        outputs: list[Array] = self._session(graph).run(None, dict(inputs))
        return outputs

    def inputs(self, graph: str) -> list[str]:
        """The names of a graph's inputs, in their order."""
        return [value.name for value in self._session(graph).get_inputs()]

    def _session(self, graph: str) -> onnxruntime.InferenceSession:
        with self._lock:
            if graph not in self._sessions:
                options = onnxruntime.SessionOptions()
                options.intra_op_num_threads = self.threads
                options.log_severity_level = 3
                # Each graph has its own threads. Spinning threads of one graph would slow down the next.
                options.add_session_config_entry("session.intra_op.allow_spinning", "0")
                content = verified_content(self.folder, f"{graph}.onnx", self.files)
                self._sessions[graph] = onnxruntime.InferenceSession(
                    content, options, providers=["CPUExecutionProvider"]
                )
            return self._sessions[graph]
