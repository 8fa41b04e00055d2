"""Captions and things in the metadata of photographs: in an XMP sidecar, in their XMP or in their EXIF data.

    description    dc:description (XMP); ImageDescription (EXIF)
    things         dc:subject (XMP); XPKeywords (EXIF)
    alt text       Iptc4xmpCore:AltTextAccessibility (XMP)

What is already there stays, unless it is to be overwritten. That also holds for a sidecar when the photograph
itself has a text. Pixels are never touched: a file is only replaced if it decodes to the same picture.

This needs the extra `metadata` (pyexiv2, a binding of Exiv2). It parses files in this process: use it for
photographs that you trust.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, get_args

from dvsa import files
from dvsa.photo import MAX_BYTES, PhotoError, read

if TYPE_CHECKING:
    import pyexiv2

Target = Literal["sidecar", "xmp", "exif"]
TARGETS: Final[tuple[Target, ...]] = get_args(Target)
"""Where metadata is written: to a file beside the photograph, or into the photograph."""

PROPERTIES: Final[Mapping[str, tuple[str, ...]]] = {
    "description": ("Xmp.dc.description", "Exif.Image.ImageDescription", "Iptc.Application2.Caption"),
    "things": ("Xmp.dc.subject", "Exif.Image.XPKeywords", "Iptc.Application2.Keywords"),
    "alt text": ("Xmp.iptc.AltTextAccessibility",),
}
"""What is written, and where a person may have written it."""

KEYS: Final[Mapping[Target, Mapping[str, str]]] = {
    "sidecar": {name: keys[0] for name, keys in PROPERTIES.items()},
    "xmp": {name: keys[0] for name, keys in PROPERTIES.items()},
    "exif": {"description": "Exif.Image.ImageDescription", "things": "Exif.Image.XPKeywords"},
}
"""Where each property is written."""

PLACEHOLDERS: Final = frozenset(
    {
        "",
        "OLYMPUS DIGITAL CAMERA",
        "MINOLTA DIGITAL CAMERA",
        "KONICA MINOLTA DIGITAL CAMERA",
        "SONY DSC",
        "DCIM",
    }
)
"""What cameras write as the description of every photograph."""

_LANGUAGE: Final = 'lang="x-default"'

_EMPTY: Final = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""/>'
    b'</rdf:RDF></x:xmpmeta>\n<?xpacket end="w"?>'
)
"""A sidecar that says nothing."""

_ORDERED: Final = re.compile(r"(<dc:subject>\s*)<rdf:Seq>(.*?)</rdf:Seq>", re.DOTALL)


class MetadataError(ValueError):
    """The metadata of a photograph cannot be read or written; the message names the file."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is written for one photograph."""

    file: Path
    """The photograph, or its sidecar."""
    written: Mapping[str, str | tuple[str, ...]]
    """By the names of `PROPERTIES`."""
    kept: tuple[str, ...]
    """Properties that were already there and stay."""


def sidecar_of(photo: Path) -> Path:
    """The sidecar of a photograph: `dog.jpg.xmp`, or an existing `dog.xmp`.

    >>> sidecar_of(Path("album/dog.jpg")).name
    'dog.jpg.xmp'
    """
    plain = photo.with_suffix(".xmp")
    named = photo.with_name(photo.name + ".xmp")
    return plain if plain.exists() and not named.exists() else named


def annotate(
    photo: Path,
    caption: str,
    things: Sequence[str],
    target: Target = "sidecar",
    *,
    overwrite: bool = False,
    dry_run: bool = False,
) -> Change:
    """Write a caption, which is also the alternative text, and things to the metadata of a photograph.

    Args:
        photo: the file; if it is a link, the file that it leads to is changed.
        caption: one sentence.
        things: words.
        target: where it is written.
        overwrite: whether it replaces what is already there.
        dry_run: whether nothing is written.

    Raises:
        MetadataError: the file is damaged, or its format holds no metadata.
        OSError: a file cannot be read or written; then it stays as it was.
    """
    photo = Path(os.path.realpath(photo))
    file = sidecar_of(photo) if target == "sidecar" else photo
    content = files.read_bounded(photo, MAX_BYTES)
    old = content
    if target == "sidecar":
        old = files.read_bounded(file, MAX_BYTES, follow=False) if file.exists() else _EMPTY

    # What a person wrote into the photograph counts also for its sidecar.
    there = _texts(old, file) | (_texts(content, photo, quiet=True) if target == "sidecar" else set())
    given: dict[str, str | tuple[str, ...]] = {
        "description": caption, "things": tuple(things), "alt text": caption
    }  # fmt: skip
    given = {name: value for name, value in given.items() if value and name in KEYS[target]}
    kept = () if overwrite else tuple(name for name in given if there.intersection(PROPERTIES[name]))
    written = {name: value for name, value in given.items() if name not in kept}
    if written and not dry_run:
        _replace(file, old, _changed(old, file, target, written), picture=target != "sidecar")
    return Change(file, written, kept)


