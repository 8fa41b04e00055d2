"""An index that follows its folder, against a dictionary of what is in the folder."""

import hashlib
import os
import shutil
import tarfile
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from itertools import permutations
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

import dvsa
from dvsa.data.photographs import NamedSource
from dvsa.index import Added, Entry, Index, Photograph, SearchError, changes, index_manifest, seen
from dvsa.index.encode import Skipped

D = 256
JPEG = b"\xff\xd8\xff"


class Reader:
    """An encoder without a network: vectors are made of the content; what begins with a bang is damaged.

    As with a network, entries come later than what is skipped.
    """

    def __init__(self) -> None:
        self.read: list[str] = []

    def __call__(
        self, sources: Iterable[NamedSource], known: Container[str], fields: Mapping[str, str]
    ) -> Iterator[Entry | Skipped]:
        entries = []
        for path, source in sources:
            self.read.append(path)
            try:
                content = source.read()
            except OSError as error:
                yield Skipped(path, f"{path}: {error.strerror}")
                continue
            name = hashlib.sha256(content).hexdigest()
            if content.startswith(b"!"):
                yield Skipped(path, f"{path}: damaged", name)
            elif name in known:
                yield Skipped(path, None, name)
            else:
                photograph = Photograph(
                    id=name,
                    path=path,
                    file=str(source.path),
                    offset=source.offset,
                    size=len(content),
                    fields=fields,
                )
                entries.append(Entry(photograph, np.zeros((1, 4), np.float32), vector(content)))
        yield from entries


def vector(content: bytes) -> Any:
    return np.random.default_rng(list(content)).standard_normal((1, D)).astype(np.float16)


