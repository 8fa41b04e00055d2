"""Writing files so that an interruption or a crash never leaves part of one."""

import errno
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; its file replaces `path` atomically on success.

    The new file is on disk when the block ends. After an error it is deleted, and `path` stays as it was.

    Raises:
        OSError: the folder is missing or not writable, or the disk is full.
    """
    if not path.parent.exists():
        raise FileNotFoundError(f"{path.parent}: there is no such folder: check its path")
    partial = path.with_name(partial_name(path.name))
    try:
        yield partial
        with partial.open("r+b") as file:  # Windows can only sync a file that is open for writing
            sync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise

    # Not every folder can be opened, and not every file system can sync folders.
    try:
        sync_folder(path.parent)
    except OSError as error:
        if error.errno not in UNSYNCABLE:
            raise


UNSYNCABLE = {errno.EACCES, errno.EPERM, errno.EINVAL, errno.ENOTSUP}
"""Errors that say that a folder cannot be synced; others, such as a full disk, say that its sync failed."""

PARTIAL = r"\.\d+\.[0-9a-f]{8}\.partial"
"""Regular expression of the names of temporary files; a crash may leave some."""


def partial_name(name: str) -> str:
    """The name of the temporary file for a file: short, so that a long name stays possible."""
    return f".{os.getpid()}.{zlib.crc32(os.fsencode(name)):08x}.partial"


def write(path: Path, content: bytes) -> None:
    """Write a file, which replaces `path` atomically on success.

    Raises:
        OSError: the disk is full, or the folder is missing or not writable; `path` stays as it was.
    """
    with replacing(path) as partial:
        partial.write_bytes(content)


def sync(descriptor: int) -> None:
    """Wait until the content of an open file is on disk."""
    os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Wait until a folder's list of files is on disk; does nothing on Windows, which cannot open folders."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)
