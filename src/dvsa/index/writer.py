"""Writing an index: the lock, and one change after another."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final

from dvsa.ahead import chunks
from dvsa.data.dataset import Source
from dvsa.index import changes, column_file, index_manifest
from dvsa.index.following import Following
from dvsa.index.index_manifest import IndexManifest
from dvsa.index.reader import WHOLE, IndexReader, Progress
from dvsa.index.recording import Row, read_again
from dvsa.index.seen import SeenFiles
from dvsa.index.values import Entry, Photograph, SearchError

COMMIT: Final = 64
"""Photographs that are read and acknowledged together."""


class IndexWriter(IndexReader):
    """The part of `Index` that makes changes effective."""

    def _record_again(
        self,
        following: Following,
        sources: Mapping[str, Source],
        seen: SeenFiles,
        progress: Progress | None,
    ) -> None:
        """Read photographs again of which less is recorded, or perhaps an old date; their vectors stay."""
        due = following.outdated or following.touched
        rows = following.to_read_again(self._rows(), sources, seen) if due else ()
        if rows:
            again = read_again(rows, following.outcome)
            self._rewrite("reading metadata again", again, len(rows), progress, COMMIT)

    def _rewrite(
        self,
        what: str,
        photographs: Iterable[tuple[Row, Photograph | None]],
        total: int,
        progress: Progress | None,
        size: int = changes.PHOTOS_PER_SEGMENT,
    ) -> None:
        """Commit what is known now about photographs, some at a time; None removes one."""
        segments, done = self._segments, 0
        for some in chunks(photographs, size):
            self._commit(changes.rewritten(self.folder, self._manifest, segments, dict(some)))
            self._commit(changes.add_sketches(self.folder, self._manifest, self._segments))
            done += len(some)
            if progress is not None:
                progress(what, done, total)

    def _keep_columns(self, progress: Progress | None = None) -> None:
        """Write the columns of filters; without them, searches are only slower."""
        writers = [segment.keep_columns for segment in self._segments]
        tell = None if progress is None else partial(progress, "keeping what filters use")
        column_file.keep(self.folder, self._manifest, writers, tell)

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