def identifier(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def places(index: Index) -> dict[str, set[str]]:
    """The paths of each photograph."""
    return {
        entry.photograph.id: {place.path for place in entry.photograph.places} for entry in index.entries()
    }


def counts(outcome: Added) -> dict[str, int]:
    return {name: value for name, value in asdict(outcome).items() if isinstance(value, int)}


@pytest.fixture(scope="module")
def model() -> dvsa.Model:
    return dvsa.load()


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """What these files contain cannot be decoded: `test_recording` has what is read again."""
    monkeypatch.setattr("dvsa.index.writer.read_again", lambda rows, outcome: ())


@pytest.fixture
def album(tmp_path: Path) -> Path:
    folder = tmp_path / "album"
    for name in ("a.jpg", "b.jpg", "in/c.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(JPEG + name.encode())
    return folder


@pytest.fixture
def index(tmp_path: Path, model: dvsa.Model) -> Index:
    return Index.create(tmp_path / "index", model)


class Folder(RuleBasedStateMachine):
    """After any changes of a folder, a synchronised index has exactly its photographs, at their paths."""

    model: dvsa.Model
    folders: Iterator[Path]
    names = st.sampled_from(["a.jpg", "b.jpg", "in/c.jpg", "in/d.jpg", "z/e.jpg"])

    def __init__(self) -> None:
        super().__init__()
        home = next(self.folders)
        self.folder = home / "album"
        (self.folder / "in").mkdir(parents=True)
        (self.folder / "z").mkdir()
        self.index = Index.create(home / "index", self.model)
        self.now: dict[str, bytes] = {}
        self.indexed: dict[str, set[str]] = {}  # the paths of each photograph in the index
        self.clock = 0

    def put(self, name: str, content: bytes) -> None:
        (self.folder / name).write_bytes(content)
        self.clock += 1
        os.utime(self.folder / name, (self.clock, self.clock))
        self.now[name] = content

    @rule(name=names, number=st.integers(0, 5), damaged=st.booleans())
    def write(self, name: str, number: int, damaged: bool) -> None:
        self.put(name, (b"!" if damaged and number == 5 else JPEG) + bytes([number]))

    @precondition(lambda self: self.now)
    @rule(data=st.data(), to=names)
    def rename(self, data: Any, to: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.now)))
        os.replace(self.folder / name, self.folder / to)
        self.now[to] = self.now.pop(name)

    @precondition(lambda self: len(self.now) > 1)
    @rule(data=st.data())
    def swap(self, data: Any) -> None:
        one, other = data.draw(
            st.lists(st.sampled_from(sorted(self.now)), min_size=2, max_size=2, unique=True)
        )
        contents = self.now[one], self.now[other]
        self.put(one, contents[1])
        self.put(other, contents[0])

    @precondition(lambda self: self.now)
    @rule(data=st.data(), to=names)
    def copy(self, data: Any, to: str) -> None:
        self.put(to, self.now[data.draw(st.sampled_from(sorted(self.now)))])

    @precondition(lambda self: self.now)
    @rule(data=st.data())
    def delete(self, data: Any) -> None:
        name = data.draw(st.sampled_from(sorted(self.now)))
        (self.folder / name).unlink()
        del self.now[name]

    @precondition(lambda self: self.indexed and self.index.stats().removed)
    @rule()
    def compact(self) -> None:
        self.index.compact()

    @precondition(lambda self: self.now)
    @rule(keep=st.booleans())
    def sync(self, keep: bool) -> None:
        outcome = self.index.sync([self.folder], encode=Reader(), keep_missing=keep)
        self.check(outcome, keep)

    def check(self, outcome: Added, keep: bool) -> None:
        """Compare with what a dictionary says."""
        sound = {
            str(self.folder / name): identifier(content)
            for name, content in self.now.items()
            if not content.startswith(b"!")
        }
        wanted: dict[str, set[str]] = {}
        for path, name in sound.items():
            wanted.setdefault(name, set()).add(path)

        before = {path: name for name, paths in self.indexed.items() for path in paths}
        here = {str(self.folder / name) for name in self.now}
        gone = before.keys() - here
        if keep:
            for name, paths in self.indexed.items():
                if name not in wanted and paths & gone:
                    wanted[name] = paths & gone
        found = counts(outcome)
        assert places(self.index) == wanted
        assert self.index.verify() == []

        # Every file is counted once.
        damaged = len(self.now) - len(sound)
        assert len(outcome.faults) == damaged
        told = ("added", "changed", "moved", "copies", "known")
        assert sum(found[name] for name in told) == len(sound)
        assert found["known"] == sum(before.get(path) == name for path, name in sound.items())
        assert found["added"] + found["changed"] == len(set(sound.values()) - self.indexed.keys())

        # Of each photograph, files that came are those that went, as far as their numbers allow.
        moved = copies = left = 0
        for name in {*self.indexed, *sound.values()}:
            old, new = self.indexed.get(name, set()), {path for path, n in sound.items() if n == name}
            of_name = min(len(new - old), len(old - new))
            moved += of_name
            copies += len(new - old) - of_name - (not old)  # one file of a new photograph is no copy
            left += max(0, len(old & gone) - of_name)
        assert (found["moved"], found["copies"]) == (moved, copies)
        assert found["vanished"] + found["gone"] + found["missing"] == left
        # Every file of a photograph that was dropped is counted by its fate.
        dropped = self.indexed.keys() - wanted.keys()
        fates = found["vanished"] + found["overwritten"] + found["changed"] + damaged
        assert sum(len(self.indexed[name]) for name in dropped) <= fates
        assert found["vanished"] == sum(len(self.indexed[name] & gone) for name in dropped)
        renewed = {path for path, name in sound.items() if name not in self.indexed}
        known = sound.keys() - renewed
        assert found["overwritten"] == sum(len(self.indexed[name] & known) for name in dropped)
        assert found["missing"] == sum(len(paths & gone) for n, paths in wanted.items() if not paths & here)
        self.indexed = wanted


def test_an_index_follows_its_folder(
    tmp_path: Path, model: dvsa.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "SEGMENT_SIZE", 3)
    monkeypatch.setattr(changes, "PHOTOS_PER_SEGMENT", 2)
    monkeypatch.setattr("dvsa.index.index.COMMIT", 2)
    monkeypatch.setattr(seen, "SETTLED", -(10**12))  # every file may be known by its stamp
    Folder.model = model
    Folder.folders = (tmp_path / str(n) for n in range(10**6))
    checks = [HealthCheck.too_slow]
    run_state_machine_as_test(
        Folder,
        settings=settings(
            max_examples=40, stateful_step_count=20, deadline=None, suppress_health_check=checks
        ),
    )


def test_a_renamed_folder_keeps_its_vectors(index: Index, album: Path) -> None:
    index.sync([album], encode=Reader(), fields={"trip": "norway"})
    before = {entry.photograph.id: entry for entry in index.entries()}
    (album / "in").rename(album / "out")
    outcome = index.sync([album], encode=Reader())
    assert counts(outcome) == counts(Added(moved=1, known=2))
    for entry in index.entries():
        np.testing.assert_array_equal(entry.v_ID, before[entry.photograph.id].v_ID)
        assert entry.photograph.fields == {"trip": "norway"}
        assert entry.photograph.read() == Path(entry.photograph.path).read_bytes()
    assert {Path(p).name for paths in places(index).values() for p in paths} == {"a.jpg", "b.jpg", "c.jpg"}


