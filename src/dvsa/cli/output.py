"""How the commands print and fail."""

import errno
import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from rich.table import Table

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 and the number of the signal, as shells have it."""


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turns an expected error into one line on standard error and exit code 2, Ctrl-C into one and 130."""
    try:
        yield
    except KeyboardInterrupt:
        note("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    except ModuleNotFoundError as error:
        note(f"this command needs {error.name}: pip install 'dvsa[train]'")
        raise typer.Exit(2) from None
    except OSError as error:
        if error.errno == errno.EPIPE:  # who reads has had enough; typer knows what to do
            raise
        note(f"{error.filename}: {error.strerror}" if error.filename else error)
        raise typer.Exit(2) from None
    except ValueError as error:
        note(error)
        raise typer.Exit(2) from None


def register(app: typer.Typer, *commands: Callable[..., None]) -> None:
    """Add commands to an app, with `one_line_errors` around each."""
    for command in commands:
        app.command()(one_line_errors()(command))


def note(text: object) -> None:
    """One line on standard error: a fault, or what goes on."""
    typer.echo(f"dvsa: {' '.join(str(text).split())}", err=True)


def print_json(value: object) -> None:
    """The one thing on standard output where a command is asked for JSON."""
    typer.echo(json.dumps(value, indent=1, allow_nan=False))


def plain(record: "DataclassInstance") -> dict[str, object]:
    """A record as JSON values; an infinite number, which JSON lacks, as the string `inf`."""
    return asdict(record, dict_factory=lambda items: {k: "inf" if v == math.inf else v for k, v in items})


def table(*heads: str, right: Sequence[str] = ()) -> "Table":
    """An empty table without lines; the columns named in `right` hold numbers."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for head in heads:
        number = head in right
        made.add_column(head, justify="right" if number else "left", no_wrap=number, overflow="fold")
    return made


def show(*parts: "str | Table") -> None:
    """Print texts, free of markup, and tables, each from the start of a line."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False)
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, str))


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """Bars on standard error, on a terminal only: tell of what, how many are done, and of how many."""
    from rich.console import Console
    from rich.progress import Progress, TaskID

    console = Console(stderr=True)
    tasks: dict[str, TaskID] = {}
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bars:

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what)
            bars.update(tasks[what], completed=done, total=total)

        yield tell
