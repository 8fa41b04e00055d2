"""Photographs that `dvsa index` encodes in a second, beside what one after the other would give.

    python benchmarks/indexing.py [PHOTO...] [--photographs 96] [--rounds 5] [--out indexing.json]

"One after the other" is what earlier versions did: four photographs are decoded in this process, then the
network encodes them on all cores. "Beside" is what `dvsa index` does: worker processes decode the next
photographs while the network encodes, a batch on each core. Both take turns in every round, with the same
files: the given photographs in the sizes of cameras, as JPEG and HEIC. No two files have the same content.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path

import pillow_heif
from common import facts, keep, parser
from PIL import Image

import dvsa
from dvsa.ahead import chunks
from dvsa.data.gather import find
from dvsa.data.photographs import NamedSource
from dvsa.index import Entry
from dvsa.index.encode import PHOTOS_PER_BATCH, Opened, Skipped, encode_batch, encoder, open_photograph
from dvsa.model import Model
from dvsa.photo import read

SIZES = {
    "small JPEG": (640, "JPEG"),
    "12-megapixel JPEG": (4000, "JPEG"),
    "12-megapixel HEIC": (4000, "HEIF"),
}
"""The longer side in pixels, and the format."""

Way = Callable[[Sequence[NamedSource]], Iterator[Entry | Skipped]]


def main() -> None:
    """Measure, print and write JSON."""
    options = parser(__doc__)
    options.add_argument("photos", nargs="*", default=["examples"])
    options.add_argument("--photographs", type=int, default=96)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--out", type=Path)
    args = options.parse_args()

    began, rows = time.monotonic(), dict[str, dict[str, object]]()
    one, several = dvsa.load(threads=1), dvsa.load()
    ways: dict[str, Way] = {
        "one after the other": lambda sources: one_by_one(several, sources),
        "beside": lambda sources: encoder(one)(sources, (), {}),
    }
    pillow_heif.register_heif_opener()
    print("photographs a second, median (range); the ratio is that of each round")
    for name, (side, form) in SIZES.items():
        with tempfile.TemporaryDirectory(prefix="dvsa-indexing-") as folder:
            sources = written(args.photos, Path(folder), args.photographs, side, form)
            rates = {way: [rate(run, sources[:8])] for way, run in ways.items()}  # warms up
            for _ in range(args.rounds):
                for way, run in ways.items():
                    rates[way].append(rate(run, sources))
        rows[name] = {way: rate_N[1:] for way, rate_N in rates.items()}
        ratios = [new / old for old, new in zip(*(rate_N[1:] for rate_N in rates.values()), strict=True)]
        told = {way: spread(rate_N[1:]) for way, rate_N in rates.items()}
        print(f"{name:20} {told}, ratio {spread(ratios)}", flush=True)
    if args.out:
        about = {"photographs": args.photographs, "rounds": args.rounds}
        keep(args.out, {"bundle": one.bundle.digest[:12], "rates": rows, "facts": facts(began, **about)})


def written(photos: Sequence[str], folder: Path, count: int, side: int, form: str) -> list[NamedSource]:
    """Write photographs of a size and a format, each with another content."""
    given = [read(source.path) for _, source in find(photos)]
    for n, photo in enumerate(islice(cycle(given), count)):
        scale = side / max(photo.image.size)
        size = round(photo.image.width * scale), round(photo.image.height * scale)
        image = photo.image.resize(size, Image.Resampling.BICUBIC)
        image.putpixel((0, 0), (n % 256, n // 256, 0))
        image.save(folder / f"{n}.{form.lower()}", form, quality=92)
    return find([folder])


def one_by_one(model: Model, sources: Sequence[NamedSource]) -> Iterator[Entry | Skipped]:
    """Decode a few photographs, then encode them."""
    for some in chunks(sources, PHOTOS_PER_BATCH):
        opened = [open_photograph(source, (), {}, read, model.bundle.side) for source in some]
        yield from (item for item in opened if isinstance(item, Skipped))
        yield from encode_batch(model, [item for item in opened if isinstance(item, Opened)])


def rate(run: Way, sources: Sequence[NamedSource]) -> float:
    """Photographs that are encoded in a second."""
    began = time.perf_counter()
    count = sum(isinstance(item, Entry) for item in run(sources))
    if count != len(sources):
        raise ValueError(f"{len(sources) - count} photographs were not encoded")
    return count / (time.perf_counter() - began)


def spread(value_N: Sequence[float]) -> str:
    """The median and the range."""
    return f"{statistics.median(value_N):.2f} ({min(value_N):.2f} to {max(value_N):.2f})"


if __name__ == "__main__":
    main()
