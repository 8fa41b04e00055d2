"""Writing files so that an interruption or a crash never leaves part of one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; its file replaces `path` atomically on success.

    The new file is on disk when the block ends. After an error it is deleted, and `path` stays as it was.
    Missing folders are created.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        with partial.open("r+b") as file:  # Windows can only sync a file that is open for writing
            sync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write(path: Path, content: bytes) -> None:
    """Write a file, which replaces `path` atomically on success.

    Raises:
        OSError: the disk is full, or the folder is not writable; `path` stays as it was.
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
