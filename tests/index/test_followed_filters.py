"""Filters of an index that follows a folder, gets photographs from elsewhere, loses some and is compacted."""

import fnmatch
import hashlib
import os
import unicodedata
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import dvsa
from dvsa.data.photographs import NamedSource
from dvsa.index import Entry, Filter, Index, Photograph, SearchError, changes, seen
from dvsa.index.encode import Skipped

D = 256
JPEG = b"\xff\xd8\xff"
CAMERAS = ("Canon EOS 5D", "FUJIFILM X100", None)
WORD = np.random.default_rng(7).standard_normal((1, D)).astype(np.float32)

NAMES = ("a.jpg", "b.jpg", "in/c.jpg", "in/d.jpg", "Mu\u0308/e.jpg", "Mu\u0308/f.jpg")
"""The letter ü as macOS writes it; questions have it in one piece."""


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


@dataclass
class Known:
    """A photograph as the list has it: its number says when, where and with what it was taken."""

    number: int
    fields: Mapping[str, str]
    paths: set[str] = field(default_factory=set)

    @property
    def day(self) -> date:
        return date(2024, 7, 1 + self.number)

    @property
    def camera(self) -> str | None:
        return CAMERAS[self.number % 3]

    @property
    def place(self) -> tuple[float, float] | None:
        return None if self.number % 4 == 3 else (7.5 * self.number, -15.0 * self.number)

    @property
    def v_ID(self) -> Any:
        return np.random.default_rng(self.number).standard_normal((1, D)).astype(np.float16)

    def entry(self, path: str, file: Path, size: int) -> Entry:
        up, around = self.place or (None, None)
        photograph = Photograph(
            id=identifier(self.number),
            path=path,
            file=str(file),
            size=size,
            taken=f"{self.day}T12:00:00",
            fields=self.fields,
            camera=self.camera,
            latitude=up,
            longitude=around,
        )
        return Entry(photograph, np.zeros((1, 4), np.float32), self.v_ID)

    def meets(self, where: Filter) -> bool:
        """The conditions, one by one."""
        if where.prefix is not None and not any(nfc(p).startswith(nfc(where.prefix)) for p in self.paths):
            return False
        if where.area is not None:
            south, west, north, east = where.area
            if self.place is None or not (south <= self.place[0] <= north and west <= self.place[1] <= east):
                return False
        return (
            (where.after or date.min) <= self.day <= (where.before or date.max)
            and (where.camera is None or where.camera.lower() in (self.camera or "").lower())
            and all(self.fields.get(name) == value for name, value in where.fields.items())
            and (where.ids is None or identifier(self.number) in where.ids)
        )


def content(number: int) -> bytes:
    return JPEG + bytes([number])


def identifier(number: int) -> str:
    return hashlib.sha256(content(number)).hexdigest()


def encode(
    sources: Iterable[NamedSource], known: Container[str], fields: Mapping[str, str]
) -> Iterator[Entry | Skipped]:
    """Entries without a network, by the number in the content."""
    for path, source in sources:
        found = source.read()
        name = hashlib.sha256(found).hexdigest()
        if name in known:
            yield Skipped(path, None, name)
        else:
            yield Known(found[-1], dict(fields)).entry(path, source.path, len(found))


