"""The list runs/wild.toml: photographs from outside Flickr8K, where they come from and what is in them."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from dvsa.typed_json import JsonObject

LIST = Path(__file__).with_name("wild.toml")
HALVES = ("choose", "judge")
"""To choose settings by, and to be judged by once."""
CLIENTS = ("apt", "npm", "pip")
"""The programs that download packages."""
LINE = r"\S.{0,300}"
"""A regular expression of texts."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package with a fixed version."""

    name: str
    client: str
    """One of `CLIENTS`."""
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.client})"


@dataclass(frozen=True, slots=True)
class Wild:
    """A photograph of the list."""

    name: str
    half: str
    """One of `HALVES`."""
    kind: str
    """The subject, such as `animals`; both halves have each kind about equally often."""
    main: str
    """The main thing, as a person would search for it."""
    names: tuple[str, ...]
    """Other right names of it, ImageNet's among them."""
    things: tuple[str, ...]
    """What else is in the photograph."""
    subjects: tuple[str, ...]
    """Further words that a right caption may have as its subject."""
    sentence: str
    package: Package
    member: str
    """The path in the package; after `!`, the path in a file of Qt resources."""
    sha256: str
    """Of the photograph's file."""
    author: str
    licence: str

    @property
    def file(self) -> str:
        """The name of its file after fetching."""
        return self.name + PurePosixPath(self.member.partition("!")[2] or self.member).suffix.lower()

    @property
    def right(self) -> tuple[str, ...]:
        """All right names of the main thing."""
        return (self.main, *self.names)


def read(path: Path = LIST) -> tuple[Wild, ...]:
    """The photographs in the order of the list.

    Raises:
        OSError: the file cannot be read.
        ValueError: a field is missing, empty or unknown, or a package is not listed.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not TOML ({error})") from error
    record = JsonObject(content, str(path), ValueError, "correct the list")
    record.only("packages", "photographs")

    packages: dict[str, Package] = {}
    for name, fields in record.records("packages").items():
        fields.only("client", "version")
        packages[name] = Package(name, fields.one_of("client", CLIENTS), fields.text("version", LINE))
    return tuple(_wild(name, fields, packages) for name, fields in record.records("photographs").items())


def _wild(name: str, fields: JsonObject, packages: Mapping[str, Package]) -> Wild:
    fields.only(*(field for field in Wild.__slots__ if field != "name"))
    return Wild(
        name=name,
        half=fields.one_of("half", HALVES),
        kind=fields.text("kind", LINE),
        main=fields.text("main", LINE),
        names=_texts(fields, "names"),
        things=_texts(fields, "things"),
        subjects=_texts(fields, "subjects") if "subjects" in fields else (),
        sentence=fields.text("sentence", LINE),
        package=packages[fields.one_of("package", tuple(packages))],
        member=fields.text("member", LINE),
        sha256=fields.text("sha256", "[0-9a-f]{64}", "64 digits of SHA-256"),
        author=fields.text("author", LINE),
        licence=fields.text("licence", LINE),
    )


def _texts(fields: JsonObject, name: str) -> tuple[str, ...]:
    """A list of texts."""
    found = tuple(value for value in fields.items(name) if isinstance(value, str) and value)
    if len(found) < len(fields.items(name)):
        raise fields.invalid(name, "a list of texts")
    return found
