"""How long it takes to describe a photograph, in a running process and in a new one, and how much memory.

    python benchmarks/describe.py [PHOTO] [--runs 10]

Prints the median and the range of each time in milliseconds, and the peak memory of the new process.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from common import facts, parser
from timing import spread, timed

import dvsa

SENTENCE = "a man in a black coat looks through a camera in a grassy field"


def main() -> None:
    """Measure and print."""
    options = parser(__doc__)
    options.add_argument("photo", nargs="?", default="examples/photographer.jpg")
    options.add_argument("--runs", type=int, default=10)
    args = options.parse_args()

    # In this process, each call once to warm up.
    began, model = time.monotonic(), dvsa.load()
    view = model.open(args.photo)
    calls: dict[str, Callable[[], object]] = {
        "open (decode, regions, vectors)": lambda: model.open(args.photo),
        "caption": view.caption,
        "phrases of 5 regions": view.phrases,
        "align a sentence": lambda: view.align(SENTENCE),
        "all of these": lambda: model.open(args.photo).describe(SENTENCE),
    }
    print(f"{os.cpu_count()} cores, {args.runs} runs, median (minimum to maximum) in ms")
    for name, call in calls.items():
        call()
        print(f"{name:34} {spread([timed(call) for _ in range(args.runs)]):>26}")

    # In a new process for each run.
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "dvsa", "describe", args.photo, "--sentence", SENTENCE, "--out", out]
        cold = [
            timed(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(args.runs)
        ]
    print(f"{'dvsa describe, a new process':34} {spread(cold):>26}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{'its peak memory':34} {peak:.0f} MiB")

    figures = {"bundle": model.bundle.digest[:12], "cold_ms": statistics.median(cold), "peak_mib": peak}
    print(json.dumps({**figures, "facts": facts(began)}))


if __name__ == "__main__":
    main()
