from typing import Any

import pytest
from fastapi.testclient import TestClient

from dvsa.web import Settings

POLICY = {
    "default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self' blob: data:",
    "connect-src": "'self'", "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'",
}  # fmt: skip


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/metrics", "/api/samples", "/static/samples/cat.jpg", "/no"]
)
def test_every_response_has_security_headers(client: TestClient, path: str) -> None:
    for headers in (client.get(path).headers, client.get(path, headers={"Host": "evil.example"}).headers):
        said = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert said == POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cache-control"] == ("no-store" if path.startswith("/api/") else "no-cache")
        assert not [name for name in headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8000", 200), ("127.0.0.1", 200), ("127.1.2.3:80", 200), ("[::1]:8000", 200),
        ("localhost:8000", 200), ("LOCALHOST", 200), ("evil.example", 403), ("evil.example:8000", 403),
        ("localhost.evil.example", 403), ("127.0.0.1.evil.example", 403), ("192.168.0.7:8000", 403),
        ("evil.example@127.0.0.1", 200), ("127.0.0.1@evil.example", 403), ("", 403), ("[", 403),
        ("2130706433", 403), ("0x7f000001", 403),
    ],
)  # fmt: skip
def test_host_names(client: TestClient, host: str, status: int) -> None:
    answer = client.get("/healthz", headers={"Host": host})
    assert answer.status_code == status
    if status == 403:
        assert [*answer.json()] == ["detail"]


def test_host_names_from_the_settings(serve: Any) -> None:
    lan = serve(hosts=("Photographs.lan",))
    every = serve(hosts=("0.0.0.0",))
    proxied = serve(allow_origins=("https://photographs.example",))
    names = ["photographs.lan", "photographs.lan:8000", "photographs.example", "evil.example"]
    addresses = ["192.168.0.7:8000", "[fe80::1]:8000", "0.0.0.0:8000"]
    for client, allowed in (
        (lan, ["photographs.lan", "photographs.lan:8000"]),
        (every, addresses),
        (proxied, ["photographs.example"]),
    ):
        for host in ["localhost", *names, *addresses]:
            status = client.get("/healthz", headers={"Host": host}).status_code
            assert status == (200 if host in ["localhost", *allowed] else 403), host


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "none"}, 201),
        ({"Origin": "http://127.0.0.1:8001"}, 403),
        ({"Origin": "http://localhost:8000"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "https://127.0.0.1:8000.evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403),
    ],
)
def test_requests_from_pages_of_other_sites(client: TestClient, headers: dict[str, str], status: int) -> None:
    answer = client.post("/api/samples/cat.jpg", headers=headers)
    assert answer.status_code == status
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    preflight = client.options("/api/photos", headers={**headers, "Access-Control-Request-Method": "POST"})
    assert preflight.status_code >= 400


def test_links_from_other_sites_may_open_the_page(client: TestClient) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.get("/static/samples/cat.jpg", headers=link).status_code == 200
    assert client.get("/api/samples", headers=link).status_code == 403
    image = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert client.get("/static/samples/cat.jpg", headers=image).status_code == 403


def test_other_sites_can_be_allowed(serve: Any) -> None:
    client = serve(allow_origins=("https://photographs.example",))
    ours, other = {"Origin": "https://photographs.example"}, {"Origin": "https://evil.example"}
    answer = client.get("/api/samples", headers=ours)
    assert answer.headers["access-control-allow-origin"] == "https://photographs.example"
    assert client.get("/api/samples", headers=other).status_code == 403
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    allowed = client.options("/api/photos", headers={**ours, **asks})
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "https://photographs.example"
    assert client.options("/api/photos", headers={**other, **asks}).status_code == 403


@pytest.mark.parametrize(
    "origin", ["*", "photographs.example", "https://a.example/", "ftp://a", "https://A.example"]
)
def test_invalid_origins(origin: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        Settings(allow_origins=(origin,))


def test_web_sockets_are_refused(client: TestClient) -> None:
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/"):
        pass
