import io
import struct
import subprocess
import sys
import threading
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from dvsa.decode import Decoder
from dvsa.photo import LONG_SIDE, MAX_BYTES, MAX_PIXELS, Photo, PhotoError, read, size, squash

pillow_heif.register_heif_opener()  # Pillow then writes HEIC, too

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)
FORMATS = ["JPEG", "PNG", "GIF", "BMP", "PPM", "TIFF", "WEBP", "AVIF", "HEIF", "JPEG2000"]


def encode(image: Image.Image, format: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    faithful: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": 95},
        "WEBP": {"lossless": True},
        "AVIF": {"quality": 100, "subsampling": "4:4:4"},
        "HEIF": {"quality": -1, "chroma": 444},
    }
    if format == "HEIF" and "exif" in options:  # the orientation becomes a property of the picture
        image = image.copy()
        image.info["exif"] = options.pop("exif").tobytes()
    image.save(stream, format, **(faithful.get(format, {}) | options))
    return stream.getvalue()


def two_colours(width: int = 40, height: int = 30) -> Image.Image:
    """Red on the left half, blue on the right."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    return image


def with_orientation(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def at(photo: Photo, x: int, y: int) -> tuple[int, ...]:
    return tuple(np.asarray(photo.image)[y, x].tolist())


def shows_two_colours(photo: Photo, tolerance: int = 12) -> bool:
    pairs = ((at(photo, 5, 15), RED), (at(photo, 34, 15), BLUE))
    return all(abs(np.subtract(seen, meant)).max() <= tolerance for seen, meant in pairs)


def refusal(source: Path | bytes, name: str | None = None) -> str:
    """The message of the error; empty if the photograph can be read."""
    try:
        read(source, name)
    except PhotoError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_is_read_by_its_content(tmp_path: Path, format: str) -> None:
    path = tmp_path / "picture.txt"
    path.write_bytes(encode(two_colours(), format))
    photo = read(path)
    assert (photo.name, photo.width, photo.height, photo.image.size) == ("picture.txt", 40, 30, (40, 30))
    assert photo.image.mode == "RGB"
    assert type(photo.image) is Image.Image, "no link to the file is kept"
    assert shows_two_colours(photo)


@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("JPEG", {"progressive": True}),
        ("PNG", {"interlace": 1}),
        ("WEBP", {"lossless": False, "quality": 95}),
        *[("TIFF", {"compression": name}) for name in ("tiff_lzw", "tiff_deflate", "packbits", "jpeg")],
    ],
)
def test_other_encodings(format: str, options: dict[str, Any]) -> None:
    assert shows_two_colours(read(encode(two_colours(), format, **options)))


@pytest.mark.parametrize(
    ("mode", "format"),
    [
        ("P", "PNG"),
        ("RGBA", "PNG"),
        ("RGBA", "WEBP"),
        ("CMYK", "JPEG"),
        ("CMYK", "TIFF"),
        ("YCbCr", "JPEG"),
    ],
)
def test_every_colour_mode(mode: str, format: str) -> None:
    assert shows_two_colours(read(encode(two_colours().convert(mode), format)))


@pytest.mark.parametrize(
    ("mode", "values", "expected"),
    [
        ("1", [0, 255], [0, 255]),
        ("L", [0, 200], [0, 200]),
        ("I;16", [0, 51400], [0, 200]),
        ("I;16", [0, 200], [0, 200]),
        ("I", [0, 51400], [0, 200]),
        ("I;16", [0, 4095], [0, 255]),
        ("I;16", [0, 800], [0, 199]),
        ("I;16", [0, 12847], [0, 200]),
        ("I", [-100, 100_000], [0, 255]),
        ("F", [0.0, 0.8], [0, 204]),
        ("F", [-3e38, 3e38], [0, 255]),
        ("F", [float("nan"), 0.8], [204, 204]),
        ("F", [0.0, float("inf")], [0, 0]),
        ("F", [float("nan"), float("nan")], [0, 0]),
    ],
)
def test_greys_are_converted_to_eight_bits(mode: str, values: list[float], expected: list[int]) -> None:
    dtype = {"1": "u1", "L": "u1", "I;16": "u2", "I": "i4", "F": "f4"}[mode]
    image = Image.fromarray(np.repeat(np.array([values], dtype), 4, axis=0))
    photo = read(encode(image.convert("1") if mode == "1" else image, "TIFF"))
    assert [at(photo, x, 0) for x in (0, 1)] == [(value,) * 3 for value in expected]


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def test_sixteen_bits_with_a_key_colour() -> None:
    data = encode(Image.fromarray(np.full((2, 2), 51400, "u2")), "PNG")
    place = data.index(b"IDAT") - 4
    photo = read(data[:place] + png_chunk(b"tRNS", struct.pack(">H", 0)) + data[place:])
    assert at(photo, 0, 0) == (200, 200, 200)


@pytest.mark.parametrize(("mode", "black"), [("RGBA", (0, 0, 0)), ("LA", (0,))])
def test_transparency_becomes_white(mode: str, black: tuple[int, ...]) -> None:
    image = Image.new(mode, (3, 1))
    for x, alpha in enumerate((0, 255, 127)):
        image.putpixel((x, 0), (*black, alpha))
    photo = read(encode(image, "PNG"))
    assert [at(photo, x, 0)[0] for x in range(3)] == [255, 0, 128]


def test_transparent_palettes_and_key_colours_become_white() -> None:
    palette = two_colours().quantize(4, dither=Image.Dither.NONE)
    clear = palette.getpixel((0, 0))
    for data in (
        encode(palette, "PNG", transparency=clear),
        encode(palette, "PNG", transparency=bytes(0 if i == clear else 255 for i in range(4))),
        encode(palette, "GIF", transparency=clear),
        encode(two_colours(), "PNG", transparency=RED),
    ):
        photo = read(data)
        assert at(photo, 0, 0) == WHITE
        assert at(photo, 39, 0) == BLUE


# How a camera stores an upright view for each orientation.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF", "HEIF"])
def test_exif_orientation_turns_the_picture_upright(orientation: int, format: str) -> None:
    stored = Image.new("RGB", (48, 32), "white")
    stored.paste("black", (0, 0, 16, 16))  # the upper left corner
    if (turn := STORED[orientation]) is not None:
        stored = stored.transpose(turn)
    content = encode(stored, format, exif=with_orientation(orientation))
    photo = read(content)
    assert (photo.width, photo.height) == photo.image.size == size(content, "stored") == (48, 32)
    corners = [at(photo, x, y)[0] < 128 for x, y in ((4, 4), (44, 4), (4, 28), (44, 28))]
    assert corners == [True, False, False, False]


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_unknown_orientation_is_ignored(value: int) -> None:
    assert shows_two_colours(read(encode(two_colours(), "JPEG", exif=with_orientation(value))))


@pytest.mark.parametrize(
    "options",
    [
        {"exif": b"Exif\0\0II*\0\xff\xff\xff\xff"},
        {"exif": b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0\xff\xff\xff\xff" * 3},
        {"exif": b"Exif\0\0nonsense"},
        {"icc_profile": b"not a profile"},
        {"comment": b"\xff\xfe\0 a comment"},
    ],
)
@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
def test_broken_metadata_is_dropped_without_an_error(format: str, options: dict[str, Any]) -> None:
    photo = read(encode(two_colours(), format, **options))  # a warning would fail this test
    assert shows_two_colours(photo)
    assert not photo.image.info


def test_the_size_is_known_without_the_pixels() -> None:
    content = encode(two_colours(), "JPEG")
    header = content[: content.index(b"\xff\xda") + 20]  # up to the first scan
    assert size(header, "cut.jpg") == size(content, "whole.jpg")
    with pytest.raises(PhotoError, match=r"^cut\.jpg: damaged"):
        read(header, "cut.jpg")


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "the file is empty"), (b"text", "not a picture"), (b"\xff\xd8\xff", "damaged")],
)
def test_the_size_of_another_file_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(PhotoError, match=rf"^a\.jpg: .*{reason}"):
        size(content, "a.jpg")


def test_the_size_of_too_many_pixels_is_refused() -> None:
    content = encode(Image.new("1", (20_000, 20_000)), "PNG")
    with pytest.raises(PhotoError, match="pixels are too many"):
        size(content, "large.png")


@pytest.mark.parametrize("format", ["GIF", "WEBP", "TIFF", "MPO", "PNG"])
def test_the_first_frame_is_read(format: str) -> None:
    second = Image.new("RGB", (40, 30), "lime")
    assert shows_two_colours(read(encode(two_colours(), format, save_all=True, append_images=[second])))


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1)])
def test_the_smallest_photographs(size: tuple[int, int]) -> None:
    photo = read(encode(Image.new("RGB", size, RED), "PNG"))
    assert (photo.width, photo.height) == size
    assert (squash(photo, 8) == np.array(RED)).all()


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_a_large_photograph_is_shrunk_but_reports_its_original_size(format: str) -> None:
    image = Image.linear_gradient("L").resize((2000, 3000))
    photo = read(encode(image, format, exif=with_orientation(6)))
    assert (photo.width, photo.height) == (3000, 2000)
    assert photo.image.size == (LONG_SIDE, round(LONG_SIDE * 2 / 3))


def test_a_jpeg_beyond_the_limit_is_decoded_at_reduced_scale() -> None:
    image = Image.new("L", (20_000, 4_000))
    assert image.width * image.height > MAX_PIXELS
    photo = read(encode(image, "JPEG"))
    assert (photo.width, photo.height) == image.size
    assert photo.image.width == LONG_SIDE


def test_a_progressive_jpeg_counts_half_its_full_size() -> None:
    assert "9000 x 8200 pixels are too many" in refusal(
        encode(Image.new("L", (9_000, 8_200)), "JPEG", progressive=True)
    )
    assert read(encode(Image.new("L", (9_000, 7_900)), "JPEG", progressive=True)).width == 9_000


@pytest.mark.parametrize("format", ["PNG", "GIF", "BMP"])
def test_twenty_thousand_pixels_squared_are_refused_before_decoding(format: str) -> None:
    data = encode(two_colours(), format)
    if format == "PNG":
        data = data[:8] + png_chunk(b"IHDR", struct.pack(">II", 20_000, 20_000) + data[24:29]) + data[33:]
    elif format == "GIF":
        data = data[:6] + struct.pack("<HH", 20_000, 20_000) + data[10:]
    else:
        data = data[:18] + struct.pack("<ii", 20_000, 20_000) + data[26:]
    said = refusal(data, "wide")
    assert said == "wide: 20000 x 20000 pixels are too many; shrink it to 36,000,000 pixels or fewer"


def test_a_huge_file_is_refused_before_reading(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    path.write_bytes(encode(two_colours(), "PNG"))
    with path.open("r+b") as stream:
        stream.truncate(MAX_BYTES + 1)  # sparse: takes no space
    assert "make it smaller" in refusal(path)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_largest_photograph_stays_within_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(encode(Image.new("RGBA", (6000, 6000), (9, 9, 9, 9)), "PNG", compress_level=1))
    program = (
        "import pathlib, re, sys; from dvsa.photo import read; read(pathlib.Path(sys.argv[1]));"
        "status = pathlib.Path('/proc/self/status').read_text();"
        "print(int(re.search(r'VmHWM:\\s*(\\d+)', status)[1]) // 1024)"
    )
    # Not ru_maxrss: that starts from what the parent held when the child split off.
    command = [sys.executable, "-c", program, str(path)]
    peak_mib = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert 100 < peak_mib < 450


@pytest.mark.parametrize("format", FORMATS)
def test_truncated_anywhere_is_a_clear_error_or_a_picture(tmp_path: Path, format: str) -> None:
    noise_HWC = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    whole = encode(Image.fromarray(noise_HWC), format)
    path = tmp_path / "cut.jpg"
    messages = []
    for length in np.linspace(1, len(whole) - 1, 60).astype(int):
        path.write_bytes(whole[:length])
        messages.append(refusal(path))
    refused = [message for message in messages if message]
    assert len(refused) >= 50, "only a missing tail may go unseen"
    assert all(message.startswith(f"{path}: ") and "\n" not in message for message in refused)


@given(st.sampled_from(FORMATS), st.data())
def test_damage_never_raises_another_error(format: str, data: st.DataObject) -> None:
    content = bytearray(encode(two_colours(), format))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    assert "\n" not in refusal(bytes(content))


@given(st.binary(max_size=64))
def test_other_content_is_refused(content: bytes) -> None:
    assert refusal(content).startswith("photograph: ")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"hello, world\n" * 9, "not a picture in AVIF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture in AVIF"),
        (b"<svg xmlns='x'/>", "not a picture in AVIF"),
        (b"\xff\xd8\xff\xe0", "damaged or incomplete JPEG file"),
    ],
)
def test_refusals_name_the_file_and_the_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    assert refusal(path).startswith(f"{path}: {reason}")
    assert refusal(content, "upload.png").startswith(f"upload.png: {reason}")


def test_missing_files_and_folders(tmp_path: Path) -> None:
    missing = tmp_path / "none.jpg"
    assert refusal(missing) == f"{missing}: there is no such file: check its path"
    assert refusal(tmp_path) == f"{tmp_path}: this is a folder, not a photograph"
    assert refusal(Path("/dev/zero")) == "/dev/zero: this is not a regular file"


def test_threads_hide_at_most_the_warnings_of_pillow() -> None:
    before = list(warnings.filters)
    data = encode(two_colours(), "PNG")
    threads = [threading.Thread(target=read, args=(data,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    added = [entry for entry in warnings.filters if entry not in before]
    assert all(getattr(entry[3], "pattern", "") == r"PIL\." for entry in added)


def test_squash_averages_what_it_shrinks() -> None:
    stripes_HW = np.tile(np.array([0, 255], np.uint8), (64, 256))
    squashed_HWC = squash(read(encode(Image.fromarray(stripes_HW), "PNG")), 32)
    assert squashed_HWC.shape == (32, 32, 3)
    assert squashed_HWC.dtype == np.uint8
    assert squashed_HWC.flags.writeable
    assert abs(squashed_HWC[:, 2:-2].astype(int) - 127).max() <= 2, "aliasing would leave stripes"


def test_squash_keeps_fractions_of_width_and_height() -> None:
    squashed_HWC = squash(read(encode(two_colours(400, 100), "PNG")), 100)
    assert (squashed_HWC[:, :47] == RED).all()
    assert (squashed_HWC[:, 53:] == BLUE).all()


# Formats that phones write


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"heix"])
def test_heic_is_known_by_any_of_its_brands(brand: bytes) -> None:
    content = encode(two_colours(), "HEIF")
    assert shows_two_colours(read(content[:8] + brand + content[12:]))


@pytest.mark.slow
def test_heic_of_48_megapixels_is_read_within_the_limits_of_a_worker() -> None:
    content = encode(Image.new("RGB", (8064, 6048), RED), "HEIF", quality=10)
    with Decoder() as decoder:
        photo = decoder.read(content, "phone.heic")
    assert (photo.width, photo.height) == (8064, 6048)
    assert at(photo, 9, 9)[0] > 240


@pytest.mark.parametrize("format", ["AVIF", "HEIF", "JPEG2000"])
def test_a_worker_reads_what_phones_write(format: str) -> None:
    with Decoder() as decoder:
        assert shows_two_colours(decoder.read(encode(two_colours(), format), "phone"))


def test_the_date_of_heic_and_avif_is_read() -> None:
    exif = Image.Exif()
    exif[0x0132] = "2024:07:31 18:05:00"
    for format in ("AVIF", "HEIF", "WEBP"):
        assert read(encode(two_colours(), format, exif=exif)).taken == "2024-07-31T18:05:00"


# Sound pictures are never called damaged


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"restart_marker_blocks": 3}, {"optimize": True}]
)
@pytest.mark.parametrize("missing", [1, 2])
def test_a_jpeg_without_its_end_is_sound(options: dict[str, Any], missing: int) -> None:
    noise_HWC = np.random.default_rng(0).integers(0, 256, (61, 83, 3), dtype=np.uint8)
    whole = encode(Image.fromarray(noise_HWC), "JPEG", **options)
    photo = read(whole[:-missing])
    assert photo.image.tobytes() == read(whole).image.tobytes()
    for lost in (60, 200, 999):
        assert "damaged or incomplete JPEG file" in refusal(whole[:-lost])


def text_chunks(kind: str) -> bytes:
    """A chunk beside the pixels of a PNG, sound or damaged, that must not cost a pixel."""
    xmp = b"<x:xmpmeta>" + b"a long packet " * 100_000 + b"</x:xmpmeta>"
    bodies = {
        "xmp": (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp),
        "packed xmp": (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp)),
        "comment": (b"tEXt", b"Comment\0" + b"words " * 300_000),
        "packed comment": (b"zTXt", b"Comment\0\0" + zlib.compress(b"words " * 5_000_000)),
        "packed profile": (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"0" * 2_000_000)),
        "bomb": (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(bytes(2**26))),
        "method": (b"zTXt", b"Comment\0\7nothing"),
        "colour profile": (b"iCCP", b"p\0\0" + zlib.compress(bytes(3_000_000))),
        "scale": (b"pHYs", b"12"),
        "animation": (b"acTL", b"1"),
        "empty": (b"tEXt", b""),
    }
    return png_chunk(*bodies[kind])


KINDS = [
    "xmp", "packed xmp", "comment", "packed comment", "packed profile", "bomb", "method", "colour profile",
    "scale", "animation", "empty",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_beside_the_pixels_costs_a_png_none(kind: str) -> None:
    content = encode(two_colours(), "PNG")
    for place in (content.index(b"IDAT") - 4, content.index(b"IEND") - 4):
        whole = content[:place] + text_chunks(kind) + content[place:]
        assert shows_two_colours(read(whole))
        assert size(whole, "a.png") == (40, 30)
    crc = bytearray(text_chunks(kind))
    crc[-1] ^= 1
    assert shows_two_colours(read(content[:place] + bytes(crc) + content[place:]))


@pytest.mark.parametrize("packed", [False, True])
def test_a_long_xmp_packet_still_turns_a_png(packed: bool) -> None:
    xmp = b'<x:xmpmeta tiff:Orientation="6">' + b"a long packet " * 100_000
    body = b"XML:com.adobe.xmp\0" + bytes([packed]) + b"\0\0\0" + (zlib.compress(xmp) if packed else xmp)
    content = encode(two_colours(), "PNG")
    place = content.index(b"IDAT") - 4
    assert read(content[:place] + png_chunk(b"iTXt", body) + content[place:]).width == 30


@given(st.data())
def test_a_png_keeps_its_pixels_whatever_is_beside_them(data: st.DataObject) -> None:
    content = encode(two_colours(), "PNG")
    place = content.index(b"IDAT") - 4
    kind = data.draw(
        st.sampled_from([b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"tIME", b"prVt", b"acTL", b"fcTL"])
    )
    chunk = png_chunk(kind, data.draw(st.binary(max_size=99)))
    assert shows_two_colours(read(content[:place] + chunk + content[place:]))


def test_the_date_of_a_very_large_photograph_is_read() -> None:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2024:07:31 18:05:00"
    content = encode(Image.new("L", (14_000, 13_000)), "JPEG", exif=exif)
    assert read(content).taken == "2024-07-31T18:05:00"
    with Decoder() as decoder:
        assert decoder.read(content, "large.jpg").taken == "2024-07-31T18:05:00"


def png_of_16_bits(pixels_HWC: np.ndarray[Any, np.dtype[np.uint16]]) -> bytes:
    """A PNG with 16 bits for each of 1 to 4 colours, which Pillow cannot write."""
    high, wide, channels = pixels_HWC.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels_HWC)
    header = struct.pack(">IIBBBBB", wide, high, 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("opaque", ["in 16 bits", "in as many bits"])
def test_colours_of_fewer_bits_in_16_are_scaled(bits: int, channels: int, opaque: str) -> None:
    colours_HWC = np.random.default_rng(0).integers(0, 2**bits, (9, 12, channels)).astype(np.uint16)
    colours_HWC[0, 0] = 2**bits - 1
    alpha_HW = np.ones((9, 12))
    if channels in (2, 4):  # opaque, half transparent, transparent
        alpha_HW = np.tile([1, 0.5, 0], (9, 4))
        most = 65535 if opaque == "in 16 bits" else 2**bits - 1
        colours_HWC[..., -1] = np.rint(alpha_HW * most).astype(np.uint16)
    seen_HWC = np.asarray(read(png_of_16_bits(colours_HWC)).image).astype(int)
    shown = 1 if channels < 3 else 3
    wanted_HWC = colours_HWC[..., :shown] / (2**bits - 1) * 255
    wanted_HWC = wanted_HWC * alpha_HW[..., None] + 255 * (1 - alpha_HW[..., None])
    assert abs(seen_HWC - wanted_HWC).max() <= 2


def tiff_of_16_bits(pixels_HWC: np.ndarray[Any, np.dtype[np.uint16]], order: str, extra: int | None) -> bytes:
    """A plain TIFF with 16 bits for each colour; the fourth one is black, or is what `extra` says."""
    high, wide, channels = pixels_HWC.shape
    data = pixels_HWC.astype(f"{order}u2").tobytes()
    bits = struct.pack(f"{order}{channels}H", *[16] * channels)
    entries = [(256, 3, 1, wide), (257, 3, 1, high), (258, 3, channels, None), (259, 3, 1, 1)]
    entries += [(262, 3, 1, 5 if channels == 4 and extra is None else 2), (273, 4, 1, None)]
    entries += [(277, 3, 1, channels), (278, 3, 1, high), (279, 4, 1, len(data))]
    entries += [] if extra is None else [(338, 3, 1, extra)]
    begin = 8 + 2 + 12 * len(entries) + 4
    where = {258: begin, 273: begin + len(bits)}
    table = b"".join(
        struct.pack(f"{order}HHI", tag, kind, count)
        + (struct.pack(f"{order}HH", value, 0) if kind == 3 and value is not None
           else struct.pack(f"{order}I", where.get(tag, value)))
        for tag, kind, count, value in entries
    )  # fmt: skip
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    return head + struct.pack(f"{order}H", len(entries)) + table + bytes(4) + bits + data


@pytest.mark.parametrize("bits", [10, 12, 16])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("channels", "extra"), [(3, None), (4, 0), (4, 2), (4, None)])
def test_colours_of_fewer_bits_in_tiff_are_scaled(
    bits: int, order: str, channels: int, extra: int | None
) -> None:
    colours_HWC = np.random.default_rng(0).integers(0, 2**bits, (9, 12, channels)).astype(np.uint16)
    colours_HWC[0, 0] = 2**bits - 1
    if channels == 4:
        colours_HWC[..., 3] = 0 if extra is None else 65535
    seen_HWC = np.asarray(read(tiff_of_16_bits(colours_HWC, order, extra)).image).astype(int)
    wanted_HWC = colours_HWC[..., :3] / (2**bits - 1) * 255
    if channels == 4 and extra is None:  # ink
        wanted_HWC = 255 - wanted_HWC
    assert abs(seen_HWC - wanted_HWC).max() <= 2


# Dates


@pytest.mark.parametrize(
    ("original", "digitized", "changed", "taken"),
    [
        ("2024:07:31 18:05:00", "2025:01:01 00:00:00", "", "2024-07-31T18:05:00"),
        ("0000:00:00 00:00:00", "2025:01:01 00:00:00", "", "2025-01-01T00:00:00"),
        ("    :  :     :  :  ", "", "2025:01:01 00:00:00", "2025-01-01T00:00:00"),
        ("2024:13:31 18:05:00", "not a date", "2025:01:01 00:00:00", "2025-01-01T00:00:00"),
        ("2024-07-31T18:05:00.25+02:00", "", "", "2024-07-31T18:05:00"),
        ("2024/7/31 8:05", "", "", "2024-07-31T08:05:00"),
        ("2024:07:31", "", "", "2024-07-31T00:00:00"),
        ("0000:00:00 00:00:00", "0000:00:00 00:00:00", "", None),
        ("", "", "", None),
    ],
)
def test_a_zero_or_odd_date_gives_way_to_the_next(
    original: str, digitized: str, changed: str, taken: str | None
) -> None:
    exif = Image.Exif()
    details = exif.get_ifd(ExifTags.IFD.Exif)
    if original:
        details[ExifTags.Base.DateTimeOriginal] = original
    if digitized:
        details[ExifTags.Base.DateTimeDigitized] = digitized
    if changed:
        exif[ExifTags.Base.DateTime] = changed
    assert read(encode(two_colours(), "JPEG", exif=exif)).taken == taken


# RAW files of cameras


def raw_file(start: bytes, *jpegs: bytes, orientation: int = 1) -> bytes:
    """A TIFF file as cameras write them: a directory, the data of a sensor, and previews."""
    date = b"2024:07:31 18:05:00\0"
    entries = [(0x0112, 3, 1, orientation), (0x0132, 2, len(date), 8 + 2 + 2 * 12 + 4)]
    directory = struct.pack("<H", 2) + b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    sensor = b"\xff\xd8\xff\xc4\0\x04\0\0\xff\xc3\0\x0b\x0e\x17\x70\x1f\x40\1\1\x11\0" + bytes(999)
    return start + struct.pack("<I", 8) + directory + date + sensor + b"".join(jpegs)


@pytest.mark.parametrize(
    ("name", "start"),
    [("a.cr2", b"II*\0"), ("a.NEF", b"II*\0"), ("a.dng", b"II*\0"), ("a.orf", b"IIRO"), ("a", b"IIU\0")],
)
def test_the_largest_preview_of_a_raw_file_is_read(name: str, start: bytes) -> None:
    small = encode(Image.new("RGB", (16, 12), "lime"), "JPEG")
    large = encode(two_colours(), "JPEG")
    photo = read(raw_file(start, small, large, small), name)
    assert shows_two_colours(photo)
    assert (photo.width, photo.height, photo.taken) == (40, 30, "2024-07-31T18:05:00")
    turned = raw_file(start, large, orientation=6)
    assert read(turned, name).width == size(turned, name)[0] == 30
    assert "RAW file without a preview" in refusal(raw_file(start), name)


def test_a_preview_with_data_of_its_own_keeps_them() -> None:
    jpeg = encode(two_colours(), "JPEG", exif=with_orientation(1))
    assert read(raw_file(b"II*\0", jpeg, orientation=6), "a.nef").width == 40
    fuji = b"FUJIFILMCCD-RAW 0201" + bytes(99) + encode(two_colours(), "JPEG", exif=with_orientation(6))
    assert read(fuji, "a.raf").width == 30


def test_a_jpeg_or_a_tiff_is_no_raw_file() -> None:
    assert shows_two_colours(read(encode(two_colours(), "JPEG"), "a.nef"))
    assert shows_two_colours(read(encode(two_colours(), "TIFF"), "a.tif"))


@given(st.binary(max_size=300), st.sampled_from(["II*\0", "IIRO", "FUJIFILMCCD-RAW", "FOVb"]))
def test_no_raw_file_raises_another_error(content: bytes, start: str) -> None:
    jpeg = encode(two_colours(), "JPEG")
    for whole in (start.encode() + content, start.encode() + content + jpeg[: len(content) * 3]):
        assert "\n" not in refusal(whole, "a.dng")
