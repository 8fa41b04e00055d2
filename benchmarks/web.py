"""How quickly the page's service answers one user, and what becomes of 200 at once.

    python benchmarks/web.py [--clients 200] [--seconds 60] [--grid] [--out web.json]

Everything runs on the loopback, in processes that this one starts and stops. One user: the median and the
range of the service's own times (its Server-Timing), and of what the client waits. Many: each client uploads
a photograph of examples/, lays a sentence on it, asks for captions and for the picture, again and again;
every answer must be what a single user got, and 429 the only refusal. On the page, in Chromium: from a
dropped photograph to its caption and regions, and one movement of the slider. `--grid` measures numbers of
workers and of threads of a graph instead.
"""

import argparse
import asyncio
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
PHOTOS = ("photographer.jpg", "astronaut.jpg", "cat.jpg")
SENTENCE = "a man in a black coat looks through a camera in a grassy field"
ALIGN = {"sentence": SENTENCE, "beta": 0.5}
CAPTION = {"method": "sample", "n": 3, "seed": 1}
AIMS = {"upload": 350.0, "align": 30.0, "upload to shown": 500.0, "slider": 15.0}
"""Most milliseconds: of server time, and on the page."""

Answer = dict[str, object]


def main() -> None:
    """Measure, print tables and write JSON."""
    # Imported here, since a test loads this file alone.
    from common import facts, keep, parser
    from web_page import page_times

    options = parser(__doc__)
    options.add_argument("--clients", type=int, default=200)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--runs", type=int, default=20)
    options.add_argument("--grid", action="store_true", help="try workers and threads, nothing else")
    options.add_argument("--out", type=Path)
    options.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    args = options.parse_args()
    if args.serve:
        return serve(int(args.serve[0]), int(args.serve[1]), Path(args.serve[2]))

    began = time.monotonic()
    print(f"{os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}")
    if args.grid:
        figures: Answer = {"grid": grid(args.runs)}
    else:
        cores = os.cpu_count() or 1
        with service(cores, 1) as url:
            started = resident(httpx.get(f"{url}/metrics").text)
            one = alone(url, args.runs)
            many = asyncio.run(load(url, args.clients, args.seconds))
            page = page_times(url, EXAMPLES / PHOTOS[0], SENTENCE, args.runs)
            figures = {"one": one, "page": page, "many": many.figures(), "started_mib": started}
        report(one, page, many, started)
    if args.out:
        keep(args.out, {**figures, "facts": facts(began)})
    return None


def serve(workers: int, threads: int, index: Path) -> None:
    """Be a service on a free port, and print its address."""
    import uvicorn

    import dvsa
    from dvsa.cli.serving import listen
    from dvsa.index import Index
    from dvsa.web import Settings, create_app

    model = dvsa.load(threads=threads)
    with Index.open(index, model) as opened, listen("127.0.0.1", 0) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        app = create_app(model, opened, Settings(workers=workers))
        uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run([listener])


@contextmanager
def service(workers: int, threads: int) -> Iterator[str]:
    """The address of a service in a process of its own, ready to answer; examples/ is what it searches."""
    with tempfile.TemporaryDirectory(prefix="dvsa-web-") as folder:
        index = f"{folder}/index"
        command = [sys.executable, "-m", "dvsa", "index", str(EXAMPLES), "--out", index]
        subprocess.run(command, check=True, capture_output=True)
        command = [sys.executable, __file__, "--serve", str(workers), str(threads), index]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            httpx.get(f"{url}/healthz", timeout=30).raise_for_status()
            yield url
        finally:
            process.terminate()
            process.wait(30)


