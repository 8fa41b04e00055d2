"""Bundles of the hub, pushed to and fetched from a local server that speaks the hub's protocol."""

import base64
import hashlib
import http.server
import json
import logging
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import dvsa
from dvsa import hub
from dvsa.bundle import Bundle, shipped
from dvsa.manifest import MANIFEST, BundleError

pytest.importorskip("huggingface_hub")

FIRST, SECOND = "1" * 40, "2" * 40
Server = http.server.ThreadingHTTPServer


class Hub(http.server.BaseHTTPRequestHandler):
    """Repositories of models: commits with files, and the newest commit of each as its branch `main`."""

    protocol_version = "HTTP/1.1"
    commits: dict[str, dict[str, dict[str, bytes]]]
    stored: dict[str, bytes]
    asked: list[str]

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.asked.append(path)
        if "/private/" in path:
            return self.reply({}, {"X-Error-Code": "GatedRepo"}, 403)
        name = next((n for n in self.commits if f"/{n}/" in f"{path}/"), None)
        if name is None:
            return self.reply({}, {"X-Error-Code": "RepoNotFound"}, 404)
        for commit, files in self.commits[name].items():
            names = {commit, "main"} if commit == [*self.commits[name]][-1] else {commit}
            listed = [{"type": "file", "path": f, "size": len(d), "oid": sha1(d)} for f, d in files.items()]
            for revision in names:
                if path == f"/api/models/{name}/revision/{revision}":
                    siblings = [{"rfilename": file} for file in files]
                    return self.reply({"id": name, "sha": commit, "siblings": siblings})
                if path == f"/api/models/{name}/tree/{revision}":
                    return self.reply(listed)
                start = f"/{name}/resolve/{revision}/"
                if path.startswith(start):
                    data = files.get(path.removeprefix(start))
                    headers = {"X-Repo-Commit": commit}
                    if data is None:
                        return self.reply({}, {**headers, "X-Error-Code": "EntryNotFound"}, 404)
                    return self.reply(data, {**headers, "ETag": f'"{sha1(data)}"'})
        return self.reply({}, {"X-Error-Code": "RevisionNotFound"}, 404)

    def do_POST(self) -> None:
        path, body = urlsplit(self.path).path, self.body()
        self.asked.append(path)
        if self.headers.get("Authorization") != "Bearer secret":
            return self.reply({"error": "Invalid username or password."}, status=401)
        if path == "/api/validate-yaml":
            return self.reply({"errors": [], "warnings": []})
        if path == "/api/repos/create":
            name = f"user/{json.loads(body)['name']}"
            self.commits.setdefault(name, {})
            return self.reply({"url": f"http://{self.headers['Host']}/{name}"})
        if "/preupload/" in path:
            asked = json.loads(body)["files"]
            modes = [
                {"path": f["path"], "uploadMode": "lfs" if f["size"] > 10**6 else "regular"} for f in asked
            ]
            return self.reply({"files": [{**mode, "shouldIgnore": False} for mode in modes]})
        if path.endswith("/info/lfs/objects/batch"):
            place = f"http://{self.headers['Host']}/lfs"
            return self.reply(
                {
                    "transfer": "basic",
                    "objects": [
                        {**o, "actions": {"upload": {"href": f"{place}/{o['oid']}"}}}
                        for o in json.loads(body)["objects"]
                    ],
                }
            )
        return self.commit(path.split("/api/models/")[1].split("/commit/")[0], body)

    def commit(self, name: str, body: bytes) -> None:
        files: dict[str, bytes] = {}
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            elif line["key"] == "lfsFile":
                files[line["value"]["path"]] = self.stored[line["value"]["oid"]]
        self.commits[name][SECOND] = files
        url = f"http://{self.headers['Host']}/{name}/commit/{SECOND}"
        self.reply({"success": True, "commitOid": SECOND, "commitUrl": url})

    def do_PUT(self) -> None:
        data = self.body()
        self.stored[self.path.removeprefix("/lfs/")] = data
        assert hashlib.sha256(data).hexdigest() == self.path.removeprefix("/lfs/")
        self.reply(b"")

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def reply(self, content: object, headers: dict[str, str] | None = None, status: int = 200) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for key, value in {**(headers or {}), "Content-Length": str(len(data))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *arguments: object) -> None:
        pass


def sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a hub with a bundle, a damaged one, and a model that is no bundle."""
    good = {path.name: path.read_bytes() for path in shipped().iterdir()}
    damaged = {**good, "vocabulary.tsv": good["vocabulary.tsv"].replace(b"dog", b"dig", 1)}
    Hub.commits = {
        "user/good": {FIRST: {**good, "extra.py": b"raise SystemExit('ran')", "README.md": b"# A card\n"}},
        "user/damaged": {FIRST: damaged},
        "user/other": {FIRST: {"config.json": b"{}"}},
    }
    Hub.stored, Hub.asked = {}, []
    with Server(("127.0.0.1", 0), Hub) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def run(*arguments: str, home: Path, endpoint: str, **more: str) -> tuple[int, str, str]:
    """A process of its own, because `huggingface_hub` reads its environment when it is imported."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_XET": "1",
        "NO_PROXY": "127.0.0.1",
        **more,
    }
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=home,
        timeout=100,
    )
    return done.returncode, done.stdout, done.stderr


def loaded(name: str, home: Path, endpoint: str, **more: str) -> tuple[int, str, str]:
    """Load a bundle: its folder and its digest, or the message of its error."""
    code = (
        "import sys, dvsa\n"
        "try:\n  bundle = dvsa.load(sys.argv[1]).bundle\n"
        "except dvsa.BundleError as error: sys.exit(str(error))\n"
        "print(bundle.folder, bundle.digest)"
    )
    return run("-c", code, name, home=home, endpoint=endpoint, **more)


