import asyncio
import io
import json
import os
import select
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from dvsa.web import Settings, responses
from dvsa.web.limits import Deadline
from dvsa.web.upload import display_name

BOUNDARY = "x0x0x"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def bmp(side: int) -> bytes:
    """A picture of noise, at 3 bytes a pixel."""
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    Image.fromarray(noise).save(stream, "BMP")
    return stream.getvalue()


def part(content: bytes, disposition: str = 'form-data; name="file"; filename="a.jpg"') -> bytes:
    return f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def sent(
    client: Any, body: bytes | Iterator[bytes], kind: str = f"multipart/form-data; boundary={BOUNDARY}"
) -> Any:
    return client.post("/api/photos", content=body, headers={"Content-Type": kind})


# Bytes and pixels


def test_the_size_of_a_file_is_limited(serve: Any) -> None:
    client = serve(max_bytes=200_000)
    for side, status in ((257, 201), (258, 413)):
        content = bmp(side)
        assert (len(content) > 200_000) == (status == 413)
        for body in (form(part(content)), iter([form(part(content))])):  # the second without Content-Length
            answer = sent(client, body)
            assert answer.status_code == status
            if status == 413:
                assert answer.json() == {
                    "detail": "the photograph has more than 200,000 bytes: make it smaller"
                }


def test_the_size_of_a_json_body_is_limited(client: TestClient) -> None:
    body = b'{"sentence": "' + b"a" * 2**16 + b'"}'
    for content in (body, iter([body])):
        answer = client.post(
            "/api/photos/x/align", content=content, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 413
        assert "65,536 bytes" in answer.json()["detail"]


def test_a_body_is_refused_while_it_arrives(listen: Any) -> None:
    port = listen(max_bytes=100_000)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(
            f"POST /api/photos HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
            f"Content-Type: {FORM}\r\n\r\n".encode()
        )

        given = 0
        for content in (part(b"").removesuffix(b"\r\n"), *repeat(b"x" * 1000, 1_000)):
            connection.sendall(f"{len(content):x}\r\n".encode() + content + b"\r\n")
            given += len(content)
            if select.select([connection], [], [], 0.001)[0]:
                break
        answer = connection.recv(4096)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert 100_000 < given < 200_000


def test_a_body_with_a_content_length_above_the_limit_is_not_read(listen: Any) -> None:
    port = listen()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(
            f"POST /api/photos HTTP/1.1\r\nHost: localhost\r\nContent-Length: {10**18}\r\n"
            f"Content-Type: {FORM}\r\n\r\n".encode()
        )
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("size", [(4000, 2001), (2001, 4000), (65_000, 65_000)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP"])
def test_pixels_are_checked_before_decoding(serve: Any, size: tuple[int, int], kind: str) -> None:
    stream = io.BytesIO()
    Image.new("L", (8, 8)).save(stream, kind)
    content = bytearray(stream.getvalue())
    width, height = size
    if kind == "PNG":
        import zlib

        content[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
        content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    elif kind == "JPEG":
        at = content.index(b"\xff\xc0") + 5
        content[at : at + 4] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    elif kind == "GIF":
        content[6:10] = width.to_bytes(2, "little") + height.to_bytes(2, "little")
    else:
        content[18:26] = width.to_bytes(4, "little") + height.to_bytes(4, "little")
    client = serve(max_pixels=8_000_000)
    answer = sent(client, form(part(bytes(content))))
    assert answer.status_code == 413
    assert "pixels are too many" in answer.json()["detail"]


def test_the_memory_for_decoding_is_limited(client: TestClient) -> None:
    stream = io.BytesIO()
    Image.new("1", (8000, 6000)).save(stream, "PNG")
    answer = sent(client, form(part(stream.getvalue())))
    assert answer.status_code == 413
    assert "36,000,000" in answer.json()["detail"]
    stream = io.BytesIO()
    Image.new("L", (8000, 6000)).save(stream, "JPEG")
    assert sent(client, form(part(stream.getvalue()))).status_code == 201


# Pictures and forms


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"Dear photograph,",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        b"\xff\xd8\xff",
    ],
)
def test_only_the_content_decides_what_is_a_picture(
    client: TestClient, picture: bytes, content: bytes
) -> None:
    answer = sent(client, form(part(content)))
    assert answer.status_code == 415
    assert [*answer.json()] == ["detail"]
    assert sent(client, form(part(picture[:5000]))).status_code == 415
    assert sent(client, form(part(picture, 'form-data; name="file"; filename="a.txt"'))).status_code == 201
    assert sent(client, form(part(picture), part(b"x", 'form-data; name="a"'))).status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        b"", form(), form(part(b"x", 'form-data; name="file"')),
        form(part(b"x", 'form-data; name="x"; filename="a"')),
        form(part(b"x"), part(b"y")), form(part(b"x", 'form-data; name="a"')) * 2,
        form(part(b"x", "form-data")),
        form(*[part(b"", 'form-data; name="a"')] * 10_000),
        form(part(b"x", 'form-data; name="file"; filename="a"\r\nX: ' + "y" * 100_000)),
        form(part(b"x", 'form-data; name="file"; filename="a"' + "\r\nX: y" * 100)),
        b"--other\r\n", b"\0" * 10_000, form(part(b"x"))[:-30],
    ],
)  # fmt: skip
def test_invalid_forms_and_bombs(client: TestClient, body: bytes) -> None:
    began = time.perf_counter()
    answer = sent(client, body)
    assert answer.status_code == 422
    assert [*answer.json()] == ["detail"]
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "multipart/form-data",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=" + "x" * 5000,
        FORM + "; charset=undefined",
        FORM + "; charset=idna",
    ],
)
def test_bodies_that_are_not_forms(client: TestClient, picture: bytes, kind: str) -> None:
    assert sent(client, form(part(picture)), kind).status_code == 422


