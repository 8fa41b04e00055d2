"""The decoder and its bounds: bombs, mutated pictures, and what the worker processes cost.

    python benchmarks/decoder.py bombs [--most 200] [--unchecked] [--out bombs.json]
    python benchmarks/decoder.py mutations [--most 1000000] [--seed 0] [--out mutations.json]
    python benchmarks/decoder.py cost PHOTOGRAPHS [--most 200] [--out cost.json]

`bombs` decodes small pictures that cost much, and `mutations` pictures of every format with changed bytes.
Both count what must not happen: an error of another kind than `PhotoError` (an escape), more memory or
processor time than the bounds. Memory is the peak of what the worker has in memory, read every 5 ms, because
a worker that has ended has none. With `--unchecked` the worker makes none of the cheap checks, so that only
its limits are left. The exit code is 1 if something was counted.

`cost` compares the time of a photograph in a worker process with that in this process, in turns.
"""

import argparse
import random
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pillow_heif
from bombs import bombs, save
from common import facts, keep, parser
from PIL import Image

from dvsa import photo
from dvsa.data.photographs import Photographs
from dvsa.decode import MAX_MEMORY, MAX_SECONDS, Decoder, decoder
from dvsa.photo import PhotoError

UNCHECKED = (
    "import dvsa.photo as p; p.excess = lambda *a: None; p.jpeg_scans = lambda *a: 1; p.MAX_PIXELS = 10**12; "
)
"""What makes a worker do without the cheap checks."""
GRACE = 0.5
"""Seconds by which a worker may exceed its processor time: starting it counts too, and clocks tick."""


def main() -> int:
    """Run one of the three; returns the exit code."""
    options = parser(__doc__)
    options.add_argument("what", choices=("bombs", "mutations", "cost"))
    options.add_argument("photographs", nargs="?", type=Path, help="a folder of photographs, for `cost`")
    options.add_argument("--most", type=int, default=1000)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--unchecked", action="store_true")
    options.add_argument("--out", type=Path)
    args = options.parse_args()

    began = time.monotonic()
    found = cost(args) if args.what == "cost" else attacked(args)
    for name, value in found.items():
        print(f"{name}: {value}")
    if args.out:
        keep(args.out, {**found, "facts": facts(began, seed=args.seed)})
    return 1 if any(found.get(name) for name in ("escapes", "above the memory", "above the time")) else 0


def attacked(args: argparse.Namespace) -> dict[str, object]:
    """Decode bombs or mutations; what became of them."""
    if args.unchecked:
        decoder.START = decoder.START.replace("from dvsa", UNCHECKED + "from dvsa", 1)
    pictures = bombs() if args.what == "bombs" else mutations(args.seed)
    outcomes: Counter[str] = Counter()
    peak, slowest, escapes = 0, 0.0, 0
    over_memory, over_time = 0, 0

    with Decoder() as worker:
        worker.read(save("PNG", Image.new("RGB", (8, 8))))
        for name, content in islice(pictures, args.most):
            watch = Watch(worker)
            try:
                worker.read(content, "picture")
                outcome = "decoded"
            except PhotoError as error:
                outcome = "refused" if "takes more than" not in str(error) else "ended"
                outcome = "failed" if "its decoder failed" in str(error) else outcome
            except Exception as error:
                escapes += 1
                outcome = f"escaped: {type(error).__name__}"
                print(f"{name}: {error!r}")
            watch.stop()

            outcomes[outcome] += 1
            peak, slowest = max(peak, watch.memory), max(slowest, watch.seconds)
            over_memory += watch.memory > MAX_MEMORY
            over_time += watch.seconds > MAX_SECONDS + GRACE
            if args.what == "bombs":
                print(
                    f"{name:45} {outcome:9} {watch.memory / 2**20:6.0f} MiB {watch.seconds:5.2f} s",
                    flush=True,
                )
    return {
        "pictures": outcomes.total(),
        "outcomes": dict(outcomes),
        "escapes": escapes,
        "above the memory": over_memory,
        "above the time": over_time,
        "most MiB": round(peak / 2**20),
        "most seconds": round(slowest, 2),
    }


