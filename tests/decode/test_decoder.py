"""Worker processes decode as this process does, and end what exceeds their limits."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from dvsa import photo
from dvsa.decode import Decoder, decoder, limits
from dvsa.photo import PhotoError, TooLargeError

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.jpg"))

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process")


@pytest.fixture(scope="module")
def worker() -> Iterator[Decoder]:
    with Decoder() as made:
        yield made


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def dated() -> bytes:
    exif = Image.Exif()
    exif[0x0132], exif[0x0112] = "2024:07:31 18:05:00", 6
    return encoded(Image.new("RGB", (30, 20), "red"), "JPEG", exif=exif)


@pytest.mark.parametrize("source", [*EXAMPLES, dated(), encoded(Image.new("RGBA", (1, 1)), "PNG")])
def test_a_worker_gives_the_same_photograph(worker: Decoder, source: Path | bytes) -> None:
    found, wanted = worker.read(source), photo.read(source)
    assert found.image.tobytes() == wanted.image.tobytes()
    for part in ("name", "width", "height", "taken"):
        assert getattr(found, part) == getattr(wanted, part)


@pytest.mark.parametrize("content", [b"", b"text", b"\xff\xd8\xff damaged", dated()[:200]])
def test_a_worker_gives_the_same_error(worker: Decoder, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    for source, name in ((content, "upload.jpg"), (path, None), (path, "name")):
        with pytest.raises(PhotoError) as wanted:
            photo.read(source, name)
        with pytest.raises(PhotoError) as found:
            worker.read(source, name)
        assert str(found.value) == str(wanted.value)


def test_what_is_no_file_is_refused_before_it_is_read(worker: Decoder, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with (tmp_path / "sparse.jpg").open("wb") as file:
        file.truncate(20 * 2**30)
    for path, reason in (
        (tmp_path / "pipe.jpg", "this is not a regular file"),
        (Path("/dev/zero"), "this is not a regular file"),
        (tmp_path / "sparse.jpg", "make it smaller than"),
        (tmp_path / "none.jpg", "there is no such file"),
        (tmp_path, "this is a folder"),
    ):
        with pytest.raises(PhotoError, match=reason):
            worker.read(path)


def test_a_limit_for_pixels_is_a_large_photograph(worker: Decoder) -> None:
    with pytest.raises(TooLargeError, match="600 pixels are too many; shrink it to 599 or fewer"):
        worker.read(dated(), most_pixels=599)
    assert worker.read(dated(), most_pixels=600).width == 20


def rigged(program: str, monkeypatch: pytest.MonkeyPatch) -> Decoder:
    """A decoder whose workers do something else than decode, with the limits of all workers."""
    wrong = f"import dvsa.decode.worker as w; w.read = lambda *a, **k: {program}; "
    monkeypatch.setattr(decoder, "START", decoder.START.replace("from dvsa", wrong + "from dvsa", 1))
    return Decoder()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("sum(0 for _ in iter(int, 1))", "takes more than 5 seconds"),
        ("bytes(2**30)", "takes more than 1,024 MiB"),
        ("[bytes(2**20) for _ in range(2000)]", "takes more than 1,024 MiB"),
        ("__import__('os').abort()", "its decoder failed"),
        ("__import__('os')._exit(0)", "its decoder failed"),
        ("__import__('os').write(1, b'\\0\\0\\0\\x02[]')", "its decoder failed"),
        ("__import__('os').write(1, b'\\xff' * 9)", "its decoder failed"),
    ],
)
def test_a_worker_that_exceeds_its_limits_is_replaced(
    monkeypatch: pytest.MonkeyPatch, program: str, reason: str
) -> None:
    with rigged(program, monkeypatch) as made:
        monkeypatch.undo()  # those that replace it decode
        began = time.monotonic()
        with pytest.raises(TooLargeError, match=f"^upload.jpg: .*{reason}"):
            made.read(dated(), "upload.jpg")
        assert time.monotonic() - began < limits.MAX_WAIT
        assert made.alive() == 1
        assert made.read(dated()).width == 20


@pytest.mark.slow
def test_a_worker_that_sleeps_is_ended_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    with rigged("__import__('time').sleep(99)", monkeypatch) as made:
        monkeypatch.undo()
        monkeypatch.setattr(decoder, "MAX_WAIT", 1.0)
        with pytest.raises(TooLargeError, match="takes more than 5 seconds"):
            made.read(dated())
        monkeypatch.undo()
        assert made.read(dated()).width == 20


@pytest.mark.parametrize(
    "answer",
    [
        '{"width": 1, "height": 1, "wide": 10**9, "high": 10**9, "taken": None}',
        '{"width": -1, "height": 1, "wide": 1, "high": 1, "taken": None}',
        '{"width": 1, "height": 1, "wide": 9, "high": 9, "taken": None}',
        '{"width": 1, "height": 1, "wide": 1, "high": 1, "taken": "\\x1b[2J"}',
        '{"error": 3, "large": 1}',
        "{}",
    ],
)
def test_what_a_worker_says_is_checked(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    wrong = f"import dvsa.decode.worker as w; w._answer = lambda *a: {answer}; "
    monkeypatch.setattr(decoder, "START", decoder.START.replace("from dvsa", wrong + "from dvsa", 1))
    with Decoder() as made, pytest.raises(PhotoError, match=r"^upload"):
        made.read(dated(), "upload")


@pytest.mark.parametrize("asked_first", [False, True])
def test_a_worker_that_was_killed_is_replaced(worker: Decoder, asked_first: bool) -> None:
    """Also if nobody decodes: the health of the service depends on it."""
    killed = worker._workers[0]._process
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    if asked_first:
        assert worker.alive() == 1
        assert worker._workers[0]._process is not killed
    assert worker.read(dated()).width == 20
    assert worker.alive() == 1


def test_threads_share_workers() -> None:
    with Decoder(workers=2) as made:
        found: list[int] = []
        threads = [threading.Thread(target=lambda: found.append(made.read(dated()).width)) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [20] * 12
    assert made.alive() == 0
    with pytest.raises(PhotoError, match="the decoder is closed"):
        made.read(dated())


def test_no_worker_stays_and_no_memory_is_kept(worker: Decoder) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with Decoder() as made:
        made.read(EXAMPLES[0])
        assert os.fstat(made._workers[0]._shared).st_size == 0
        pid = made._workers[0]._process.pid
    assert not Path(f"/proc/{pid}").exists()
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [("bombs", "--most", "60"), ("bombs", "--most", "30", "--unchecked"), ("mutations", "--most", "400")],
)
def test_bombs_and_mutations_stay_within_the_bounds(command: tuple[str, ...]) -> None:
    """A sample; docs/security.md has the figures of all."""
    script = [sys.executable, str(ROOT / "benchmarks" / "decoder.py"), *command]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "escapes: 0" in done.stdout


def test_a_worker_that_cannot_be_started_closes_no_file_of_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The number of its closed file may belong to another file, such as a connection of the service."""
    with Decoder() as made:
        made._workers[0]._process.kill()
        made._workers[0]._process.wait()
        for part in ("_memory", "subprocess"):
            with monkeypatch.context() as patch:
                patch.setattr(decoder, part, _failing if part == "_memory" else _NoProcesses)
                with pytest.raises(PhotoError, match=r"cat\.jpg: no decoder can be started \(Too many open"):
                    made.read(ROOT / "examples" / "cat.jpg")

        mine = [os.open(tmp_path, os.O_RDONLY) for _ in range(8)]
        made.read(ROOT / "examples" / "cat.jpg")
        for descriptor in mine:
            assert os.readlink(f"/proc/self/fd/{descriptor}") == str(tmp_path)
            os.close(descriptor)


def _failing(*arguments: Any, **options: Any) -> Any:
    raise OSError(24, "Too many open files")


class _NoProcesses:
    PIPE, DEVNULL, Popen = subprocess.PIPE, subprocess.DEVNULL, _failing
