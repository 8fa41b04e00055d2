"""Reading an index: search it, list it, check it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from dvsa import model as models
from dvsa.index import changes, index_manifest, scan
from dvsa.index.answer import warn_of_unrecorded
from dvsa.index.index_manifest import IndexManifest
from dvsa.index.order import ordered
from dvsa.index.plan import Accepted, Plan, accept
from dvsa.index.query import Query
from dvsa.index.segment import IndexSegment
from dvsa.index.values import Entry, Filter, Hit, Photograph, SearchError, Stats
from dvsa.model import Model

WHOLE: Final = slice(None)
"""Every segment."""

Progress = Callable[[str, int, int], object]
"""Called with what is being done, how many are done, and the total; 0 if nobody knows the total."""


class IndexReader:
    """The part of `Index` that reads.

    It sees the photographs as they were when it last opened, refreshed or changed the index.
    """

    def __init__(self, folder: Path, model: Model | None, share: slice = WHOLE) -> None:
        """Use `Index.create` or `Index.open` instead."""
        self.folder, self._model, self._share = folder, model, share
        self._segments: list[IndexSegment] = []
        self.refresh()

    @classmethod
    def open(cls, folder: str | Path, model: Model | None = None, share: slice = WHOLE) -> Self:
        """Open an index, to search it or to change it.

        >>> from dvsa.index import Index
        >>> with Index.open("album.index") as index:
        ...     len(index)
        3

        Args:
            folder: the folder of the index.
            model: the model that made it; None for the shipped one, which is loaded when it is needed.
            share: the segments to read, for a machine that searches only some of them.

        Raises:
            SearchError: there is no index, it is damaged or has a newer format, or another bundle made it.
        """
        return cls(Path(folder), model, share)

    def __enter__(self) -> Self:
        """Return the index itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the index."""
        self.close()

    def close(self) -> None:
        """Close the files; all acknowledged changes are already on disk.

        >>> from dvsa.index import Index
        >>> index = Index.open("album.index")
        >>> index.close()
        """
        self._segments = []

    def __len__(self) -> int:
        """The number of photographs, without removed ones."""
        return sum(int(segment.alive_K.sum()) for segment in self._segments)

    @property
    def model(self) -> Model:
        """The model that made the index; raises SearchError if it was not given and is not the shipped one.

        >>> from dvsa.index import Index
        >>> Index.open("album.index").model.read("a cat").words
        ('a', 'cat')
        """
        if self._model is None:
            model = models.load()
            self._check_bundle(model)
            self._model = model
        return self._model

    def _check_bundle(self, model: Model) -> None:
        """Raise SearchError unless the model's bundle made the index."""
        made_by, given = self._manifest, model.bundle
        if given.regions_digest != made_by.digest:
            raise SearchError(
                f"{self.folder} was made by bundle {made_by.bundle} ({made_by.digest[:12]}), not by "
                f"{given.manifest.name} ({given.regions_digest[:12]}): name that bundle, or index again"
            )

    def refresh(self) -> None:
        """Read the changes that other processes have made since.

        >>> from dvsa.index import Index
        >>> index = Index.open("album.index")
        >>> index.refresh()
        """
        found = index_manifest.read(self.folder)
        while True:
            try:
                self._use(found)
                if self._model is not None:
                    self._check_bundle(self._model)  # the folder may have got another index
                return
            except FileNotFoundError as error:  # a writer may have compacted the index in the meantime
                last, found = found, index_manifest.read(self.folder)
                if found == last:
                    raise SearchError(f"{error.filename} is missing: index the photographs again") from None

    def _use(self, found: IndexManifest) -> None:
        """Map the segments of a manifest; segments that have not changed are kept."""
        mapped = {segment.record.name: segment for segment in self._segments}
        self._segments = [
            mapped[record.name]
            if record.name in mapped and mapped[record.name].record == record
            else IndexSegment(self.folder, record, found.embedding)
            for record in found.segments[self._share]
        ]
        self._manifest = found

    def ids(self) -> set[str]:
        """The identifiers of all photographs.

        >>> from dvsa.index import Index
        >>> hit = Index.open("album.index").search("a cat", k=1)[0]
        >>> hit.photograph.id in Index.open("album.index").ids()
        True
        """
        return {
            identifier
            for segment in self._segments
            for identifier, alive in zip(segment.ids, segment.alive_K, strict=True)
            if alive
        }

    def search(
        self,
        query: str | Query | NDArray[np.floating],
        k: int | None = None,
        where: Filter | None = None,
        *,
        pruned: bool = False,
        order: str = "score",
        grouped: bool = True,
    ) -> list[Hit]:
        """The photographs that answer a question, or the `k` with the highest MaxSim scores.

        Ties are ordered by identifier. What must not be shown (`Query.without`) is left out in any case. A
        photograph with several paths comes at one that the filter means. A warning counts `unrecorded` ones.

        >>> from dvsa.index import Index
        >>> index = Index.open("album.index")
        >>> hit = index.search("a man with a camera", k=1)[0]
        >>> Path(hit.photograph.path).name, round(hit.score, 1)
        ('photographer.jpg', 13.0)
        >>> len(index.search("a cat on a wall")), index.search("a spaceship docking")
        (1, [])

        Args:
            query: a sentence, vectors (N, D), or a `Query` made of a photograph or a part of one.
            k: the number of photographs, whether they fit or not; fewer are returned if there are fewer. None
                for those that fit (`Query.fits`), at most 200; or for 10, if the query has no words.
            where: which photographs may be found; None for all.
            pruned: score only the 1,000 photographs with the best sketches: several times faster, and almost
                always the same result.
            order: `score`, or `newest` or `oldest` first by the date when they were taken. The photographs
                are the same in every order.
            grouped: whether near duplicates of a photograph are not returned, but listed with it
                (`Hit.others`).

        Raises:
            ValueError: k is less than 1, no word of the sentence is known, the vectors have another size, or
                the order or a place of the filter is unknown.
        """
        if k is not None and k < 1:
            raise ValueError(f"k is {k}: ask for at least 1 photograph")

        if isinstance(query, str):
            query = Query.of_sentence(self.model, query)
        elif not isinstance(query, Query):
            query = Query.of_vectors(query)
        if query.s_ND.shape[1] != self._manifest.embedding:
            raise ValueError(
                f"the query's vectors have {query.s_ND.shape[1]} numbers, those of {self.folder} "
                f"{self._manifest.embedding}: use the bundle that made the index"
            )

        warn_of_unrecorded(self.unrecorded(where or Filter()))
        plan = Plan.of(query, k, grouped)
        while True:
            seen, accepted = self.weigh(query, plan, where, pruned=pruned)
            hits = plan.hits(query, accepted)
            if len(hits) == plan.k or plan.cut or seen < plan.weighed:
                return ordered(hits, order)
            plan = plan.wider()

    def weigh(
        self, query: Query, plan: Plan, where: Filter | None = None, *, pruned: bool = False
    ) -> tuple[int, list[Accepted]]:
        """Look at the best photographs: how many there are, and those that are accepted, the best first.

        `search` groups and explains them; use that.

        >>> from dvsa.index import Index
        >>> index = Index.open("album.index")
        >>> query = Query.of_sentence(index.model, "a cat on a wall")
        >>> seen, accepted = index.weigh(query, Plan.of(query, None, grouped=True))
        >>> seen, len(accepted)
        (3, 1)
        """
        allowed = [segment.allowed(where) for segment in self._segments]
        found = scan.best(self._segments, allowed, query.s_ND, plan.weighed, pruned=pruned)
        parts = ((score, *segment.entry_parts(row, where)) for score, _, segment, row in found)
        accepted = (accept(query, plan, *part) for part in parts)
        return len(found), [item for item in accepted if item is not None]

    def _rows(self, progress: Progress | None = None) -> Iterator[tuple[str, int, Photograph]]:
        """The photographs that are not removed, with the names of their segments and their rows."""
        for n, segment in enumerate(self._segments, 1):
            for row in np.flatnonzero(segment.alive_K).tolist():
                yield segment.record.name, row, segment.photograph(row)
            if progress is not None:
                progress("reading the index", n, len(self._segments))

    def entries(self) -> Iterator[Entry]:
        """All photographs with their boxes and vectors.

        >>> from dvsa.index import Index
        >>> for entry in Index.open("album.index").entries():
        ...     print(Path(entry.photograph.path).name, entry.v_ID.shape)
        astronaut.jpg (20, 256)
        cat.jpg (20, 256)
        photographer.jpg (20, 256)
        """
        for segment in self._segments:
            yield from segment.entries()

    def entries_where(self, where: Filter | None) -> Iterator[Entry]:
        """The photographs that a filter admits, with their boxes and vectors.

        >>> from dvsa.index import Index
        >>> len(list(Index.open("album.index").entries_where(Filter(prefix="/nowhere"))))
        0
        """
        for segment in self._segments:
            for row in np.flatnonzero(segment.allowed(where)).tolist():
                yield Entry(*segment.entry_parts(row, where))

    def unrecorded(self, where: Filter) -> int:
        """How many photographs a filter leaves out because nobody looked at what it asks for.

        An earlier version, which did not, has indexed them; `Index.sync` reads them again.

        >>> from dvsa.index import Index
        >>> Index.open("album.index").unrecorded(Filter(camera="Canon"))
        0
        """
        return sum(segment.unrecorded(where) for segment in self._segments)

    def stats(self) -> Stats:
        """The size of the index.

        >>> from dvsa.index import Index
        >>> stats = Index.open("album.index").stats()
        >>> stats.photographs, stats.regions, stats.segments
        (3, 60, 1)
        """
        records = self._manifest.segments
        return Stats(
            bundle=self._manifest.bundle,
            photographs=len(self),
            removed=sum(len(record.removed) for record in records),
            regions=sum(record.regions for record in records),
            segments=len(records),
            bytes=sum(extent.size for record in records for extent in record.files.values()),
        )

    def verify(self) -> list[str]:
        """Check the files on disk; returns a line for each fault.

        >>> from dvsa.index import Index
        >>> Index.open("album.index").verify()
        []
        """
        return changes.verify(self.folder)
