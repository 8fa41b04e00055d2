"""An index of photographs: the vectors of their regions on disk, searched by MaxSim."""

import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path

from dvsa import model as models
from dvsa.data.dataset import DataError
from dvsa.data.gather import Gathered, gather
from dvsa.data.photographs import NamedSource
from dvsa.files import composed
from dvsa.index import changes, column_file, index_manifest
from dvsa.index.encode import Encoder, encoder
from dvsa.index.following import Following, changes_of, place_of
from dvsa.index.index_manifest import IndexManifest
from dvsa.index.reader import Progress
from dvsa.index.removing import removal
from dvsa.index.seen import SeenFiles
from dvsa.index.values import Added, Entry, SearchError
from dvsa.index.writer import COMMIT, IndexWriter
from dvsa.model import Model


class Index(IndexWriter):
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
        facts, digest = model.bundle.manifest, model.bundle.regions_digest
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
        exclude: Sequence[str] = (),
    ) -> Added:
        """Add the photographs of files, folders, globs and tar files: as `sync`, but nothing is dropped.

        A photograph that cannot be read is reported, and the others are added. They are acknowledged 64 at a
        time, through `progress`; after an interruption the same call continues from there.

        >>> index = Index.create("new.index")
        >>> added = index.add(["examples/cat.jpg", "examples"], fields={"trip": "Norway"})
        >>> added.added, added.known, added.faults
        (3, 0, [])

        Args:
            photographs: names of files, folders and tar files, and globs.
            fields: fields that all of them get, to filter by.
            progress: called with the number of finished photographs.
            encode: makes the entries; None encodes in this process.
            exclude: patterns, as in `.gitignore`, of what to leave out of folders.

        Raises:
            ValueError: there are no photographs, or another process writes the index.
            OSError: the disk is full or not writable; acknowledged photographs are kept.
        """
        return self.sync(
            photographs, fields=fields, progress=progress, encode=encode, exclude=exclude, keep_missing=True
        )

    def sync(
        self,
        photographs: Iterable[str | Path],
        *,
        fields: Mapping[str, str] | None = None,
        progress: Progress | None = None,
        encode: Encoder | None = None,
        exclude: Sequence[str] = (),
        keep_missing: bool = False,
    ) -> Added:
        """Bring the index up to date with the photographs of files, folders, globs and tar files.

        New and changed files are encoded. Moved and renamed ones keep their vectors and get their new paths,
        and copies become further paths of one photograph. Photographs whose files are gone from the given
        folders are removed. Others stay, also those of a folder or a file that cannot be read now.

        A file is read again if its size or one of its times has changed since the last call. Photographs of
        which an earlier version had recorded less, such as no place, are read again without being encoded. So
        are those without a date of their own whose files have another date now.

        >>> index = Index.create("new.index")
        >>> index.sync(["examples"]).added
        3
        >>> done = index.sync(["examples"])
        >>> done.known, done.added
        (3, 0)

        Args:
            photographs: names of files, folders and tar files, and globs.
            fields: fields that new photographs get, to filter by.
            progress: called with the number of finished photographs.
            encode: makes the entries; None encodes in this process.
            exclude: patterns, as in `.gitignore`, of what to leave out of folders.
            keep_missing: keep photographs whose files are gone.

        Raises:
            ValueError: there are no photographs at all, or another process writes the index.
            OSError: the disk is full or not writable; acknowledged photographs are kept.
        """
        gathered = self._gathered(photographs, exclude, progress)
        with self._writing():
            following, seen = Following(), SeenFiles.read(self.folder)
            following.outcome.left_out, following.outcome.unmatched = gathered.left_out, gathered.unmatched
            following.begin(photograph for _, _, photograph in self._rows(progress))
            sources = following.apart(gathered.sources, gathered.covers)
            try:
                self._read_new(sources, following, seen, dict(fields or {}), encode, progress)
                moved = changes_of(following, self._rows(), gathered.covers, keep_missing=keep_missing)
                self._rewrite("updating places", moved.items(), len(moved), progress)
                self._record_again(following, dict(sources), seen, progress)
                seen.keep(lambda path: path in following.found or not gathered.covers(path))
            finally:
                seen.write(self.folder)
            self._keep_columns(progress)
        return following.outcome

    def _gathered(
        self, photographs: Iterable[str | Path], exclude: Sequence[str], progress: Progress | None
    ) -> Gathered:
        """The photographs that are there. That there are none is no order to drop all."""
        given = [str(name) for name in photographs]
        tell = None if progress is None else lambda count: progress("finding photographs", count, 0)
        try:
            return gather(given, exclude=exclude, without=self.folder, progress=tell)
        except DataError as error:
            if not len(self):
                raise
            hint = "the index stays as it is"
            known = removal(map(os.path.abspath, given), self._rows())
            if drop := [name for name in given if composed(os.path.abspath(name)) not in known.unmatched]:
                hint += (
                    f"; to drop what was there, use dvsa index remove {shlex.join([str(self.folder), *drop])}"
                )
            raise DataError(f"{error}; {hint}") from error

    def _read_new(
        self,
        sources: Sequence[NamedSource],
        following: Following,
        seen: SeenFiles,
        fields: Mapping[str, str],
        encode: Encoder | None,
        progress: Progress | None,
    ) -> None:
        """Read the files that may have changed, and append what is new in them."""
        pending = following.pending(sources, seen)
        places = {place.path: place for place in map(place_of, pending)}
        known, done = self.ids(), len(sources) - len(pending)
        encoded = (encode or encoder(self.model))(pending, known, fields) if pending else iter(())
        for start in range(0, len(pending), COMMIT):
            items = list(islice(encoded, COMMIT))
            self._append(following.take(items, places, known, seen))
            if progress is not None:
                progress("indexing photographs", done + start + len(items), len(sources))

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
            before = {segment.record.name: len(segment) for segment in self._segments}
            self._append(entries)
            # Columns cost the reading of all lines of a segment: the others get them later.
            writers = [segment.keep_columns for segment in changes.grown(self._segments, before)]
            column_file.keep(self.folder, self._manifest, writers)

    def remove(self, names: Iterable[str]) -> int:
        """Remove photographs, by their identifiers, paths, folders or patterns; returns how many files.

        A photograph stays as long as one of its files is not meant.

        >>> index = Index.open("album.index")
        >>> cat = index.search("a cat", k=1)[0].photograph
        >>> index.remove([cat.path]), index.remove(["*.jpg"])
        (1, 2)
        >>> len(index)
        0

        Args:
            names: identifiers, absolute paths of files, folders and tar files, and patterns, as in
                `.gitignore`.

        Raises:
            ValueError: a name means nothing in the index (nothing is removed), or another process writes it.
        """
        with self._writing():
            found = removal(names, self._rows())
            if found.unmatched:
                raise SearchError(
                    f"{self.folder} has no photograph {min(found.unmatched)}: nothing was removed"
                )
            self._commit(changes.rewritten(self.folder, self._manifest, self._segments, found.photographs))
            self._keep_columns()
        return found.files

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
