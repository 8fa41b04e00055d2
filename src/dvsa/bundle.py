"""A trained model on disk: ONNX graphs, a vocabulary, and a manifest with the digest of every file.

    manifest.json          what is in the bundle, how to use it, how it was trained
    vocabulary.tsv         words and counts
    spoken.tsv             those that captions use, if they are not all
    photographs.tsv        digests of the photographs that the model has seen
    read.tsv               sentences that it has read without their photographs, if any
    fluency.npy            which words people have written after which, if captions follow them
    familiar.npy           what the photographs that it knows look like, if it was recorded
    background.npy         what ordinary regions look like, if it was recorded
    taught-DIGEST.json     names that it was taught after its training, if any
    replay.safetensors     features and sentences that a continued training replays, if any
    LICENCE.txt            the licence of the weights
    README.md              a card for people and for the hub; not verified, so that it can be edited
    look.onnx              pixels -> feature maps, candidate boxes and their scores
    encode.onnx            feature maps, boxes -> features and vectors of regions
    classes.onnx           features -> probabilities of ImageNet's classes, if the model knows their names
    sentence.onnx          word ids, mask -> word vectors
    NAME.start.onnx        features, focus -> a captioner's first state
    NAME.step.onnx         word, state -> log-probabilities of the next word, next state

Nothing in a bundle is code, and nothing is unpickled.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TypeVar

from dvsa import files, hub
from dvsa.card import CARD, PLACE, card
from dvsa.data.exposure import PHOTOS_FILE, TEXT_FILE, PhotoExposure, TextExposure
from dvsa.familiar import FAMILIAR_FILE, Familiar
from dvsa.fluency import Fluency
from dvsa.fluency_file import FLUENCY_FILE, parse
from dvsa.graphs import Graphs, OnnxGraphs
from dvsa.manifest import MANIFEST, MAX_MANIFEST_BYTES, BundleError, BundleManifest
from dvsa.taught import Taught
from dvsa.text import Vocabulary
from dvsa.verified import VOCABULARY_FILE, verified_content, verify_files

SHIPPED_NAME = "flickr8k"
"""The name of the bundle that comes with the package."""

SPOKEN_FILE = "spoken.tsv"
REPLAY_FILE = "replay.safetensors"

Parsed = TypeVar("Parsed")


@dataclass(frozen=True, repr=False)
class Bundle:
    """A trained model: its settings, its vocabulary and its graphs. Threads may share it."""

    folder: Path
    """Where its files are. A training run used as a bundle has only the lists of what it has seen there."""
    manifest: BundleManifest
    vocabulary: Vocabulary
    graphs: Graphs
    sha256: str | None = None
    """Of the manifest that was read; None for a training run used as a bundle."""

    def __repr__(self) -> str:
        """The name and the folder."""
        return f"<Bundle {self.manifest.name!r} in {str(self.folder)!r}>"

    @classmethod
    def open(
        cls,
        folder: str | Path | None = None,
        *,
        revision: str | None = None,
        threads: int = 0,
        digest: str | None = None,
    ) -> "Bundle":
        """Open a bundle and verify every digest. Later, no other bytes are used than those verified.

        Args:
            folder: the folder of the bundle, or its address on the hub, see `dvsa.hub.folder`; the shipped
                bundle if None.
            revision: of a bundle on the hub.
            threads: how many threads a graph may use; 0 lets ONNX Runtime choose.
            digest: the digest that the bundle must have; None accepts any.

        Raises:
            BundleError: a file is missing, damaged or of another format, and the message names it; or the
                bundle cannot be fetched.

        >>> Bundle.open().manifest.name
        'flickr8k'
        """
        if folder is None and revision is not None:
            raise BundleError(f"the shipped bundle has no revision {revision}: name a bundle on the hub")
        folder = shipped() if folder is None else hub.folder(folder, revision)
        manifest, found = BundleManifest.read(folder / MANIFEST)
        if digest is not None and found != digest.lower():
            raise BundleError(
                f"{folder} has the digest {found}, not {digest[:64]}: it is another bundle than you asked for"
            )
        verify_files(folder, manifest)

        words = verified_content(folder, VOCABULARY_FILE, manifest.files)
        try:
            vocabulary = Vocabulary.parse(words, str(folder / VOCABULARY_FILE))
        except ValueError as error:
            raise BundleError(str(error)) from error
        for subject, voice in manifest.voices.items():
            if voice.start >= len(vocabulary):
                raise BundleError(
                    f"{folder / MANIFEST}: voices.{subject}.start is {voice.start}; expected a token below "
                    f"{len(vocabulary)}: export the bundle again"
                )
        return cls(folder, manifest, vocabulary, OnnxGraphs(folder, manifest.files, threads), found)

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest, which holds the digests of all other files.

        Raises:
            BundleError: this is a training run, which has no manifest file before it is exported.

        >>> Bundle.open().digest[:12]
        'ed8a3c414670'
        """
        if self.sha256 is None:
            raise BundleError(f"{self.folder} has no {MANIFEST}, and so no digest: export the run first")
        return self.sha256

    @property
    def regions_digest(self) -> str:
        """The digest of the bundle before it was taught names: equal ones give photographs equal vectors.

        >>> Bundle.open().regions_digest == Bundle.open().digest
        True
        """
        return self.digest if self.manifest.lessons is None else self.manifest.lessons.base

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

        BundleError: the list is invalid; the message names the file and the line.

        >>> len(Bundle.open().seen().names)
        7000
        """
        return self._parsed(PHOTOS_FILE, PhotoExposure.parse)

    def read(self) -> TextExposure:
        """The sentences that the model has read without their photographs; often none.

        BundleError: the list is invalid; the message names the file and the line.

        >>> len(Bundle.open().read().names)
        23692
        """
        return self._parsed(TEXT_FILE, TextExposure.parse) or TextExposure()

    @cached_property
    def spoken(self) -> Vocabulary:
        """The words that captions use, with the captioners' own ids. BundleError: the file is invalid.

        >>> Bundle.open().spoken.decode([3])
        ['a']
        """
        words = self._parsed(SPOKEN_FILE, Vocabulary.parse)
        if words is None:
            return self.vocabulary
        if not {*words.words} <= {*self.vocabulary.words}:
            raise BundleError(
                f"{self.folder / SPOKEN_FILE} has words that {VOCABULARY_FILE} lacks: export the bundle again"
            )
        return words

    @cached_property
    def fluency(self) -> Fluency | None:
        """Which words of `spoken` may follow which; None without rules. BundleError: they are invalid.

        >>> Bundle.open().fluency
        """
        return self._parsed(FLUENCY_FILE, lambda content, source: parse(content, self.spoken, source))

    @cached_property
    def familiar(self) -> Familiar | None:
        """What the photographs that it knows look like; None if unknown. BundleError: the file is invalid.

        >>> Bundle.open().familiar
        """
        return self._parsed(FAMILIAR_FILE, Familiar.parse)

    @cached_property
    def taught(self) -> Taught:
        """The names that it was taught after its training. BundleError: their file is invalid.

        >>> len(Bundle.open().taught.vectors)
        0
        """
        width, lessons = self.manifest.embedding, self.manifest.lessons
        file = "" if lessons is None else lessons.file
        return self._parsed(file, lambda content, source: Taught.parse(content, width, source)) or Taught()

    def _parsed(self, name: str, parse: Callable[[bytes, str], Parsed]) -> Parsed | None:
        """What a file contains; None if the bundle has none of this name."""
        content = self.content(name)
        try:
            return None if content is None else parse(content, str(self.folder / name))
        except ValueError as error:
            raise BundleError(str(error)) from error

    def content(self, name: str) -> bytes | None:
        """The content of a file, verified; None if the bundle has none of this name.

        Raises:
            BundleError: the file is missing or damaged.

        >>> len(Bundle.open().content("LICENCE.txt"))
        360
        """
        if self.sha256 is None:
            path = self.folder / name
            return path.read_bytes() if path.is_file() else None
        return (
            verified_content(self.folder, name, self.manifest.files) if name in self.manifest.files else None
        )

    def publishable(self, address: str = PLACE) -> dict[str, bytes]:
        """The content of every file, verified, and of a card, by name: what belongs on a hub.

        A card that the folder has is kept; otherwise one is written for the address.

        Raises:
            BundleError: a file is missing or damaged, or this is a training run.

        >>> sorted(Bundle.open().publishable())[:3]
        ['LICENCE.txt', 'README.md', 'encode.onnx']
        """
        manifest = files.read_bounded(self.folder / MANIFEST, MAX_MANIFEST_BYTES)
        if hashlib.sha256(manifest).hexdigest() != self.digest:
            raise BundleError(
                f"{self.folder / MANIFEST} has changed since the bundle was opened: open it again"
            )
        content = {
            name: verified_content(self.folder, name, self.manifest.files) for name in self.manifest.files
        }

        path = self.folder / CARD
        text = path.read_text("utf-8") if path.is_file() else card(self.manifest)
        text = text.replace(f'dvsa.load("{PLACE}")', f'dvsa.load("{address}")')
        return {**content, MANIFEST: manifest, CARD: text.encode()}

    def save_pretrained(self, folder: str | Path) -> Path:
        """Write the bundle and its card to a folder, which must be new or empty; the folder.

        Raises:
            ValueError: the folder is not empty.
            BundleError: a file is missing or damaged, or this is a training run.

        >>> Bundle.open(Bundle.open().save_pretrained("copy")).digest[:12]
        'ed8a3c414670'
        """
        content = self.publishable()
        with files.new_folder(Path(folder)) as partial:
            for name, data in content.items():
                (partial / name).write_bytes(data)
        return Path(folder)


def shipped() -> Path:
    """The folder of the bundle that comes with the package.

    >>> shipped().name
    'flickr8k'
    """
    return Path(str(resources.files("dvsa"))) / "weights" / SHIPPED_NAME
