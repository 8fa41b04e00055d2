"""What happens in folders while `dvsa index --watch` runs."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

PAUSE = 1000
"""Milliseconds without a change after which changes are looked at."""


def changes(names: Sequence[str], without: Path, pause: int = PAUSE) -> Iterator[bool]:
    """Yield after each burst of changes, and again and again while nothing happens, until an interrupt.

    Args:
        names: the files and folders to watch.
        without: a folder whose changes do not count: that of the index itself.
        pause: milliseconds without a change after which a burst is over.

    Yields:
        Whether there may be changes. The first time there may always be: those before watching had begun.

    Raises:
        FileNotFoundError: a name is no file or folder.
    """
    from watchfiles import Change, watch

    own = os.path.realpath(without)

    def counts(_: Change, path: str) -> bool:
        real = os.path.realpath(path)
        return real != own and not real.startswith(own + os.sep)

    paths = [os.path.abspath(name) for name in names]
    for path in paths:
        if not os.path.exists(path):
            raise FileNotFoundError(2, "there is no such file or folder to watch", path)

    bursts = watch(
        *paths,
        watch_filter=counts,
        step=pause,
        debounce=10 * pause,
        rust_timeout=pause,
        yield_on_timeout=True,
        ignore_permission_denied=True,
    )
    for n, burst in enumerate(bursts):
        yield n == 0 or bool(burst)


def need_watchfiles() -> None:
    """Raise ValueError if watchfiles is not installed."""
    try:
        import watchfiles  # noqa: F401
    except ModuleNotFoundError:
        raise ValueError("--watch needs watchfiles: pip install 'dvsa[watch]'") from None


def keep_up(
    names: Sequence[str], without: Path, sync: Callable[[], None], complain: Callable[[object], None]
) -> None:
    """Bring an index up to date after each burst of changes, until the user interrupts.

    Args:
        names: the files and folders to watch.
        without: the index's folder.
        sync: brings it up to date.
        complain: is told why that failed; it is tried again.
    """
    said = None
    for happened in changes(names, without):
        if not happened and said is None:
            continue
        try:
            sync()
            said = None
        except (OSError, ValueError) as error:
            if str(error) != said:
                complain(error)
            said = str(error)