class Followed(RuleBasedStateMachine):
    """After any sequence of changes, every filter finds what it finds in a list."""

    model: dvsa.Model
    folders: Iterator[Path]
    numbers = st.integers(0, 4)
    trips = st.sampled_from([{}, {"trip": "Norway"}, {"trip": "Peru"}])

    def __init__(self) -> None:
        super().__init__()
        self.home = next(self.folders)
        self.album = self.home / "album"
        for name in NAMES:
            (self.album / name).parent.mkdir(parents=True, exist_ok=True)
        self.index = Index.create(self.home / "index", self.model)
        self.disk: dict[str, int] = {}
        self.known: dict[int, Known] = {}
        self.old: dict[Path, bytes] = {}
        self.clock = 0

    @rule(name=st.sampled_from(NAMES), number=numbers)
    def write(self, name: str, number: int) -> None:
        path = self.album / name
        path.write_bytes(content(number))
        self.clock += 1
        os.utime(path, (self.clock, self.clock))
        self.disk[str(path)] = number

    @rule(names=st.sets(st.sampled_from(NAMES), min_size=2, max_size=4), number=numbers)
    def write_copies(self, names: set[str], number: int) -> None:
        for name in sorted(names):
            self.write(name, number)
        self.sync(keep=False, fields={})

    @precondition(lambda self: self.disk)
    @rule(data=st.data(), to=st.sampled_from(NAMES))
    def move(self, data: Any, to: str) -> None:
        path = data.draw(st.sampled_from(sorted(self.disk)))
        os.replace(path, self.album / to)
        self.disk[str(self.album / to)] = self.disk.pop(path)

    @precondition(lambda self: len(self.disk) > 1)
    @rule(data=st.data())
    def delete(self, data: Any) -> None:
        path = data.draw(st.sampled_from(sorted(self.disk)))
        os.unlink(path)
        del self.disk[path]

    @precondition(lambda self: self.disk)
    @rule(keep=st.booleans(), fields=trips)
    def sync(self, keep: bool, fields: dict[str, str]) -> None:
        self.index.sync([self.album], encode=encode, fields=fields, keep_missing=keep)
        for number in {*self.disk.values()} - self.known.keys():
            self.known[number] = Known(number, fields)
        for number, known in [*self.known.items()]:
            here = {path for path, there in self.disk.items() if there == number}
            elsewhere = {path for path in known.paths if not path.startswith(str(self.album))}
            gone = {path for path in known.paths - elsewhere if path not in self.disk}
            # What is nowhere else may have come here; that is only so for files that have just come.
            stay = set() if here - known.paths else elsewhere
            known.paths = here | stay or (gone if keep else set())
            if not known.paths:
                del self.known[number]

    @rule(numbers=st.sets(st.integers(2, 7), min_size=1, max_size=4), fields=trips)
    def append(self, numbers: set[int], fields: dict[str, str]) -> None:
        """Photographs whose files are on no disk that is here."""
        new = [Known(n, fields, {f"/elsewhere/{n % 2}/{n}.jpg"}) for n in sorted(numbers)]
        entries = [known.entry(min(known.paths), Path(min(known.paths)), 4) for known in new]
        if numbers & self.known.keys():
            with pytest.raises(SearchError, match="is already in the index"):
                self.index.append(entries)
        else:
            self.index.append(entries)
            self.known |= {known.number: known for known in new}

    @rule(data=st.data())
    def remove(self, data: Any) -> None:
        folders = [f"{self.album}/in", f"{self.album}/Mü", "/elsewhere/1", "/elsewhere"]
        patterns = ["c.*", "Mü*/", "[67].jpg", f"{self.album}/[ai]*", "/elsewhere/?/5.jpg", "*.gif"]
        paths = sorted(path for known in self.known.values() for path in known.paths)
        names = [*folders, *patterns, *map(nfc, paths), *map(identifier, range(8))]
        wanted = data.draw(st.sets(st.sampled_from(names), min_size=1, max_size=2))

        meant = {
            (number, path): {name for name in wanted if self.means(name, number, path)}
            for number, known in self.known.items()
            for path in known.paths
        }
        if wanted - set().union(*meant.values()):
            with pytest.raises(SearchError, match="nothing was removed"):
                self.index.remove(wanted)
            return
        assert self.index.remove(wanted) == sum(map(bool, meant.values()))
        for (number, path), names_meant in meant.items():
            self.known[number].paths -= {path} if names_meant else set()
        self.known = {number: known for number, known in self.known.items() if known.paths}

    def means(self, name: str, number: int, path: str) -> bool:
        """Whether a name means a file: identifiers, paths, folders, and the patterns of `remove`."""
        path = nfc(path)
        if name == identifier(number) or path == name or path.startswith(f"{name}/"):
            return True
        if name.endswith("/"):
            return any(fnmatch.fnmatchcase(part, name.rstrip("/")) for part in path.split("/")[:-1])
        if "/" not in name:
            return any(fnmatch.fnmatchcase(part, name) for part in path.split("/"))
        above = f"{self.album}/[ai]*" == name and path.removeprefix(f"{self.album}/").partition("/")[0]
        return fnmatch.fnmatchcase(path, name) if not above else fnmatch.fnmatchcase(above, "[ai]*")

    @rule()
    def compact(self) -> None:
        self.index.compact()
        assert self.index.stats().removed == 0

    @rule()
    def keep_files(self) -> None:
        self.old |= {path: path.read_bytes() for path in self.index.folder.glob("columns.*")}

    @precondition(lambda self: self.old)
    @rule()
    def get_old_files_back(self) -> None:
        """As after a restored backup: the columns are older than the photographs."""
        for path, found in self.old.items():
            path.write_bytes(found)

    @rule()
    def mix_up_files(self) -> None:
        """As if the columns of other photographs had been copied here."""
        files = sorted(self.index.folder.glob("columns.*"))
        contents = [path.read_bytes() for path in files]
        for path, found in zip(files, contents[1:] + contents[:1], strict=True):
            path.write_bytes(found)

    @rule(data=st.data())
    def ask(self, data: Any) -> None:
        prefixes = ("", "/in/", "/in/c", "/Mü", "/Mu\u0308/e.", "/Mü/f.jpg", "/a")
        where = data.draw(
            st.builds(
                Filter,
                prefix=st.sampled_from(
                    [None, "/elsewhere/", "/elsewhere/1/5", *(str(self.album) + p for p in prefixes)]
                ),
                after=st.sampled_from([None, date(2024, 7, 3)]),
                before=st.sampled_from([None, date(2024, 7, 6)]),
                camera=st.sampled_from([None, None, "canon", "X1"]),
                area=st.sampled_from([None, None, (0, -90, 45, 0)]),
                fields=self.trips,
                ids=st.none() | st.frozensets(st.integers(0, 7).map(identifier), max_size=6),
            )
        )
        self.compare(where)

    @invariant()
    def every_path_is_found(self) -> None:
        """What is left, and under which of its paths, however their letters are composed."""
        assert {e.photograph.id: {p.path for p in e.photograph.places} for e in self.index.entries()} == {
            identifier(number): known.paths for number, known in self.known.items()
        }
        for path in {path for known in self.known.values() for path in known.paths}:
            self.compare(Filter(prefix=nfc(path)))
        assert self.index.verify() == []

    def compare(self, where: Filter) -> None:
        scores = {
            identifier(number): float((known.v_ID.astype(np.float32) @ WORD[0])[0])
            for number, known in self.known.items()
            if known.meets(where)
        }
        wanted = sorted(scores, key=lambda name: -scores[name])
        for index in (self.index, Index.open(self.index.folder)):
            hits = index.search(WORD, 99, where)
            assert [hit.photograph.id for hit in hits] == wanted
            assert all(where.admits(hit.photograph) for hit in hits)
            if where.prefix is not None:
                assert all(nfc(hit.photograph.path).startswith(nfc(where.prefix)) for hit in hits)
            for known in (hit.photograph for hit in hits):
                paths = {number: each.paths for number, each in self.known.items()}
                there = [place.path for place in known.places]
                assert len(there) == len(set(there))
                assert set(there) in paths.values()


def test_filters_find_what_is_left_of_any_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "SEGMENT_SIZE", 3)
    monkeypatch.setattr(changes, "PHOTOS_PER_SEGMENT", 2)
    monkeypatch.setattr("dvsa.index.index.COMMIT", 2)
    monkeypatch.setattr(seen, "SETTLED", -(10**12))  # every file may be known by its stamp
    Followed.model = dvsa.load()
    Followed.folders = (tmp_path / str(n) for n in range(10**6))
    run_state_machine_as_test(
        Followed,
        settings=settings(
            max_examples=40,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
