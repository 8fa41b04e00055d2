"""What hostile clients cost the others: many honest users of the service, without and with attackers.

    python benchmarks/hostile_clients.py [--clients 200] [--seconds 60] [--slow 20] [--hostile 20]

The honest users are those of `benchmarks/web.py`. Slow clients send a header or a body byte by byte, or
nothing, or do not read. Hostile clients send what is not HTTP, wrong forms, long headers, and pictures that
cost much, each again as soon as it is answered. They are in a process of their own, and the service has a
lower priority than all clients: so they delay honest users only through the service. It holds as many
photographs as it keeps from the beginning. Counted are answers with a status of 5xx, honest users' 95th
percentiles in both runs and their ratio, and the memory of the service. The exit code is 1 after a 5xx.
"""

import asyncio
import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from bombs import in_scans, jpegs, pngs, tiff
from common import facts, keep, parser
from timing import percentile_95
from web_clients import EXAMPLES, PHOTOS, load
from web_service import service

from dvsa.web import Settings

FORM = b"multipart/form-data; boundary=x0x0x"
Step = Callable[[asyncio.StreamReader, asyncio.StreamWriter, random.Random], Awaitable[str]]
"""One attack on a new connection; returns the status of the answer."""


def main() -> int:
    """Measure twice on one service, print a table and write JSON; returns the exit code."""
    options = parser(__doc__)
    options.add_argument("--clients", type=int, default=200, help="all of them")
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--slow", type=int, default=20)
    options.add_argument("--hostile", type=int, default=20)
    options.add_argument("--out", type=Path)
    args = options.parse_args()

    began, honest = time.monotonic(), args.clients - args.slow - args.hostile
    print(f"{os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}")
    with service(os.cpu_count() or 1, 1, niceness=10) as url:
        fill(url, Settings().max_photographs)
        alone = asyncio.run(load(url, honest, args.seconds))
        with attackers(url, args.slow, args.hostile) as answers:
            beside = asyncio.run(load(url, honest, args.seconds))
        health = httpx.get(f"{url}/healthz", timeout=30).json()["status"]

    faults = sum(count for status, count in (*answers.items(), *beside.statuses.items()) if status[0] == "5")
    rows = {
        kind: {"alone": percentile_95(alone.waits[kind]), "beside": percentile_95(beside.waits[kind])}
        for kind in alone.waits
        if beside.waits[kind]
    }
    for kind, row in rows.items():
        row["ratio"] = row["beside"] / row["alone"]
        print(
            f"{kind:10} p95 {row['alone']:7.0f} ms alone, {row['beside']:7.0f} beside: x {row['ratio']:.2f}"
        )
    memory = {name: result.memory[-1][1] for name, result in (("alone", alone), ("beside", beside))}
    print(f"honest {dict(beside.statuses)}, wrong {beside.wrong}; hostile {dict(answers)}; 5xx: {faults}")
    print(f"memory {memory['alone']:.0f} MiB, then {memory['beside']:.0f}; {health}")
    if args.out:
        found = {
            "p95": rows,
            "statuses": beside.statuses,
            "hostile": answers,
            "5xx": faults,
            "memory": memory,
        }
        keep(args.out, {**found, "visits": [alone.visits, beside.visits], "facts": facts(began)})
    return 1 if faults else 0


def fill(url: str, photographs: int) -> None:
    """Open so many photographs: the service keeps no more, and its memory should not grow from here on."""
    content = (EXAMPLES / PHOTOS[0]).read_bytes()
    with httpx.Client(base_url=url, timeout=60) as client:
        for _ in range(photographs):
            client.post("/api/photos", files={"file": (PHOTOS[0], content)}).raise_for_status()


@contextmanager
def attackers(url: str, slow: int, hostile: int) -> Iterator[Counter[str]]:
    """Attack in another process inside the block; after it, how often each status was answered."""
    answers: Counter[str] = Counter()
    end = multiprocessing.Event()
    received: SimpleQueue[Counter[str]] = multiprocessing.SimpleQueue()
    process = multiprocessing.Process(target=_attack, args=(url, slow, hostile, end, received))
    process.start()
    try:
        yield answers
    finally:
        end.set()
        answers.update(received.get())
        process.join()


