"""Data sets of the hub, fetched from a local server that speaks the hub's protocol."""

import hashlib
import http.server
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from dvsa.data import DataError, hub

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
pytest.importorskip("huggingface_hub")

Picture = Callable[[int], bytes]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONVERTED = "refs/convert/parquet"


class Hub(http.server.BaseHTTPRequestHandler):
    """Serves `files` by data set, revision and path."""

    files: dict[tuple[str, str], dict[str, bytes]]

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        for (name, revision), files in self.files.items():
            information = {"id": name, "sha": COMMIT, "siblings": [{"rfilename": f} for f in files]}
            tree = [{"type": "file", "path": f, "size": len(d), "oid": digest(d)} for f, d in files.items()]
            if path == f"/api/datasets/{name}/revision/{revision}":
                return self.reply(json.dumps(information).encode())
            if path in {f"/api/datasets/{name}/tree/{r}" for r in (revision, COMMIT)}:
                return self.reply(json.dumps(tree).encode())
            for file, data in files.items():
                if path in {f"/datasets/{name}/resolve/{r}/{file}" for r in (revision, COMMIT)}:
                    return self.reply(data, {"ETag": f'"{digest(data)}"', "X-Repo-Commit": COMMIT})
        known = {name for name, _ in self.files}
        code = "RevisionNotFound" if any(name in path for name in known) else "RepoNotFound"
        return self.reply(b"{}", {"X-Error-Code": code}, status=404)

    def reply(self, data: bytes, headers: dict[str, str] | None = None, status: int = 200) -> None:
        self.send_response(status)
        for key, value in {**(headers or {}), "Content-Length": str(len(data))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    def log_message(self, *arguments: object) -> None:
        pass


def digest(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def parquet(rows: list[dict[str, object]]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), file)
    return file.getvalue()


@pytest.fixture
def server(picture: Picture) -> Iterator[http.server.ThreadingHTTPServer]:
    splits = {
        split: parquet([{"image": {"bytes": picture(k), "path": f"{k}.jpg"}, "caption": f"a {split} dog"}])
        for k, split in enumerate(("train", "validation", "test"))
    }
    converted = {f"{split}/0000.parquet": data for split, data in splits.items()}
    Hub.files = {
        ("jxie/flickr8k", CONVERTED): {f"default/{f}": d for f, d in converted.items()},
        ("user/two", CONVERTED): {f"{c}/{f}": d for c in ("large", "small") for f, d in converted.items()},
        ("user/plain", "main"): {
            "metadata.csv": b"file_name,text\n1.jpg,a plain dog\n",
            "1.jpg": picture(1),
            "script.py": b"raise SystemExit('code of a data set ran')",
        },
    }
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def run(address: str, home: Path, endpoint: str, *, offline: bool = False) -> tuple[int, str]:
    """`dvsa data check` in a process of its own, because the library reads its environment when imported."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(home),
        "HF_HUB_OFFLINE": str(int(offline)),
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "NO_PROXY": "127.0.0.1",
    }
    command = [sys.executable, "-m", "dvsa", "data", "check", address, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)
    return done.returncode, done.stdout if done.returncode == 0 else done.stderr


@pytest.mark.slow
def test_a_data_set_is_fetched_once_and_then_read_from_the_cache(
    server: http.server.ThreadingHTTPServer, tmp_path: Path
) -> None:
    endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    code, output = run("hf:jxie/flickr8k", tmp_path, endpoint)
    assert code == 0, output
    report = json.loads(output)
    assert (report["dataset"], report["layout"]) == ("flickr8k", "table (parquet)")
    assert {split: count["photographs"] for split, count in report["counts"].items()} == {
        "train": 1,
        "val": 1,
        "test": 1,
    }
    server.shutdown()
    assert run("hf:jxie/flickr8k", tmp_path, "http://127.0.0.1:9", offline=True) == (0, output)


@pytest.mark.slow
def test_configurations_are_chosen_or_asked_for(
    server: http.server.ThreadingHTTPServer, tmp_path: Path
) -> None:
    endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    code, output = run("hf:user/two", tmp_path, endpoint)
    assert code != 0
    assert "large, small" in output
    code, output = run("hf:user/two/small", tmp_path, endpoint)
    assert code == 0, output
    assert sum(count["photographs"] for count in json.loads(output)["counts"].values()) == 3
    code, output = run("hf:user/none", tmp_path, endpoint)
    assert code != 0
    assert "hf:user/none cannot be fetched" in output


@pytest.mark.slow
def test_a_data_set_that_the_hub_did_not_convert_is_read_as_it_is(
    server: http.server.ThreadingHTTPServer, tmp_path: Path
) -> None:
    endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    code, output = run("hf:user/plain", tmp_path, endpoint)
    assert code == 0, output
    assert json.loads(output)["layout"] == "imagefolder"
    assert not list(tmp_path.rglob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("address", ["hf:user/name", "hf:user/name/config"])
def test_without_a_network_one_line_says_so(tmp_path: Path, address: str) -> None:
    code, output = run(address, tmp_path, "http://127.0.0.1:9")
    assert code != 0
    assert f"{address} cannot be fetched (" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("address", ["hf:", "hf:name", "hf:a/b/c/d", "hf:/a"])
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(DataError, match="write hf:USER/NAME, or hf:USER/NAME/CONFIG"):
        hub.fetch(address)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(DataError, match=r"hf:user/name: .*pip install 'dvsa\[hub\]'"):
        hub.fetch("hf:user/name")
