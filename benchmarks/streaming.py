"""Training on more photographs than should be in memory: memory, the first step, and waits for data.

    python benchmarks/streaming.py FOLDER [--photographs 8000 120000] [--recipe toy] [--side 96] [--out X]

Photographs are drawn by code, with five sentences each, and written as tar shards (WebDataset's layout), with
1,000 more for val. Nothing depends on what they show. Two stages of the recipe are trained, for as many steps
on each set: `align` on features of regions, and `tune`, with the backbone in the loop. Each training is a
process of its own, on every set: once with an empty cache, and once more.

"Memory" is the most resident memory of the training process. "First step" is the time from the start of the
process to its first step. "Waits" is the share of a stage's time in which the loop stood still for rows of
photographs or of features that were not ready.
"""

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from argparse import Namespace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from common import facts, keep, parser
from PIL import Image

SHARD = 2000
COLOURS = {"red": (200, 40, 40), "green": (40, 160, 60), "blue": (50, 80, 210), "grey": (128, 128, 128)}
PLACES = ("sky", "field", "wall", "street", "table", "lake", "roof", "hill")
COLUMNS = ("memory, MiB", "first step, s", "align, photographs/s", "waits", "tune, photographs/s", "waits")


def main() -> None:
    """Draw, measure, print a table and write JSON."""
    options = parser(__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--photographs", type=int, nargs="+", default=[8000, 120_000])
    options.add_argument("--recipe", default="toy")
    options.add_argument("--side", type=int, default=96, help="side of a photograph, in pixels")
    options.add_argument("--batch", type=int, help="photographs of a step, in place of the recipe's")
    options.add_argument("--out", type=Path)
    args = options.parse_args()

    began, rows = time.monotonic(), []
    print(f"| photographs | cache | {' | '.join(COLUMNS)} |\n|---|---|{'---|' * len(COLUMNS)}")
    for count in args.photographs:
        data = args.folder / f"{count}-{args.side}"
        drawn(data, count, args.side)
        for cache in ("empty", "full"):
            epochs = max(args.photographs) // count
            row = measured(args, data, args.folder / f"run-{count}", epochs, empty=cache == "empty")
            rows.append({"photographs": count, "cache": cache, **row})
            cells = [f"{row[name]:,.0f}" for name in ("memory_mib", "first_step_s")]
            for stage in ("align", "tune"):
                cells += [f"{row[f'{stage}_rate']:,.0f}", f"{row[f'{stage}_waits']:.1%}"]
            print(f"| {count:,} | {cache} | {' | '.join(cells)} |", flush=True)
            if args.out:
                about = {
                    "recipe": args.recipe,
                    "side": args.side,
                    "batch": args.batch,
                    "cores": os.cpu_count(),
                }
                keep(args.out, {"rows": rows, "facts": facts(began, **about)})


def drawn(folder: Path, count: int, side: int) -> None:
    """Draw a data set unless it is there."""
    if (folder / "done").exists():
        return
    folder.mkdir(parents=True)
    shards = [("train", first, min(SHARD, count - first)) for first in range(0, count, SHARD)]
    with get_context("spawn").Pool() as pool:
        pool.starmap(partial(draw_shard, folder, side), [*shards, ("val", count, 1000)])
    (folder / "done").touch()


def draw_shard(folder: Path, side: int, split: str, first: int, count: int) -> None:
    """Write some photographs and their sentences into a tar file."""
    with tarfile.open(folder / f"{split}-{first:07}.tar", "w") as archive:
        for number in range(first, first + count):
            picture, sentences = draw(number, side)
            for suffix, content in (("jpg", picture), ("txt", "\n".join(sentences).encode())):
                member = tarfile.TarInfo(f"{number:07}.{suffix}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))


def draw(number: int, side: int) -> tuple[bytes, list[str]]:
    """A coloured block on a noisy ground, and sentences about it."""
    random = np.random.default_rng(number)
    pixels = random.integers(0, 255, (side // 8, side // 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    name, place = str(random.choice([*COLOURS])), str(random.choice(PLACES))
    x, y = random.integers(0, side // 2, 2)
    pixels[y : y + side // 2, x : x + side // 2] = COLOURS[name]
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG")
    across, down = "left" if x < side // 4 else "right", "top" if y < side // 4 else "bottom"
    return stream.getvalue(), [
        f"a {name} block on a {place}",
        f"the {place} has a {name} block at the {across}",
        f"a block that is {name} stands at the {down} of a {place}",
        f"there is a {name} thing at the {down} {across}",
        f"somebody left a {name} block on the {place}",
    ]


def measured(args: Namespace, data: Path, run: Path, epochs: int, *, empty: bool) -> dict[str, float]:
    """Train in a process of its own; what it has measured."""
    command = [sys.executable, str(Path(__file__).with_name("streaming_run.py")), str(data), str(run)]
    command += [
        "--recipe",
        args.recipe,
        "--epochs",
        str(epochs),
        *(["--batch", str(args.batch)] if args.batch else []),
    ]
    cache = data.with_name(f"cache-{data.name}")
    for folder in (run, *([cache] if empty else [])):
        shutil.rmtree(folder, ignore_errors=True)
    environment = os.environ | {"DVSA_CACHE": str(cache)}
    said = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, float] = json.loads(said.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
