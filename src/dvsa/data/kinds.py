"""What kind of file something is, judged by its content: photographs, tar files, and what cannot be read."""

import lzma
import os
import re
import zlib
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Final

from dvsa import files
from dvsa.photo_raw import SUFFIXES, is_raw

HEAD: Final = 512
"""Bytes at the beginning of a file that say what it is."""
INSIDE: Final = 512
"""Bytes of a compressed file that are looked at."""


class Kind(StrEnum):
    """What a file or folder is; the value names it for people."""

    PHOTOGRAPH = "photograph"
    TAR = "tar file"

    # What is left out, although it may show or contain photographs.
    UNREADABLE_FOLDER = "unreadable folder"
    UNREADABLE_FILE = "unreadable file"
    SPECIAL = "special file"
    BROKEN_LINK = "broken link"
    OTHER_FORMAT = "picture of another format"
    COMPRESSED_TAR = "compressed tar file"
    BROKEN_TAR = "broken tar file"
    ARCHIVE = "archive"
    TAR_LINK = "link in a tar file"
    OUTSIDE = "member outside the folder of its tar file"

    # What is left out with good reason.
    HIDDEN = "hidden file or folder"
    DRAWING = "drawing or report of dvsa"
    THUMBNAILS = "thumbnail folder"
    EXCLUDED = "excluded file or folder"
    OTHER = "other file"

    @property
    def is_fault(self) -> bool:
        """Whether photographs may be missing because something of this kind was left out."""
        return self not in _HARMLESS


_HARMLESS: Final = frozenset(
    {
        Kind.PHOTOGRAPH, Kind.TAR, Kind.HIDDEN, Kind.DRAWING, Kind.THUMBNAILS, Kind.EXCLUDED, Kind.OTHER
    }
)  # fmt: skip

PHOTOGRAPH_SUFFIXES: Final = frozenset(
    {
        ".apng", ".avif", ".avifs", ".bmp", ".dib", ".gif", ".heic", ".heics", ".heif", ".heifs", ".hif",
        ".j2c", ".j2k", ".jfif", ".jp2", ".jpc", ".jpe", ".jpeg", ".jpf", ".jpg", ".jpx", ".mpo",
        ".pbm", ".pfm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp",
    }
)  # fmt: skip
"""Suffixes of formats that `dvsa.photo` reads, in lower case."""

_OTHER_SUFFIXES: Final = frozenset(
    {
        ".afphoto", ".blp", ".bpg", ".bw", ".cin", ".cur", ".dcm", ".dcx", ".dds", ".djv", ".djvu", ".dpx",
        ".emf", ".eps", ".exr", ".fits", ".flif", ".hdp", ".hdr", ".icb", ".icns", ".ico", ".iff", ".ilbm",
        ".jng", ".jxl", ".jxr", ".jxs", ".kra", ".ktx", ".ktx2", ".mng", ".msp", ".ora", ".palm", ".pam",
        ".pcd", ".pct", ".pcx", ".pict", ".psb", ".psd", ".psp", ".pspimage", ".pxr", ".qoi",
        ".ras", ".rgb", ".rgba", ".sgi", ".sun", ".svg", ".svgz", ".tga", ".vda", ".vst", ".vtf", ".wbmp",
        ".wdp", ".wmf", ".xbm", ".xcf", ".xpm",
    }
)  # fmt: skip

_TIFF: Final = rb"II\*\0|MM\0\*|II\+\0|MM\0\+"
_PHOTOGRAPH: Final = re.compile(
    # JPEG, PNG, WebP, GIF, TIFF; JPEG 2000 as a file and as a stream; HEIC and AVIF.
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|RIFF....WEBP|GIF8[79]a|" + _TIFF + rb"|"
    rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51\0|"
    rb"....ftyp(?:heic|heix|heim|heis|hevc|hevx|hevm|hevs|mif1|mif2|msf1|avif|avis)|"
    # BMP and PPM begin with plain letters: the size of the second header, or a number, must follow.
    rb"BM.{8}....[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0|P(?:[1-6f]|0CMYK|yRGBA|yP)\s+[0-9#]",
    re.DOTALL,
)
_OTHER_FORMAT: Final = re.compile(
    # Of editors; of screens, icons and pointers; of film and science; of documents; of older systems.
    rb"8BPS|gimp xcf |\0\0.{18}GIMP|Paint Shop Pro Image File|"
    rb"\0\0[\x01\x02]\0[\x01-\x40]\0|icns\0|DDS |VTF\0|\xabKTX |BLP[12][\0\x01]\0\0\0|"
    rb"v/1\x01|#\?RADIANCE|SDPX\0\0|XPDS..\0\0|\x80\x2a\x5f\xd7|SIMPLE  = |.{128}DICM|PF\n[0-9]|P7\n|"
    rb"AT&TFORM|%!PS-Adobe-\d\.\d EPSF|\xc5\xd0\xd3\xc6|\xd7\xcd\xc6\x9a|\x01\0\0\0.{36} EMF|<svg\s|"
    rb"\x01\xda[\0\x01][\x01\x02]|\x59\xa6\x6a\x95|\n[\0\x02-\x05]\x01[\x01\x02\x04\x08]|\xb1\x68\xde\x3a|"
    rb"FORM....(?:ILBM|PBM )|/\* XPM \*/|(?:DanM|LinS).[\0-\x1f]|Image type: [^\n]{1,20} image\r\n|"
    # Of the web.
    rb"\0\0\0\x0cJXL \r\n\x87\n|qoif|II\xbc|FLIF|BPG\xfb|\x8aMNG\r\n|\x8bJNG\r\n",
    re.DOTALL,
)
_COMPRESSED: Final = re.compile(rb"\x1f\x8b|BZh[1-9]|\xfd7zXZ\0|\x28\xb5\x2f\xfd|\x1f\x9d|\x04\x22\x4d\x18")
_ARCHIVE: Final = re.compile(rb"PK\x03\x04|PK\x05\x06|7z\xbc\xaf\x27\x1c|Rar!\x1a\x07")

