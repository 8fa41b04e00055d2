"""Clients whose requests fail again and again are slowed down; others are not."""

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from dvsa.web.brake import ADDRESSES, LONGEST, LONGEST_IF_BUSY, Brake, SlowFailures


def test_failures_wait_longer_and_longer_up_to_a_bound() -> None:
    brake = Brake(free=5)
    waits = [brake.failed("192.0.2.1", now=0.0) for _ in range(300)]
    assert waits[:5] == [0] * 5
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST
    assert brake.wait("192.0.2.1", now=0.0) == LONGEST_IF_BUSY
    assert brake.wait("192.0.2.2", now=0.0) == brake.failed("192.0.2.2", now=0.0) == 0


def test_failures_are_forgotten() -> None:
    brake = Brake(free=60)
    for _ in range(100):
        brake.failed("192.0.2.1", now=0.0)
    assert brake.failed("192.0.2.1", now=39.0) > 0
    assert brake.failed("192.0.2.1", now=100.0) == 0


def test_a_flood_is_forgotten_soon_after_its_end() -> None:
    """Otherwise others behind the same address would wait for hours."""
    brake = Brake(free=60)
    for _ in range(100_000):
        brake.failed("192.0.2.1", now=0.0)
    assert brake.failed("192.0.2.1", now=1.0) > 9
    assert brake.failed("192.0.2.1", now=110.0) == 0


def test_an_honest_pace_of_failures_never_waits() -> None:
    brake = Brake(free=60)
    assert all(brake.failed("192.0.2.1", now=second) == 0 for second in range(1000))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("unix", "unix", True),
    ],
)
def test_addresses_of_one_user_count_together(one: str, other: str, same: bool) -> None:
    brake = Brake(free=1)
    brake.failed(one, now=0.0)
    assert (brake.failed(other, now=0.0) > 0) is same


def test_the_memory_of_addresses_is_bounded() -> None:
    brake = Brake(free=1)
    brake.failed("first", now=0.0)
    for n in range(ADDRESSES):
        brake.failed(f"192.0.{n // 256}.{n % 256}", now=0.0)
    assert len(brake._failures) == ADDRESSES
    assert brake.failed("first", now=0.0) == 0


def test_the_service_slows_failures_alone(serve: Callable[..., TestClient], picture: bytes) -> None:
    client = serve(failures=3)

    def seconds(path: str) -> float:
        began = time.monotonic()
        client.get(path)
        return time.monotonic() - began

    waits = [seconds("/api/photos/no") for _ in range(8)]
    assert min(waits[:3]) < 0.3 < waits[-1] < 5
    assert min(seconds("/healthz") for _ in range(3)) < 0.3
    assert client.post("/api/photos", files={"file": picture}).status_code == 201


def test_garbage_is_slowed_and_answered(listen: Callable[..., int]) -> None:
    port, waits = listen(failures=2), []
    for _ in range(6):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            began = time.monotonic()
            connection.sendall(b"\x00\x01 no HTTP\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 400 ")
            waits.append(time.monotonic() - began)
    assert min(waits[:2]) < 0.25 < waits[-1] < 5


@pytest.mark.parametrize("status", [429, 500, 200, 304])
def test_other_answers_are_no_failures(status: int) -> None:
    brake = Brake(free=1)
    asyncio.run(_answers(brake, status, lambda: asyncio.sleep(60)))
    assert brake.failed("192.0.2.1") == 0


def test_nobody_waits_for_a_client_that_has_gone() -> None:
    brake = Brake(free=1)
    for _ in range(200):
        brake.failed("192.0.2.1")
    began = time.monotonic()
    sent = asyncio.run(_answers(brake, 404, lambda: asyncio.sleep(0)))
    assert time.monotonic() - began < 1
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]


async def _answers(brake: Brake, status: int, until_gone: Callable[[], Any]) -> list[Message]:
    """What is sent to a client that leaves some time after its request."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body"})

    async def receive() -> Message:
        await until_gone()
        return {"type": "http.disconnect"}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await SlowFailures(app, brake)({"type": "http", "client": ("192.0.2.1", 1)}, receive, send)
    return sent