def complete(photo: Path, target: Target) -> bool:
    """Whether everything that `annotate` writes is there already; raises as `annotate`."""
    return not annotate(photo, "text", ["thing"], target, dry_run=True).written


def _changed(
    content: bytes, file: Path, target: Target, written: Mapping[str, str | tuple[str, ...]]
) -> bytes:
    """The content of a file with other metadata."""
    values = {KEYS[target][name]: _value(KEYS[target][name], value) for name, value in written.items()}
    with _opened(content, file) as image:
        if target == "exif":
            image.modify_exif(values)
        else:
            image.modify_xmp(values)
            # Things have no order, which Exiv2 takes a list to have.
            raw = _ORDERED.sub(r"\1<rdf:Bag>\2</rdf:Bag>", image.read_raw_xmp())
            image.modify_raw_xmp(raw)
        return bytes(image.get_bytes())


def _value(key: str, value: str | tuple[str, ...]) -> object:
    """A value in the form that pyexiv2 takes for a key."""
    if key == "Exif.Image.XPKeywords":
        return ";".join(value)  # as Windows separates them
    if key in ("Xmp.dc.description", "Xmp.iptc.AltTextAccessibility"):
        return {_LANGUAGE: value}
    return list(value) if isinstance(value, tuple) else value


def _texts(content: bytes, file: Path, *, quiet: bool = False) -> set[str]:
    """The keys of `PROPERTIES` that have a text in a file; none if it cannot be read and `quiet` is true."""
    wanted = {key for keys in PROPERTIES.values() for key in keys}
    try:
        with _opened(content, file) as image:
            readers: tuple[Callable[[], Mapping[str, object]], ...] = (
                image.read_xmp, image.read_exif, image.read_iptc
            )  # fmt: skip
            found = {key: value for reader in readers for key, value in reader().items()}
    except MetadataError:
        if quiet:
            return set()
        raise
    return {key for key in wanted & found.keys() if _says_something(found[key])}


def _says_something(value: object) -> bool:
    """Whether a value is a text, and not what some cameras write in place of a description."""
    if isinstance(value, Mapping):
        return any(map(_says_something, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_says_something, value))
    return str(value).strip("\0 \t\r\n").upper() not in PLACEHOLDERS


def _replace(file: Path, old: bytes, new: bytes, *, picture: bool) -> None:
    """Replace a file atomically, with its permissions; a picture only by one with the same pixels.

    A picture also keeps the date of its file: without EXIF data it has no other.
    """
    if picture:
        try:
            same = read(new, str(file)).image.tobytes() == read(old, str(file)).image.tobytes()
        except PhotoError as error:
            raise MetadataError(str(error)) from error
        if not same:
            raise MetadataError(f"{file}: its metadata cannot be written without a change of its pixels")
    with files.replacing(file) as partial:
        partial.write_bytes(new)
        if file.exists():
            shutil.copymode(file, partial)
        if picture:
            times = file.stat()
            os.utime(partial, ns=(times.st_atime_ns, times.st_mtime_ns))


@contextmanager
def _opened(content: bytes, file: Path) -> "Iterator[pyexiv2.ImageData]":
    """A file in memory, whose metadata can be read and changed."""
    import pyexiv2

    pyexiv2.set_log_level(4)  # errors are raised, and warnings help nobody
    try:
        image = pyexiv2.ImageData(content)
        try:
            yield image
        finally:
            image.close()
    except (RuntimeError, UnicodeError) as error:
        reason = " ".join(str(error).split())
        raise MetadataError(
            f"{file}: its metadata cannot be read or written ({reason}); use a sidecar"
        ) from error