_TAR_NAME: Final = re.compile(r"\.(?:tar(?:\.\w+)?|tgz|tbz2?|txz|tzst|taz)$", re.IGNORECASE)
_ARCHIVE_NAME: Final = re.compile(r"\.(?:zip|cbz|cbr|7z|rar)$", re.IGNORECASE)

_THUMBNAILS: Final = re.compile(r"@eaDir|\.thumbnails|\.@__thumb|.*\.lrdata", re.IGNORECASE)


def kind_of(name: str, head: bytes) -> Kind:
    """What a file is, by the beginning of its content; the name decides only where the content cannot.

    A file whose name promises a photograph counts as one: whoever reads it then finds what is wrong with it.

    Args:
        name: of the file, without folders.
        head: its first `HEAD` bytes, or all of a shorter file.

    >>> kind_of("IMG_1.heic", bytes([0xFF, 0xD8, 0xFF, 0xE0])), kind_of("notes", b"Dear diary")
    (<Kind.PHOTOGRAPH: 'photograph'>, <Kind.OTHER: 'other file'>)
    """
    suffix = os.path.splitext(name)[1].lower()
    if _PHOTOGRAPH.match(head) or is_raw(head, suffix):
        return Kind.PHOTOGRAPH
    if head[257:262] == b"ustar":
        return Kind.TAR
    if _TAR_NAME.search(name):
        is_plain = suffix == ".tar" and not _COMPRESSED.match(head)
        return Kind.TAR if is_plain else Kind.COMPRESSED_TAR
    if _ARCHIVE.match(head) and _ARCHIVE_NAME.search(name):
        return Kind.ARCHIVE
    inside = _unpacked(head)
    if inside[257:262] == b"ustar":
        return Kind.COMPRESSED_TAR
    if _PHOTOGRAPH.match(inside):
        return Kind.ARCHIVE
    if _OTHER_FORMAT.match(head) or suffix in _OTHER_SUFFIXES:
        return Kind.OTHER_FORMAT
    promises = suffix in PHOTOGRAPH_SUFFIXES or suffix in SUFFIXES
    return Kind.PHOTOGRAPH if promises else Kind.OTHER


def _unpacked(head: bytes) -> bytes:
    """The beginning of what a file of gzip, xz or lzma contains; empty for others.

    Files of bzip2 cannot be looked into without reading up to a megabyte.
    """
    try:
        if head.startswith(b"\x1f\x8b"):
            return zlib.decompressobj(wbits=31).decompress(head, INSIDE)
        if head.startswith((b"\xfd7zXZ\0", b"\x5d\0\0")):
            return lzma.LZMADecompressor(memlimit=1 << 26).decompress(head, INSIDE)
    except (zlib.error, lzma.LZMAError):
        pass
    return b""


def kind_of_file(path: Path) -> Kind:
    """What a file is, by its content. Pipes, sockets and devices are not opened, and never waited for.

    >>> kind_of_file(Path("examples/cat.jpg")), kind_of_file(Path("/dev/null"))
    (<Kind.PHOTOGRAPH: 'photograph'>, <Kind.SPECIAL: 'special file'>)
    """
    try:
        with files.opened(path) as file:
            return kind_of(path.name, file.read(HEAD))
    except files.UnreadableError:
        return Kind.SPECIAL
    except FileNotFoundError:
        return Kind.BROKEN_LINK
    except OSError:
        return Kind.UNREADABLE_FILE


def kind_of_path(path: PurePosixPath) -> Kind | None:
    """Why a member of a tar file is left out by its path alone, as a file there would be; None if it is not.

    >>> kind_of_path(PurePosixPath(".git/a.jpg")), kind_of_path(PurePosixPath("../a.jpg"))
    (<Kind.HIDDEN: 'hidden file or folder'>, <Kind.OUTSIDE: 'member outside the folder of its tar file'>)
    """
    if path.is_absolute() or ".." in path.parts or not path.name:
        return Kind.OUTSIDE
    if any(map(is_thumbnail_folder, path.parts[:-1])):
        return Kind.THUMBNAILS
    if any(part.startswith(".") for part in path.parts):
        return Kind.HIDDEN
    return Kind.DRAWING if is_drawing(path.name) else None


def is_thumbnail_folder(name: str) -> bool:
    """Whether programs keep small copies of photographs in folders of this name.

    >>> [is_thumbnail_folder(name) for name in ("@eaDir", "Album Previews.lrdata", "2024")]
    [True, True, False]
    """
    return _THUMBNAILS.fullmatch(name) is not None


def is_drawing(name: str) -> bool:
    """Whether this package names the pictures and reports that it makes in this way.

    >>> is_drawing("dog.dvsa.png"), is_drawing("dvsa-report.html"), is_drawing("dog.png")
    (True, True, False)
    """
    return name.lower().endswith(".dvsa.png") or name == "dvsa-report.html"
