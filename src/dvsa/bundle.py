"""A trained model on disk: ONNX graphs, a vocabulary, and a manifest with the digest of every file.

    manifest.json          what is in the bundle, how to use it, how it was trained
    vocabulary.tsv         words and counts
    photographs.tsv        digests of the photographs that the model has seen
    read.tsv               sentences that it has read without their photographs, if any
    LICENCE.txt            the licence of the weights
    look.onnx              pixels -> feature maps, candidate boxes and their scores
    encode.onnx            feature maps, boxes -> features and vectors of regions
    sentence.onnx          word ids, mask -> word vectors
    NAME.start.onnx        features, focus -> a captioner's first state
    NAME.step.onnx         word, state -> log-probabilities of the next word, next state

Nothing in a bundle is code, and nothing is unpickled.
"""

import hashlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from dvsa.data.exposure import PHOTOS_FILE, TEXT_FILE, PhotoExposure, TextExposure
from dvsa.graphs import Graphs, OnnxGraphs
from dvsa.manifest import MANIFEST, BundleError, BundleManifest, verified_content
from dvsa.text import Vocabulary

SHIPPED_NAME = "flickr8k"
"""The name of the bundle that comes with the package."""


@dataclass(frozen=True)
class Bundle:
    """A trained model: its settings, its vocabulary and its graphs. Threads may share it."""

    folder: Path
    """Where its files are. A training run used as a bundle has only the lists of what it has seen there."""
    manifest: BundleManifest
    vocabulary: Vocabulary
    graphs: Graphs

    @classmethod
    def open(cls, folder: Path | None = None, *, threads: int = 0) -> "Bundle":
        """Open a bundle and verify every digest.

        Args:
            folder: the folder of the bundle; the shipped bundle if None.
            threads: how many threads a graph may use; 0 lets ONNX Runtime choose.

        Raises:
            BundleError: a file is missing, damaged or of another format; the message names it.

        >>> Bundle.open().manifest.name
        'flickr8k'
        """
        folder = folder or shipped()
        manifest = verify(folder)
        graphs = OnnxGraphs(folder, manifest.files, threads)
        return cls(folder, manifest, Vocabulary.load(folder / "vocabulary.tsv"), graphs)

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest, which holds the digests of all other files.

        Raises:
            BundleError: this is a training run, which has no manifest file before it is exported.

        >>> Bundle.open().digest[:12]
        'ed8a3c414670'
        """
        path = self.folder / MANIFEST
        if not path.is_file():
            raise BundleError(f"{self.folder} has no {MANIFEST}, and so no digest: export the run first")
        return hashlib.sha256(path.read_bytes()).hexdigest()

    @property
    def side(self) -> int:
        """Side of the square photograph that the network takes, in pixels.

        Raises:
            ValueError: the bundle takes features of regions, not photographs.

        >>> Bundle.open().side
        224
        """
        self.require_eye()
        return self.manifest.size

    def require_eye(self) -> None:
        """Raise ValueError if the bundle takes features of regions, not photographs.

        >>> Bundle.open().require_eye()
        """
        if self.manifest.given_features:
            raise ValueError(
                f"bundle {self.manifest.name} takes features of regions, not photographs: "
                "evaluate it with --regions, or use another bundle"
            )

    def seen(self) -> PhotoExposure | None:
        """The photographs that the model was trained and chosen on; None if they were not recorded.

        Raises:
            ValueError: the list is invalid; the message names the file and the line.

        >>> len(Bundle.open().seen().names)
        7000
        """
        path = self.folder / PHOTOS_FILE
        return PhotoExposure.read(path) if path.is_file() else None

    def read(self) -> TextExposure:
        """The sentences that the model has read without their photographs; often none.

        Raises:
            ValueError: the list is invalid; the message names the file and the line.

        >>> len(Bundle.open().read().names)
        23692
        """
        path = self.folder / TEXT_FILE
        return TextExposure.read(path) if path.is_file() else TextExposure()


def shipped() -> Path:
    """The folder of the bundle that comes with the package.

    >>> shipped().name
    'flickr8k'
    """
    return Path(str(resources.files("dvsa"))) / "weights" / SHIPPED_NAME


def verify(folder: Path) -> BundleManifest:
    """The manifest of a bundle; raises BundleError unless every file has its recorded digest.

    >>> verify(shipped()).embedding
    256
    """
    manifest = BundleManifest.load(folder / MANIFEST)
    for name in manifest.files:
        verified_content(folder, name, manifest.files)
    return manifest
