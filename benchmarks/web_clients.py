"""The clients of `benchmarks/web.py`: one user alone, and many users at once.

`tests/web/test_load.py` uses the many users too, so this file imports no other script.
"""

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
PHOTOS = ("photographer.jpg", "astronaut.jpg", "cat.jpg")
SENTENCE = "a man in a black coat looks through a camera in a grassy field"
ALIGN = {"sentence": SENTENCE, "beta": 0.5}
CAPTION = {"method": "sample", "n": 3, "seed": 1}


def one_user(url: str, runs: int) -> dict[str, dict[str, list[float]]]:
    """The milliseconds of each request for one user: by the server's clock, and by the client's."""
    content = (EXAMPLES / PHOTOS[0]).read_bytes()
    with httpx.Client(base_url=url, timeout=30) as client:
        photo = f"/api/photos/{client.post('/api/photos', files={'file': content}).json()['id']}"
        box = {"photo": photo.rpartition("/")[2], "box": "0,0,.5,.5"}
        sample = {"method": "sample", "n": 10}
        requests: dict[str, Callable[[], httpx.Response]] = {
            "upload": lambda: client.post("/api/photos", files={"file": (PHOTOS[0], content)}),
            "align": lambda: client.post(f"{photo}/align", json=ALIGN),
            "caption, beam of 5": lambda: client.post(f"{photo}/caption", json={"method": "beam"}),
            "caption, 10 samples": lambda: client.post(f"{photo}/caption", json=sample),
            "search by sentence": lambda: client.get("/api/search", params={"q": SENTENCE}),
            "search by a box": lambda: client.get("/api/search", params=box),
        }

        times: dict[str, dict[str, list[float]]] = {}
        for name, request in requests.items():
            request()  # warm up
            times[name] = {"server": [], "client": []}
            for _ in range(runs):
                began = time.perf_counter()
                answer = request()
                times[name]["client"].append(1000 * (time.perf_counter() - began))
                times[name]["server"].append(server_ms(answer.raise_for_status()))
    return times


@dataclass
class LoadResult:
    """What many users saw."""

    statuses: Counter[str] = field(default_factory=Counter)
    """How often each status came; without an answer, the name of the error."""
    waits: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Milliseconds until each answer that was not a refusal, by the kind of request."""
    visits: int = 0
    wrong: int = 0
    """Visits with an answer that differs from a single user's."""
    memory: list[tuple[int, float]] = field(default_factory=list)
    """The photographs that the service holds and its memory in MiB, at regular intervals."""
    seconds: float = 0

    @property
    def growth(self) -> float:
        """The growth of memory in MiB since the service first held as many photographs as at the end."""
        held, last = self.memory[-1]
        return last - next(mib for count, mib in self.memory if count == held)


async def load(url: str, clients: int, seconds: float) -> LoadResult:
    """Let many users visit the service for some seconds, and compare their answers with a single user's."""
    limits = httpx.Limits(max_connections=clients + 1, max_keepalive_connections=clients + 1)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as client:
        expected = {name: await visit(client, name, LoadResult()) for name in PHOTOS}
        result = LoadResult()
        began = time.perf_counter()

        async def user(n: int) -> None:
            while time.perf_counter() - began < seconds:
                name = PHOTOS[n % len(PHOTOS)]
                result.wrong += await visit(client, name, result) != expected[name]
                result.visits += 1
                n += 1

        async def watch_memory() -> None:
            while time.perf_counter() - began < seconds:
                metrics = (await client.get("/metrics")).text
                result.memory.append((int(metric(metrics, "dvsa_photographs")), memory_mib(metrics)))
                await asyncio.sleep(seconds / 60)

        await asyncio.gather(watch_memory(), *map(user, range(clients)))
        result.seconds = time.perf_counter() - began
    return result


async def visit(client: httpx.AsyncClient, name: str, result: LoadResult) -> list[object]:
    """One user's requests for one photograph; returns the answers, without the identifier."""
    content = (EXAMPLES / name).read_bytes()
    photo = (await ask(client, result, "upload", "/api/photos", files={"file": (name, content)})).json()
    url = f"/api/photos/{photo.pop('id', '')}"
    return [
        photo,
        (await ask(client, result, "align", f"{url}/align", json=ALIGN)).json(),
        (await ask(client, result, "caption", f"{url}/caption", json=CAPTION)).json(),
        (await ask(client, result, "picture", f"{url}/image")).content,
    ]


async def ask(
    client: httpx.AsyncClient, result: LoadResult, kind: str, url: str, **body: Mapping[str, object]
) -> httpx.Response:
    """Send a request, again and again while the service is full."""
    while True:
        began = time.perf_counter()
        try:
            answer = await client.request("POST" if body else "GET", url, **body)  # type: ignore[arg-type]
        except httpx.TransportError as error:
            result.statuses[type(error).__name__] += 1
            return httpx.Response(500, json={})

        result.statuses[str(answer.status_code)] += 1
        if answer.status_code != 429:
            result.waits[kind].append(1000 * (time.perf_counter() - began))
            return answer
        await asyncio.sleep(float(answer.headers["Retry-After"]) * random.uniform(1, 2))


def server_ms(answer: httpx.Response) -> float:
    """The time that the service reports for an answer."""
    return float(answer.headers["Server-Timing"].rpartition("=")[2])


def memory_mib(metrics: str) -> float:
    """The memory of the service in MiB, from its metrics."""
    return metric(metrics, "process_resident_memory_bytes") / 2**20


def metric(metrics: str, name: str) -> float:
    """One value of a service's metrics."""
    (line,) = (line for line in metrics.splitlines() if line.startswith(f"{name} "))
    return float(line.partition(" ")[2])