def test_a_file_that_cannot_be_read_is_named_with_what_to_do(
    index: Index, album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.sync([album], encode=Reader())
    known = next(e.photograph for e in index.entries() if e.photograph.path == str(album / "a.jpg"))
    for path, said in (
        (album / "gone.jpg", r"cannot be read \(No such file.*\): index its folder again"),
        (album / "a.jpg" / "below.jpg", r"cannot be read \(Not a directory\): index its folder again"),
        (album, "has changed since it was indexed: index its folder again"),
    ):
        with pytest.raises(SearchError, match=f"{path} {said}"):
            replace(known, path=str(path), file=str(path)).read()
    refused = PermissionError(13, "Permission denied")
    monkeypatch.setattr("dvsa.data.dataset.read_bounded", Mock(side_effect=refused))
    with pytest.raises(SearchError, match=r"a\.jpg cannot be read \(Permission denied\): make it readable"):
        known.read()


def test_copies_are_paths_of_one_photograph(index: Index, album: Path) -> None:
    shutil.copy(album / "a.jpg", album / "in" / "copy.jpg")
    outcome = index.sync([album], encode=Reader())
    assert counts(outcome) == counts(Added(added=3, copies=1))
    (photograph,) = (e.photograph for e in index.entries() if e.photograph.copies)
    assert photograph.path == str(album / "a.jpg")
    (album / "a.jpg").unlink()
    assert photograph.read() == JPEG + b"a.jpg", "a copy has the same content"
    assert counts(index.sync([album], encode=Reader())) == counts(Added(known=3, gone=1))
    assert str(album / "in" / "copy.jpg") in [e.photograph.path for e in index.entries()]


@pytest.mark.parametrize("put", [shutil.copy, os.replace], ids=["copied", "moved"])
@pytest.mark.parametrize("keep", [True, False], ids=["keep missing", "drop missing"])
def test_a_photograph_that_is_overwritten_is_counted(
    index: Index, album: Path, put: Callable[[Path, Path], object], keep: bool
) -> None:
    index.sync([album], encode=Reader())
    put(album / "a.jpg", album / "b.jpg")
    wanted = Added(known=1 + (put is shutil.copy), overwritten=1)
    wanted.copies, wanted.moved = int(put is shutil.copy), int(put is os.replace)
    assert counts(index.sync([album], encode=Reader(), keep_missing=keep)) == counts(wanted)
    assert len(index) == 2


def test_only_the_given_folders_are_followed(index: Index, album: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "x.jpg").write_bytes(JPEG + b"x")
    index.sync([album], encode=Reader())
    index.sync([other], encode=Reader())
    assert len(index) == 4
    (album / "a.jpg").unlink()
    assert counts(index.sync([other], encode=Reader())) == counts(Added(known=1))
    assert counts(index.sync([album / "in"], encode=Reader())) == counts(Added(known=1))
    assert len(index) == 4
    assert counts(index.add([album], encode=Reader())) == counts(Added(known=2, missing=1))
    assert len(index) == 4
    assert counts(index.sync([album], encode=Reader())) == counts(Added(known=2, vanished=1))
    assert len(index) == 3


def test_photographs_are_followed_into_another_folder(index: Index, album: Path, tmp_path: Path) -> None:
    index.sync([album], encode=Reader())
    album.rename(tmp_path / "renamed")
    assert counts(index.sync([tmp_path / "renamed"], encode=Reader())) == counts(Added(moved=3))
    assert {Path(p).parts[-2] for paths in places(index).values() for p in paths} == {"renamed", "in"}

    # What is still there as well, is a copy; and what is not found here stays, wherever its disk is.
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(tmp_path / "renamed" / "a.jpg", other)
    (tmp_path / "renamed" / "b.jpg").unlink()
    assert counts(index.sync([other], encode=Reader())) == counts(Added(copies=1))
    assert len(index) == 3


def test_an_empty_folder_is_no_order_to_drop_everything(index: Index, album: Path) -> None:
    index.sync([album], encode=Reader())
    shutil.rmtree(album)
    album.mkdir()  # as a disk that is not mounted
    with pytest.raises(
        ValueError, match=r"no photographs here .*to drop what was there, use dvsa index remove"
    ):
        index.sync([album], encode=Reader())
    assert len(index) == 3


def test_photographs_of_an_unreadable_folder_or_file_are_kept(
    index: Index, album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.sync([album], encode=Reader())
    scandir = os.scandir

    def refuse(path: str) -> Any:
        if path.endswith("/in"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refuse)
        outcome = index.sync([album], encode=Reader())
    assert [item.kind for item in outcome.left_out] == ["unreadable folder"]
    assert (outcome.known, outcome.vanished, len(index)) == (2, 0, 3)

    class Refusing(Reader):
        def __call__(self, sources: Any, known: Any, fields: Any) -> Iterator[Entry | Skipped]:
            for path, _ in sources:
                yield Skipped(path, f"{path}: Permission denied")

    outcome = index.sync([album], encode=Refusing())
    assert (len(outcome.faults), outcome.vanished, len(index)) == (3, 0, 3)


def test_members_of_a_tar_file_are_followed(index: Index, album: Path) -> None:
    def pack(*names: str) -> None:
        with tarfile.open(album / "set.tar", "w") as archive:
            for name in names:
                archive.add(album / name, f"set/{name}")

    pack("b.jpg", "a.jpg")
    (album / "a.jpg").unlink()
    index.sync([album], encode=Reader())
    (album / "b.jpg").write_bytes(JPEG + b"new")
    pack("in/c.jpg", "b.jpg")  # a.jpg is gone, b.jpg is another one
    index.sync([album], encode=Reader())
    wanted = {
        identifier(JPEG + b"new"): {str(album / "b.jpg"), str(album / "set" / "b.jpg")},
        identifier(JPEG + b"in/c.jpg"): {str(album / "in" / "c.jpg"), str(album / "set" / "in" / "c.jpg")},
    }
    assert places(index) == wanted
    for entry in index.entries():
        for place in entry.photograph.places:
            assert identifier(entry.photograph.at([place]).read()) == entry.photograph.id

    (album / "set.tar").write_bytes(b"half a tar file" * 99)
    outcome = index.sync([album], encode=Reader())
    assert (outcome.faults, [item.kind for item in outcome.left_out]) == ([], ["broken tar file"])
    assert places(index) == wanted, "what cannot be read now is not gone"


def test_photographs_with_one_path_do_not_replace_each_other(index: Index, tmp_path: Path) -> None:
    """Two tar files and a file, given alone and together, in any order."""
    (tmp_path / "1.jpg").write_bytes(b"file")
    for name in ("2019", "2020"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").write_bytes(name.encode())
        with tarfile.open(tmp_path / f"{name}.tar", "w") as archive:
            archive.add(tmp_path / name / "1.jpg", "1.jpg")
    files = [tmp_path / name for name in ("2019.tar", "2020.tar", "1.jpg")]

    for names in permutations(files):
        alone = Index.create(tmp_path / f"{[file.name for file in names]}", index.model)
        for done, file in enumerate(names, 1):
            assert counts(alone.sync([file], encode=Reader())) == counts(Added(added=1))
            assert len(alone) == done
        for file in names:  # a member whose path has become that of a file moves, once
            again = alone.sync([file], encode=Reader())
            assert again.known + again.moved == sum(counts(again).values()) == 1
        for file in names:
            assert counts(alone.sync([file], encode=Reader())) == counts(Added(known=1))
        together = alone.sync(files, encode=Reader())
        assert (len(alone), together.added, together.changed, together.vanished) == (3, 0, 0, 0)
        assert counts(alone.sync(files[::-1], encode=Reader())) == counts(Added(known=3))
        for entry in alone.entries():
            assert identifier(entry.photograph.read()) == entry.photograph.id

    (tmp_path / "1.jpg").write_bytes(b"new")
    assert counts(alone.sync([tmp_path / "1.jpg"], encode=Reader())) == counts(Added(changed=1))
    assert len(alone) == 3, "a file whose content has changed does replace its old photograph"


# Files that were seen


def aged(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all files be older than the last two seconds."""
    monkeypatch.setattr(seen, "SETTLED", -(10**12))


def test_unchanged_files_are_not_read_again(
    index: Index, album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aged(album, monkeypatch)
    index.sync([album], encode=Reader())
    (album / "b.jpg").write_bytes(JPEG + b"another")
    again = Reader()
    assert counts(index.sync([album], encode=again)) == counts(Added(known=2, changed=1))
    assert again.read == [str(album / "b.jpg")]
    os.utime(album / "a.jpg", (1, 1))
    again = Reader()
    index.sync([album], encode=again)
    assert again.read == [str(album / "a.jpg")], "it was touched"
    assert index.sync([album], encode=again).known == 3
    assert again.read == [str(album / "a.jpg")]


def test_a_file_that_may_still_change_in_the_same_moment_is_read_again(index: Index, album: Path) -> None:
    index.sync([album], encode=Reader())
    again = Reader()
    index.sync([album], encode=again)
    assert len(again.read) == 3


@pytest.mark.parametrize("damage", ["flip", "empty", "gone", "other", "link"])
def test_a_damaged_cache_changes_nothing(
    index: Index, album: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    aged(album, monkeypatch)
    index.sync([album], encode=Reader())
    cache = index.folder / seen.SEEN
    content = bytearray(cache.read_bytes())
    content[len(content) // 2] ^= 1
    cache.unlink()
    if damage == "link":
        cache.symlink_to("/dev/zero")
    elif damage != "gone":
        new = {"flip": bytes(content), "empty": b"", "other": b"[9, []]"}[damage]
        cache.write_bytes(new)
    again = Reader()
    assert counts(index.sync([album], encode=again)) == counts(Added(known=3))
    assert len(again.read) == 3
    assert counts(index.sync([album], encode=again)) == counts(Added(known=3))
    assert len(again.read) == 3


# Removing


def test_a_tar_file_that_is_cut_keeps_its_members(index: Index, tmp_path: Path) -> None:
    folder = tmp_path / "packed"
    folder.mkdir()
    with tarfile.open(folder / "set.tar", "w", format=tarfile.GNU_FORMAT) as archive:
        for name in ("1.jpg", "2.jpg", "3.jpg"):
            (tmp_path / name).write_bytes(JPEG + name.encode() * 150)
            archive.add(tmp_path / name, name)
    content = (folder / "set.tar").read_bytes()
    cut = content[: 2 * 1536 + 600]

    (folder / "set.tar").write_bytes(cut)
    assert index.sync([folder], encode=Reader()).added == 2
    before = places(index)
    outcome = index.sync([folder], encode=Reader())
    assert (outcome.known, outcome.copies, outcome.moved, outcome.vanished) == (2, 0, 0, 0)
    assert places(index) == before

    (folder / "set.tar").write_bytes(content)
    assert index.sync([folder], encode=Reader()).added == 1
    before = places(index)
    (folder / "set.tar").write_bytes(cut)
    assert index.sync([folder], encode=Reader()).known == 2
    assert places(index) == before, "what cannot be read now is not gone"


def test_folders_patterns_and_tar_files_are_removed(index: Index, album: Path) -> None:
    (album / "in" / "more").mkdir()
    for name in ("in/more/d.png", "inside.png", "e[1].jpg"):
        (album / name).write_bytes(JPEG + name.encode())
    shutil.copy(album / "a.jpg", album / "in" / "copy.jpg")
    with tarfile.open(album / "set.tar", "w") as archive:
        archive.add(album / "b.jpg", "set/other.jpg")
    index.sync([album], encode=Reader())

    def names() -> list[str]:
        return sorted(str(Path(p).relative_to(album)) for paths in places(index).values() for p in paths)

    assert index.remove([str(album / "in")]) == 3
    assert names() == ["a.jpg", "b.jpg", "e[1].jpg", "inside.png", "set/other.jpg"]
    assert index.remove([str(album / "set.tar"), "*.png"]) == 2
    assert index.remove([str(album / "e[1].jpg")]) == 1, "a name is a name before it is a pattern"
    assert names() == ["a.jpg", "b.jpg"]
    for missing in ("*.png", str(album / "in"), "0" * 64, f"{album}/*/b.jpg"):
        with pytest.raises(ValueError, match=r"has no photograph .*: nothing was removed"):
            index.remove([missing, str(album / "a.jpg")])
    assert index.remove([f"{album}/[ab].jpg"]) == 2
    assert names() == []


# Formats


def test_an_index_of_format_2_is_read_and_becomes_one_of_this_format(index: Index, album: Path) -> None:
    index.sync([album], encode=Reader())
    manifest = index_manifest.read(index.folder)
    path = index.folder / f"{manifest.segments[0].name}.photographs"
    lines = path.read_bytes().replace(b', "copies": []', b"")
    path.write_bytes(lines)
    record = manifest.segments[0]
    extent = type(record.files["photographs"])().extended(lines)
    old = replace(record, files={**record.files, "photographs": extent})
    index_manifest.write(index.folder, replace(manifest, segments=(old,)))
    text = (index.folder / "manifest.json").read_text().replace('"format": 4', '"format": 2')
    (index.folder / "manifest.json").write_text(text)

    index = Index.open(index.folder, index.model)
    assert index.verify() == []
    assert len(index) == 3
    (album / "a.jpg").rename(album / "z.jpg")
    assert counts(index.sync([album], encode=Reader())) == counts(Added(moved=1, known=2))
    assert '"format": 4' in (index.folder / "manifest.json").read_text()


def test_an_index_in_the_folder_is_not_searched(album: Path, model: dvsa.Model) -> None:
    inside = Index.create(album / "my.index", model)
    outcome = inside.sync([album], encode=Reader())
    assert (outcome.added, outcome.left_out) == (3, [])
