"""`dvsa serve` as its user runs it: a process, a port, Ctrl-C."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from dvsa.cli import app
from dvsa.cli.serving import listen
from dvsa.index import Index


@contextmanager
def serving(*arguments: object) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Start the command; yields the address that it prints, and its process."""
    command = [sys.executable, "-m", "dvsa", "serve", "--port", "0", *map(str, arguments)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # background jobs ignore it
    )
    assert process.stdout is not None
    try:
        address, _, rest = process.stdout.readline().partition("  ")
        assert rest == "(Ctrl-C stops it)\n", process.communicate()
        yield address, process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_ctrl_c(index: Index, picture: bytes, ending: signal.Signals) -> None:
    with serving("--index", index.folder) as (address, process), httpx.Client(base_url=address) as client:
        assert address.startswith("http://127.0.0.1:")
        page = client.get("/", timeout=30)
        assert page.headers["content-type"].startswith("text/html")
        assert "server" not in page.headers
        opened = client.post("/api/photos", files={"file": ("a.jpg", picture)}).json()
        found = client.get("/api/search", params={"q": opened["caption"]["text"]}).json()
        assert [hit["name"] for hit in found["hits"]] == ["photographer.jpg"]
        client.post("/api/photos", files={"file": ("a" * 10_000 + '"', b"")})
        process.send_signal(ending)
        out, err = process.communicate(timeout=10)
        assert (out, process.returncode) == ("", 0 if ending == signal.SIGINT else -ending)
        assert err == ("dvsa: stopped\n" if ending == signal.SIGINT else "")


def test_the_socket_has_the_protocol_tcp() -> None:
    with listen(
        "127.0.0.1", 0
    ) as listener:  # otherwise asyncio leaves Nagle's algorithm on: 40 ms a response
        assert listener.proto == socket.IPPROTO_TCP


def test_the_page_is_opened_if_there_is_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    import uvicorn

    opened: list[str] = []
    ran: list[socket.socket] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: ran.extend(sockets))
    monkeypatch.setattr("sys.platform", "linux")
    for screen, arguments, count in (("", [], 0), (":0", ["--no-open"], 0), (":0", [], 1)):
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        monkeypatch.delenv("DISPLAY", raising=False)
        if screen:
            monkeypatch.setenv("DISPLAY", screen)
        done = CliRunner().invoke(app, ["serve", "--port", "0", *arguments])
        assert done.exit_code == 0, done.output
        assert len(opened) == count
    assert opened[0] == done.stdout.split()[0]
    assert len(ran) == 3


def test_ports_that_are_not_available() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        done = CliRunner().invoke(app, ["serve", "--port", str(port)])
        assert done.exit_code == 2
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"dvsa: cannot listen on 127.0.0.1, port {port} (")
    assert CliRunner().invoke(app, ["serve", "--port", "65536"]).exit_code == 2
    with pytest.raises(ValueError, match=r"cannot listen on 192\.0\.2\.1"):
        listen("192.0.2.1", 0)


def test_invalid_options(tmp_path: Path) -> None:
    for arguments, reason in (
        (["--index", str(tmp_path)], str(tmp_path)),
        (["--allow-origin", "photographs.example"], "photographs.example"),
        (["--bundle", str(tmp_path)], "has no bundle"),
    ):
        done = CliRunner().invoke(app, ["serve", "--port", "0", *arguments])
        assert done.exit_code == 2
        (line,) = done.stderr.splitlines()
        assert reason in line


@pytest.mark.parametrize("missing", ["fastapi", "uvicorn", "prometheus_client", "python_multipart"])
def test_without_the_extra_one_line_says_what_to_install(missing: str) -> None:
    code = f"import sys; sys.modules['{missing}'] = None; from dvsa.cli import app; app()"
    command = [sys.executable, "-c", code, "serve", "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == f"dvsa: this command needs {missing}: pip install 'dvsa[serve]'\n"
