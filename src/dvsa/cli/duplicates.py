"""`dvsa duplicates`: near duplicates in an index."""

import typer

from dvsa.cli.options import AsJson, IndexFolder
from dvsa.cli.output import note, print_json, progress, show
from dvsa.cli.pictures import photo_reader
from dvsa.cli.search_options import PathPrefix, absolute


def duplicates(folder: IndexFolder, prefix: PathPrefix = None, as_json: AsJson = False) -> None:
    """List near duplicates in an index: bursts, and resized or edited copies.

    Prints groups, the best photograph of each first: that with the most pixels, then the earliest. Nothing is
    changed. Photographs that cannot be read are named on standard error; then the exit code is 2.

    Example: `dvsa duplicates photographs.index`
    """
    from dvsa.index import Filter, Index
    from dvsa.index.duplicates import duplicates as find

    with Index.open(folder) as opened, photo_reader() as read, progress() as update:
        found, faults = find(
            opened, Filter(prefix=None if prefix is None else absolute(prefix)), read, update
        )

    for fault in faults:
        note(fault)
    if as_json:
        names = [
            [{"id": p.id, "path": p.path, "width": p.width, "height": p.height} for p in g] for g in found
        ]
        print_json({"groups": names, "faults": faults})
    else:
        for group in found:
            best, *others = (f"{p.path}  {p.width} x {p.height}" for p in group)
            show(best, *(f"    {other}" for other in others))
        count = sum(len(group) - 1 for group in found)
        show(f"{len(found):,} groups with {count:,} near duplicates of their best")
    if faults:
        raise typer.Exit(2)