class Watch:
    """The memory and the processor time of a worker while it decodes one picture."""

    def __init__(self, watched: Decoder) -> None:
        """Begin to watch."""
        self.pid = watched._workers[0]._process.pid
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # forgets the peak
        self.memory, self.seconds, self._before = 0, 0.0, used_seconds(self.pid)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()

    def _sample(self) -> None:
        self._look()
        while not self._done.wait(0.005):
            self._look()

    def _look(self) -> None:
        try:
            lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
            peaks = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")]
            self.memory = max([self.memory, *peaks])
            self.seconds = max(self.seconds, used_seconds(self.pid) - self._before)
        except (OSError, IndexError, ValueError):
            pass  # it has ended

    def stop(self) -> None:
        """Stop to watch."""
        self._done.set()
        self._thread.join()
        self._look()


def used_seconds(pid: int) -> float:
    """The processor time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def mutations(seed: int) -> Iterator[tuple[str, bytes]]:
    """Pictures of every format and many modes, with bytes changed, cut out or doubled."""
    pillow_heif.register_heif_opener()  # Pillow then writes HEIC, too
    chance = random.Random(seed)
    scene = Image.effect_noise((48, 40), 60).convert("RGB")
    exif = Image.Exif()
    exif[0x0112], exif[0x0132] = 6, "2024:01:01 00:00:00"
    kinds: list[tuple[str, str, dict[str, object]]] = [
        ("JPEG", "RGB", {"exif": exif}), ("JPEG", "L", {"progressive": True}), ("JPEG", "CMYK", {}),
        ("PNG", "RGB", {"exif": exif}), ("PNG", "P", {}), ("PNG", "I;16", {}), ("PNG", "LA", {}),
        ("GIF", "P", {}), ("BMP", "RGB", {}), ("BMP", "1", {}), ("PPM", "RGB", {}), ("PPM", "L", {}),
        ("WEBP", "RGB", {"exif": exif}), ("WEBP", "RGBA", {"lossless": True}),
        ("TIFF", "RGB", {"compression": "tiff_lzw"}), ("TIFF", "L", {"compression": "tiff_deflate"}),
        ("TIFF", "1", {"compression": "group4"}), ("TIFF", "RGB", {"compression": "jpeg"}),
        ("TIFF", "CMYK", {"compression": "packbits"}), ("TIFF", "F", {}),
        ("HEIF", "RGB", {}), ("HEIF", "L", {}), ("AVIF", "RGB", {"exif": exif}), ("AVIF", "RGBA", {}),
        ("JPEG2000", "RGB", {}), ("JPEG2000", "L", {"irreversible": True}),
    ]  # fmt: skip
    grey = scene.convert("L")
    whole = [
        (f"{form} {mode}", save(form, (grey if mode in ("I;16", "LA") else scene).convert(mode), **how))
        for form, mode, how in kinds
    ]
    while True:
        name, content = chance.choice(whole)
        yield name, mutated(content, chance)


def mutated(content: bytes, chance: random.Random) -> bytes:
    """A picture with some changes; half of them are in its first 200 bytes."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4, 16, 64))):
        at = chance.randrange(min(len(changed), 200 if chance.random() < 0.5 else len(changed)) or 1)
        how = chance.random()
        if how < 0.5:
            changed[at : at + 1] = bytes([chance.randrange(256)])
        elif how < 0.7:
            changed[at : at + 1] = chance.choice((b"\xff", b"\0", b"\x80", b"\x7f"))
        elif how < 0.8:
            changed[at : at + 4] = chance.choice(
                (b"\xff\xff\xff\x7f", b"\0\0\0\1", b"\xff" * 4, b"\x7f\xff\xff\xff")
            )
        elif how < 0.9:
            del changed[at : at + chance.randrange(1, 40)]
        else:
            changed[at:at] = changed[at : at + chance.randrange(1, 400)]
    return bytes(changed)


def cost(args: argparse.Namespace) -> dict[str, object]:
    """Milliseconds of a photograph in this process and in a worker, one after the other."""
    contents = [source.read() for _, source in Photographs(args.photographs).found[: args.most]]
    here: list[float] = []
    there: list[float] = []
    with Decoder() as worker:
        for _ in range(3):
            for content in contents:
                for read, taken in ((photo.read, here), (worker.read, there)):
                    start = time.perf_counter()
                    read(content, "picture")
                    taken.append(1000 * (time.perf_counter() - start))
    return {
        "photographs": len(contents),
        "ms here": round(statistics.median(here), 2),
        "ms in a worker": round(statistics.median(there), 2),
        "ms more, median": round(statistics.median(b - a for a, b in zip(here, there, strict=True)), 2),
    }


if __name__ == "__main__":
    sys.exit(main())
