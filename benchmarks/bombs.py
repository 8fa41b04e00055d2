"""Small pictures that cost much to decode, one kind for each function; `bombs` gives about 200."""

import io
import struct
import zlib
from collections.abc import Iterator
from functools import cache
from itertools import product

from PIL import Image

SIDES = (4000, 6000, 8500)
"""Sides of large pictures: 16, 36 and 72 million pixels."""


def bombs() -> Iterator[tuple[str, bytes]]:
    """Each with its name."""
    yield from tiffs()
    yield from jpegs()
    yield from pngs()
    yield from plain()
    yield from saved()


def tiffs() -> Iterator[tuple[str, bytes]]:
    """Tiles and strips that are larger than the picture, and pictures that are nearly empty."""
    for (wide, high), kind in product(
        [
            (32000, 62496),
            (16000, 16000),
            (6000, 6000),
            (5984, 16),
            (65520, 65520),
            (16, 2**31 - 16),
            (2**20, 2**20),
            (9008, 9008),
            (64, 2**20),
            (2**24, 16),
            (30000, 1184),
            (100_000, 100_000),
        ],
        [1, 5, 8, 32773],
    ):
        yield f"tiff tile {wide}x{high} compression {kind}", tiff(16, 16, kind, tile=(wide, high))
    for side, kind, samples in product(SIDES, (1, 5, 8, 32773), (1, 3, 4)):
        yield f"tiff {side} compression {kind} samples {samples}", tiff(side, side, kind, samples=samples)
    for rows in (1, 2**32 - 1):
        yield f"tiff rows {rows}", tiff(6000, 6000, 5, rows=rows)


def tiff(
    wide: int, high: int, kind: int, *, tile: tuple[int, int] | None = None, samples: int = 1, rows: int = 0
) -> bytes:
    """A TIFF with a header of these sizes, and hardly any content."""
    body = {1: b"\0" * 64, 5: b"\x80\x00\x20\x50", 8: zlib.compress(b"\0" * 100_000), 32773: b"\x81\0" * 32}[
        kind
    ]
    tags = [
        (256, 4, 1, wide), (257, 4, 1, high), (258, 3, 1, 8), (259, 3, 1, kind),
        (262, 3, 1, 2 if samples >= 3 else 1), (277, 3, 1, samples),
    ]  # fmt: skip
    if tile:
        tags += [(322, 4, 1, tile[0]), (323, 4, 1, tile[1]), (324, 4, 1, 8), (325, 4, 1, len(body))]
    else:
        tags += [(273, 4, 1, 8), (278, 4, 1, rows or high), (279, 4, 1, len(body))]
    if samples == 4:
        tags.append((338, 3, 1, 2))
    entries = b"".join(
        struct.pack("<HHI", tag, form, count)
        + struct.pack("<I" if form == 4 else "<HH", *([value] if form == 4 else [value, 0]))
        for tag, form, count, value in sorted(tags)
    )
    start = 8 + len(body) + len(body) % 2
    return (
        struct.pack("<2sHI", b"II", 42, start) + body.ljust(start - 8, b"\0")
        + struct.pack("<H", len(tags)) + entries + b"\0" * 4
    )  # fmt: skip


