"""What filters cost: which of a million photographs meet a condition, by columns and by their lines of JSON.

    python benchmarks/filters.py [--photographs 1000000] [--runs 20] [--out filters.json]

The index has one region for each photograph, in 100 folders, of 20 cameras, with dates over 20 years and
places around the world. `open` is the time of the first filter in a process: it reads the files of columns.
Later filters use what is in memory. `lines` is the time to make the columns of one segment from its lines.
"""

import hashlib
import statistics
import tempfile
import time
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
from common import facts, keep, parser
from timing import spread, timed

import dvsa
from dvsa.index import Entry, Filter, Index, Photograph
from dvsa.index.columns import columns_of
from dvsa.index.segment import IndexSegment

PER_APPEND = 16_384

FILTERS: Mapping[str, Filter] = {
    "dates": Filter(after=date(2010, 1, 1), before=date(2012, 12, 31)),
    "folder": Filter(prefix="/photographs/042/"),
    "part of a name": Filter(prefix="/photographs/042/IMG_0001"),
    "camera": Filter(camera="camera 7"),
    "field": Filter(fields={"trip": "trip 3"}),
    "area": Filter(area=(40, -10, 60, 20)),
    "country": Filter(country="Norway"),
    "city": Filter(city="Bergen"),
    "identifiers": Filter(
        ids=frozenset(hashlib.sha256(str(n).encode()).hexdigest() for n in range(0, 10**6, 997))
    ),
    "all of these": Filter(
        after=date(2010, 1, 1),
        prefix="/photographs/0",
        camera="camera",
        fields={"trip": "trip 3"},
        area=(40, -10, 70, 20),
        country="Norway",
    ),
}


def main() -> None:
    """Measure, print a table and write JSON."""
    options = parser(__doc__)
    options.add_argument("--photographs", type=int, default=1_000_000)
    options.add_argument("--runs", type=int, default=20)
    options.add_argument("--out", type=Path)
    args = options.parse_args()

    began, rows = time.monotonic(), {}
    with tempfile.TemporaryDirectory(prefix="dvsa-filters-") as temporary:
        folder = build(Path(temporary) / "index", args.photographs)
        segments = Index.open(folder)._segments
        lines = timed(lambda: columns_of([segments[0].photograph(k) for k in range(len(segments[0]))]))
        print(f"lines of JSON of {len(segments[0]):,} photographs: {lines:.0f} ms")
        opened = timed(lambda: filtered(segments, FILTERS["dates"]))
        print(f"open, with the first filter: {opened:.0f} ms")

        for name, where in FILTERS.items():
            found = filtered(segments, where)
            times = [timed(lambda where=where: filtered(segments, where)) for _ in range(args.runs)]  # type: ignore[misc]
            rows[name] = {"found": found, "median_ms": statistics.median(times), "times_ms": times}
            print(f"{name:16} {found:>9,} found, {spread(times)} ms", flush=True)
    if args.out:
        about = facts(began, photographs=args.photographs, runs=args.runs, seed=0)
        keep(args.out, {"lines_ms": lines, "open_ms": opened, "filters": rows, "facts": about})


def filtered(segments: list[IndexSegment], where: Filter) -> int:
    """How many photographs a search with a filter may find."""
    return sum(int(segment.allowed(where).sum()) for segment in segments)


def build(folder: Path, count: int) -> Path:
    """An index of made-up photographs."""
    rng = np.random.default_rng(0)
    model = dvsa.load()
    vector = np.zeros((1, model.bundle.manifest.embedding), np.float16)
    vector[0, 0] = 1
    box = np.array([[0, 0, 1, 1]], np.float32)
    with Index.create(folder, model) as index:
        for start in range(0, count, PER_APPEND):
            stop = min(start + PER_APPEND, count)
            # Photographs are taken around some thousand places, a few kilometres apart.
            place_N2 = rng.uniform((-60, -180), (70, 180), (50, 2)).repeat(-(-(stop - start) // 50), 0)
            place_N2 += rng.normal(0, 0.03, place_N2.shape)
            second_N = rng.integers(0, 20 * 365 * 86400, stop - start)
            index.append(
                [
                    Entry(photograph(start + n, int(second_N[n]), place_N2[n].tolist()), box, vector)
                    for n in range(stop - start)
                ]
            )
            print(f"{stop:,} photographs", end="\r", flush=True)
        index._keep_columns()
    return folder


def photograph(n: int, second: int, place: list[float]) -> Photograph:
    """A made-up photograph."""
    path = f"/photographs/{n % 100:03}/IMG_{n:07}.jpg"
    return Photograph(
        id=hashlib.sha256(str(n).encode()).hexdigest(),
        path=path,
        file=path,
        taken=(datetime(2005, 1, 1) + timedelta(seconds=second)).isoformat(),
        fields={"trip": f"trip {n % 7}"},
        camera=f"Maker camera {n % 20}",
        latitude=round(place[0], 6),
        longitude=round(min(max(place[1], -180), 180), 6),
    )


if __name__ == "__main__":
    main()