def alone(url: str, runs: int) -> dict[str, dict[str, list[float]]]:
    """Milliseconds of each run for one user: by the server's clock, and by the client's."""
    content = (EXAMPLES / PHOTOS[0]).read_bytes()
    with httpx.Client(base_url=url, timeout=30) as client:
        photo = f"/api/photos/{client.post('/api/photos', files={'file': content}).json()['id']}"
        asks: dict[str, Callable[[], httpx.Response]] = {
            "upload": lambda: client.post("/api/photos", files={"file": (PHOTOS[0], content)}),
            "align": lambda: client.post(f"{photo}/align", json=ALIGN),
            "caption, beam of 5": lambda: client.post(f"{photo}/caption", json={"method": "beam"}),
            "caption, 10 samples": lambda: client.post(
                f"{photo}/caption", json={"method": "sample", "n": 10}
            ),
            "search by sentence": lambda: client.get("/api/search", params={"q": SENTENCE}),
            "search by a box": lambda: client.get(
                "/api/search", params={"photo": photo.rpartition("/")[2], "box": "0,0,.5,.5"}
            ),
        }
        found: dict[str, dict[str, list[float]]] = {}
        for name, ask in asks.items():
            ask()
            found[name] = {"server": [], "client": []}
            for _ in range(runs):
                began = time.perf_counter()
                answer = ask()
                found[name]["client"].append(1000 * (time.perf_counter() - began))
                found[name]["server"].append(server_ms(answer.raise_for_status()))
    return found


@dataclass
class Load:
    """What many clients saw."""

    statuses: Counter[str] = field(default_factory=Counter)
    """How often each came; the name of an error where there was no answer."""
    waits: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Milliseconds to an answer that was no refusal, by what was asked."""
    visits: int = 0
    wrong: int = 0
    """Visits with an answer that was not that of a single user."""
    memory: list[tuple[int, float]] = field(default_factory=list)
    """Photographs that the service holds, and its MiB, at even times."""
    seconds: float = 0

    @property
    def growth(self) -> float:
        """MiB since as many photographs were held as at the end."""
        held, last = self.memory[-1]
        return last - next(mib for count, mib in self.memory if count == held)

    def figures(self) -> Answer:
        """For JSON."""
        return {
            "statuses": dict(self.statuses), "visits": self.visits, "wrong": self.wrong,
            "seconds": self.seconds, "memory_mib": self.memory, "growth_mib": self.growth,
            "ms": {name: [statistics.median(w), high(w), max(w)] for name, w in self.waits.items()},
        }  # fmt: skip


async def load(url: str, clients: int, seconds: float) -> Load:
    """Let clients ask for so long, and hold what they get against what a single user got."""
    limits = httpx.Limits(max_connections=clients + 1, max_keepalive_connections=clients + 1)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as client:
        wanted = {name: await visit(client, name, Load()) for name in PHOTOS}
        found = Load()
        began = time.perf_counter()

        async def come_and_go(n: int) -> None:
            while time.perf_counter() - began < seconds:
                name = PHOTOS[n % len(PHOTOS)]
                found.wrong += await visit(client, name, found) != wanted[name]
                found.visits += 1
                n += 1

        async def watch() -> None:
            while time.perf_counter() - began < seconds:
                figures = (await client.get("/metrics")).text
                found.memory.append((int(metric(figures, "dvsa_photographs")), resident(figures)))
                await asyncio.sleep(seconds / 60)

        await asyncio.gather(watch(), *map(come_and_go, range(clients)))
        found.seconds = time.perf_counter() - began
    return found


async def visit(client: httpx.AsyncClient, name: str, found: Load) -> list[object]:
    """One client's questions about one photograph; the answers, without what is never the same."""
    content = (EXAMPLES / name).read_bytes()
    photo = (await ask(client, found, "upload", "/api/photos", files={"file": (name, content)})).json()
    url = f"/api/photos/{photo.pop('id', '')}"
    return [
        photo,
        (await ask(client, found, "align", f"{url}/align", json=ALIGN)).json(),
        (await ask(client, found, "caption", f"{url}/caption", json=CAPTION)).json(),
        (await ask(client, found, "picture", f"{url}/image")).content,
    ]


