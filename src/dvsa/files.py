"""Writing files so that a crash never leaves part of one, and reading files at a known cost."""

import errno
import glob
import os
import shutil
import stat
import tempfile
import unicodedata
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


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
    # Its name can be guessed: the folder of a stranger may have a link of this name.
    partial.unlink(missing_ok=True)
    try:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        yield partial
        with partial.open("r+b") as file:  # Windows can only sync a file that is open for writing
            sync(file.fileno())
        partial.replace(path)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno and error.filename in (None, str(partial)):
            error.filename = str(path)  # nobody has asked for the temporary file
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


MAX_NAME = 255
"""The longest name of a file in bytes, on most file systems."""


def fitting_name(stem: str, suffix: str) -> str:
    """The name of a new file: a stem that is too long is cut, and gets a number that tells it from others.

    >>> fitting_name("dog", ".dvsa.png"), len(fitting_name("dog" * 100, ".dvsa.png"))
    ('dog.dvsa.png', 255)
    """
    name = os.fsencode(stem)
    if len(name) + len(os.fsencode(suffix)) <= MAX_NAME:
        return stem + suffix
    end = f"-{zlib.crc32(name):08x}{suffix}"
    cut = name[: MAX_NAME - len(os.fsencode(end))].decode("utf-8", "ignore")  # no half characters
    return cut + end


def write(path: Path, content: bytes) -> None:
    """Write a file, which replaces `path` atomically on success.

    Raises:
        OSError: the disk is full, or the folder is missing or not writable; `path` stays as it was.
    """
    with replacing(path) as partial:
        partial.write_bytes(content)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill; it becomes `path` if the block ends without an error, and is removed otherwise.

    Raises:
        ValueError: `path` exists, and is not an empty folder.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ValueError(f"{path} is not empty: give another folder, or delete it first")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield partial
        if path.exists():
            path.rmdir()
        partial.chmod(0o755)
        os.replace(partial, path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


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


class UnreadableError(ValueError):
    """A file must not be read: it is not regular, or larger than allowed. One line, without its name."""


@contextmanager
def opened(path: Path, *, follow: bool = True) -> Iterator[BinaryIO]:
    """Open a regular file to read it. Pipes, devices and folders are refused and never waited for.

    Args:
        path: the file.
        follow: whether `path` may be a link; folders that it goes through may always be links.

    Raises:
        OSError: there is no such file, or it cannot be opened.
        UnreadableError: it is not a regular file, or it is a link and `follow` is false.
    """
    if not follow and path.is_symlink():  # Windows has no O_NOFOLLOW
        raise UnreadableError("it is a link")
    try:
        with os.fdopen(_descriptor(path, os.O_RDONLY, follow), "rb") as file:
            yield file
    except IsADirectoryError:
        raise UnreadableError("it is a folder") from None
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket
            raise UnreadableError("it is not a regular file") from None
        raise


def open_to_write(path: Path, *, keep: bool) -> BinaryIO:
    """Open a regular file to write it, also if it does not exist yet; a link is never followed.

    Args:
        path: the file.
        keep: whether its content stays; otherwise it is emptied.

    Raises:
        OSError: it cannot be opened.
        UnreadableError: it is a link, or not a regular file.
    """
    if path.is_symlink():
        raise UnreadableError("it is a link")
    file = os.fdopen(_descriptor(path, os.O_RDWR | os.O_CREAT, False), "r+b")
    if not keep:
        file.truncate()
    return file


def read_bounded(
    path: Path, limit: int, *, offset: int = 0, size: int | None = None, follow: bool = True
) -> bytes:
    """Read a regular file, or `size` bytes of it from `offset`, if that is at most `limit` bytes.

    The size is known before a byte is read, so a file with a gap of 20 GB costs nothing.

    Raises:
        OSError: there is no such file, or it cannot be read.
        UnreadableError: it is not a regular file, or there is more than `limit`.
    """
    with opened(path, follow=follow) as file:
        there = max(0, os.fstat(file.fileno()).st_size - offset)
        length = there if size is None else min(size, there)
        if length > limit:
            raise UnreadableError(f"{length:,} bytes are more than {limit:,}")
        file.seek(offset)
        try:
            return file.read(length)
        except MemoryError:
            raise UnreadableError(f"{length:,} bytes do not fit into the memory") from None


def composed(name: str) -> str:
    r"""A name with composed letters (NFC), in which names compare: macOS may decompose those of its files.

    >>> composed("Mu\u0308ller.jpg") == "M\u00fcller.jpg"
    True
    """
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def spelled(path: Path) -> Path:
    """The path as the disk spells it: the only file or folder whose name differs in its composition at most.

    A path that exists, or for which there is no such name, stays as it is.

    >>> spelled(Path("examples/cat.jpg")).name
    'cat.jpg'
    """
    if str(path).isascii() or os.path.lexists(path) or path.parent == path:
        return path
    folder = spelled(path.parent)
    try:
        alike = [name for name in os.listdir(folder) if composed(name) == composed(path.name)]
    except OSError:
        return path
    if path.name in alike:
        return folder / path.name
    return folder / alike[0] if len(alike) == 1 else path


def matching(pattern: str) -> list[str]:
    """The files and folders that a glob matches, in any composition of its letters, in order.

    >>> [Path(path).name for path in matching("examples/*a*.jpg")]
    ['astronaut.jpg', 'cat.jpg', 'photographer.jpg']
    """
    forms = {pattern, *(unicodedata.normalize(form, pattern) for form in ("NFC", "NFD"))}
    return sorted({path for form in forms for path in glob.glob(form, recursive=True)})


def read_given(path: Path, limit: int) -> bytes:
    """Read a file that the user names, which may be a pipe, if it has at most `limit` bytes.

    Raises:
        OSError: there is no such file, or it cannot be read.
        UnreadableError: it is a folder, or has more than `limit` bytes.
    """
    if path.is_dir():
        raise UnreadableError("it is a folder")
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise UnreadableError(f"it has more than {limit:,} bytes")
    return content


def _descriptor(path: Path, flags: int, follow: bool) -> int:
    """A descriptor of a regular file."""
    flags |= getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    if not follow:
        flags |= getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, flags, 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnreadableError("it is not a regular file")
    return descriptor