def _attack(url: str, slow: int, hostile: int, end: Event, received: "SimpleQueue[Counter[str]]") -> None:
    """Attack until the end."""
    port, answers = urlsplit(url).port or 80, Counter[str]()

    async def attack() -> None:
        attacks = [SLOW[n % len(SLOW)] for n in range(slow)]
        attacks += [HOSTILE[n % len(HOSTILE)] for n in range(hostile)]
        tasks = [asyncio.create_task(again(step, port, n, answers)) for n, step in enumerate(attacks)]
        await asyncio.to_thread(end.wait)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(attack())
    received.put(answers)


async def again(attack: Step, port: int, n: int, answers: Counter[str]) -> None:
    """One attacker: the same attack on new connections."""
    chance = random.Random(n)
    while True:
        with suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                status = await attack(reader, writer, chance)
                answers[status or "closed"] += 1
            finally:
                writer.close()
        await asyncio.sleep(0.01)


async def answer(reader: asyncio.StreamReader) -> str:
    """The status of an answer; empty if the connection is closed without one."""
    line = await reader.readline()
    return line.split()[1].decode() if line.startswith(b"HTTP/") else ""


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chance: random.Random) -> str:
    """Sends nothing."""
    return await answer(reader)


async def slow_header(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chance: random.Random
) -> str:
    """Sends a header line by line."""
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
    for _ in range(100):
        writer.write(b"X: y\r\n")
        await writer.drain()
        await asyncio.sleep(0.5)
    return await answer(reader)


async def slow_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chance: random.Random) -> str:
    """Sends a body byte by byte."""
    writer.write(head(b"/api/photos", 10**6))
    for _ in range(200):
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.2)
        if reader.at_eof() or reader._buffer:  # type: ignore[attr-defined]
            break
    return await answer(reader)


async def unread(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chance: random.Random) -> str:
    """Asks for much and reads nothing."""
    for _ in range(200):
        writer.write(b"GET /static/samples/cat.jpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await asyncio.wait_for(writer.drain(), 20)
    await asyncio.sleep(20)
    return await answer(reader)


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chance: random.Random) -> str:
    """Sends what is not HTTP."""
    writer.write(chance.randbytes(chance.randrange(1, 5000)) + b"\r\n\r\n")
    return await answer(reader)


async def odd(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chance: random.Random) -> str:
    """Sends headers and forms that programs stumble over."""
    request = chance.choice((
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 60_000 + b"\r\n\r\n",
        b"GET /static/api.js HTTP/1.1\r\nHost: localhost\r\nRange: bytes=" + b"0-1," * 10_000 + b"\r\n\r\n",
        head(b"/api/photos", 4, FORM + b"; charset=undefined") + b"--x0",
        head(b"/api/photos", 4, FORM) + b"--x0",
        head(b"/api/photos/x/align", 2, b"application/json") + b"[[",
        b"GET /api/search?k=" + b"9" * 5000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: evil.example\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    ))  # fmt: skip
    writer.write(request)
    return await answer(reader)


async def bomb(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chance: random.Random) -> str:
    """Uploads a picture that costs much."""
    content = chance.choice(BOMBS)
    start = b'--x0x0x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    body = start + content + b"\r\n--x0x0x--\r\n"
    writer.write(head(b"/api/photos", len(body), FORM) + body)
    return await answer(reader)


def head(path: bytes, length: int, kind: bytes = FORM) -> bytes:
    """The header of a request with a body."""
    return (
        b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\nContent-Type: %b\r\n\r\n"
    ) % (path, length, kind)  # fmt: skip


SLOW: tuple[Step, ...] = (silent, slow_header, slow_body, unread)
HOSTILE: tuple[Step, ...] = (garbage, odd, bomb)
BOMBS = [
    in_scans(8500, 8400),
    tiff(16, 16, 5, tile=(32000, 62496)),
    *(
        content
        for name, content in jpegs()
        if name in ("jpeg fill 1000000", "jpeg progressive 4000 with 3000 scans")
    ),
    *(
        content
        for name, content in pngs()
        if name in ("png 6000 depth 8 colour 6", "png with 1000000 chunks")
    ),
]
"""Some of the bombs, each of another kind."""


if __name__ == "__main__":
    sys.exit(main())
