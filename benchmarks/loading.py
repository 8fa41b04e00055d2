"""How long `dvsa.data.load` takes for many photographs, in each of the usual layouts: seconds of one core.

    python benchmarks/loading.py [--photographs 40000] [--runs 3] [--out loading.json]

The photographs are one small picture under many names, with five made-up sentences each. A figure is the
median over new processes.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import facts, keep, parser
from PIL import Image

from dvsa.data import load

WORDS = ("a", "dog", "cat", "man", "runs", "sits", "in", "on", "the", "snow", "grass", "red", "two", "boys")
SPLITS = {"train": "train", "val": "dev", "test": "test"}


def main() -> None:
    """Measure, print and write JSON."""
    options = parser(__doc__)
    options.add_argument("--photographs", type=int, default=40_000)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--out", type=Path)
    options.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    args = options.parse_args()
    if args.measure:
        start = time.process_time()
        load(args.measure)
        print(time.process_time() - start)
        return

    began, seconds = time.monotonic(), {}
    with tempfile.TemporaryDirectory() as place:
        for folder in write(Path(place), args.photographs):
            command = [sys.executable, __file__, "--measure", str(folder)]
            runs = [subprocess.run(command, capture_output=True, check=True) for _ in range(args.runs)]
            seconds[folder.name] = statistics.median(float(run.stdout) for run in runs)
            print(f"{folder.name:10} {seconds[folder.name]:.1f} s")
    if args.out:
        keep(
            args.out,
            {"seconds": seconds, "facts": facts(began, photographs=args.photographs, runs=args.runs)},
        )


def write(place: Path, count: int) -> list[Path]:
    """The same data set in three layouts, each with links to the same files."""
    rng = random.Random(0)
    names = [f"{1_000_000_000 + 7 * n}_{rng.randrange(16**10):010x}.jpg" for n in range(count)]
    said = [[" ".join(rng.choices(WORDS, k=11)) for _ in range(5)] for _ in names]
    split = [("train", "val", "test")[max(0, n % 10 - 7)] for n in range(count)]

    folders = [place / layout for layout in ("flickr8k", "karpathy", "csv")]
    for folder in folders:
        (folder / "images").mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(place / "one.jpg")
    content = (place / "one.jpg").read_bytes()
    for name in names:
        (folders[0] / "images" / name).write_bytes(content)
        for folder in folders[1:]:
            os.link(folders[0] / "images" / name, folder / "images" / name)

    rows = [(*row, s, n) for row in zip(names, split, said, strict=True) for n, s in enumerate(row[2])]
    tokens = "".join(f"{name}#{n}\t{sentence}\n" for name, _, _, sentence, n in rows)
    (folders[0] / "Flickr8k.token.txt").write_text(tokens)
    for own, called in SPLITS.items():
        listed = "".join(f"{name}\n" for name, of in zip(names, split, strict=True) if of == own)
        (folders[0] / f"Flickr_8k.{called}Images.txt").write_text(listed)
    images = [
        {"filename": name, "split": of, "sentences": [{"raw": s} for s in own]}
        for name, of, own in zip(names, split, said, strict=True)
    ]
    (folders[1] / "dataset_made.json").write_text(json.dumps({"images": images}))
    lines = "".join(f"{name},{sentence},{of}\n" for name, of, _, sentence, _ in rows)
    (folders[2] / "captions.csv").write_text(f"image,caption,split\n{lines}")
    return folders


if __name__ == "__main__":
    main()
