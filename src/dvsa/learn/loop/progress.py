"""Progress bars on standard error."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

LINE_EVERY = 30.0
"""Seconds between two lines where the output is no terminal."""


class Advance(Protocol):
    """Moves a bar."""

    def __call__(self, steps: int, told: str = "") -> None:
        """Count `steps` more as done, and show a text; an empty one leaves the text as it is."""
        ...


@contextmanager
def progress(what: str, total: int, *, done: int = 0, quiet: bool = False) -> Iterator[Advance]:
    """Draw a bar unless `quiet`. Yields `advance(steps)`; call it until `total` steps are done."""
    columns = (
        TextColumn("{task.description:20}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[told]}"),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=quiet) as bar:
        drawn = bar.add_task(what, completed=done, total=total, told="")
        printed = time.monotonic()

        def advance(steps: int, told: str = "") -> None:
            bar.advance(drawn, steps)
            if told:
                bar.update(drawn, told=told)

            # A file or a pipe gets no bar until the end, but a line now and then.
            nonlocal printed
            if not (quiet or console.is_terminal) and time.monotonic() - printed > LINE_EVERY:
                printed = time.monotonic()
                task = bar.tasks[0]
                console.print(f"{what} {task.completed:g}/{total} {task.fields['told']}".rstrip())

        yield advance


@contextmanager
def progress_if_needed(what: str, total: int, *, quiet: bool = False) -> Iterator[Advance]:
    """The same for work that may have been done before: the bar appears with the first step."""
    with ExitStack() as stack:
        opened: list[Advance] = []

        def advance(steps: int, told: str = "") -> None:
            if not opened:
                opened.append(stack.enter_context(progress(what, total, quiet=quiet)))
            opened[0](steps, told)

        yield advance