@pytest.mark.parametrize(
    ("path", "name"),
    [("a.jpg", "a.jpg"), ("../../etc/passwd", "passwd"), ("C:\\x\\b.png", "b.png"), ("", "photograph"),
     ("..", "..") , ("a\0\x07\u202e\nb", "ab"), ("x" * 500, "x" * 100), ("/", "photograph"),
     ("été <b>", "été <b>")],
)  # fmt: skip
def test_names_are_file_names_without_folders(path: str, name: str) -> None:
    assert display_name(path) == name


# The disk


WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
written: list[object] | None = None


def listening(event: str, arguments: tuple[Any, ...]) -> None:
    if written is not None and event == "open" and (arguments[2] or 0) & WRITES:
        written.append(arguments[0])
    elif written is not None and event in ("tempfile.mkstemp", "tempfile.mkdtemp", "os.mkdir"):
        written.append(event)


def test_nothing_is_written_to_disk(serve: Any, tmp_path: Any) -> None:
    global written
    client = serve()
    content = bmp(1500)
    assert len(content) > 6_000_000

    sys.addaudithook(listening)
    written = []
    try:
        (tmp_path / "seen").write_bytes(b"")
        assert written == [str(tmp_path / "seen")] or written == [tmp_path / "seen"]
        written.clear()

        opened = sent(client, form(part(content)))
        assert opened.status_code == 201
        name = opened.json()["id"]
        client.get(f"/api/photos/{name}/image")
        client.post(f"/api/photos/{name}/align", json={"sentence": "a dog"})
        assert written == []
    finally:
        written = None


# Slots and time


def test_requests_are_refused_when_all_slots_are_taken(
    serve: Any, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = serve(workers=1, waiting=2)
    name = sent(client, form(part(picture))).json()["id"]
    wanted = client.post(f"/api/photos/{name}/align", json={"sentence": "a dog"}).json()
    go, asked = threading.Event(), responses.alignment
    monkeypatch.setattr(responses, "alignment", lambda *a: (go.wait(10), asked(*a))[1])

    def ask(_: int) -> Any:
        return client.post(f"/api/photos/{name}/align", json={"sentence": "a dog"})

    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(ask, n) for n in range(3)]
        while "dvsa_places_taken 3.0" not in client.get("/metrics").text:
            time.sleep(0.01)
        for answer in (ask(3), sent(client, form(part(picture))), client.post("/api/samples/cat.jpg")):
            assert answer.status_code == 429
            assert answer.headers["retry-after"] == "1"
            assert [*answer.json()] == ["detail"]
        assert client.get(f"/api/photos/{name}").status_code == 200
        go.set()
        assert [future.result().json() for future in asking] == [wanted] * 3
    assert ask(4).json() == wanted


