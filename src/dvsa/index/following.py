"""What has become of the files of an index: which are new, changed, moved, copied or gone."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dvsa.data.dataset import Source
from dvsa.data.photographs import NamedSource, path_in_tar
from dvsa.index.encode import Skipped
from dvsa.index.recording import Row, version
from dvsa.index.seen import SeenFiles
from dvsa.index.values import Added, Entry, Photograph, Place


def place_of(named: NamedSource) -> Place:
    """Where a photograph is that was found."""
    path, source = named
    return Place(path=path, file=str(source.path), offset=source.offset)


def replaces(there: Place, file: str) -> bool:
    """Whether a photograph that was in a file is gone because another one has its path now.

    It is not if they are in different files, which are both there, such as two tar files of a folder.
    """
    return there.file == file or not os.path.lexists(file)


@dataclass(slots=True)
class Following:
    """The files of an index before, and what was found at their paths and at others."""

    outcome: Added = field(default_factory=Added)
    before: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    """The photographs that the index has at each path, normally one: the files by the identifiers."""
    found: dict[str, tuple[Place, str | None]] = field(default_factory=dict)
    """What is at each path now: a photograph, or none that could be read."""
    unknown: set[str] = field(default_factory=set)
    """Paths whose files are there, but cannot be read now: they may still contain what they did."""
    outdated: set[str] = field(default_factory=set)
    """The identifiers of photographs of which an earlier version had recorded less."""
    touched: set[str] = field(default_factory=set)
    """Paths whose files were read now, and contain photographs that the index has."""
    changed: set[str] = field(default_factory=set)
    """Paths of the index whose files now contain new photographs."""
    arrivals: dict[str, list[Place]] = field(default_factory=lambda: defaultdict(list))
    """Where photographs that the index has were found besides, by their identifiers."""

    def begin(self, photographs: Iterable[Photograph]) -> None:
        """Note the photographs of an index."""
        latest = version()
        for photograph in photographs:
            if photograph.recorded < latest:
                self.outdated.add(photograph.id)
            for place in photograph.places:
                self.before[place.path][photograph.id] = place.file

    def apart(self, sources: Sequence[NamedSource], covers: Callable[[str], bool]) -> list[NamedSource]:
        """The photographs that were found, with other paths for those whose path belongs to another file.

        Args:
            sources: what was found; only members of tar files may get other paths.
            covers: whether a photograph in a file would have been found if it were still there.
        """
        found = dict(sources)
        for path, source in sources:
            files = set(self.before.get(path, {}).values()) if source.size is not None else set[str]()
            others = files - {str(source.path)}  # a tar file that is cut keeps its members
            if any(not covers(file) and os.path.lexists(file) for file in others):
                found[path_in_tar(path, source, found)] = found.pop(path)
        return list(found.items())

    def pending(self, sources: Iterable[NamedSource], seen: SeenFiles) -> list[NamedSource]:
        """The photographs whose files may have changed since they were seen; the others are noted."""
        pending = []
        for named in sources:
            place = place_of(named)
            identifier = seen.identifier(place.path, place.file)
            if identifier is not None and identifier in self.before.get(place.path, ()):
                self.note(place, identifier)
            else:
                pending.append(named)
        return pending

    def note(self, place: Place, identifier: str) -> None:
        """Note a photograph that the index has, or that was just added at another place."""
        self.found[place.path] = place, identifier
        if identifier in self.before.get(place.path, ()):
            self.outcome.known += 1
        else:
            self.arrivals[identifier].append(place)

    def take(
        self,
        items: Iterable[Entry | Skipped],
        places: Mapping[str, Place],
        known: set[str],
        seen: SeenFiles,
    ) -> list[Entry]:
        """Note what was read, and return the entries that are new.

        Args:
            items: what was read, in any order.
            places: of all photographs that are read, by their paths.
            known: the identifiers of the photographs of the index; those of the new entries are added.
            seen: remembers what was read.
        """
        new = []
        for item in items:
            place = places[item.photograph.path if isinstance(item, Entry) else item.path]
            if isinstance(item, Entry) and item.photograph.id not in known:
                known.add(item.photograph.id)
                new.append(item)
                self.found[place.path] = place, item.photograph.id
                if any(replaces(place, file) for file in self.before.get(place.path, {}).values()):
                    self.outcome.changed += 1
                    self.changed.add(place.path)
                else:
                    self.outcome.added += 1
            elif isinstance(item, Entry):
                self.note(place, item.photograph.id)
            elif item.fault is None:
                assert item.id is not None
                self.note(place, item.id)
                self.touched.add(place.path)
            else:
                self.outcome.faults.append(item.fault)
                if item.id is None:
                    self.unknown.add(place.path)
                else:
                    self.found[place.path] = place, None
            there, identifier = self.found.get(place.path, (None, None))
            if there is not None and identifier is not None:
                seen.remember(place.path, place.file, identifier)
        return new

    def to_read_again(
        self, rows: Iterable[tuple[str, int, Photograph]], sources: Mapping[str, Source], seen: SeenFiles
    ) -> list[tuple[Row, Photograph, Source]]:
        """The photographs that were found now, and of which an earlier version had recorded less.

        And those whose date may be that of their file, which has another date now.

        Args:
            rows: the photographs of the index, with their segments and rows.
            sources: the files that were found, by the paths of the photographs.
            seen: the dates that files had before.
        """
        found = []
        redated = list[tuple[Row, Photograph, Source]]()
        for name, row, photograph in rows:
            if photograph.path in self.touched:
                source = sources[photograph.path]
                if source.date() not in (None, photograph.taken):
                    redated.append(((name, row), photograph, source))
                    continue
            if photograph.id not in self.outdated:
                continue
            here = [
                p.path for p in photograph.places if self.found.get(p.path, (p, None))[1] == photograph.id
            ]
            if here:
                found.append(((name, row), photograph, sources[here[0]]))

        dates = self._dates_before({photograph.id for _, photograph, _ in redated}, seen)
        for item in redated:
            _, photograph, _ = item
            had = dates[photograph.id]
            if photograph.id in self.outdated or not had or photograph.taken in (None, *had):
                found.append(item)
        return found

    def _dates_before(self, identifiers: set[str], seen: SeenFiles) -> Mapping[str, set[str]]:
        """The dates that the files of photographs had, as far as they are known; not of tar files."""
        dates: dict[str, set[str]] = {identifier: set() for identifier in identifiers}
        for path, files in self.before.items() if identifiers else ():
            date = seen.date_before(path)
            for identifier in identifiers & files.keys():
                if date is not None and files[identifier] == path:
                    dates[identifier].add(date)
        return dates

    def places(
        self, photograph: Photograph, covers: Callable[[str], bool], *, keep_missing: bool
    ) -> Sequence[Place]:
        """Where a photograph of the index is now; nowhere if it is gone. Its files are counted by their fate.

        Args:
            photograph: as the index has it.
            covers: whether a photograph in a file would have been found if it were still there.
            keep_missing: whether a photograph stays when its last file is gone.
        """
        stay, gone, replaced, overwritten = [], [], 0, 0
        arrived = photograph.id in self.arrivals
        for place in photograph.places:
            there, identifier = self.found.get(place.path, (None, None))
            if there is not None and identifier == photograph.id:
                stay.append(there)
            elif there is not None and (covers(place.file) or replaces(there, place.file)):
                replaced += 1
                overwritten += identifier is not None and place.path not in self.changed
            elif there is not None:
                stay.append(place)  # the same path in a tar file that was not searched
            elif place.path in self.unknown or not (
                # A file of another folder that is gone may be the one that came here.
                covers(place.file) or (arrived and not os.path.lexists(place.file))
            ):
                stay.append(place)
            else:
                gone.append(place)

        # What came and what went are the same files, as far as their numbers allow.
        old = {place.path for place in stay}
        come = [place for place in self.arrivals.get(photograph.id, ()) if place.path not in old]
        moved = min(len(come), len(gone) + replaced)
        self.outcome.moved += moved
        self.outcome.copies += len(come) - moved

        left = max(0, len(gone) - moved)
        if gone and keep_missing and not stay and not come:
            self.outcome.missing += left
            return gone
        if stay or come:
            self.outcome.gone += left
        else:
            self.outcome.vanished += left
            self.outcome.overwritten += overwritten
        return [*stay, *come]


def changes_of(
    following: Following,
    rows: Iterable[tuple[str, int, Photograph]],
    covers: Callable[[str], bool],
    *,
    keep_missing: bool,
) -> Mapping[Row, Photograph | None]:
    """The photographs whose places have changed, at their new ones; None for those that have none."""
    changed = dict[Row, Photograph | None]()
    for name, row, photograph in rows:
        places = following.places(photograph, covers, keep_missing=keep_missing)
        if tuple(places) != photograph.places:
            changed[name, row] = photograph.at(places) if places else None
    return changed
