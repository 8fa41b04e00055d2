"""How quickly the web service answers one user, and how it handles 200 users at once.

    python benchmarks/web.py [--clients 200] [--seconds 60] [--grid] [--out web.json]

Everything runs on the loopback interface, in processes that this one starts and stops.

One user: the median and the range of the service's own times (its Server-Timing header), and of the times
that the client waits. Many users: each one uploads a photograph of examples/, aligns a sentence with it, asks
for captions and for the picture, again and again. Every answer must equal a single user's, and 429 is the
only allowed refusal. The page in Chromium: from a dropped photograph to its caption and regions, and one
movement of the slider. `--grid` measures different numbers of workers and threads instead.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Mapping
from pathlib import Path

import httpx
from common import facts, keep, parser
from timing import percentile_95, spread
from web_clients import EXAMPLES, PHOTOS, SENTENCE, LoadResult, load, memory_mib, one_user
from web_page import page_times
from web_service import service

TARGETS = {"upload": 350.0, "align": 30.0, "upload to shown": 500.0, "slider": 15.0}
"""The most milliseconds that we allow: of server time, and on the page."""

Figures = dict[str, object]


def main() -> None:
    """Measure, print tables and write JSON."""
    options = parser(__doc__)
    options.add_argument("--clients", type=int, default=200)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--runs", type=int, default=20)
    options.add_argument("--grid", action="store_true", help="measure numbers of workers and threads instead")
    options.add_argument("--out", type=Path)
    args = options.parse_args()

    began = time.monotonic()
    print(f"{os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}")
    if args.grid:
        figures: Figures = {"grid": grid(args.runs)}
    else:
        figures = users(args.clients, args.seconds, args.runs)
    if args.out:
        keep(args.out, {**figures, "facts": facts(began)})


def users(clients: int, seconds: float, runs: int) -> Figures:
    """One user, the page and many users, with as many workers as cores; prints the tables."""
    with service(os.cpu_count() or 1, 1) as url:
        started = memory_mib(httpx.get(f"{url}/metrics").text)
        one = one_user(url, runs)
        many = asyncio.run(load(url, clients, seconds))
        page = page_times(url, EXAMPLES / PHOTOS[0], SENTENCE, runs)

    print_one_user(one, page)
    print_many_users(many, started)
    return {"one": one, "page": page, "many": load_figures(many), "started_mib": started}


def load_figures(many: LoadResult) -> Figures:
    """The figures of many users, for JSON."""
    return {
        "statuses": dict(many.statuses),
        "visits": many.visits,
        "wrong": many.wrong,
        "seconds": many.seconds,
        "memory_mib": many.memory,
        "growth_mib": many.growth,
        "ms": {name: [statistics.median(w), percentile_95(w), max(w)] for name, w in many.waits.items()},
    }


def grid(runs: int) -> list[Figures]:
    """Numbers of workers, and of threads for each graph: one user, and four users at once."""
    rows: list[Figures] = []
    print(f"{'workers':>7} {'threads':>7} {'upload, ms':>24} {'align, ms':>24} {'visits/s of 4':>13}")
    for workers, threads in ((1, 1), (1, 2), (2, 1), (2, 2), (3, 1)):
        with service(workers, threads) as url:
            one = one_user(url, runs)
            many = asyncio.run(load(url, 4, 10))

        upload, align = (spread(one[name]["server"]) for name in ("upload", "align"))
        rate = many.visits / many.seconds
        print(f"{workers:>7} {threads:>7} {upload:>24} {align:>24} {rate:>13.1f}", flush=True)
        rows.append({"workers": workers, "threads": threads, "one": one, "visits_per_second": rate})
    return rows


def print_one_user(one: Mapping[str, Mapping[str, list[float]]], page: Mapping[str, list[float]]) -> None:
    """Print the times of one user and of the page, with our targets."""
    print(f"\none user{'server, ms':>36}{'client, ms':>25}   target")
    for name, times in one.items():
        target = f"{TARGETS[name]:.0f}" if name in TARGETS else ""
        print(f"{name:20} {spread(times['server']):>24} {spread(times['client']):>24} {target:>5}")
    for name, times_on_page in page.items():
        print(f"{name + ', in Chromium':45} {spread(times_on_page):>24} {TARGETS[name]:5.0f}")


def print_many_users(many: LoadResult, started: float) -> None:
    """Print the answers, refusals, times and memory of many users."""
    refused = many.statuses["429"]
    answered = sum(many.statuses.values()) - refused
    others = {status: n for status, n in many.statuses.items() if status not in ("200", "201", "429")}
    print(f"\n{many.seconds:.0f} s: {answered:,} answers ({answered / many.seconds:.1f} per second)")
    print(f"{refused:,} refusals (429), other statuses: {others or 'none'}")
    print(f"{many.visits:,} visits, {many.wrong} with an answer that differs from a single user's")

    for name, waits in many.waits.items():
        print(f"{name:20} {statistics.median(waits):8.0f} ms median {percentile_95(waits):8.0f} ms for 95%")

    held, last = many.memory[-1]
    print(f"memory, MiB: {started:.0f} at the start, {last:.0f} at the end with {held} photographs")
    print(f"growth since it first held as many: {many.growth:+.1f}")


if __name__ == "__main__":
    main()
