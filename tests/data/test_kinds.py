"""What a file is, judged by its content."""

import gzip
import io
import lzma
import os
import socket
import tarfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pillow_heif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dvsa.data.kinds import HEAD, PHOTOGRAPH_SUFFIXES, Kind, is_thumbnail_folder, kind_of, kind_of_file
from dvsa.photo import PhotoError, read

pillow_heif.register_heif_opener()

FORMATS = ["JPEG", "PNG", "GIF", "BMP", "PPM", "TIFF", "WEBP", "AVIF", "HEIF", "JPEG2000", "MPO"]


def encoded(format: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(stream, format)
    return stream.getvalue()


@pytest.mark.parametrize("name", ["a", "a.jpg", "a.heic", "a.txt", "a.psd", "a.zip", "IMG.jfif", "x.jpe"])
@pytest.mark.parametrize("format", FORMATS)
def test_a_photograph_is_one_whatever_it_is_called(format: str, name: str) -> None:
    assert kind_of(name, encoded(format)[:HEAD]) is Kind.PHOTOGRAPH


@pytest.mark.parametrize("format", ["BLP", "DDS", "EPS", "ICNS", "ICO", "MSP", "PCX", "QOI", "SGI"])
@pytest.mark.parametrize("name", ["a", "a.txt"])
def test_pictures_of_other_formats_are_known_by_their_content(format: str, name: str) -> None:
    stream = io.BytesIO()
    mode = {"MSP": "1", "BLP": "P"}.get(format, "RGB")
    Image.new(mode, (32, 32), 1).save(stream, format)
    assert kind_of(name, stream.getvalue()[:HEAD]) is Kind.OTHER_FORMAT


def test_every_picture_that_pillow_knows_is_known_by_its_suffix() -> None:
    """What is no picture, or has a suffix of something else as well, is known by its content at most."""
    Image.init()
    data, films, documents = {"BUFR", "GRIB", "HDF5", "IPTC"}, {"MPEG", "FLI"}, {".ps", ".pdf"}
    ambiguous = {".im", ".fit", ".gbr", ".ftc", ".ftu"}
    for suffix, format in Image.EXTENSION.items():
        kind = kind_of(f"a{suffix}", b"")
        if format in data | films or suffix in documents | ambiguous:
            assert kind is Kind.OTHER
        else:
            assert kind in (Kind.PHOTOGRAPH, Kind.OTHER_FORMAT), suffix


@pytest.mark.parametrize(
    "head",
    [
        b"icns\0\0\x12\x34", b"\x01\xda\x01\x01\0\x03", b"\x59\xa6\x6a\x95", b"\0\0\x02\0\x01\0",
        b"/* XPM */", b"Image type: RGB image\r\n",
        b"\xd7\xcd\xc6\x9a", b"\x01\0\0\0" + bytes(36) + b" EMF", b"\x8aMNG\r\n\x1a\n", b"AT&TFORM",
        b"PF\n8 8\n-1.0",
        b"FORM\0\0\0\x09ILBM", b"SDPX\0\0\x08\0", bytes(128) + b"DICM", b"SIMPLE  =     T", b"P7\nWIDTH 8",
        b"VTF\0",
    ],
)  # fmt: skip
def test_other_formats_are_known_by_how_they_begin(head: bytes) -> None:
    assert kind_of("a", head) is Kind.OTHER_FORMAT


def packed(mode: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        archive.addfile(tarfile.TarInfo("a.jpg"))
    return stream.getvalue()


def zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.jpg", "x")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("set.tar", packed("w"), Kind.TAR),
        ("set", packed("w"), Kind.TAR),
        ("set.tar", b"no tar", Kind.TAR),  # whoever opens it finds what is wrong
        ("set.tar", packed("w:gz"), Kind.COMPRESSED_TAR),
        ("set.tar.gz", packed("w:gz"), Kind.COMPRESSED_TAR),
        ("set.tgz", packed("w:gz"), Kind.COMPRESSED_TAR),
        ("set.tar.bz2", packed("w:bz2"), Kind.COMPRESSED_TAR),
        ("set.txz", packed("w:xz"), Kind.COMPRESSED_TAR),
        ("notes.gz", packed("w:gz"), Kind.COMPRESSED_TAR),
        ("album.zip", zipped(), Kind.ARCHIVE),
        ("letter.docx", zipped(), Kind.OTHER),
        ("a.cr2", encoded("TIFF"), Kind.PHOTOGRAPH),
        ("a.dng", b"II*\0 a camera", Kind.PHOTOGRAPH),
        ("a.cr3", b"\0\0\0\x18ftypcrx ....", Kind.PHOTOGRAPH),
        ("a.raf", b"FUJIFILMCCD-RAW 0201", Kind.PHOTOGRAPH),
        ("a", b"Pf\n8 8\n-1.0\n", Kind.PHOTOGRAPH),
        ("a", b"P0CMYK 8 8 255\n", Kind.PHOTOGRAPH),
        ("a.arw", b"", Kind.PHOTOGRAPH),
        ("a.psd", b"8BPS", Kind.OTHER_FORMAT),
        ("a", b"8BPS", Kind.OTHER_FORMAT),
        ("a.jxl", b"\xff\x0a", Kind.OTHER_FORMAT),
        ("a.svg", b"<svg/>", Kind.OTHER_FORMAT),
        ("a.jpg", b"no photograph", Kind.PHOTOGRAPH),  # the decoder says what is wrong
        ("a.JPG", b"", Kind.PHOTOGRAPH),
        ("notes.txt", b"BM is no picture, and P1 neither", Kind.OTHER),
        ("notes", b"P1 is a motorway", Kind.OTHER),
        ("notes", b"", Kind.OTHER),
        ("notes", b"Paint the icns, P7 and FORM", Kind.OTHER),
        ("notes", b"I changed it in the GIMP", Kind.OTHER),
        ("notes", b"LinSey, XPDS and BLP1 are names", Kind.OTHER),
        ("notes", b"\n\n\n", Kind.OTHER),
        ("data", bytes(HEAD), Kind.OTHER),
        ("letter.ps", b"%!PS-Adobe-3.0\n", Kind.OTHER),
        ("song.mp3", b"ID3", Kind.OTHER),
        ("film.mp4", b"\0\0\0\x18ftypisom....", Kind.OTHER),
        ("film.mov", b"\0\0\0\x14ftypqt  ....", Kind.OTHER),
    ],
)
def test_the_content_decides_and_then_the_name(name: str, content: bytes, kind: Kind) -> None:
    assert kind_of(name, content[:HEAD]) is kind


