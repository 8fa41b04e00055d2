"""The manifest of a bundle: what is in it, how to use it, and how it was trained."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Final

from dvsa import files
from dvsa.aligning import Support
from dvsa.records import SUBJECTS, Subject
from dvsa.regions import PROPOSERS
from dvsa.typed_json import JsonObject, parse

FORMAT: Final = 2
READ: Final = (1, FORMAT)
"""The formats that can be read; only bundles with crops or given features need format 2."""
MANIFEST: Final = "manifest.json"
SCORES: Final = ("maxsim", "defrag")
"""The scores of a photograph and a sentence that `dvsa.maxsim` computes."""

FILE_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
"""Names of files of a bundle: they work on every system, and none of them leads out of the folder."""
MAX_MANIFEST_BYTES: Final = 16 * 2**20
MAX_SIDE: Final = 4096
"""Pixels of a side that a network takes."""
MAX_WIDTH: Final = 2**20
"""Numbers in a vector, and words of a vocabulary."""
MAX_BEAM: Final = 1000
MAX_WEIGHT: Final = 1e6
EVIDENCE: Final = 6
"""Weights of the evidence for a class."""
MAX_FILE_BYTES: Final = 2**32
"""Of a file of a bundle, which is read whole; a graph of ONNX has at most half of that."""


class BundleError(ValueError):
    """A bundle that is missing, damaged or of another format; the message names the file."""


@dataclass(frozen=True, slots=True)
class FileRecord:
    """The size and the digest of a file."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Voice:
    """How a captioner is used."""

    graphs: str
    """The NAME in `NAME.start.onnx` and `NAME.step.onnx`."""
    start: int
    """The token before the first word."""


@dataclass(frozen=True, slots=True)
class Crops:
    """How the crops are cut that describe regions."""

    size: int
    """Side of a crop, in pixels."""
    context: float
    """How much a crop shows beyond each edge of its box, as a share of the box's sides."""
    full_resolution: bool
    """Whether they are cut from the photograph itself; otherwise from the square that `look` takes."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What the model says about the picture that `dvsa.doctor` draws."""

    caption: str
    score: float


@dataclass(frozen=True, slots=True)
class Lessons:
    """What a bundle was taught after its training; see `dvsa.taught`."""

    file: str
    """The file with the names."""
    base: str
    """Digest of the bundle before: what it says of photographs has not changed since."""


@dataclass(frozen=True, kw_only=True)
class BundleManifest:
    """What `manifest.json` holds."""

    name: str
    licence: str
    files: Mapping[str, FileRecord]
    """Every other file of the bundle, by name."""
    size: int
    """Side of the square photograph that the network takes, in pixels."""
    embedding: int
    """Numbers in a vector of a region or a word."""
    proposer: str
    """How regions are chosen from the candidates; see `dvsa.regions.choose`."""
    nms: float
    """IoU threshold of non-maximum suppression."""
    sharpness: float = 0.0
    """Factor of the softmax over regions that locates a phrase; 0 takes the region with the best score."""
    score: str
    """The score of a photograph and a sentence: one of `SCORES`."""
    beta: float
    """Default preference for longer segments."""
    beam: int
    """Default width of the beam."""
    length_power: float
    """Default power of the length by which a caption's log-probability is divided."""
    rerank: float = 0.0
    """Weight of the alignment score when captions are compared; 0 turns reranking off."""
    support: float = 0.0
    """The score, as a share of the length of a word's vector, above which a region supports the word."""
    support_slope: float = 0.0
    """How fast the probability that the photograph shows a word changes with that share; 0 if unknown."""
    familiar: float = 0.0
    """The distance up to which a photograph is like those that the model knows; 0 if unknown."""
    things: tuple[float, ...] = ()
    """The weights of the evidence for classes (see `dvsa.seeing`); none if classes are not told."""
    voices: Mapping[Subject, Voice]
    training: Mapping[str, object]
    """Recipe, data, seed and validation figures of every stage."""
    crops: Crops | None = None
    """How crops are cut; None if feature maps alone describe regions."""
    given_features: int = 0
    """Width of the features of regions that the model takes in place of photographs; 0 if it takes those."""
    probe: Probe | None = None
    lessons: Lessons | None = None
    extra: Mapping[str, object] = field(default_factory=dict)
    """Fields that this version does not know; they are kept."""

    @property
    def config(self) -> Mapping[str, object]:
        """The configuration of the training run; empty if it was not recorded."""
        config = self.training.get("config")
        return config if isinstance(config, dict) else {}

    @classmethod
    def load(cls, path: Path) -> "BundleManifest":
        """Read and check a manifest file; BundleError names the file and the field."""
        return cls.read(path)[0]

    @classmethod
    def read(cls, path: Path) -> tuple["BundleManifest", str]:
        """Read and check a manifest file: the manifest, and the SHA-256 of the bytes that were read.

        Raises:
            BundleError: there is no such file, or it is invalid; the message names the file and the field.
        """
        try:
            content = files.read_bounded(path, MAX_MANIFEST_BYTES)
            parsed = parse(content)
        except FileNotFoundError:
            raise BundleError(f"{path.parent} has no bundle: there is no {path.name} in it") from None
        except (OSError, ValueError) as error:
            raise BundleError(f"{path} cannot be read ({error}): export the bundle again") from error
        return cls.from_json(parsed, str(path)), hashlib.sha256(content).hexdigest()

    @classmethod
    def from_json(cls, content: object, source: str = MANIFEST) -> "BundleManifest":
        """Check the content of a manifest; `source` names it in errors.

        Raises:
            BundleError: the format is not in `READ`, a field is missing, or a value is invalid.
        """
        found = content.get("format") if isinstance(content, dict) else None
        if not isinstance(content, dict) or type(found) is not int or found not in READ:
            known = " or ".join(map(str, READ))
            raise BundleError(f"{source} is not of format {known}: this version of dvsa cannot read it")

        top = JsonObject(content, source, BundleError, "export the bundle again")
        return cls(
            name=top.text("name"),
            licence=top.text("licence"),
            files=_files(top),
            size=top.whole("size", low=0 if top.content.get("given_features") else 1, high=MAX_SIDE),
            embedding=top.whole("embedding", low=1, high=MAX_WIDTH),
            proposer=top.one_of("proposer", PROPOSERS),
            nms=top.number("nms", low=0, high=1),
            sharpness=top.number("sharpness", 0.0, low=0, high=1e6),
            score=top.one_of("score", SCORES),
            beta=top.number("beta", low=0),
            beam=top.whole("beam", low=1, high=MAX_BEAM),
            length_power=top.number("length_power", low=0, high=10),
            rerank=top.number("rerank", 0.0, low=0, high=1e6),
            support=top.number("support", 0.0, low=0, high=1e6),
            support_slope=top.number("support_slope", 0.0, low=0, high=1e6),
            familiar=top.number("familiar", 0.0, low=0, high=1e12),
            things=_things(top),
            voices=_voices(top),
            training=top.record("training").content,
            crops=_crops(top),
            given_features=top.whole("given_features", 0, high=MAX_WIDTH),
            probe=_probe(top),
            lessons=_lessons(top),
            extra={name: value for name, value in content.items() if name not in _KNOWN},
        )

    @property
    def evidence(self) -> Support:
        """What the match of a word says.

        >>> import dvsa
        >>> dvsa.load().bundle.manifest.evidence.threshold
        0.32
        """
        return Support(self.support, self.support_slope)

    def to_json(self) -> dict[str, object]:
        """The content of the manifest file; `from_json` reads it back."""
        plain = self.crops is None and not self.given_features
        content = {"format": 1 if plain else FORMAT, **asdict(self)}
        extra = content.pop("extra")
        for name in ("crops", "given_features", "probe", "lessons", "support_slope", "familiar", "things"):
            if not content[name]:
                del content[name]
        return {**content, **extra}


