"""`dvsa index` and `dvsa index-…`: make an index of photographs, and change it."""

import os
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer

from dvsa.cli.left_out import left_out_counts, name_faults
from dvsa.cli.options import AsJson, IndexFolder, ModelBundle, PhotoNames, RayAddress, Trusted
from dvsa.cli.output import print_json, progress, show, table

if TYPE_CHECKING:
    from dvsa.index import Added, Index
    from dvsa.model import Model

OutIndex = Annotated[
    Path,
    typer.Option(
        "--out",
        metavar="INDEX",
        help="The index's folder: a new one, or one to bring up to date.",
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
Exclude = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="PATTERN",
        show_default=False,
        help="Leave out files and folders of this pattern, as in .gitignore; may be repeated. Files named "
        ".dvsaignore have such patterns for their folders.",
    ),
]
KeepMissing = Annotated[
    bool, typer.Option("--keep-missing", help="Keep photographs whose files are no longer there.")
]
PhotosToRemove = Annotated[
    list[str],
    typer.Argument(metavar="PHOTOS", help="Paths or identifiers, as search prints them.", show_default=False),
]


def index(
    photos: PhotoNames,
    out: OutIndex,
    exclude: Exclude = None,
    keep_missing: KeepMissing = False,
    field: FieldsToStore = None,
    bundle: ModelBundle = None,
    ray: RayAddress = None,
    trusted: Trusted = False,
    as_json: AsJson = False,
) -> None:
    """Make an index of photographs to search them, or bring one up to date.

    Folders are searched at any depth. The same command again looks at new and changed files, gives moved ones
    their new paths, and drops those that are gone. After an interruption it continues; photographs that were
    counted as added are never lost.

    Photographs that cannot be read, and files and folders that are left out although they may show or contain
    photographs, are named on standard error; then the exit code is 2.

    Example: `dvsa index ~/photographs --out photographs.index`
    """
    import dvsa
    from dvsa.decode import in_process
    from dvsa.index.encode import encoder

    model, given_fields = dvsa.load(bundle), parse_fields(field)
    encode = encoder(model, in_process if trusted else None)
    if ray is not None:
        encode = connected_cluster(ray).encoder(model)
    with progress() as update, _open_or_create(out, model, photos, exclude) as opened:
        outcome = opened.sync(
            photos,
            fields=given_fields,
            progress=update,
            encode=encode,
            exclude=exclude or (),
            keep_missing=keep_missing,
        )
        total = len(opened)

    name_faults(outcome.faults, outcome.left_out)
    if as_json:
        print_json({"index": str(out), **asdict(outcome), "photographs": total})
    else:
        show(f"{out}: {_counts(outcome)}; {total:,} photographs in total")
        if outcome.left_out:
            show(f"Left out: {left_out_counts(outcome.left_out)}")
    if outcome.faults or any(item.kind.is_fault for item in outcome.left_out):
        raise typer.Exit(2)


def _counts(outcome: "Added") -> str:
    """What has become of the files, in words; the first and the last number are always there."""
    numbers = {
        "added": outcome.added,
        "changed": outcome.changed,
        "moved": outcome.moved,
        "copies": outcome.copies,
        "vanished": outcome.vanished,
        "missing and kept": outcome.missing,
        "already there": outcome.known,
        "could not be read": len(outcome.faults),
    }
    always = ("added", "already there")
    return ", ".join(f"{count:,} {name}" for name, count in numbers.items() if count or name in always)


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


def _open_or_create(
    folder: Path, model: "Model", photos: Sequence[str], exclude: Sequence[str] | None
) -> "Index":
    """Open the index in a folder, or create one if the photographs exist."""
    from dvsa.data.gather import gather
    from dvsa.index import Index, SearchError
    from dvsa.index.index_manifest import INDEX_MANIFEST

    if not (folder / INDEX_MANIFEST).exists():
        gather(photos, exclude=exclude or ())
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
