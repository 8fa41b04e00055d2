"""Captions and things in the metadata of photographs: in an XMP sidecar, in their XMP or in their EXIF data.

    description    dc:description (XMP); ImageDescription (EXIF)
    things         dc:subject (XMP); XPKeywords (EXIF)
    alt text       Iptc4xmpCore:AltTextAccessibility (XMP)

What is already there stays, unless it is to be overwritten. That also holds for a sidecar when the photograph
itself has a text. What is overwritten goes from all places in the file: all readers show one text. Pixels are
never touched: a file is only replaced if it decodes to the same picture.

This needs the extra `metadata` (pyexiv2, a binding of Exiv2). It parses files in this process: use it for
photographs that you trust.
"""

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, get_args

from dvsa import files
from dvsa.data.kinds import PHOTOGRAPH_SUFFIXES
from dvsa.photo import MAX_BYTES, PhotoError, read
from dvsa.photo_raw import SUFFIXES as RAW_SUFFIXES

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

_EXTENSION: Final = "Xmp.photoshop.SidecarForExtension"
"""Which one of `dog.jpg` and `dog.png` a sidecar `dog.xmp` belongs to, as Lightroom says it."""

_SUFFIXES: Final = PHOTOGRAPH_SUFFIXES | RAW_SUFFIXES | {""}

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
    differing: tuple[str, ...] = ()
    """Properties that are written to a sidecar while the photograph itself has another text."""


def sidecar_of(photo: Path) -> Path:
    """The sidecar of a photograph: `dog.jpg.xmp`, or an existing `dog.xmp` that belongs to it.

    `dog.xmp` belongs to the photograph with the extension that it names. If it names none, it belongs to the
    only photograph of its name.

    Raises:
        MetadataError: `dog.xmp` cannot be read, or would have to serve both `dog` and `dog.jpg`.
        OSError: it cannot be read.

    >>> sidecar_of(Path("album/dog.jpg")).name
    'dog.jpg.xmp'
    """
    plain = photo.with_suffix(".xmp")
    named = photo.with_name(photo.name + ".xmp")
    if plain == named:
        if photo.exists() and not _belongs(plain, photo):
            raise MetadataError(f"{photo}: {plain.name} is for another photograph: give this one a suffix")
        return plain
    return plain if plain.exists() and not named.exists() and _belongs(plain, photo) else named


def _belongs(plain: Path, photo: Path) -> bool:
    """Whether `dog.xmp` is the sidecar of this photograph, not of another one that is called `dog`."""
    named = ""
    if plain.exists():
        with _opened(files.read_bounded(plain, MAX_BYTES, follow=False), plain) as image:
            named = str(image.read_xmp().get(_EXTENSION, "")).removeprefix(".")
    own = photo.suffix.removeprefix(".")
    if named and (named == own or named.lower() != own.lower()):
        return named == own

    others = {
        file.suffix
        for file in photo.parent.iterdir()
        if photo.stem in (file.stem, file.name) and file.name != photo.name
        if file.suffix.lower() in _SUFFIXES and file.is_file()
    }
    return f".{named}" not in others if named else not others


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
        dry_run: whether nothing is written. Everything that would be refused is refused all the same.

    Raises:
        MetadataError: the file is damaged, or its format holds no metadata.
        OSError: a file cannot be read or written; then it stays as it was.
    """
    photo = Path(os.path.realpath(photo))
    change, old, new = _planned(photo, caption, things, target, overwrite)
    if change.written:
        _check(change.file, old, new, picture=target != "sidecar")
        if not dry_run:
            _replace(change.file, new, picture=target != "sidecar")
    return change


def complete(photo: Path, target: Target) -> bool:
    """Whether everything that `annotate` writes is there already; raises as `annotate`."""
    return not _planned(Path(os.path.realpath(photo)), "text", ["thing"], target, False)[0].written


def _planned(
    photo: Path, caption: str, things: Sequence[str], target: Target, overwrite: bool
) -> tuple[Change, bytes, bytes]:
    """What `annotate` changes, with the content of the file before and after."""
    file = sidecar_of(photo) if target == "sidecar" else photo
    content = files.read_bounded(photo, MAX_BYTES)
    old = content
    if target == "sidecar":
        old = files.read_bounded(file, MAX_BYTES, follow=False) if file.exists() else _EMPTY

    # What a person wrote into the photograph counts also for its sidecar.
    there = _texts(old, file)
    inside = _texts(content, photo, quiet=True) if target == "sidecar" else set[str]()
    given: dict[str, str | tuple[str, ...]] = {
        "description": caption, "things": tuple(things), "alt text": caption
    }  # fmt: skip
    given = {name: value for name, value in given.items() if value and name in KEYS[target]}
    told = {name for name in given if (there | inside).intersection(PROPERTIES[name])}
    kept = () if overwrite else tuple(name for name in given if name in told)
    written = {name: value for name, value in given.items() if name not in kept}
    differing = tuple(name for name in written if inside.intersection(PROPERTIES[name]))
    if not written:
        return Change(file, written, kept), old, old

    # Older texts elsewhere in the file go.
    values: dict[str, object] = {
        key: None for name in written for key in there.intersection(PROPERTIES[name])
    }
    values |= {KEYS[target][name]: _value(KEYS[target][name], value) for name, value in written.items()}
    if target == "sidecar" and photo.suffix:
        values[_EXTENSION] = photo.suffix[1:]
    return Change(file, written, kept, differing), old, _changed(old, file, values)


def _changed(content: bytes, file: Path, values: Mapping[str, object]) -> bytes:
    """The content of a file with other metadata; None removes a text."""
    with _opened(content, file) as image:
        writers = {"Exif": image.modify_exif, "Iptc": image.modify_iptc, "Xmp": image.modify_xmp}
        for kind, modify in writers.items():
            if own := {key: value for key, value in values.items() if key.startswith(kind)}:
                modify(own)
        # Things have no order, which Exiv2 takes a list to have.
        if values.get("Xmp.dc.subject"):
            image.modify_raw_xmp(_ORDERED.sub(r"\1<rdf:Bag>\2</rdf:Bag>", image.read_raw_xmp()))
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


def _check(file: Path, old: bytes, new: bytes, *, picture: bool) -> None:
    """Raise the error that replacing the file would raise; a picture must keep its pixels."""
    if not os.access(file.parent, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file.parent))
    if picture:
        try:
            same = read(new, str(file)).image.tobytes() == read(old, str(file)).image.tobytes()
        except PhotoError as error:
            raise MetadataError(str(error)) from error
        if not same:
            raise MetadataError(f"{file}: its metadata cannot be written without a change of its pixels")


def _replace(file: Path, new: bytes, *, picture: bool) -> None:
    """Replace a file atomically, with its permissions.

    A picture also keeps the date of its file: without EXIF data it has no other.
    """
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
        is_sidecar = file.suffix.lower() == ".xmp"
        remedy = "mend this sidecar, or move it away" if is_sidecar else "use a sidecar"
        raise MetadataError(f"{file}: its metadata cannot be read or written ({reason}); {remedy}") from error
