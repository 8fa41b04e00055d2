"""What the checksums of an index cost: opening it, the first search of each kind, and later searches.

    python benchmarks/checksums.py [--photographs 10000 100000 1000000] [--out checksums.json] [--keep FOLDER]

Each figure is the median over new processes, on an index that is in the memory of the system. `unchecked` is
the same search without the checks, in the same run: what the checks cost is the difference. Vectors are made
up, because their values do not change the cost.
"""

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from common import facts, keep, parser

import dvsa
from dvsa.index import Entry, Index, Photograph
from dvsa.index.checked_file import CheckedFile

REGIONS, WORDS, PER_APPEND = 20, 10, 8192
KINDS = ("exact", "pruned", "exact unchecked", "pruned unchecked")


def main() -> None:
    """Measure, print a table and write JSON."""
    options = parser(__doc__)
    options.add_argument("--photographs", type=int, nargs="+", default=[10_000, 100_000])
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--keep", type=Path, help="a folder for the indexes, to use them again")
    options.add_argument("--out", type=Path)
    options.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    args = options.parse_args()
    if args.measure:
        print(json.dumps(measured(Path(args.measure[0]), args.measure[1])))
        return

    began, rows = time.monotonic(), []
    print(f"{'photographs':>11}  {'search':18} {'open ms':>9} {'first ms':>9} {'later ms':>9}")
    with tempfile.TemporaryDirectory(prefix="dvsa-checksums-") as temporary:
        for count in args.photographs:
            folder = (args.keep or Path(temporary)) / str(count)
            build(folder, count)
            for kind in KINDS:
                found = [process(folder, kind) for _ in range(args.runs)]
                row = {name: statistics.median(one[name] for one in found) for name in found[0]}
                rows.append({"photographs": count, "search": kind, **row})
                figures = " ".join(f"{row[name]:>9.1f}" for name in ("open_ms", "first_ms", "later_ms"))
                print(f"{count:>11,}  {kind:18} {figures}", flush=True)
    if args.out:
        keep(args.out, {"rows": rows, "facts": facts(began, runs=args.runs, seed=0)})


def process(folder: Path, kind: str) -> dict[str, float]:
    """The times of a new process, in milliseconds."""
    command = [sys.executable, __file__, "--measure", str(folder), kind]
    found: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return found


def measured(folder: Path, kind: str) -> dict[str, float]:
    """The times of this process, in milliseconds."""
    if kind.endswith("unchecked"):
        for name in ("check", "check_ranges"):
            setattr(CheckedFile, name, lambda *arguments: None)
    s_ND = np.random.default_rng(1).standard_normal((WORDS, 256)).astype(np.float32)
    took = []
    began = time.perf_counter()
    index = Index.open(folder)
    took.append(time.perf_counter() - began)
    for _ in range(4):
        began = time.perf_counter()
        index.search(s_ND, 10, pruned=kind.startswith("pruned"))
        took.append(time.perf_counter() - began)
    return {"open_ms": 1000 * took[0], "first_ms": 1000 * took[1], "later_ms": 1000 * min(took[2:])}


def build(folder: Path, count: int) -> None:
    """An index of made-up vectors; nothing is done if it is there."""
    if folder.exists():
        return
    index, rng = Index.create(folder, dvsa.load()), np.random.default_rng(0)
    boxes_I4 = np.tile(np.array([[0, 0, 1, 1]], np.float32), (REGIONS, 1))
    for start in range(0, count, PER_APPEND):
        entries = []
        for k in range(start, min(start + PER_APPEND, count)):
            name = hashlib.sha256(str(k).encode()).hexdigest()
            photograph = Photograph(id=name, path=f"/photographs/{k}.jpg", file=f"/photographs/{k}.jpg")
            v_ID = rng.standard_normal((REGIONS, 256), np.float32) / 16
            entries.append(Entry(photograph, boxes_I4, v_ID))
        index.append(entries)


if __name__ == "__main__":
    main()