async def ask(
    client: httpx.AsyncClient, found: Load, what: str, url: str, **body: Mapping[str, object]
) -> httpx.Response:
    """Ask until there is a place."""
    while True:
        began = time.perf_counter()
        try:
            answer = await client.request("POST" if body else "GET", url, **body)  # type: ignore[arg-type]
        except httpx.TransportError as error:
            found.statuses[type(error).__name__] += 1
            return httpx.Response(500, json={})
        found.statuses[str(answer.status_code)] += 1
        if answer.status_code != 429:
            found.waits[what].append(1000 * (time.perf_counter() - began))
            return answer
        await asyncio.sleep(float(answer.headers["Retry-After"]) * random.uniform(1, 2))


def grid(runs: int) -> list[Answer]:
    """Numbers of workers and of threads of a graph: one upload at a time, and four clients at once."""
    rows: list[Answer] = []
    print(f"{'workers':>7} {'threads':>7} {'upload, ms':>24} {'align, ms':>24} {'visits/s of 4':>13}")
    for workers, threads in ((1, 1), (1, 2), (2, 1), (2, 2), (3, 1)):
        with service(workers, threads) as url:
            one = alone(url, runs)
            many = asyncio.run(load(url, 4, 10))
        upload, align = (spread(one[name]["server"]) for name in ("upload", "align"))
        rate = many.visits / many.seconds
        print(f"{workers:>7} {threads:>7} {upload:>24} {align:>24} {rate:>13.1f}", flush=True)
        rows.append({"workers": workers, "threads": threads, "one": one, "visits_per_second": rate})
    return rows


def report(
    one: Mapping[str, Mapping[str, list[float]]],
    page: Mapping[str, list[float]],
    many: Load,
    started: float,
) -> None:
    """Print the tables."""
    print(f"\none user{'server, ms':>36}{'client, ms':>25}   aim")
    for name, times in one.items():
        aim = f"{AIMS[name]:.0f}" if name in AIMS else ""
        print(f"{name:20} {spread(times['server']):>24} {spread(times['client']):>24} {aim:>5}")
    for name, waits in page.items():
        print(f"{name + ', in Chromium':45} {spread(waits):>24} {AIMS[name]:5.0f}")
    refused = many.statuses["429"]
    answered = sum(many.statuses.values()) - refused
    others = {status: n for status, n in many.statuses.items() if status not in ("200", "201", "429")}
    print(f"\n{many.seconds:.0f} s: {answered:,} answers ({answered / many.seconds:.1f} a second)")
    print(f"{refused:,} refusals (429), other statuses: {others or 'none'}")
    print(f"{many.visits:,} visits, {many.wrong} with an answer that was not a single user's")
    for name, waits in many.waits.items():
        print(f"{name:20} {statistics.median(waits):8.0f} ms median {high(waits):8.0f} ms for 95%")
    held, last = many.memory[-1]
    print(f"memory, MiB: {started:.0f} at the start, {last:.0f} at the end with {held} photographs")
    print(f"since as many were held: {many.growth:+.1f}")


def server_ms(answer: httpx.Response) -> float:
    """What the service says that it took."""
    return float(answer.headers["Server-Timing"].rpartition("=")[2])


def resident(figures: str) -> float:
    """MiB of memory, by the service's own metrics."""
    return metric(figures, "process_resident_memory_bytes") / 2**20


def metric(figures: str, name: str) -> float:
    """One figure of a service's metrics."""
    (line,) = (line for line in figures.splitlines() if line.startswith(f"{name} "))
    return float(line.partition(" ")[2])


def spread(times: list[float]) -> str:
    """Median and range."""
    return f"{statistics.median(times):.1f} ({min(times):.1f} to {max(times):.1f})"


def high(times: list[float]) -> float:
    """What 95 % stay below."""
    return sorted(times)[int(0.95 * (len(times) - 1))]


if __name__ == "__main__":
    main()
