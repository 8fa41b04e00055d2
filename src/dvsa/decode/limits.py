"""The limits of a worker process, and how it talks with the process that started it.

Both sides write messages: four bytes with a length, then JSON. The content of a file and the pixels of a
picture are in a file in memory that they share, so that they are not sent through a pipe.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Final, Protocol

from dvsa.photo import Photo, TooLargeError

MAX_MEMORY: Final = 2**30
"""The most memory that a worker uses, in bytes: its program, the file and the picture."""
MAX_SECONDS: Final = 5.0
"""The most processor time for one picture."""
MAX_WAIT: Final = 30.0
"""The most time for one picture by the clock, in seconds, on a machine with much else to do."""
MAX_MESSAGE: Final = 2**16
OUT_OF_MEMORY: Final = 3
"""Exit code of a worker that has no memory left."""


class TookTooLongError(TooLargeError):
    """A photograph takes more time than allowed."""


class ReadPhoto(Protocol):
    """Something that decodes a photograph: `dvsa.photo.read`, or the `read` of a `Decoder`."""

    def __call__(self, source: Path | bytes, name: str | None = None) -> Photo:
        """Decode a photograph; raises PhotoError."""


def send(pipe: IO[bytes], message: Mapping[str, object]) -> None:
    """Write a message."""
    content = json.dumps(message).encode()
    pipe.write(len(content).to_bytes(4, "big") + content)
    pipe.flush()


def receive(read: Callable[[int], bytes]) -> bytes | None:
    """Read a message; None if the other side has ended, or sends no message.

    Args:
        read: reads at most as many bytes as its argument says; none at the end.
    """
    length = int.from_bytes(_exactly(read, 4), "big")
    if not 0 < length <= MAX_MESSAGE:
        return None
    content = _exactly(read, length)
    return content if len(content) == length else None


def _exactly(read: Callable[[int], bytes], size: int) -> bytes:
    """As many bytes, fewer only at the end."""
    content = b""
    while len(content) < size and (part := read(size - len(content))):
        content += part
    return content
