"""How the commands print and fail."""

import errno
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from dvsa.cli.home import at_home

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from rich.console import RenderableType
    from rich.style import StyleType
    from rich.table import Table


INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 plus the number of the signal, as in shells."""

EXTRAS = {
    "pyarrow": "parquet",
    "imagehash": "duplicates",
    "pyexiv2": "metadata",
}
"""The extra that installs a package, if that is not `train`."""


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Print an expected error as one line on standard error and exit with 2; after Ctrl-C, exit with 130."""
    try:
        yield
    except KeyboardInterrupt:
        note("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        note(f"this command needs {package}: pip install 'dvsa[{EXTRAS.get(package, 'train')}]'")
        raise typer.Exit(2) from None
    except OSError as error:
        if error.errno == errno.EPIPE:  # the reader of a pipe has closed it, which typer handles
            raise
        note(one_line(error))
        raise typer.Exit(2) from None
    except ValueError as error:
        note(error)
        raise typer.Exit(2) from None


def one_line(error: OSError) -> str:
    """The file and the reason; a missing file is named in the same words everywhere."""
    if not error.filename:
        return str(error)
    missing = isinstance(error, FileNotFoundError)
    return f"{error.filename}: {'there is no such file: check its path' if missing else error.strerror}"


def register(app: typer.Typer, *commands: Callable[..., None]) -> None:
    """Add commands to an app; their paths may begin with `~`, and their errors are one line."""
    for command in commands:
        app.command()(one_line_errors()(at_home(command)))


def register_old_names(app: typer.Typer, commands: Mapping[str, Callable[..., None]]) -> None:
    """Add commands under earlier names, which work and are not listed."""
    for name, command in commands.items():
        app.command(name, hidden=True)(one_line_errors()(at_home(command)))


def note(text: object) -> None:
    """Print one line on standard error: an error or a message about progress."""
    typer.echo(f"dvsa: {visible(' '.join(str(text).split()))}", err=True)


def note_unknown(nearest: Mapping[str, tuple[str, ...]]) -> None:
    """Print which words the model does not know, with the nearest ones that it knows."""
    if nearest:
        from dvsa.spelling import told

        note(f"unknown words do not count: {told(nearest)}")


def visible(text: str) -> str:
    """The text with its control characters as escapes: a file's name must not command the terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def named(path: str) -> str:
    r"""The name of a file in a line of text: what would begin another line is an escape, too.

    >>> named("/album/new\nline.jpg")
    '/album/new\\nline.jpg'
    """
    return visible(path).replace("\n", "\\n")


def plural(count: int, noun: str) -> str:
    """A count with its noun.

    >>> plural(1, "photograph"), plural(1200, "photograph")
    ('1 photograph', '1,200 photographs')
    """
    return f"{count:,} {noun}{'s' * (count != 1)}"


def print_json(value: object) -> None:
    """Print JSON on standard output; with `--json` a command prints nothing else there."""
    typer.echo(json.dumps(value, indent=1, allow_nan=False))


def plain(record: "DataclassInstance") -> dict[str, object]:
    """A record as JSON values; infinity becomes the string `inf`, because JSON has no infinity."""
    return asdict(record, dict_factory=lambda items: {k: "inf" if v == math.inf else v for k, v in items})


def table(*columns: str, right: Sequence[str] = ()) -> "Table":
    """An empty table without lines; the columns in `right` contain numbers."""
    from rich.table import Table

    class VisibleTable(Table):
        def add_row(
            self, *cells: "RenderableType | None", style: "StyleType | None" = None, end_section: bool = False
        ) -> None:
            texts = [visible(cell) if isinstance(cell, str) else cell for cell in cells]
            super().add_row(*texts, style=style, end_section=end_section)

    made = VisibleTable(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        number = column in right
        made.add_column(column, justify="right" if number else "left", no_wrap=number, overflow="fold")
    return made


def show(*parts: "str | Table") -> None:
    """Print texts and tables, each on new lines; texts are not read as markup."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False)
    for part in parts:
        if isinstance(part, str):
            console.print(visible(part), soft_wrap=True)
        else:
            console.print(part)


@contextmanager
def progress(counted: str = "") -> Iterator[Callable[[str, int, int], None]]:
    """Show progress bars on standard error if it is a terminal.

    Yields a function to call with the name of a bar, how many are done, and the total, or 0 if nobody knows
    the total.

    Args:
        counted: what is counted; the bars then show how many of these there are in a second.
    """
    from rich.console import Console
    from rich.progress import Progress, TaskID, TextColumn

    console = Console(stderr=True)
    speed = [TextColumn("{task.fields[speed]}")] if counted else []
    columns = (*Progress.get_default_columns(), *speed)
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:

        def update(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, speed="")
            bars.update(tasks[name], completed=done, total=total or None)
            rate = bars.tasks[bars.task_ids.index(tasks[name])].speed
            if rate is not None:
                bars.update(
                    tasks[name], speed=f"{rate:,.0f} {counted}/s" if rate >= 10 else f"{rate:.1f} {counted}/s"
                )

        yield update
