"""An index of photographs: the vectors of their regions on disk, searched by MaxSim."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np

from dvsa import model as models
from dvsa.data.gather import find
from dvsa.files import composed
from dvsa.index import changes, column_file, index_manifest
from dvsa.index.encode import Encoder, encoder, new_entries
from dvsa.index.index_manifest import IndexManifest
from dvsa.index.reader import WHOLE, IndexReader
from dvsa.index.values import Added, Entry, SearchError
from dvsa.model import Model

COMMIT: Final = 64
"""Photographs that are acknowledged together by `Index.add`."""

Progress = Callable[[str, int, int], object]
"""Called with what is being done, how many are done, and the total."""


class Index(IndexReader):
    """An index of photographs in a folder.

    Any number of processes may read an index while one process writes it. A change is acknowledged when its
    method returns or reports progress; an acknowledged change survives a crash of the process or the machine.

    >>> with Index.open("album.index") as index:
    ...     hits = index.search("a man with a camera", k=2)
    >>> [Path(hit.photograph.path).name for hit in hits]
    ['photographer.jpg', 'astronaut.jpg']
    """

    @classmethod
    def create(cls, folder: str | Path, model: Model | None = None) -> "Index":
        """Make an empty index for the vectors of a model; by default the shipped one.

        >>> index = Index.create("new.index")
        >>> len(index)
        0

        Raises:
            SearchError: the folder exists and is not empty.
            OSError: the folder cannot be made.
        """
        folder, model = Path(folder), model or models.load()
        changes.check_empty(folder)

        folder.mkdir(parents=True, exist_ok=True)
        facts, digest = model.bundle.manifest, model.bundle.digest
        manifest = IndexManifest(bundle=facts.name, digest=digest, embedding=facts.embedding)
        with index_manifest.locked(folder):
            changes.check_empty(folder)  # another process may have made an index here in the meantime
            index_manifest.write(folder, manifest)
        return cls(folder, model)

    def add(
        self,
        photographs: Iterable[str | Path],
        *,
        fields: Mapping[str, str] | None = None,
        progress: Progress | None = None,
        encode: Encoder | None = None,
    ) -> Added:
        """Add the photographs of files, folders, globs and tar files; known photographs are skipped.

        A photograph that cannot be read is reported, and the others are added. They are acknowledged 64 at a
        time, through `progress`; after an interruption the same call continues from there.

        >>> index = Index.create("new.index")
        >>> index.add(["examples/cat.jpg", "examples"], fields={"trip": "Norway"})
        Added(added=3, known=0, faults=[])

        Args:
            photographs: names of files, folders and tar files, and globs.
            fields: fields that all of them get, to filter by.
            progress: called with the number of finished photographs.
            encode: makes the entries; None encodes in this process.

        Raises:
            ValueError: there are no photographs, or another process writes the index.
            OSError: the disk is full or not writable; acknowledged photographs are kept.
        """
        sources = find(photographs)
        encode = encode or encoder(self.model)
        outcome = Added()

        with self._writing():
            known = self.ids()
            encoded = encode(sources, known, dict(fields or {}))
            for start in range(0, len(sources), COMMIT):
                self._append(new_entries(islice(encoded, COMMIT), known, outcome))
                if progress is not None:
                    progress("indexing photographs", min(start + COMMIT, len(sources)), len(sources))
            self._keep_columns()
        return outcome

    def append(self, entries: Sequence[Entry]) -> None:
        """Add photographs whose vectors were made elsewhere: all of them, or none after an error.

        >>> index = Index.create("copy.index")
        >>> index.append(list(Index.open("album.index").entries()))
        >>> len(index)
        3

        Raises:
            ValueError: a photograph is in the index or among the entries twice, its identifier is not a
                SHA-256, or its vectors are not (I, D) with I from 1 to 256, finite in half precision, and
                with one box each.
            OSError: the disk is full or not writable.
        """
        with self._writing():
            known = self.ids()
            for entry in entries:
                if entry.photograph.id in known:
                    raise SearchError(f"{entry.photograph.path} is already in the index: remove it first")
                known.add(entry.photograph.id)
            self._append(entries)

    def remove(self, names: Iterable[str]) -> int:
        """Mark photographs as removed, by their identifiers or their paths; returns how many.

        >>> index = Index.open("album.index")
        >>> cat = index.search("a cat", k=1)[0].photograph
        >>> index.remove([cat.path])
        1
        >>> len(index)
        2

        Raises:
            ValueError: a photograph is not in the index (nothing is removed), or another process writes it.
        """
        with self._writing():
            wanted, rows = {composed(name) for name in names}, defaultdict[str, set[int]](set)
            found: set[str] = set()
            for segment in self._segments:
                for row in np.flatnonzero(segment.alive_K).tolist():
                    photograph = segment.photograph(row)
                    named = {photograph.id, composed(photograph.path)}
                    if wanted & named:
                        found |= named
                        rows[segment.record.name].add(row)

            if missing := sorted(wanted - found):
                raise SearchError(f"{self.folder} has no photograph {missing[0]}: nothing was removed")
            self._commit(changes.mark_removed(self._manifest, rows))
        return sum(map(len, rows.values()))

    def compact(self) -> None:
        """Free the space of removed photographs; processes that read the index are not disturbed.

        >>> index = Index.open("album.index")
        >>> removed = index.remove([index.search("a cat", k=1)[0].photograph.id])
        >>> index.compact()
        >>> index.stats().removed
        0

        Raises:
            SearchError: another process writes the index.
            OSError: the disk is full or not writable; the index stays as it was.
        """
        with self._writing():
            self._commit(changes.compact(self.folder, self._manifest, self._segments))
            self._commit(changes.add_sketches(self.folder, self._manifest, self._segments))
            changes.delete_unused(self.folder, self._manifest)
            self._keep_columns()

    def _keep_columns(self) -> None:
        """Write the columns that filters use, for later searches; without them these are only slower."""
        with suppress(OSError):
            for segment in self._segments:
                segment.keep_columns()
            names = {segment.record.name: segment for segment in self._segments}
            column_file.delete_others(self.folder, names)

    def _append(self, entries: Sequence[Entry]) -> None:
        """Append entries and commit them, then the sketches that they make due."""
        self._commit(changes.append(self.folder, self._manifest, entries))
        self._commit(changes.add_sketches(self.folder, self._manifest, self._segments))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the lock, with the index as the last writer left it."""
        if self._share != WHOLE:
            raise SearchError(f"{self.folder} was opened in part: open all of it to change it")
        with index_manifest.locked(self.folder):
            self.refresh()
            self._commit(changes.upgraded(self.folder, self._manifest))
            changes.delete_unused(self.folder, self._manifest)
            yield

    def _commit(self, changed: IndexManifest) -> None:
        """Make a changed manifest effective."""
        if changed != self._manifest:
            index_manifest.write(self.folder, changed)
            self._use(changed)
