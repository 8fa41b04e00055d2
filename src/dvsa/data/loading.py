"""One loader for all data sets, which joins their lists, photographs and phrases."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from dvsa.data import hub
from dvsa.data.dataset import DataError, Dataset, Example, Problem
from dvsa.data.entities import Entities
from dvsa.data.given_regions import GivenRegions, load_regions
from dvsa.data.joining import join
from dvsa.data.layouts import find
from dvsa.data.layouts.captions import ignored
from dvsa.data.layouts.sidecars import unread as sidecars_beside
from dvsa.data.photographs import Photographs, files_below

_ENTITIES = ("entities", "flickr30k_entities", "flickr30k_entities.tar.xz")
"""Names under which a data set's folder may contain Flickr30k Entities."""

_ARCHIVES = frozenset({".7z", ".bz2", ".gz", ".rar", ".tgz", ".xz", ".zip", ".zst"})
"""Suffixes of files that may contain photographs, but are not read."""


@contextmanager
def _uncollected() -> Iterator[None]:
    """Pause Python's search for garbage: loading makes no garbage, and the search took half of its time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@_uncollected()
def load(
    root: str | Path, entities: str | Path | None = None, regions: GivenRegions | None = None
) -> Dataset:
    """Load a data set in any of the layouts that docs/data.md lists.

    Examples are complete: a photograph without a file, without sentences or in no list is left out, and
    listed in `Dataset.problems`. Photographs stay on disk until they are read. A listed photograph whose file
    is missing is kept if `regions` have its features; then `Example.source` is None.

    Args:
        root: the folder of the data set, or of a user's own photographs; or `hf:NAME` or `hf:NAME/CONFIG`, a
            data set of Hugging Face's hub (see `dvsa.data.hub`).
        entities: Flickr30k Entities: the folder with `Annotations/` and `Sentences/`, or a tar archive of the
            two. The default is `entities`, `flickr30k_entities` or `flickr30k_entities.tar.xz` in `root`, if
            one exists.
        regions: regions from files. The default is the folder itself if it has the features of its
            photographs, as SCAN's has.

    Raises:
        DataError: the folder, its lists, its photographs or the annotations are missing or malformed.
    """
    entities = None if entities is None else Path(entities)
    title = None
    if hub.is_address(root):
        title, root = hub.title(root), hub.fetch(root)
    root = Path(root)
    if not root.is_dir():
        raise DataError(f"{root} is not a folder: name the folder of a data set or of photographs")
    if entities is not None and not entities.exists():
        raise DataError(f"{entities} is missing: name the folder or the archive of Flickr30k Entities")

    place = entities or next((root / name for name in _ENTITIES if (root / name).exists()), None)
    listing = find(root, place or root)
    unread = ignored(root, place or root, listing)
    photographs = Photographs(root)
    unread += photographs.problems
    if regions is None and listing is not None and listing.featured:
        regions = load_regions(root)
    featured = regions is not None and regions.features > 0 and listing is not None
    packed = listing is not None and any(row.source is not None for row in listing.rows)
    if not photographs.found and not featured and not packed:
        packed_up = ", ".join(str(inner) for inner, _ in files_below(root) if inner.suffix in _ARCHIVES)
        what = packed_up or "their archive"
        raise DataError(f"{root} has no photographs, in folders or .tar files: unpack {what} there")
    if listing is None:
        return replace(_without_lists(root, photographs, unread), regions=regions)

    sidecars = sidecars_beside(root, listing)
    listing.problems.extend(unread if sidecars is None else [*unread, sidecars])
    dataset = join(root, listing, photographs, Entities(place) if place else None, regions)
    if not dataset.examples:
        if any(problem.kind == "no sentences" for problem in dataset.problems):
            raise DataError(f"no photograph that {listing.name} lists in {root} has a sentence: write some")
        places = f"{root} or {regions.source}" if featured and regions else f"{root}"
        raise DataError(f"none of the photographs that {listing.name} lists is in {places}: put them there")
    return dataset if title is None else replace(dataset, name=title)


def _without_lists(root: Path, photographs: Photographs, problems: list[Problem]) -> Dataset:
    """A data set of photographs only."""
    examples: dict[str, Example] = {}
    for name, source in photographs.found:
        if name in examples:
            problems.append(Problem("doubled name", name, f"in {examples[name].file.path} and {source.path}"))
        else:
            examples[name] = Example(name, "", (), source)
    why = "no file lists sentences"
    dataset = Dataset(root.resolve().name, root, tuple(examples.values()), tuple(problems))
    return replace(dataset, layout="only photographs", why=why)
