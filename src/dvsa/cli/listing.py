"""The lists of `dvsa describe --format csv|jsonl|html|md`."""

import os
from collections.abc import Sequence
from contextlib import closing, nullcontext
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dvsa.cli.output import note, progress, show
from dvsa.cli.pictures import photo_reader
from dvsa.files import spelled

if TYPE_CHECKING:
    from dvsa.data.photographs import NamedSource
    from dvsa.model import Model


def write_list(
    model: "Model",
    photos: Sequence[Path],
    form: str,
    out: Path | None,
    *,
    regions: str,
    phrases: int,
    trusted: bool,
) -> None:
    """Describe photographs as a list, in a file or on standard output; exits with 2 if one cannot be read.

    With a file, an interrupted run goes on where it ended.
    """
    from dvsa.listing import LISTS, Journal, Row, row

    if out is not None and (out.is_dir() or not out.parent.is_dir()):
        fault = "is a folder" if out.is_dir() else "is in no folder that exists"
        raise ValueError(f"--out {out} {fault}: name the file of the list")
    sources, left_out = listed(photos)
    settings = {"bundle": model.bundle.digest, "regions": regions, "phrases": phrases, "html": form == "html"}
    journal = None if out is None else Journal(out, settings)
    known = {} if journal is None else journal.rows
    rows: list[Row] = []
    faults, resumed = len(left_out), 0

    with photo_reader(trusted) as read, progress() as update, closing(journal) if journal else nullcontext():
        for n, (name, source) in enumerate(sources, 1):
            try:
                content = source.read()
                digest = sha256(content).hexdigest()
                made = known.get((name, digest))
                if made is None:
                    view = model.open(read(content, name=name), regions=regions)
                    made = row(name, digest, view, phrases=phrases, thumbnail=form == "html")
                    if journal is not None:
                        journal.add(made)
                else:
                    resumed += 1
                rows.append(made)
            except (ValueError, OSError) as error:
                note(f"{name}: {error.strerror}" if isinstance(error, OSError) else error)
                faults += 1
            update("describing photographs", n, len(sources))

    told = LISTS[form](rows)
    if journal is None or out is None:
        typer.echo(told, nl=False)
    else:
        journal.finish(out, told)
        before = f", {resumed:,} of them in an earlier run" if resumed else ""
        broken = f"; {faults:,} could not be read" if faults else ""
        show(f"{out}: {len(rows):,} photographs described{before}{broken}")
    if faults:
        raise typer.Exit(2)


def listed(photos: Sequence[Path]) -> "tuple[list[NamedSource], list[str]]":
    """The photographs in files and folders, each once, and a line for what folders have that cannot be read.

    Files that are missing are named later, one by one.
    """
    from dvsa.data import DataError
    from dvsa.data.dataset import Source
    from dvsa.data.gather import gather

    found: dict[str, Source] = {}
    faults: list[str] = []
    for photo in photos:
        path = spelled(Path(os.path.expanduser(photo)))
        if path.is_dir() or path.suffix == ".tar":
            gathered = gather([path])
            found |= dict(gathered.sources)
            faults += map(str, gathered.faults)
        else:
            found.setdefault(str(photo), Source(path))
    if not found:
        raise DataError("there are no photographs")
    for fault in faults:
        note(fault)
    return list(found.items()), faults
