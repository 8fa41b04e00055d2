"""`dvsa index --watch`: a process that keeps an index up to date while its folder changes."""

import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import dvsa
from dvsa.data import toy
from dvsa.index import Index, index_manifest

pytestmark = pytest.mark.slow

PATIENCE = 60
"""Seconds until a line must have come, on a machine with much else to do."""


class Watcher:
    """A process that watches a folder, and the lines that it prints."""

    def __init__(self, album: Path, folder: Path, *options: str) -> None:
        command = [
            sys.executable,
            "-m",
            "dvsa",
            "index",
            str(album),
            "--out",
            str(folder),
            "--watch",
            *options,
        ]
        pipe = subprocess.PIPE
        before = signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
        self.process = subprocess.Popen(command, stdout=pipe, stderr=subprocess.STDOUT, text=True)
        signal.signal(signal.SIGINT, before)
        self.lines: queue.Queue[str] = queue.Queue()
        self.reading = threading.Thread(target=self._read, daemon=True)
        self.reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line)

    def wait_for(self, text: str) -> str:
        """The next line with a text; others before it are passed over."""
        seen = list[str]()
        while True:
            try:
                line = self.lines.get(timeout=PATIENCE)
            except queue.Empty:
                raise AssertionError(f"no {text!r} in {seen}") from None
            seen.append(line)
            if text in line:
                return line

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.reading.join(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)


@pytest.fixture
def album(tmp_path: Path) -> Path:
    scenes = toy.write(tmp_path / "toy", train=0, val=5, test=0) / "images"
    album = tmp_path / "album"
    album.mkdir()
    for n, path in enumerate(sorted(scenes.iterdir())):
        (album / f"{n}.png").write_bytes(path.read_bytes())
    return album


@pytest.fixture
def watcher(album: Path, tmp_path: Path) -> Iterator[Watcher]:
    for name in ("3.png", "4.png"):
        (album / name).rename(tmp_path / name)
    watcher = Watcher(album, album / "my.index")
    yield watcher
    watcher.close()


def test_an_index_follows_what_changes(watcher: Watcher, album: Path, tmp_path: Path) -> None:
    folder = album / "my.index"
    watcher.wait_for("3 added, 0 already there; 3 photographs in total")
    shutil.copy(tmp_path / "3.png", album)
    watcher.wait_for("1 added, 3 already there; 4 photographs in total")
    (album / "sub").mkdir()
    (album / "3.png").rename(album / "sub" / "moved.png")
    watcher.wait_for("1 moved")
    shutil.copy(tmp_path / "4.png", album / "0.png")
    watcher.wait_for("1 changed")

    # What fails is told, and the next change is followed all the same.
    with index_manifest.locked(folder):
        (album / "1.png").unlink()
        assert "is being written by another process" in watcher.wait_for("dvsa:")
    watcher.wait_for("1 vanished")
    assert watcher.stop() == 130

    index = Index.open(folder, dvsa.load())
    assert sorted(Path(e.photograph.path).name for e in index.entries()) == ["0.png", "2.png", "moved.png"]
    assert index.verify() == []
    rest = list(watcher.lines.queue)
    assert [line for line in rest if "photographs in total" in line] == [], "its own writing is no change"


def test_what_cannot_be_read_is_named_when_it_arrives(watcher: Watcher, album: Path, tmp_path: Path) -> None:
    """Once, although no photograph changes; and again if it comes again."""
    watcher.wait_for("3 photographs in total")
    (album / "bad.jpg").write_bytes(b"no photograph")
    watcher.wait_for("bad.jpg")
    assert "1 could not be read" in watcher.wait_for("3 photographs in total")
    os.mkfifo(album / "pipe.jpg")
    assert "bad.jpg" not in watcher.wait_for("pipe.jpg: left out: special file")
    (album / "pipe.jpg").unlink()
    shutil.copy(tmp_path / "3.png", album)
    watcher.wait_for("1 added")
    os.mkfifo(album / "pipe.jpg")
    watcher.wait_for("pipe.jpg: left out: special file")
    assert watcher.stop() == 130
    assert not [line for line in watcher.lines.queue if "bad.jpg" in line], "it was named before"


def test_watching_needs_its_package(album: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['watchfiles'] = None\n"
        f"from dvsa.cli import app\n"
        f"app(['index', {str(album)!r}, '--out', {str(tmp_path / 'x')!r}, '--watch'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "dvsa: --watch needs watchfiles: pip install 'dvsa[watch]'\n"
    assert not (tmp_path / "x").exists()