_DIGEST: Final = ("[0-9a-f]{64}", "64 hexadecimal digits")
_KNOWN: Final = {"format", *(field.name for field in fields(BundleManifest))} - {"extra"}


def _files(top: JsonObject) -> dict[str, FileRecord]:
    """The files of the bundle. Their names have no folders, so none is outside of it."""
    records = top.records("files")
    for name in records:
        if not re.fullmatch(FILE_NAME, name) or name == MANIFEST:
            raise BundleError(
                f"{top.source} names {name!r:.60}, which is not a file of a bundle: {top.remedy}"
            )
    return {
        name: FileRecord(file.whole("bytes", high=MAX_FILE_BYTES), file.text("sha256", *_DIGEST))
        for name, file in records.items()
    }


def _things(top: JsonObject) -> tuple[float, ...]:
    """The weights of the evidence for classes, if there are any."""
    given = top.items("things") if "things" in top.content else []
    weights = tuple(float(w) for w in given if isinstance(w, int | float) and abs(w) < MAX_WEIGHT)
    if len(weights) < len(given) or len(weights) not in (0, EVIDENCE):
        raise top.invalid("things", f"{EVIDENCE} numbers below {MAX_WEIGHT:g}")
    return weights


def _voices(top: JsonObject) -> dict[Subject, Voice]:
    """The captioners, by what they describe; others than `SUBJECTS` are ignored."""
    records = top.records("voices")
    return {
        s: Voice(
            records[s].text("graphs", FILE_NAME, "the first part of a file name"),
            records[s].whole("start", high=MAX_WIDTH),
        )
        for s in SUBJECTS
        if s in records
    }


def _crops(top: JsonObject) -> Crops | None:
    """How crops are cut, if regions are described by crops."""
    if "crops" not in top.content:
        return None
    crops = top.record("crops")
    return Crops(
        crops.whole("size", low=1, high=MAX_SIDE),
        crops.number("context", low=0, high=1),
        crops.flag("full_resolution"),
    )


def _probe(top: JsonObject) -> Probe | None:
    """The recorded output for the probe picture, if there is one."""
    if "probe" not in top.content:
        return None
    probe = top.record("probe")
    return Probe(probe.text("caption"), probe.number("score"))


def _lessons(top: JsonObject) -> Lessons | None:
    """What the bundle was taught, if anything."""
    if "lessons" not in top.content:
        return None
    lessons = top.record("lessons")
    return Lessons(lessons.text("file", FILE_NAME, "the name of a file"), lessons.text("base", *_DIGEST))
