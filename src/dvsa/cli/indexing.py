"""`dvsa index` and `dvsa index-…`: make an index of photographs, and change it."""

import os
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer

from dvsa.cli.options import AsJson, IndexFolder, ModelBundle, PhotoNames, RayAddress, Trusted
from dvsa.cli.output import note, print_json, progress, show, table

if TYPE_CHECKING:
    from dvsa.index import Index
    from dvsa.model import Model

OutIndex = Annotated[
    Path,
    typer.Option(
        "--out",
        metavar="INDEX",
        help="The index's folder: a new one, or one to add photographs to.",
        show_default=False,
    ),
]
FieldsToStore = Annotated[
    list[str] | None,
    typer.Option(
        "--field",
        metavar="NAME=VALUE",
        show_default=False,
        help="Store this field with the photographs; may be repeated.",
    ),
]
PhotosToRemove = Annotated[
    list[str],
    typer.Argument(metavar="PHOTOS", help="Paths or identifiers, as search prints them.", show_default=False),
]


def index(
    photos: PhotoNames,
    out: OutIndex,
    field: FieldsToStore = None,
    bundle: ModelBundle = None,
    ray: RayAddress = None,
    trusted: Trusted = False,
    as_json: AsJson = False,
) -> None:
    """Add photographs to an index, to search them.

    Folders are searched at any depth. Photographs whose content is already in the index are skipped, so after
    an interruption the same command continues. Photographs that were counted as added are never lost.

    Photographs that cannot be read are named on standard error; then the exit code is 2.

    Example: `dvsa index ~/photographs --out photographs.index`
    """
    import dvsa
    from dvsa.decode import in_process
    from dvsa.index.encode import encoder

    model, given_fields = dvsa.load(bundle), parse_fields(field)
    encode = encoder(model, in_process if trusted else None)
    if ray is not None:
        encode = connected_cluster(ray).encoder(model)
    with progress() as update, _open_or_create(out, model, photos) as opened:
        outcome = opened.add(photos, fields=given_fields, progress=update, encode=encode)
        total = len(opened)

    for fault in outcome.faults:
        note(fault)
    if as_json:
        print_json({"index": str(out), **asdict(outcome), "photographs": total})
    else:
        broken = f", {len(outcome.faults)} could not be read" if outcome.faults else ""
        counts = f"{outcome.added:,} added, {outcome.known:,} already there{broken}"
        show(f"{out}: {counts}; {total:,} photographs in total")
    if outcome.faults:
        raise typer.Exit(2)


def index_remove(folder: IndexFolder, photos: PhotosToRemove) -> None:
    """Remove photographs from an index.

    They are no longer found; index-compact frees their space.

    Example: `dvsa index-remove photographs.index dog.jpg`
    """
    from dvsa.index import Index

    with Index.open(folder) as opened:
        names = [name if re.fullmatch("[0-9a-f]{64}", name) else os.path.abspath(name) for name in photos]
        count = opened.remove(names)
        show(f"{folder}: {count:,} removed; {len(opened):,} photographs in total")


def index_compact(folder: IndexFolder) -> None:
    """Free the space of removed photographs.

    Searches that run at the same time are not disturbed.

    Example: `dvsa index-compact photographs.index`
    """
    from dvsa.index import Index

    with Index.open(folder) as opened:
        before = opened.stats().bytes
        opened.compact()
        freed = before - opened.stats().bytes
        show(f"{folder}: {freed:,} bytes freed; {len(opened):,} photographs in total")


def index_stats(folder: IndexFolder, as_json: AsJson = False) -> None:
    """Print the size of an index.

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
    """Check an index for damage.

    Reads every file and compares it with its checksum. The exit code is 1 if a file is damaged.

    Example: `dvsa index-verify photographs.index`
    """
    from dvsa.index import verify

    faults = verify(folder)
    if as_json:
        print_json({"ok": not faults, "faults": faults})
    else:
        show(*faults or [f"{folder}: no damage found"])
    if faults:
        raise typer.Exit(1)


def _open_or_create(folder: Path, model: "Model", photos: Sequence[str]) -> "Index":
    """Open the index in a folder, or create one if the photographs exist."""
    from dvsa.data.gather import find
    from dvsa.index import Index, SearchError
    from dvsa.index.index_manifest import INDEX_MANIFEST

    if not (folder / INDEX_MANIFEST).exists():
        find(photos)
        try:
            return Index.create(folder, model)
        except SearchError:
            if not (folder / INDEX_MANIFEST).exists():
                raise  # otherwise another process was faster
    return Index.open(folder, model)


def parse_fields(pairs: Sequence[str] | None) -> dict[str, str]:
    """The fields of `--field NAME=VALUE`; raises ValueError if one has another form."""
    fields = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise ValueError(f"--field {pair}: give NAME=VALUE")
        fields[name] = value
    return fields


def connected_cluster(address: str) -> ModuleType:
    """The module `dvsa.index.cluster`, connected to a Ray cluster; raises ValueError without Ray."""
    try:
        from dvsa.index import cluster as module
    except ModuleNotFoundError:
        raise ValueError("--ray needs Ray: pip install 'dvsa[ray]'") from None
    module.connect(address)
    return module
