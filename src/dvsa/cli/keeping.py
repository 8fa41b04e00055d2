"""`dvsa index remove|compact|stats|verify`: what keeps an index in order."""

import os
import re
from dataclasses import asdict
from typing import Annotated

import typer

from dvsa.cli.options import AsJson, IndexFolder
from dvsa.cli.output import named, plural, print_json, show, table

PhotosToRemove = Annotated[
    list[str],
    typer.Argument(
        metavar="PHOTOS",
        help="Files, folders, tar files, patterns such as '*.gif', or identifiers as search prints them.",
        show_default=False,
    ),
]


def remove(folder: IndexFolder, photos: PhotosToRemove) -> None:
    """Remove photographs from an index.

    They are no longer found; `dvsa index compact` frees their space. A photograph with several files stays as
    long as one of them is not named.

    Example: `dvsa index remove photographs.index dog.jpg ~/photographs/2019 '*.gif'`
    """
    from dvsa.index import Index

    with Index.open(folder) as opened:
        count = opened.remove(map(_absolute, photos))
        show(f"{folder}: {count:,} removed; {plural(len(opened), 'photograph')} in total")


def _absolute(name: str) -> str:
    """A path as the index has it; identifiers, and patterns that hold in every folder, stay as they are."""
    is_name = re.fullmatch("[0-9a-f]{64}", name) or ("/" not in name and re.search(r"[*?\[]", name))
    return name if is_name and not os.path.exists(name) else os.path.abspath(name)


def compact(folder: IndexFolder) -> None:
    """Free the space of removed photographs.

    Searches that run at the same time are not disturbed.

    Example: `dvsa index compact photographs.index`
    """
    from dvsa.index import Index

    with Index.open(folder) as opened:
        before = opened.stats().bytes
        opened.compact()
        freed = before - opened.stats().bytes
        show(f"{folder}: {freed:,} bytes freed; {plural(len(opened), 'photograph')} in total")


def stats(folder: IndexFolder, as_json: AsJson = False) -> None:
    """Print the size of an index.

    Example: `dvsa index stats photographs.index`
    """
    from dvsa.index import Index

    with Index.open(folder) as opened:
        figures = asdict(opened.stats())
    if as_json:
        print_json(figures)
        return

    rows = table("Figure", "Value", right=("Value",))
    for name, value in figures.items():
        rows.add_row(name, f"{value:,}" if isinstance(value, int) else value)
    show(rows)


def verify(folder: IndexFolder, as_json: AsJson = False) -> None:
    """Check an index for damage.

    Reads every file and compares it with its checksum. The exit code is 1 if a file is damaged.

    Example: `dvsa index verify photographs.index`
    """
    from dvsa.index import verify as check

    faults = check(folder)
    if as_json:
        print_json({"ok": not faults, "faults": faults})
    else:
        show(*map(named, faults) if faults else [f"{folder}: no damage found"])
    if faults:
        raise typer.Exit(1)
