"""The HTTP server: deadlines, a limit of connections, headers on every answer, bounded logs."""

import logging
import socket
import time
from contextlib import ExitStack, suppress
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from dvsa.decode import decoder
from dvsa.web import Settings, brake, create_app
from dvsa.web.protection import HEADERS
from dvsa.web.server import LENGTH, LINES, BoundedLog


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def closed_after(connection: socket.socket, trickle: bytes = b"") -> float:
    """Seconds until the server closes a connection, to which bytes are sent in the meantime."""
    began = time.monotonic()
    connection.settimeout(0.05)
    while time.monotonic() - began < 8:
        try:
            if trickle:
                connection.sendall(trickle)
            if not connection.recv(65536):
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - began


@pytest.mark.parametrize("trickle", [b"", b"X: y\r\n"])
def test_a_header_that_does_not_end_is_cut_off(listen: Any, trickle: bytes) -> None:
    port = listen(header_seconds=0.5)
    with connected(port) as connection:
        if trickle:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        assert 0.3 < closed_after(connection, trickle) < 4


def test_a_body_that_goes_on_after_its_answer_is_cut_off(listen: Any) -> None:
    port = listen(header_seconds=0.5)
    with connected(port) as connection:
        connection.sendall(b"POST /no HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 404 ")
        assert closed_after(connection, b"x") < 4


def test_a_connection_stays_open_for_the_next_request(listen: Any) -> None:
    port = listen(header_seconds=2.0)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(3):
            assert client.get("/healthz").status_code == 200
            time.sleep(0.2)


def test_silent_connections_do_not_keep_others_out(listen: Any) -> None:
    port = listen(connections=20)
    silent = [connected(port) for _ in range(60)]
    for _ in range(5):
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    closed = 0
    for connection in silent:
        connection.setblocking(False)
        try:
            closed += not connection.recv(1)
        except BlockingIOError:
            pass
        except OSError:
            closed += 1
        connection.close()
    assert closed >= 40


ALIGN = b"POST /api/photos/x/align HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        ALIGN + b"Content-Length: 100\r\n\r\n{",
        ALIGN + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
        5 * b"GET /no HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x00\x01 no HTTP\r\n\r\n",
        100 * b"GET /static/samples/photographer.jpg HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
    ids=["body", "chunks", "failures", "garbage", "unread"],
)
def test_requests_that_wait_for_their_clients_do_not_keep_others_out(
    listen: Any, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those whose answers are held back, and those who take no answer."""
    monkeypatch.setattr(brake, "STEP", 10.0)
    port = listen(connections=5, failures=1)
    with ExitStack() as stack:
        for _ in range(15):
            connection = stack.enter_context(connected(port))
            connection.setblocking(False)
            with suppress(BlockingIOError, ConnectionError):
                connection.sendall(sent)
        time.sleep(4 if len(sent) > 2000 else 0.5)  # the system takes some megabytes of what nobody reads
        for _ in range(5):
            assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200


def test_a_slow_but_steady_upload_is_not_closed_for_the_silent(listen: Any, picture: bytes) -> None:
    port = listen(connections=5)
    form = (
        b'--a\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        + picture
        + b"\r\n--a--\r\n"
    )
    head = (
        b"POST /api/photos HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=a\r\n"
    )
    with ExitStack() as stack:
        upload = stack.enter_context(connected(port))
        upload.sendall(head + b"Content-Length: %d\r\n\r\n" % len(form))
        for n in range(0, len(form), 8000):
            upload.sendall(form[n : n + 8000])
            silent = stack.enter_context(connected(port))
            silent.sendall(ALIGN + b"Content-Length: 9\r\n\r\n")
            time.sleep(0.05)
        assert upload.recv(4096).startswith(b"HTTP/1.1 201 ")


@pytest.mark.parametrize(
    "request_",
    [b"no http\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /" + b"a" * 100_000, b"GET / HTTP/1.1\r\n\r\n"],
)
def test_every_answer_has_the_headers(listen: Any, request_: bytes) -> None:
    port = listen()
    with connected(port) as connection:
        connection.sendall(request_)
        answer = connection.recv(65536).decode("latin-1")
    assert answer.startswith(("HTTP/1.1 400 ", "HTTP/1.1 403 "))
    for name, value in HEADERS.items():
        assert f"\r\n{name.lower()}: {value}\r\n" in answer.replace(name, name.lower())


def test_an_unexpected_error_has_the_headers(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from dvsa.web import photo_routes

    app = create_app(model, settings=Settings(workers=1))
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        monkeypatch.setattr(photo_routes, "SAMPLES", None)
        answer = client.get("/api/samples")
    assert (answer.status_code, answer.json()) == (
        500,
        {"detail": "internal error: see the log of the service"},
    )
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS


def test_health_says_when_nothing_can_be_decoded(
    serve: Any, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = serve(workers=1)
    service = client.app.state.service
    assert client.get("/healthz").json()["status"] == "ok"
    service.pool.taken = 33
    assert client.get("/healthz").json()["status"] == "busy"
    service.pool.taken = 0

    service.pool._began["work"] = time.monotonic() - 31
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (503, "failing")
    service.pool._began.clear()

    for worker in service.decoder._quick._workers + service.decoder._slow._workers:
        worker._process.kill()
        worker._process.wait()
    with monkeypatch.context() as patch:
        patch.setattr(decoder, "_memory", _no_memory)
        assert client.get("/healthz").json()["decoders"] == 0
        assert client.get("/healthz").status_code == 503
    assert client.get("/healthz").json()["decoders"] == 2
    assert client.post("/api/photos", files={"file": ("a.jpg", picture)}).status_code == 201
    assert client.get("/healthz").json()["status"] == "ok"


def _no_memory() -> int:
    raise OSError(24, "Too many open files")


def test_a_log_is_bounded() -> None:
    bound = BoundedLog()
    written: list[str] = []
    for n in range(1000):
        record = logging.LogRecord("a", logging.WARNING, "", 1, "line %d\x1b[2J" + "x" * 1000, (n,), None)
        if bound.filter(record):
            written.append(record.getMessage())
    assert len(written) == LINES
    assert written[0].startswith("line 0?[2Jx")
    assert max(map(len, written)) <= LENGTH + 60

    bound._began -= 100
    record = logging.LogRecord("a", logging.WARNING, "", 1, "later", (), None)
    assert bound.filter(record)
    assert record.getMessage() == f"later ({1000 - LINES} lines before this one are left out)"