@given(st.binary(max_size=HEAD))
def test_what_the_decoder_knows_is_a_photograph(head: bytes) -> None:
    try:
        read(head)
    except PhotoError as error:
        if "not a picture" in str(error) or "is empty" in str(error) or "damaged" in str(error):
            return
    assert kind_of("x", head) is Kind.PHOTOGRAPH


def test_every_suffix_is_lower_case() -> None:
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in PHOTOGRAPH_SUFFIXES)


def test_special_files_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "socket.jpg"))
    (tmp_path / "device.jpg").symlink_to("/dev/zero")
    (tmp_path / "nowhere.jpg").symlink_to("nothing")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    found = {path.name: kind_of_file(path) for path in tmp_path.iterdir()}
    server.close()
    assert found == {
        "pipe.jpg": Kind.SPECIAL,
        "socket.jpg": Kind.SPECIAL,
        "device.jpg": Kind.SPECIAL,
        "nowhere.jpg": Kind.BROKEN_LINK,
        "loop.jpg": Kind.UNREADABLE_FILE,
    }


def test_thumbnail_folders_are_known() -> None:
    names = ["@eaDir", ".thumbnails", "Catalog Previews.lrdata", ".@__thumb", "thumbs up", "eaDir"]
    assert [is_thumbnail_folder(name) for name in names] == [True] * 4 + [False] * 2


@pytest.mark.parametrize("name", ["holiday.gz", "holiday", "a.txt", "a.tlz"])
@pytest.mark.parametrize(
    "compress", [gzip.compress, lzma.compress, partial(lzma.compress, format=lzma.FORMAT_ALONE)]
)
def test_what_is_compressed_is_looked_into(name: str, compress: Callable[[bytes], bytes]) -> None:
    photograph, stream = encoded("JPEG"), io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        member = tarfile.TarInfo("dog.jpg")
        member.size = len(photograph)
        archive.addfile(member, io.BytesIO(photograph))
    assert kind_of(name, compress(stream.getvalue())[:HEAD]) is Kind.COMPRESSED_TAR
    assert kind_of(name, compress(photograph)[:HEAD]) is Kind.ARCHIVE
    assert kind_of(name, compress(b"Dear diary, " * 99)[:HEAD]) is Kind.OTHER
    assert kind_of(name, compress(b"")[:6]) is Kind.OTHER
