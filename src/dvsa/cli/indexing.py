"""`dvsa index` and `dvsa index-…`: photographs into an index, and out of it."""

import os
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer

from dvsa.cli.options import AsJson, BundleFolder, Fields, IndexFolder, RayAddress
from dvsa.cli.output import note, print_json, progress, show, table

if TYPE_CHECKING:
    from dvsa.index import Index
    from dvsa.model import Model

Photos = Annotated[
    list[str],
    typer.Argument(metavar="PHOTOS", help="Files, folders, globs or tar files.", show_default=False),
]
OutIndex = Annotated[
    Path,
    typer.Option(
        "--out", metavar="INDEX", help="The index's folder: new, or to be added to.", show_default=False
    ),
]
Gone = Annotated[
    list[str],
    typer.Argument(metavar="PHOTOS", help="Paths or identifiers as search shows them.", show_default=False),
]


def index(
    photos: Photos,
    out: OutIndex,
    field: Fields = None,
    bundle: BundleFolder = None,
    ray: RayAddress = None,
    as_json: AsJson = False,
) -> None:
    """Index photographs, to search them.

    Folders are searched at any depth. What the index has already is skipped, by content, so the same command
    goes on after an interruption. Every photograph that it has counted is kept, whatever happens.

    A photograph that cannot be read is named on standard error; the others are done, and the exit code is 2.

    Example: `dvsa index ~/photographs --out photographs.index`
    """
    import dvsa

    model, own = dvsa.load(bundle), fields(field)
    encode = None
    if ray is not None:
        encode = cluster(ray).encoder(model)
    with progress() as tell, _opened(out, model, photos) as opened:
        added = opened.add(photos, fields=own, progress=tell, encode=encode)
        total = len(opened)
    for fault in added.faults:
        note(fault)
    if as_json:
        print_json({"index": str(out), **asdict(added), "photographs": total})
    else:
        broken = f", {len(added.faults)} could not be read" if added.faults else ""
        done = f"{added.added:,} added, {added.known:,} there already{broken}"
        show(f"{out}: {done}; {total:,} photographs in all")
    if added.faults:
        raise typer.Exit(2)


def index_remove(folder: IndexFolder, photos: Gone) -> None:
    """Remove photographs from an index.

    They are marked, and found no more; index-compact frees their room.

    Example: `dvsa index-remove photographs.index dog.jpg`
    """
    from dvsa.index import Index

    with Index.open(folder) as opened:
        names = [name if re.fullmatch("[0-9a-f]{64}", name) else os.path.abspath(name) for name in photos]
        count = opened.remove(names)
        show(f"{folder}: {count:,} removed; {len(opened):,} photographs in all")


def index_compact(folder: IndexFolder) -> None:
    """Free the room of removed photographs.

    Searches that run meanwhile are not disturbed.

    Example: `dvsa index-compact photographs.index`
    """
    from dvsa.index import Index

    with Index.open(folder) as opened:
        before = opened.stats().bytes
        opened.compact()
        show(f"{folder}: {before - opened.stats().bytes:,} bytes freed; {len(opened):,} photographs in all")


def index_stats(folder: IndexFolder, as_json: AsJson = False) -> None:
    """Say what an index holds.

    Example: `dvsa index-stats photographs.index`
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


def index_verify(folder: IndexFolder, as_json: AsJson = False) -> None:
    """Look for damage in an index.

    Every file is read and held against its checksum. The exit code is 1 if one is not as it was written.

    Example: `dvsa index-verify photographs.index`
    """
    from dvsa.index import verify

    faults = verify(folder)
    if as_json:
        print_json({"ok": not faults, "faults": faults})
    else:
        show(*faults or [f"{folder}: all is as it was written"])
    if faults:
        raise typer.Exit(1)


def _opened(folder: Path, model: "Model", photos: Sequence[str]) -> "Index":
    """The index in a folder, made where there is none; but not for photographs that do not exist."""
    from dvsa.index import Index
    from dvsa.index.gather import find
    from dvsa.index.index_manifest import MANIFEST

    if (folder / MANIFEST).exists():
        return Index.open(folder, model)
    find(photos)
    return Index.create(folder, model)


def fields(pairs: Sequence[str] | None) -> dict[str, str]:
    """What `--field NAME=VALUE` says; raises ValueError where it is said otherwise."""
    found = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise ValueError(f"--field {pair}: give NAME=VALUE")
        found[name] = value
    return found


def cluster(address: str) -> ModuleType:
    """The module `dvsa.index.cluster`, connected to a Ray cluster; raises ValueError where Ray is missing."""
    try:
        from dvsa.index import cluster as module
    except ModuleNotFoundError:
        raise ValueError("--ray needs Ray: pip install 'dvsa[ray]'") from None
    module.connect(address)
    return module
