"""A trained model on disk: ONNX graphs, a vocabulary, and a manifest with the digest of every file.

    manifest.json          what is here, how to use it, how it was trained
    vocabulary.tsv         words and counts
    photographs.tsv        digests of the photographs that the model has seen
    read.tsv               what it read of photographs that it has not seen, if anything
    LICENCE.txt            what one may do with the weights
    look.onnx              pixels -> feature maps, candidate boxes and their scores
    encode.onnx            feature maps, boxes -> features and vectors of regions
    sentence.onnx          word ids, mask -> word vectors
    NAME.start.onnx        features, focus -> a captioner's first state
    NAME.step.onnx         word, state -> log-probabilities of the next word, next state

Nothing in a bundle is code, and nothing is unpickled.
"""

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import NotRequired, TypedDict

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from dvsa.data.seen import FILE, READ_FILE, Read, Seen
from dvsa.text import Vocabulary

FORMAT = 1
MANIFEST = "manifest.json"
SHIPPED = "flickr8k"
"""The bundle that comes with the package."""

Array = NDArray[np.generic]


class BundleError(ValueError):
    """A bundle that is missing, damaged or of another format; the message names the file."""


class Voice(TypedDict):
    """How one captioner is used."""

    graphs: str
    """The NAME in `NAME.start.onnx` and `NAME.step.onnx`."""
    start: int
    """The id that begins what it writes."""


class Probe(TypedDict):
    """What the model says of the picture that `dvsa.doctor` draws; see there."""

    caption: str
    score: float


class Manifest(TypedDict):
    """What `manifest.json` holds."""

    format: int
    name: str
    licence: str
    files: dict[str, dict[str, str | int]]
    """Bytes and SHA-256 of every other file."""
    size: int
    """Side of the square photograph that the network takes, in pixels."""
    embedding: int
    proposer: str
    nms: float
    sharpness: NotRequired[float]
    """Of the softmax over regions by which a phrase is located; 0 where it goes to its best region."""
    score: str
    beta: float
    beam: int
    length_power: float
    rerank: NotRequired[float]
    """What the alignment's score adds to a caption's when captions are compared; 0 where it has no say."""
    support: NotRequired[float]
    """The score over a word's length from which a region speaks for it; 0 where a bundle does not say."""
    voices: dict[str, Voice]
    """By what they speak of: `frame` and `region`."""
    probe: NotRequired[Probe]
    training: dict[str, object]
    """Recipe, data, seed and validation figures of every stage."""


@dataclass(frozen=True)
class Bundle:
    """A verified bundle; its graphs are loaded when they are first asked for. Threads may share it."""

    folder: Path
    manifest: Manifest
    vocabulary: Vocabulary
    threads: int = 0
    _sessions: dict[str, onnxruntime.InferenceSession] = field(
        default_factory=dict, repr=False, compare=False
    )
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @classmethod
    def open(cls, folder: Path | None = None, *, threads: int = 0) -> "Bundle":
        """Open a bundle and verify every digest.

        Args:
            folder: the bundle; the shipped one where it is None.
            threads: how many threads a graph may use; 0 lets ONNX Runtime choose.

        Raises:
            BundleError: naming the file that is missing, damaged or of another format.
        """
        folder = folder or shipped()
        manifest = verify(folder)
        return cls(folder, manifest, Vocabulary.load(folder / "vocabulary.tsv"), threads)

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest, and so of everything in the bundle."""
        return hashlib.sha256((self.folder / MANIFEST).read_bytes()).hexdigest()

    @property
    def support(self) -> float:
        """The score over a word's length from which a region speaks for it."""
        return self.manifest.get("support", 0.0)

    @property
    def rerank(self) -> float:
        """What the alignment's score adds to a caption's when captions are compared."""
        return self.manifest.get("rerank", 0.0)

    @property
    def sharpness(self) -> float:
        """Of the softmax over regions by which a phrase is located; 0 where it goes to its best region."""
        return self.manifest.get("sharpness", 0.0)

    def seen(self) -> Seen | None:
        """The photographs that the model was trained and chosen on; None where the bundle does not say.

        Raises:
            ValueError: naming the file and the line that is no such list's.
        """
        path = self.folder / FILE
        return Seen.read(path) if path.is_file() else None

    def read(self) -> Read:
        """What the model read that was written for photographs which it did not see.

        Raises:
            ValueError: naming the file and the line that is no such list's.
        """
        path = self.folder / READ_FILE
        return Read.read(path) if path.is_file() else Read()

    def run(self, graph: str, inputs: Mapping[str, Array]) -> list[Array]:
        """Run `graph`.onnx on named arrays; its outputs in their order."""
        outputs: list[Array] = self._session(graph).run(None, dict(inputs))
        return outputs

    def inputs(self, graph: str) -> list[str]:
        """Names of a graph's inputs, in their order."""
        return [value.name for value in self._session(graph).get_inputs()]

    def _session(self, graph: str) -> onnxruntime.InferenceSession:
        with self._lock:
            if graph not in self._sessions:
                name = f"{graph}.onnx"
                options = onnxruntime.SessionOptions()
                options.intra_op_num_threads = self.threads
                options.log_severity_level = 3
                # every graph has threads of its own: spinning, those of one would slow down the next
                options.add_session_config_entry("session.intra_op.allow_spinning", "0")
                self._sessions[graph] = onnxruntime.InferenceSession(
                    _verified(self.folder, name, self.manifest), options, providers=["CPUExecutionProvider"]
                )
            return self._sessions[graph]


def shipped() -> Path:
    """Folder of the bundle that comes with the package."""
    return Path(str(resources.files("dvsa"))) / "weights" / SHIPPED


def verify(folder: Path) -> Manifest:
    """The manifest of a bundle all of whose files have the digests that it names; else raises BundleError."""
    path = folder / MANIFEST
    try:
        manifest: Manifest = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise BundleError(f"{folder} holds no bundle: there is no {MANIFEST} in it") from None
    except (OSError, ValueError) as error:
        raise BundleError(f"{path} cannot be read ({error}): export the bundle again") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BundleError(f"{path} is not of format {FORMAT}: this version of dvsa cannot read it")
    missing = {*Manifest.__required_keys__} - {*manifest}
    if missing:
        raise BundleError(f"{path} lacks {', '.join(sorted(missing))}: export the bundle again")
    for name in manifest["files"]:
        _verified(folder, name, manifest)
    return manifest


def _verified(folder: Path, name: str, manifest: Manifest) -> bytes:
    """The content of a file of the bundle, after a look at its digest."""
    wanted = manifest["files"].get(name, {}).get("sha256")
    if wanted is None:
        raise BundleError(f"{folder / MANIFEST} names no file {name}: export the bundle again")
    if Path(name).name != name:
        raise BundleError(f"{folder / MANIFEST} names {name!r}, which is outside of the bundle")
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise BundleError(
            f"{folder / name} is missing ({error.strerror}): install or export the bundle again"
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != wanted:
        raise BundleError(
            f"{folder / name} is damaged: its SHA-256 begins {found[:12]}, not {str(wanted)[:12]}; "
            "install or export the bundle again"
        )
    return content