def jpegs() -> Iterator[tuple[str, bytes]]:
    """Many scans, long headers, and sizes without content."""
    for wide, high in ((4000, 4000), (8500, 8400), (40000, 22000), (65500, 65500), (16000, 500)):
        yield f"jpeg of three scans {wide}x{high}", in_scans(wide, high)
    for side, count in product((64, 1000, 4000), (10, 300, 3000)):
        yield f"jpeg progressive {side} with {count} scans", repeated_scans(side, count)
    for length in (10**5, 10**6, 20 * 10**6):
        yield f"jpeg fill {length}", b"\xff\xd8\xff" + b"\xff" * length
        yield f"jpeg junk {length}", b"\xff\xd8\xff\xe0\0\x10JFIF\0" + b"\0" * length
        yield f"jpeg segments {length}", b"\xff\xd8" + b"\xff\xe1\0\x02" * (length // 4)
        yield f"jpeg markers {length}", b"\xff\xd8" + b"\xff\xd0" * (length // 2)
        yield (
            f"jpeg comments {length}",
            b"\xff\xd8" + (b"\xff\xfe\xff\xff" + b"c" * 65533) * (length // 65537 + 1),
        )


def in_scans(wide: int, high: int) -> bytes:
    """A baseline JPEG with one component in its first scan, which makes libjpeg hold all of it."""
    plain = save("JPEG", Image.new("RGB", (16, 16), "red"), subsampling=0)
    frame = plain.index(b"\xff\xc0")
    scan = plain.index(b"\xff\xda")
    sized = plain[: frame + 5] + struct.pack(">HH", high, wide) + plain[frame + 9 : scan]
    scans = b"".join(b"\xff\xda\0\x08\x01" + bytes([n]) + b"\0\0\x3f\0" + b"\xa5" * 64 for n in (1, 2, 3))
    return sized + scans + b"\xff\xd9"


def repeated_scans(side: int, count: int) -> bytes:
    """A progressive JPEG whose last scan is there many times."""
    content = save("JPEG", Image.new("L", (side, side)), progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * count + content[-2:]


def pngs() -> Iterator[tuple[str, bytes]]:
    """Empty pixels, many chunks, and texts that unpack to much more."""
    for side, (depth, colour, per_pixel) in product(
        SIDES, ((8, 0, 1), (8, 2, 3), (8, 6, 4), (16, 6, 8), (1, 0, 0.125))
    ):
        yield f"png {side} depth {depth} colour {colour}", png(side, depth, colour, int(side * per_pixel + 1))
    small = save("PNG", Image.new("RGB", (8, 8)))
    head, rest = small[:33], small[33:]
    for count in (10**4, 10**6):
        yield f"png with {count} chunks", head + chunk(b"teXt", b"") * count + rest
        yield f"png with {count} texts", head + chunk(b"tEXt", b"a\0b") * min(count, 10**6) + rest
    packed = zlib.compress(b"\0" * 50_000_000)
    for kind, body in ((b"zTXt", b"a\0\0"), (b"iTXt", b"a\0\1\0\0\0"), (b"iCCP", b"a\0\0")):
        for count in (1, 30):
            yield f"png {kind.decode()} {count}", head + chunk(kind, body + packed) * count + rest


def png(side: int, depth: int, colour: int, row: int) -> bytes:
    """A square PNG of zeros."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, depth, colour, 0, 0, 0))
    packer = zlib.compressobj(9)
    parts = [packer.compress(b"\0" * row) for _ in range(side)]
    return (
        b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"".join(parts) + packer.flush()) + chunk(b"IEND", b"")
    )


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def plain() -> Iterator[tuple[str, bytes]]:
    """Formats whose readers are written in Python."""
    for kind, count in product((1, 2, 3), (10**3, 10**5, 10**6)):
        yield (
            f"ppm P{kind} of {count} comments",
            b"P%d\n1000 1000\n" % kind + b"255\n" * (kind > 1) + b"#\n1 " * count,
        )
    for side in SIDES:
        yield f"ppm P3 {side}", b"P3\n%d %d\n255\n" % (side, side) + b"0 " * 2_000_000
        yield f"ppm P6 {side}", b"P6\n%d %d\n100\n" % (side, side) + b"\0" * 10_000_000
        yield f"ppm of 16 bits {side}", b"P6\n%d %d\n65535\n" % (side, side) + b"\0" * 10_000_000
        yield f"ppm header {side}", b"P6\n" + b"#\n" * (side * 500) + b"1 1 255\n\0\0\0"
    for wide, high in ((36_000_000, 1), (1, 36_000_000), (6000, 6000), (3_000_000, 1), (1700, 1700)):
        for body, name in ((b"\0\0", "ends of lines"), (b"\0\2\1\0", "jumps"), (b"\xff\0", "runs")):
            yield f"bmp {wide}x{high} {name}", bmp(wide, high, body)


def bmp(wide: int, high: int, body: bytes) -> bytes:
    """A run-length coded BMP."""
    content = body * (2**20 // len(body))
    start = 54 + 1024
    return (
        struct.pack("<2sIHHI", b"BM", start + len(content), 0, 0, start)
        + struct.pack("<IiiHHIIiiII", 40, wide, high, 1, 8, 1, len(content), 0, 0, 256, 0)
        + b"\0" * 1024 + content
    )  # fmt: skip


def saved() -> Iterator[tuple[str, bytes]]:
    """Large pictures of one colour, as Pillow writes them."""
    for side, (form, mode) in product(
        SIDES,
        (("GIF", "P"), ("WEBP", "RGB"), ("WEBP", "RGBA"), ("JPEG", "L"), ("JPEG", "CMYK"), ("BMP", "1")),
    ):
        yield f"{form} {mode} {side}", save(form, Image.new(mode, (side, side)))
    gif = save("GIF", Image.new("P", (8, 8)))
    for count in (10**4, 10**6):
        yield f"gif of {count} comments", gif[:13] + b"\x21\xfe\x01c\0" * count + gif[13:]
        yield f"gif of {count} frames", gif[:-1] + gif[gif.index(b"\x2c") : -1] * count + b";"
    exif = Image.Exif()
    exif[0x9286] = b"x" * 60_000
    yield "jpeg exif", save("JPEG", Image.new("RGB", (8, 8)), exif=exif)
    frames = [Image.new("RGBA", (4000, 4000), (n, 0, 0, 9)) for n in range(3)]
    yield "webp frames", save("WEBP", frames[0], save_all=True, append_images=frames[1:])


@cache
def _large(form: str, mode: str, side: int) -> bytes:
    stream = io.BytesIO()
    Image.new(mode, (side, side)).save(stream, form)
    return stream.getvalue()


def save(form: str, image: Image.Image, **options: object) -> bytes:
    """The file of a picture."""
    if min(image.size) >= min(SIDES) and not options:
        return _large(form, image.mode, image.width)
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()
