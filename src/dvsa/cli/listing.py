"""The lists of `dvsa describe --format csv|jsonl|html|md`."""

from collections.abc import Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dvsa.cli.left_out import name_faults
from dvsa.cli.output import note, plural, progress, show
from dvsa.cli.pictures import photo_reader
from dvsa.files import spelled

if TYPE_CHECKING:
    from dvsa.data.gather import LeftOut
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
    found = listed(photos)
    sources = found.once
    settings = {"bundle": model.bundle.digest, "regions": regions, "phrases": phrases, "html": form == "html"}
    settings["rows"] = 2  # the version of what they say
    journal = None if out is None else Journal(out, settings)
    known = {} if journal is None else journal.rows
    rows: list[Row] = []
    faults = resumed = 0

    with photo_reader(trusted) as read, progress() as update, closing(journal) if journal else nullcontext():
        for n, (name, source) in enumerate(sources, 1):
            try:
                content = source.read()
                digest = sha256(content).hexdigest()
                made = known.get((name, digest))
                if made is None:
                    view = model.open(read(content, name=name), regions=regions)
                    made = row(
                        name, digest, view, date=source.date(), phrases=phrases, thumbnail=form == "html"
                    )
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
        show(f"{out}: {plural(len(rows), 'photograph')} described{before}{broken}")
    found.name_faults()
    if faults or not found.is_whole:
        raise typer.Exit(2)


@dataclass(slots=True)
class Listed:
    """The photographs in files and folders."""

    sources: "list[NamedSource]"
    """In the order of their names; what is named twice is there twice."""
    left_out: "list[LeftOut]"
    """What was found in folders and left out."""
    faults: dict[str, str]
    """Why there are no photographs in a folder or a tar file, by its path."""

    @property
    def once(self) -> "list[NamedSource]":
        """Each photograph once, with a path of its own."""
        from dvsa.data.photographs import one_path_each

        return one_path_each(self.sources)

    @property
    def is_whole(self) -> bool:
        """Whether nothing was left out that may show or contain photographs."""
        return not self.faults and not any(item.kind.is_fault for item in self.left_out)

    def name_faults(self) -> None:
        """Name on standard error what may be missing."""
        name_faults([*self.faults.values()], self.left_out)


def listed(photos: Sequence[Path]) -> Listed:
    """The photographs in files, folders and tar files; files that are missing are named later, one by one.

    Raises:
        DataError: there are no photographs at all.
    """
    from dvsa.data import DataError
    from dvsa.data.dataset import Source
    from dvsa.data.gather import LeftOut, gather
    from dvsa.data.kinds import Kind, kind_of_file

    found: list[NamedSource] = []
    left_out: list[LeftOut] = []
    faults: dict[str, str] = {}
    for photo in photos:
        path = spelled(photo)
        if path.is_dir() or kind_of_file(path) in (Kind.TAR, Kind.COMPRESSED_TAR):
            try:
                gathered = gather([path])
            except DataError as error:
                faults[str(photo)] = str(error)
                continue
            found += gathered.sources
            left_out += gathered.left_out
        else:
            found.append((str(photo), Source(path)))
    if not found:
        raise DataError("; ".join(faults.values()))
    return Listed(found, left_out, faults)