@pytest.mark.slow
def test_a_bundle_is_fetched_once_verified_and_then_read_from_the_cache(server: str, tmp_path: Path) -> None:
    code, found, error = loaded("user/good", tmp_path, server)
    assert code == 0, error
    folder, digest = found.split()
    assert digest == Bundle.open().digest
    assert Path(folder).name == FIRST

    # Only what the manifest lists, and from the cache alone when there is no network.
    assert {path.name for path in Path(folder).iterdir()} == {path.name for path in shipped().iterdir()}
    gone = "http://127.0.0.1:9"
    for more in ({"HF_HUB_OFFLINE": "1"}, {}):
        assert loaded("user/good", tmp_path, gone, **more) == (0, found, "")
    assert loaded(f"hf:user/good@{FIRST}", tmp_path, gone) == (0, found, "")

    code, _, error = loaded(f"user/good@{SECOND}", tmp_path, gone, HF_HUB_OFFLINE="1")
    assert code != 0
    assert f"user/good@{SECOND} cannot be fetched: the hub cannot be reached" in error


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("user/missing", "no such model on the hub, or it is private: log in with `hf auth login`"),
        ("user/good@v9", "user/good@v9 cannot be fetched: it has no revision v9"),
        ("user/other", f"it is no bundle of dvsa: it has no {MANIFEST}"),
        ("private/model", "its owner must admit you"),
        ("user/damaged", "vocabulary.tsv is damaged"),
    ],
)
def test_what_cannot_be_fetched_is_one_line(server: str, tmp_path: Path, name: str, message: str) -> None:
    code, _, error = run("-m", "dvsa", "doctor", "--bundle", name, "--json", home=tmp_path, endpoint=server)
    failed = code, _ if name == "user/damaged" else error + _
    assert failed[0] == 2
    assert message in failed[1]
    code, _, error = loaded(name, tmp_path, server)
    assert (code, error.count("\n")) == (1, 1)
    assert message in error


@pytest.mark.slow
def test_no_network_is_one_line(tmp_path: Path) -> None:
    code, _, error = loaded("user/good", tmp_path, "http://127.0.0.1:9")
    assert code == 1
    # The library says that it tries again; then comes our line.
    assert error.splitlines()[-1].startswith("user/good cannot be fetched: the hub cannot be reached")


@pytest.mark.slow
def test_a_pushed_bundle_loads_as_the_same(server: str, tmp_path: Path) -> None:
    pinned = f"user/mine@{SECOND}"
    push = ("-m", "dvsa", "push", "shipped", "user/mine", "--json")
    code, _, error = run(*push, home=tmp_path, endpoint=server)
    assert code == 2
    assert "dvsa: user/mine cannot be pushed: the hub refuses it (401): log in with" in error.splitlines()[-1]

    code, output, error = run(*push, home=tmp_path, endpoint=server, HF_TOKEN="secret")
    assert code == 0, error
    assert json.loads(output)["address"] == pinned
    there = Hub.commits["user/mine"][SECOND]
    assert set(there) == {"README.md", *(path.name for path in shipped().iterdir())}
    assert b'dvsa.load("user/mine")' in there["README.md"]

    code, found, error = loaded(pinned, tmp_path, server)
    assert code == 0, error
    assert found.split()[1] == Bundle.open().digest


def test_a_local_folder_comes_first_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "user").mkdir()
    shutil.copytree(shipped(), tmp_path / "user" / "name")
    monkeypatch.chdir(tmp_path)
    with caplog.at_level(logging.WARNING, "dvsa"):
        assert dvsa.load("user/name").bundle.folder == Path("user/name")
    assert caplog.messages == ["user/name: using the local folder; write hf:user/name for the hub"]

    caplog.clear()
    assert dvsa.load(Path("user/name")).bundle.folder == Path("user/name")
    assert dvsa.load("./user/name").bundle.folder == Path("user/name")
    assert not caplog.messages
    with pytest.raises(BundleError, match="user/name is a local folder, which has no revision v1"):
        dvsa.load("user/name", revision="v1")


@pytest.mark.parametrize(
    ("name", "revision", "message"),
    [
        ("hf:name", None, "hf:name is no address: write hf:USER/NAME"),
        ("hf:user/../x", None, "is no address"),
        ("user/name@v1", "v2", "user/name@v1 names another revision than v2: give one of them"),
        (None, "v1", "the shipped bundle has no revision v1"),
    ],
)
def test_invalid_addresses_are_refused(name: str | None, revision: str | None, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        dvsa.load(name, revision=revision)


@pytest.mark.parametrize(
    "text", ["bundle", "./a/b", "/a/b", "a/b/c", "../b", "a/..", "a/b@", "a b/c", "a\\b", ""]
)
def test_paths_are_no_addresses(text: str) -> None:
    assert hub.Address.parse(text) is None


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(BundleError, match=r"user/name is no local folder; .*pip install 'dvsa\[hub\]'"):
        dvsa.load("user/name")


def test_a_run_or_a_changed_bundle_is_not_pushed(tmp_path: Path) -> None:
    folder = Bundle.open().save_pretrained(tmp_path / "copy")
    bundle = Bundle.open(folder)
    (folder / "vocabulary.tsv").write_bytes(b"")
    with pytest.raises(BundleError, match=r"vocabulary\.tsv is damaged"):
        bundle.publishable()
    (folder / MANIFEST).write_bytes(b"{}")
    with pytest.raises(BundleError, match="has changed since the bundle was opened"):
        bundle.publishable()
    with pytest.raises(ValueError, match="is not empty"):
        Bundle.open().save_pretrained(folder)
