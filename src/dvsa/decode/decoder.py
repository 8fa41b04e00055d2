"""Worker processes that decode pictures: started, watched, ended and replaced."""

import contextlib
import json
import os
import queue
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Self

from PIL import Image

from dvsa import photo as photos
from dvsa.decode.limits import (
    MAX_MEMORY,
    MAX_SECONDS,
    MAX_WAIT,
    OUT_OF_MEMORY,
    TookTooLongError,
    receive,
    send,
)
from dvsa.photo import LONG_SIDE, Photo, PhotoError, TooLargeError
from dvsa.photo_shot import Shot
from dvsa.typed_json import JsonObject, parse

START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from dvsa.decode.worker import main; main(int(sys.argv[2]))"
)
"""The program of a worker. It finds the same packages as this process."""

LOWEST_PRIORITY = 19

MAX_SIDE = 2**31
"""The largest width or height that a worker may report."""


def in_process(source: Path | bytes, name: str | None = None) -> Photo:
    """Decode a photograph that you trust, in this process; raises PhotoError."""
    return photos.read(source, name)


class Decoder:
    """Decodes photographs in worker processes, so that none costs more than `MAX_MEMORY` and `MAX_SECONDS`.

    A worker that exceeds them is ended and replaced, and the photograph is refused. Threads may share a
    decoder; more photographs than workers wait for one another. Where processes cannot be limited (Windows),
    it decodes in this process.

    >>> with Decoder() as decoder:
    ...     decoder.read(Path("examples/cat.jpg")).image.size
    (451, 300)
    """

    def __init__(self, workers: int = 1, *, seconds: float = MAX_SECONDS, background: bool = False) -> None:
        """Start the worker processes; does not wait until they are ready.

        Args:
            workers: how many; each decodes one photograph at a time.
            seconds: the processor time of a photograph, at most `MAX_SECONDS`.
            background: whether the workers run only when the processor has nothing else to do.
        """
        if workers < 1:
            raise ValueError(f"{workers} workers: a decoder needs at least 1")
        self._limited, self._count = os.name == "posix", workers
        self._idle: queue.LifoQueue[_Worker] = queue.LifoQueue()
        self._workers = [
            _Worker(seconds, background=background) for _ in range(workers if self._limited else 0)
        ]
        for worker in self._workers:
            self._idle.put(worker)

    def read(self, source: Path | bytes, name: str | None = None, *, most_pixels: int | None = None) -> Photo:
        """Decode a photograph from a file or from bytes, as `dvsa.photo.read` does.

        Raises:
            PhotoError: as `dvsa.photo.read`; a `TooLargeError` also if a limit was exceeded.
        """
        if not self._limited:
            return photos.read(source, name, most_pixels=most_pixels)
        label = name or ("photograph" if isinstance(source, bytes) else str(source))
        content = source if isinstance(source, bytes) else photos.read_file(source, label)
        shown = name or (label if isinstance(source, bytes) else source.name)

        worker = self._idle.get()
        try:
            return worker.read(content, label, shown, most_pixels)
        finally:
            self._idle.put(worker)

    def alive(self) -> int:
        """The number of workers that run. One that waits for work and has died is started again.

        >>> with Decoder(workers=2) as decoder:
        ...     decoder.alive()
        2
        """
        if not self._limited:
            return self._count
        for _ in self._workers:
            with contextlib.suppress(queue.Empty, PhotoError):
                worker = self._idle.get_nowait()
                try:
                    worker.revive("photograph")
                finally:
                    self._idle.put(worker)
        return sum(worker.is_alive() for worker in self._workers)

    def close(self) -> None:
        """End the worker processes.

        >>> decoder = Decoder()
        >>> decoder.close()
        >>> decoder.alive()
        0
        """
        for worker in self._workers:
            worker.close()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # the interpreter may be ending
            self.close()

    def __enter__(self) -> Self:
        """Return the decoder itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """End the worker processes."""
        self.close()


class _Worker:
    """One worker process, and the file in memory that it shares. One thread at a time uses it."""

    def __init__(self, seconds: float, *, background: bool) -> None:
        self._closed, self._seconds, self._background = False, seconds, background
        self._start()

    def _start(self) -> None:
        self._shared = _memory()
        try:
            self._process = self._started()
        except OSError:
            os.close(self._shared)
            self._shared = -1
            raise
        if self._background:
            os.setpriority(os.PRIO_PROCESS, self._process.pid, LOWEST_PRIORITY)

    def _started(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-c", START, json.dumps(sys.path), str(self._shared)]
        # One thread and one pool of memory: others would only reserve memory that is counted.
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
        return subprocess.Popen(
            command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # libraries write there what helps nobody
            pass_fds=(self._shared,),
            env=environment,
        )

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def revive(self, label: str) -> None:
        """Start the process again if it has died by another cause than a photograph."""
        if self._closed:
            raise PhotoError(f"{label}: the decoder is closed")
        if not self.is_alive():
            self._replace(label)

    def read(self, content: bytes, label: str, name: str, most_pixels: int | None) -> Photo:
        """Decode a photograph; errors begin with `label`."""
        if not content:
            raise PhotoError(f"{label}: the file is empty")
        self.revive(label)
        answer = self._ask(content, label, most_pixels)
        if answer is None:
            error = _error(self._end(), self._seconds, label)
            self._replace(label)
            raise error
        try:
            return self._photo(JsonObject(answer, label, PhotoError, "make it smaller"), label, name)
        finally:
            os.ftruncate(self._shared, 0)  # gives the memory back

    def _ask(self, content: bytes, label: str, most_pixels: int | None) -> dict[str, object] | None:
        """What the worker answers; None if it has ended, takes too long or gives no answer."""
        os.ftruncate(self._shared, 0)
        _write(self._shared, content)
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            request = {"size": len(content), "name": label[:4000], "most_pixels": most_pixels}
            send(process.stdin, request | {"seconds": self._seconds})
        except OSError:
            return None

        answers, until = process.stdout.fileno(), time.monotonic() + MAX_WAIT
        poll = select.poll()
        poll.register(answers, select.POLLIN)

        def read(size: int) -> bytes:
            left = until - time.monotonic()
            return os.read(answers, size) if left > 0 and poll.poll(1000 * left) else b""

        message = receive(read)
        try:
            answer = None if message is None else parse(message)
        except ValueError:
            return None
        return answer if isinstance(answer, dict) else None

    def _photo(self, answer: JsonObject, label: str, name: str) -> Photo:
        """The photograph of an answer. What the worker says is checked: a picture may have taken it over."""
        if "error" in answer:
            error = TooLargeError if answer.flag("large") else PhotoError
            raise error(answer.text("error", "(?s).*"))
        wide, high = (answer.whole(side, low=1, high=LONG_SIDE) for side in ("wide", "high"))
        width, height = (answer.whole(side, low=1, high=MAX_SIDE) for side in ("width", "height"))
        taken = answer.text("taken") if answer.content.get("taken") is not None else None

        pixels = os.pread(self._shared, 4 * wide * high, 0)
        if len(pixels) < 4 * wide * high:
            raise PhotoError(f"{label}: its decoder failed")
        image = Image.frombytes("RGB", (wide, high), pixels, "raw", "RGBX")
        return Photo(name, image, width, height, taken, Shot.from_json(answer))

    def _end(self) -> int:
        """End the process; its status, which is negative if a signal had ended it before."""
        try:
            self._process.wait(0.2)  # it may be ending
        except subprocess.TimeoutExpired:
            self._process.kill()
        return self._process.wait()

    def _replace(self, label: str) -> None:
        """Start another process. If that fails, the next photograph tries again."""
        self._release()
        try:
            self._start()
        except OSError as error:
            raise PhotoError(f"{label}: no decoder can be started ({error.strerror}); try again") from error

    def _release(self) -> None:
        """Close what the process used; never twice, because others may have got the same numbers."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        if self._shared >= 0:
            os.close(self._shared)
            self._shared = -1

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._process.kill()
            self._process.wait()
            self._release()


def _error(status: int, seconds: float, label: str) -> TooLargeError:
    """Why a worker has ended, and what to do."""
    if status in (-signal.SIGPROF, -signal.SIGKILL):
        return TookTooLongError(
            f"{label}: it takes more than {seconds:g} seconds to decode; make it smaller, or save it as JPEG"
        )
    if status == OUT_OF_MEMORY:
        return TooLargeError(
            f"{label}: it takes more than {MAX_MEMORY // 2**20:,} MiB to decode; make it smaller"
        )
    return TooLargeError(f"{label}: its decoder failed; save it again as JPEG")


def _memory() -> int:
    """A descriptor of a file in memory."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("dvsa-photograph")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _write(descriptor: int, content: bytes) -> None:
    view, at = memoryview(content), 0
    while at < len(view):
        at += os.pwrite(descriptor, view[at:], at)