def test_a_response_that_takes_too_long(serve: Any, picture: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    client = serve(timeout_seconds=3.0, workers=1)  # an upload must fit in, also on a busy machine
    name = sent(client, form(part(picture))).json()["id"]
    go, asked = threading.Event(), responses.alignment
    monkeypatch.setattr(responses, "alignment", lambda *a: (go.wait(10), asked(*a))[1])
    began = time.perf_counter()
    answer = client.post(f"/api/photos/{name}/align", json={"sentence": "a dog"})
    assert answer.status_code == 504
    assert answer.json() == {"detail": "no response within 3 seconds: try again later"}
    assert 2.9 < time.perf_counter() - began < 8
    go.set()
    assert client.post(f"/api/photos/{name}/align", json={"sentence": "a dog"}).status_code == 200
    assert "dvsa_places_taken 0.0" in client.get("/metrics").text


def test_a_response_that_has_begun_has_no_deadline() -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        response = StreamingResponse(parts(), media_type="text/plain")
        await response(scope, receive, send)

    async def parts() -> AsyncIterator[bytes]:
        yield b"slow "
        await asyncio.sleep(0.3)
        yield b"but sure"

    assert TestClient(Deadline(slow, 0.1)).get("/").text == "slow but sure"


def test_a_body_that_never_ends_times_out(listen: Any) -> None:
    port = listen(timeout_seconds=0.5)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(
            f"POST /api/photos HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n"
            f"Content-Type: {FORM}\r\n\r\n".encode()
            + part(b"x")
        )
        assert connection.recv(4096).startswith(b"HTTP/1.1 408 ")
    assert "dvsa_places_taken 0.0" in httpx.get(f"http://127.0.0.1:{port}/metrics").text


def test_a_client_that_disconnects_during_an_upload_frees_its_slot(
    listen: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    port = listen()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(
            f"POST /api/photos HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n"
            f"Content-Type: {FORM}\r\n\r\n".encode()
            + part(b"x")
        )
        time.sleep(0.1)
    time.sleep(0.2)
    text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    assert "dvsa_places_taken 0.0" in text
    assert 'status="500"' not in text
    assert capfd.readouterr().err == ""


def test_photographs_are_removed_or_expire(serve: Any, picture: bytes) -> None:
    client = serve(max_photographs=2)
    names = [sent(client, form(part(picture))).json()["id"] for _ in range(3)]
    assert [client.get(f"/api/photos/{name}").status_code for name in names] == [404, 200, 200]
    client = serve(keep_seconds=0.3)
    name = sent(client, form(part(picture))).json()["id"]
    assert client.get(f"/api/photos/{name}").status_code == 200
    time.sleep(1)
    assert client.get("/healthz").json()["photographs"] == 0  # without a request for it
    assert client.get(f"/api/photos/{name}").status_code == 404


@pytest.mark.parametrize(
    "limits",
    [
        {"max_bytes": 0},
        {"workers": 0},
        {"waiting": -1},
        {"keep_seconds": float("nan")},
        {"timeout_seconds": -1},
    ],
)
def test_invalid_limits(limits: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(limits))):
        Settings(**limits)


def test_an_internal_error_reveals_no_details(
    serve: Any, monkeypatch: pytest.MonkeyPatch, picture: bytes
) -> None:
    client = serve()
    name = sent(client, form(part(picture))).json()["id"]
    monkeypatch.setattr(responses, "alignment", lambda *a: 1 / 0)
    answer = client.post(f"/api/photos/{name}/align", json={"sentence": "a"})
    assert answer.status_code == 500
    assert "division" not in answer.text
    assert [*answer.json()] == ["detail"]
    assert json.loads(answer.text)["detail"].startswith("internal error")
    text = client.get("/metrics").text
    assert 'dvsa_requests_total{endpoint="/api/photos/{photo}/align",status="500"} 1.0' in text
