"""An index of photographs: vectors of their regions on disk, searched by MaxSim."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from dvsa import model as models
from dvsa.index import changes, explain, manifest, scan
from dvsa.index.encode import Encoder, encoder, fresh
from dvsa.index.gather import find
from dvsa.index.manifest import Manifest
from dvsa.index.query import Query
from dvsa.index.records import Added, Entry, Filter, Hit, SearchError, Stats
from dvsa.index.segment import Segment
from dvsa.model import Model

COMMIT: Final = 64
"""Photographs that are acknowledged together while photographs are added."""

ALL: Final = slice(None)
"""Every segment."""

Progress = Callable[[str, int, int], object]
"""Is told what is being done, how many are done, and of how many."""


class Index:
    """Photographs on disk, as they were when this object last opened, refreshed or wrote the index.

    Any number of processes may read an index while one writes it. What a method has acknowledged, by its
    return or by its progress, outlives a crash of the process or the machine.
    """

    def __init__(self, folder: Path, model: Model | None, share: slice = ALL) -> None:
        """Use `Index.create` or `Index.open`."""
        self.folder, self._model, self._share = folder, model, share
        self._segments: list[Segment] = []
        self.refresh()
        if model is not None:
            self._check(model)

    @classmethod
    def create(cls, folder: str | Path, model: Model | None = None) -> "Index":
        """Make an empty index for the vectors of a model, the shipped one by default.

        Raises:
            SearchError: the folder is there already and not empty.
            OSError: it cannot be made.
        """
        folder, model = Path(folder), model or models.load()
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise SearchError(f"{folder} is there already: name a new or an empty folder")
        folder.mkdir(parents=True, exist_ok=True)
        facts, digest = model.bundle.manifest, model.bundle.digest
        made = Manifest(bundle=facts.name, digest=digest, embedding=facts.embedding)
        with manifest.writing(folder):
            manifest.write(folder, made)
        return cls(folder, model)

    @classmethod
    def open(cls, folder: str | Path, model: Model | None = None, share: slice = ALL) -> "Index":
        """Open an index to search it or to change it.

        Args:
            folder: where it is.
            model: the model that made it; None for the shipped one, which is loaded when it is needed.
            share: which of its segments, to be searched only: one of several machines' share.

        Raises:
            SearchError: there is no index, it is damaged or of a newer format, or another bundle made it.
        """
        return cls(Path(folder), model, share)

    def __enter__(self) -> Self:
        """The index itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Let go of its files."""
        self.close()

    def close(self) -> None:
        """Let go of the files; what was acknowledged is on disk already."""
        self._segments = []

    def __len__(self) -> int:
        """The number of photographs, without removed ones."""
        return sum(int(segment.alive_K.sum()) for segment in self._segments)

    @property
    def model(self) -> Model:
        """The model that made the index; raises SearchError where that is not the shipped one."""
        if self._model is None:
            model = models.load()
            self._check(model)
            self._model = model
        return self._model

    def _check(self, model: Model) -> None:
        made_by, asked = self._manifest, model.bundle
        if asked.digest != made_by.digest:
            raise SearchError(
                f"{self.folder} was made by bundle {made_by.bundle} ({made_by.digest[:12]}), not by "
                f"{asked.manifest.name} ({asked.digest[:12]}): name that bundle, or index again"
            )

    def refresh(self) -> None:
        """See what others have written since."""
        found = manifest.read(self.folder)
        while True:
            try:
                return self._use(found)
            except FileNotFoundError as error:  # a writer may have compacted the index in the meantime
                last, found = found, manifest.read(self.folder)
                if found == last:
                    raise SearchError(f"{error.filename} is missing: index the photographs again") from None

    def _use(self, found: Manifest) -> None:
        mapped = {segment.record.name: segment for segment in self._segments}
        self._segments = [
            mapped[record.name]
            if record.name in mapped and mapped[record.name].record == record
            else Segment(self.folder, record, found.embedding)
            for record in found.segments[self._share]
        ]
        self._manifest = found

    def ids(self) -> set[str]:
        """Identifiers of all photographs."""
        return {
            identifier
            for segment in self._segments
            for identifier, alive in zip(segment.ids, segment.alive_K, strict=True)
            if alive
        }

    def search(
        self,
        query: str | Query | NDArray[np.floating],
        k: int = 10,
        where: Filter | None = None,
        *,
        pruned: bool = False,
    ) -> list[Hit]:
        """The photographs with the highest MaxSim scores, ties in the order of identifiers.

        Args:
            query: a sentence, vectors (N, D), or what `Query` made of a photograph or a part of one.
            k: how many; fewer come back where there are fewer.
            where: which photographs count; all where it is None.
            pruned: look closely only at the 1,000 photographs that sketches find best: several times as
                fast, and hardly ever wrong.

        Raises:
            ValueError: k is less than 1, no word of the sentence is known, or vectors are of another width.
        """
        if k < 1:
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
        allowed = [segment.admitted(where) for segment in self._segments]
        found = scan.best(self._segments, allowed, query.s_ND, k, pruned=pruned)
        return [explain.hit(query, score, *part.all_of(row)) for score, _, part, row in found]

    def entries(self) -> Iterator[Entry]:
        """All photographs with their boxes and vectors."""
        for segment in self._segments:
            yield from segment.entries()

    def stats(self) -> Stats:
        """The index in figures."""
        records = self._manifest.segments
        return Stats(
            bundle=self._manifest.bundle, photographs=len(self),
            removed=sum(len(record.removed) for record in records),
            regions=sum(record.regions for record in records), segments=len(records),
            bytes=sum((self.folder / name).stat().st_size for r in records for name in changes.named(r)),
        )  # fmt: skip

    def verify(self) -> list[str]:
        """A line for each fault of the files on disk; none if all is as it was written."""
        return changes.verify(self.folder)

    def add(
        self,
        what: Iterable[str | Path],
        *,
        fields: Mapping[str, str] | None = None,
        progress: Progress | None = None,
        encode: Encoder | None = None,
    ) -> Added:
        """Add the photographs of files, folders, globs and tar files; what is there already is skipped.

        One that cannot be read is reported, and the others are added. They are acknowledged 64 at a time, by
        `progress`; after an interruption the same call goes on from there.

        Args:
            what: where the photographs are.
            fields: what all of them get, to filter by.
            progress: is told how many are done.
            encode: how vectors are made, in place of this process's own way.

        Raises:
            ValueError: there are no photographs, or another process writes the index.
            OSError: the disk is full, or may not be written; what was acknowledged is kept.
        """
        named = find(what)
        encode = encode or encoder(self.model)
        outcome = Added()
        with self._writing():
            known = self.ids()
            made = encode(named, known, dict(fields or {}))
            for start in range(0, len(named), COMMIT):
                self._append(fresh(islice(made, COMMIT), known, outcome))
                if progress is not None:
                    progress("indexing photographs", min(start + COMMIT, len(named)), len(named))
        return outcome

    def append(self, entries: Sequence[Entry]) -> None:
        """Add photographs with vectors that were made elsewhere, all at once or not at all.

        Raises:
            ValueError: one is there already or stands twice, its identifier is no SHA-256, or its vectors are
                not (I, D) with I from 1 to 256, finite in half precision, and with a box each.
            OSError: the disk is full, or may not be written.
        """
        with self._writing():
            known = self.ids()
            for entry in entries:
                changes.require_sound(entry, self._manifest.embedding)
                if entry.photograph.id in known:
                    raise SearchError(f"{entry.photograph.path} is there already: remove it first")
                known.add(entry.photograph.id)
            self._append(entries)

    def remove(self, what: Iterable[str]) -> int:
        """Mark photographs as removed, by their identifiers or their paths; returns how many there were.

        Raises:
            ValueError: the index has no such photograph (none is removed then), or another process writes it.
        """
        with self._writing():
            wanted, rows = set(what), defaultdict[str, set[int]](set)
            found: set[str] = set()
            for segment in self._segments:
                for row in np.flatnonzero(segment.alive_K).tolist():
                    photograph = segment.photograph(row)
                    if wanted & {photograph.id, photograph.path}:
                        found |= {photograph.id, photograph.path}
                        rows[segment.record.name].add(row)
            if missing := sorted(wanted - found):
                raise SearchError(f"{self.folder} holds no photograph {missing[0]}: nothing was removed")
            self._commit(changes.removed(self._manifest, rows))
        return sum(map(len, rows.values()))

    def compact(self) -> None:
        """Write photographs anew without the removed ones; whoever reads meanwhile is not disturbed."""
        with self._writing():
            self._commit(changes.compacted(self.folder, self._manifest, self._segments))
            self._commit(changes.sketched(self.folder, self._manifest, self._segments))
            changes.sweep(self.folder, self._manifest)

    def _append(self, entries: Sequence[Entry]) -> None:
        self._commit(changes.appended(self.folder, self._manifest, entries))
        self._commit(changes.sketched(self.folder, self._manifest, self._segments))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if self._share != ALL:
            raise SearchError(f"{self.folder} was opened in part: open all of it to change it")
        with manifest.writing(self.folder):
            self.refresh()
            changes.sweep(self.folder, self._manifest)
            yield

    def _commit(self, changed: Manifest) -> None:
        if changed != self._manifest:
            manifest.write(self.folder, changed)
            self._use(changed)
