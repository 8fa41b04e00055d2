"""`dvsa duplicates`: near duplicates in an index."""

from typing import TYPE_CHECKING

import typer

from dvsa.cli.options import AsJson, IndexFolder
from dvsa.cli.output import named, note, plural, print_json, progress, show
from dvsa.cli.pictures import photo_reader
from dvsa.cli.search_options import PathPrefix, absolute

if TYPE_CHECKING:
    from dvsa.index import Photograph


def duplicates(folder: IndexFolder, prefix: PathPrefix = None, as_json: AsJson = False) -> None:
    """List near duplicates in an index: bursts, and exact, resized or edited copies.

    Prints groups, the best photograph of each first: that with the most pixels, then the earliest. Nothing is
    changed. Photographs that cannot be read are named on standard error; then the exit code is 2.

    Example: `dvsa duplicates photographs.index`
    """
    from dvsa.index import Filter, Index
    from dvsa.index.duplicates import duplicates as find

    with Index.open(folder) as opened, photo_reader() as read, progress() as update:
        found, faults = find(opened, Filter(prefix=absolute(prefix)), read, update)

    for fault in faults:
        note(fault)
    if as_json:
        print_json({"groups": [[_plain(p) for p in group] for group in found], "faults": faults})
    else:
        for group in found:
            best, *others = (line for p in group for line in _lines(p))
            show(best, *(f"    {other}" for other in others))
        count = sum(len(p.places) for group in found for p in group) - len(found)
        show(f"{plural(len(found), 'group')} with {plural(count, 'near duplicate')} of their best")
    if faults:
        raise typer.Exit(2)


def _plain(photograph: "Photograph") -> dict[str, object]:
    """A photograph as JSON values."""
    about = {name: getattr(photograph, name) for name in ("id", "path", "width", "height")}
    return {**about, "copies": [copy.path for copy in photograph.copies]}


def _lines(photograph: "Photograph") -> list[str]:
    """A line for each file of a photograph."""
    size = f"{photograph.width} x {photograph.height}"
    return [
        f"{named(photograph.path)}  {size}",
        *(f"{named(copy.path)}  {size}, same" for copy in photograph.copies),
    ]
