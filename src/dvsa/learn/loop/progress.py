"""Progress bars on standard error."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


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
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bar:
        drawn = bar.add_task(what, completed=done, total=total, told="")

        def advance(steps: int, told: str = "") -> None:
            bar.advance(drawn, steps)
            if told:
                bar.update(drawn, told=told)

        yield advance
