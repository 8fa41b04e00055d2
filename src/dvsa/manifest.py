"""The manifest of a bundle: what is in it, how to use it, and how it was trained."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Final

from dvsa.records import SUBJECTS, Subject
from dvsa.regions import PROPOSERS

FORMAT: Final = 2
READ: Final = (1, FORMAT)
"""The formats that can be read; only bundles with crops or given features need format 2."""
MANIFEST: Final = "manifest.json"
SCORES: Final = ("maxsim", "defrag")
"""The scores of a photograph and a sentence that `dvsa.maxsim` computes."""


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
    voices: Mapping[Subject, Voice]
    training: Mapping[str, object]
    """Recipe, data, seed and validation figures of every stage."""
    crops: Crops | None = None
    """How crops are cut; None if feature maps alone describe regions."""
    given_features: int = 0
    """Width of the features of regions that the model takes in place of photographs; 0 if it takes those."""
    probe: Probe | None = None
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
        try:
            content = json.loads(path.read_bytes())
        except FileNotFoundError:
            raise BundleError(f"{path.parent} has no bundle: there is no {path.name} in it") from None
        except (OSError, ValueError, RecursionError) as error:
            raise BundleError(f"{path} cannot be read ({error}): export the bundle again") from error
        return cls.from_json(content, str(path))

    @classmethod
    def from_json(cls, content: object, source: str = MANIFEST) -> "BundleManifest":
        """Check the content of a manifest; `source` names it in errors.

        Raises:
            BundleError: the format is not in `READ`, a field is missing, or a value is invalid.
        """
        if not isinstance(content, dict) or content.get("format") not in READ:
            known = " or ".join(map(str, READ))
            raise BundleError(f"{source} is not of format {known}: this version of dvsa cannot read it")

        top = _Record(content, source)
        return cls(
            name=top.text("name"),
            licence=top.text("licence"),
            files={
                name: FileRecord(file.whole("bytes"), file.text("sha256"))
                for name, file in top.records("files").items()
            },
            size=top.whole("size"),
            embedding=top.whole("embedding"),
            proposer=top.one_of("proposer", PROPOSERS),
            nms=top.number("nms"),
            sharpness=top.number("sharpness", 0.0),
            score=top.one_of("score", SCORES),
            beta=top.number("beta"),
            beam=top.whole("beam"),
            length_power=top.number("length_power"),
            rerank=top.number("rerank", 0.0),
            support=top.number("support", 0.0),
            voices=_voices(top),
            training=top.record("training").content,
            crops=_crops(top),
            given_features=top.whole("given_features", 0),
            probe=_probe(top),
            extra={name: value for name, value in content.items() if name not in _KNOWN},
        )

    def to_json(self) -> dict[str, object]:
        """The content of the manifest file; `from_json` reads it back."""
        plain = self.crops is None and not self.given_features
        content = {"format": 1 if plain else FORMAT, **asdict(self)}
        extra = content.pop("extra")
        for name in ("crops", "given_features", "probe"):
            if not content[name]:
                del content[name]
        return {**content, **extra}


_KNOWN: Final = {"format", *(field.name for field in fields(BundleManifest))} - {"extra"}


@dataclass(frozen=True, slots=True)
class _Record:
    """A JSON object; every field is checked when it is read, and errors name the file and the field."""

    content: Mapping[str, object]
    source: str
    path: str = ""
    """Prefix of the names of its fields in errors, such as `voices.frame.`."""

    def text(self, name: str) -> str:
        value = self._value(name)
        if not isinstance(value, str):
            raise self._invalid(name, "a string")
        return value

    def whole(self, name: str, default: int | None = None) -> int:
        if default is not None and name not in self.content:
            return default
        value = self._value(name)
        if type(value) is not int or value < 0:
            raise self._invalid(name, "a whole number, 0 or more")
        return value

    def number(self, name: str, default: float | None = None) -> float:
        if default is not None and name not in self.content:
            return default
        value = self._value(name)
        if (type(value) is not int and type(value) is not float) or not math.isfinite(value):
            raise self._invalid(name, "a finite number")
        return value

    def flag(self, name: str) -> bool:
        value = self._value(name)
        if not isinstance(value, bool):
            raise self._invalid(name, "true or false")
        return value

    def one_of(self, name: str, allowed: Sequence[str]) -> str:
        value = self._value(name)
        if not isinstance(value, str) or value not in allowed:
            raise self._invalid(name, f"one of {', '.join(allowed)}")
        return value

    def record(self, name: str) -> "_Record":
        value = self._value(name)
        if not isinstance(value, dict):
            raise self._invalid(name, "a JSON object")
        return _Record(value, self.source, f"{self.path}{name}.")

    def records(self, name: str) -> dict[str, "_Record"]:
        record = self.record(name)
        return {key: record.record(key) for key in record.content}

    def _value(self, name: str) -> object:
        if name not in self.content:
            raise BundleError(f"{self.source} lacks {self.path}{name}: export the bundle again")
        return self.content[name]

    def _invalid(self, name: str, expected: str) -> BundleError:
        value = f"{self.path}{name} is {self.content[name]!r:.60}"
        return BundleError(f"{self.source}: {value}; expected {expected}: export the bundle again")


def _voices(top: _Record) -> dict[Subject, Voice]:
    """The captioners, by what they describe; others than `SUBJECTS` are ignored."""
    records = top.records("voices")
    return {s: Voice(records[s].text("graphs"), records[s].whole("start")) for s in SUBJECTS if s in records}


def _crops(top: _Record) -> Crops | None:
    """How crops are cut, if regions are described by crops."""
    if "crops" not in top.content:
        return None
    crops = top.record("crops")
    return Crops(crops.whole("size"), crops.number("context"), crops.flag("full_resolution"))


def _probe(top: _Record) -> Probe | None:
    """The recorded output for the probe picture, if there is one."""
    if "probe" not in top.content:
        return None
    probe = top.record("probe")
    return Probe(probe.text("caption"), probe.number("score"))


def verified_content(folder: Path, name: str, files: Mapping[str, FileRecord]) -> bytes:
    """The content of a file of a bundle; raises BundleError unless it has the recorded digest."""
    if name not in files:
        raise BundleError(f"{folder / MANIFEST} names no file {name}: export the bundle again")
    if Path(name).name != name:
        raise BundleError(f"{folder / MANIFEST} names {name!r}, which is outside of the bundle")
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise BundleError(
            f"{folder / name} is missing ({error.strerror}): install or export the bundle again"
        ) from error

    found, wanted = hashlib.sha256(content).hexdigest(), files[name].sha256
    if found != wanted:
        raise BundleError(
            f"{folder / name} is damaged: its SHA-256 begins {found[:12]}, not {wanted[:12]}; "
            "install or export the bundle again"
        )
    return content
