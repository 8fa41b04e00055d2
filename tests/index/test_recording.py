"""What earlier versions did not record about photographs is read again, and nobody is left out unsaid."""

import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import ExifTags, Image
from typer.testing import CliRunner, Result

import dvsa
from dvsa import files
from dvsa.cli import app
from dvsa.data.photographs import NamedSource
from dvsa.index import Entry, Filter, Index, UnrecordedWarning, index_manifest, recording, seen
from dvsa.index.encode import Skipped
from dvsa.index.values import HASHED, SHOT, Place, content_id
from dvsa.photo import read
from dvsa.web import create_app

D = 256
WORD = np.ones((1, D))


def picture(number: int, camera: str | None = None, place: tuple[float, float] | None = None) -> bytes:
    """A JPEG that differs from those of other numbers."""
    exif, stream = Image.Exif(), io.BytesIO()
    if camera is not None:
        exif[ExifTags.Base.Model] = camera
    if place is not None:
        exif[ExifTags.IFD.GPSInfo] = {1: "N", 2: (place[0], 0.0, 0.0), 3: "E", 4: (place[1], 0.0, 0.0)}
    noise = np.random.default_rng(number).integers(0, 255, (6, 8, 3), np.uint8)
    Image.fromarray(noise).resize((64, 48)).save(stream, "JPEG", exif=exif)
    return stream.getvalue()


class Reader:
    """An encoder without a network, which counts what it encodes."""

    def __init__(self) -> None:
        self.encoded = 0

    def __call__(
        self, sources: Iterable[NamedSource], known: Container[str], fields: Mapping[str, str]
    ) -> Iterator[Entry | Skipped]:
        for path, source in sources:
            content = source.read()
            name = content_id(content)
            if name in known:
                yield Skipped(path, None, name)
                continue
            self.encoded += 1
            place = Place(path=path, file=str(source.path), offset=source.offset)
            photo = read(content, name=path)
            about = recording.recorded(name, place, source, len(content), photo, fields)
            v_ID = np.random.default_rng(list(content[-9:])).standard_normal((2, D))
            yield Entry(about, np.array([[0, 0, 0.5, 1], [0, 0, 1, 1]]), v_ID.astype(np.float16))


@pytest.fixture(scope="module")
def model() -> dvsa.Model:
    return dvsa.load()


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Files, a copy, and a member of a tar file."""
    folder = tmp_path / "album"
    (folder / "in").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(picture(1, "Canon EOS 5D", (60, 5)))
    (folder / "b.jpg").write_bytes(picture(2, "FUJIFILM X100"))
    (folder / "in/c.jpg").write_bytes(picture(3))
    shutil.copy(folder / "a.jpg", folder / "in/copy.jpg")
    with tarfile.open(folder / "pack.tar", "w") as archive:
        content = picture(4, "Canon EOS 5D")
        member = tarfile.TarInfo("d.jpg")
        member.size, member.mtime = len(content), int(datetime(2001, 2, 3, 12).timestamp())
        archive.addfile(member, io.BytesIO(content))
    return folder


@pytest.fixture
def index(tmp_path: Path, model: dvsa.Model, album: Path) -> Index:
    made = Index.create(tmp_path / "index", model)
    made.sync([album], encode=Reader(), fields={"trip": "Norway"})
    return made


def age(index: Index, *lost: str) -> Index:
    """The same index as an earlier version would have made it."""
    manifest, records = index_manifest.read(index.folder), []
    for record in manifest.segments:
        path = index.folder / f"{record.name}.photographs"
        lines = [json.loads(line) for line in path.read_bytes().splitlines()]
        for about in lines:
            for name in ("recorded", *lost):
                about.pop(name, None)
            about |= {"taken": None} if "camera" in lost else {}
        content = "".join(json.dumps(about) + "\n" for about in lines).encode()
        path.write_bytes(content)
        extent = type(record.files["photographs"])().extended(content)
        records.append(replace(record, files={**record.files, "photographs": extent}))
    index_manifest.write(index.folder, replace(manifest, segments=tuple(records)))
    text = (index.folder / "manifest.json").read_text().replace('"format": 4', '"format": 3')
    (index.folder / "manifest.json").write_text(text)
    return Index.open(index.folder, index.model)


EARLY = ("camera", "latitude", "longitude", "phash")


def state(index: Index) -> dict[str, tuple[Any, bytes, bytes]]:
    """All that an index has, by identifier."""
    return {e.photograph.id: (e.photograph, e.box_I4.tobytes(), e.v_ID.tobytes()) for e in index.entries()}


@pytest.mark.parametrize("how", ["sync", "add", "sync without seen", "renamed"])
def test_an_index_of_an_earlier_version_gets_what_it_lacks(index: Index, album: Path, how: str) -> None:
    whole = state(index)
    index = age(index, *EARLY)
    assert {known.camera for known, *_ in state(index).values()} == {None}
    if how == "sync without seen":
        (index.folder / "seen").unlink()
    if how == "renamed":
        album = album.rename(album.with_name("holiday"))

    reader = Reader()
    done = (index.add if how == "add" else index.sync)([album], encode=reader)
    assert (reader.encoded, done.read_again, done.added, done.faults) == (0, 4, 0, [])
    assert (done.known, done.moved) == ((0, 5) if how == "renamed" else (5, 0))

    moved = json.loads(json.dumps({k: str(v) for k, v in whole.items()}).replace("/album/", "/holiday/"))
    wanted = moved if how == "renamed" else {k: str(v) for k, v in whole.items()}
    assert {k: str(v) for k, v in state(Index.open(index.folder)).items()} == wanted
    again = index.sync([album], encode=reader)
    assert (again.read_again, again.known) == (0, 5)
    assert index.verify() == []


def test_only_what_was_found_is_read_again(index: Index, album: Path) -> None:
    index = age(index, *EARLY)
    done = index.sync([album / "in"], encode=Reader())
    assert done.read_again == 2, "the copy of a.jpg is there, too"
    (album / "b.jpg").unlink()
    assert index.sync([album], encode=Reader(), keep_missing=True).read_again == 1
    assert {p.camera for p, *_ in state(index).values()} == {"Canon EOS 5D", None}


def test_what_cannot_be_read_again_is_named_and_stays(
    index: Index, album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = age(index, *EARLY)
    before = state(index)
    monkeypatch.setattr("dvsa.decode.decoder._Worker.read", _refuse)
    done = index.sync([album], encode=Reader())
    assert (done.read_again, done.known, len(done.faults)) == (0, 5, 4)
    names = [Path(fault.removesuffix(": out of order")).name for fault in done.faults]
    assert sorted(names) == ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]
    assert state(index) == before


def _refuse(self: object, content: bytes, label: str, name: str, most_pixels: int | None) -> None:
    raise dvsa.photo.PhotoError(f"{label}: out of order")


def test_the_extra_for_hashes_may_come_later(
    tmp_path: Path, album: Path, model: dvsa.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = Index.create(tmp_path / "other", model)
    with monkeypatch.context() as patch:
        patch.setattr(recording, "find_spec", lambda name: None)
        index.sync([album], encode=Reader())
        assert {(p.recorded, p.phash) for p, *_ in state(index).values()} == {(SHOT, None)}
        assert index.sync([album], encode=Reader()).read_again == 0
        assert index.unrecorded(Filter(camera="Canon")) == 0
    assert index.sync([album], encode=Reader()).read_again == 4
    assert {p.recorded for p, *_ in state(index).values()} == {HASHED}
    assert None not in {p.phash for p, *_ in state(index).values()}


def test_an_interruption_costs_only_what_is_not_acknowledged(
    index: Index, album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = age(index, *EARLY)
    monkeypatch.setattr("dvsa.index.writer.COMMIT", 1)
    monkeypatch.setattr(Index._rewrite, "__defaults__", (1,))

    def stop(what: str, done: int, total: int) -> None:
        if what == "reading metadata again" and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index.sync([album], encode=Reader(), progress=stop)
    index = Index.open(index.folder, index.model)
    assert index.verify() == []
    assert index.sync([album], encode=Reader()).read_again == 2


def test_a_disk_that_is_full_at_any_moment_loses_nothing(
    index: Index, album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before each of the writer's waits for the disk, while photographs are read again, two at a time."""
    whole = {name: str(parts) for name, parts in state(index).items()}
    monkeypatch.setattr("dvsa.index.writer.read_again", partial(recording.read_again, read=read))
    monkeypatch.setattr(Index._rewrite, "__defaults__", (2,))
    sync = files.sync
    index = age(index, *EARLY)
    early, left = {name: str(parts) for name, parts in state(index).items()}, 0

    def full(descriptor: int) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(28, "No space left on device")
        sync(descriptor)

    pristine = shutil.copytree(index.folder, index.folder.with_name("pristine"))
    for moment in range(100):
        left = moment
        shutil.rmtree(index.folder)
        shutil.copytree(pristine, index.folder)
        index = Index.open(index.folder, index.model)
        with monkeypatch.context() as patch:
            patch.setattr("dvsa.files.sync", full)
            try:
                index.sync([album], encode=Reader())
                break
            except OSError:
                pass
        index = Index.open(index.folder, index.model)
        assert index.verify() == []
        now = {name: str(parts) for name, parts in state(index).items()}
        assert now.keys() == whole.keys()
        assert all(now[name] in (early[name], whole[name]) for name in now), "old or new, and nothing else"
    assert moment > 8
    assert {name: str(parts) for name, parts in state(index).items()} == whole


# Filters


ASKING = [
    Filter(camera="Canon"),
    Filter(area=(0, 0, 90, 90)),
    Filter(after=date(1999, 1, 1)),
    Filter(before=date(2099, 1, 1), fields={"trip": "Norway"}),
    Filter(camera="Canon", area=(0, 0, 90, 90)),
]


@pytest.mark.parametrize("where", ASKING, ids=str)
def test_python_says_what_a_filter_leaves_out_unseen(index: Index, album: Path, where: Filter) -> None:
    index.search(WORD, 9, where)  # warnings are errors in tests: there is none
    index = age(index, *EARLY)
    with pytest.warns(UnrecordedWarning, match=r"^4 photographs are left out because .* dvsa index sync"):
        assert index.search(WORD, 9, where) == []
    index.search(WORD, 9, Filter(prefix=str(album), fields={"trip": "Norway"}))
    assert index.unrecorded(replace(where, prefix=f"{album}/in/")) == 2
    assert index.unrecorded(replace(where, fields={"trip": "Peru"})) == 0
    index.sync([album], encode=Reader())
    assert index.search(WORD, 9, where) != []


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"})


@pytest.mark.slow
def test_the_commands_say_it_too(index: Index, album: Path) -> None:
    age(index, *EARLY)
    done = run("search", index.folder, "a dog", "-k", 9, "--camera", "Canon", "--json")
    assert json.loads(done.stdout)["hits"] == []
    said = f"dvsa: {index.folder}: 4 photographs are left out because an earlier version of dvsa did not"
    assert [line for line in done.stderr.splitlines() if line.startswith(said)]
    done = run("index", album, "--out", index.folder)
    assert (done.exit_code, done.stderr) == (0, "")
    assert (
        "0 added, 5 already there, 4 of earlier versions, read again; 4 photographs in total" in done.stdout
    )
    done = run("search", index.folder, "a dog", "-k", 2, "--camera", "Canon", "--json")
    assert (len(json.loads(done.stdout)["hits"]), done.stderr) == (2, "")
    done = run("index", album, "--out", index.folder)
    assert "0 added, 5 already there; 4 photographs in total" in done.stdout


@pytest.mark.slow
def test_the_service_says_it_too(index: Index, model: dvsa.Model) -> None:
    with TestClient(create_app(model, age(index, *EARLY)), base_url="http://localhost") as client:
        for params in ({"camera": "Canon"}, {"gps": "0,0,90,90"}, {"after": "1999-01-01"}):
            found = client.get("/api/search", params={"q": "a dog", "k": "9", **params}).json()
            assert found["hits"] == []
            assert found["note"].startswith("4 photographs are left out because an earlier version")
            assert str(index.folder) not in found["note"]
        assert client.get("/api/search", params={"q": "a dog", "k": 9}).json()["note"] is None


# Dates


def tarred(path: Path, modified: float) -> Path:
    with tarfile.open(path, "w") as archive:
        content = picture(5)
        member = tarfile.TarInfo("in/e.jpg")
        member.size, member.mtime = len(content), modified
        archive.addfile(member, io.BytesIO(content))
    return path


def plain(path: Path, modified: float) -> Path:
    path.write_bytes(picture(5))
    os.utime(path, (modified, modified))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("write", [tarred, plain])
@pytest.mark.parametrize(
    ("modified", "taken"),
    [
        (datetime(2001, 2, 3, 12, 5, 7).timestamp(), "2001-02-03T12:05:07"),
        (datetime(2001, 2, 3, 12, 5, 7).timestamp() + 0.75, "2001-02-03T12:05:07"),
        (0, None),
    ],
)
def test_a_photograph_without_a_date_gets_that_of_its_file(
    tmp_path: Path,
    model: dvsa.Model,
    write: Callable[[Path, float], Path],
    modified: float,
    taken: str | None,
) -> None:
    path = write(tmp_path / f"e.{'tar' if write is tarred else 'jpg'}", modified)
    with Index.create(tmp_path / "index", model) as index:
        assert index.add([path]).added == 1  # through the real encoder
        assert [entry.photograph.taken for entry in index.entries()] == [taken]
    listed = run("describe", path, "--format", "jsonl", "--phrases", 0)
    assert json.loads(listed.stdout)["taken"] == taken


def taken(index: Index) -> dict[str, str | None]:
    """The date of each photograph by the last name of its first path."""
    return {Path(entry.photograph.path).name: entry.photograph.taken for entry in index.entries()}


@pytest.mark.parametrize("settled", [True, False], ids=["dates were seen", "dates were not seen"])
def test_the_date_of_a_file_is_followed(
    index: Index, album: Path, monkeypatch: pytest.MonkeyPatch, settled: bool
) -> None:
    """Also of one that is moved at the same time, and of a member of a tar file; an EXIF date stays."""
    monkeypatch.setattr(seen, "SETTLED", -(10**12) if settled else 10**18)
    monkeypatch.setattr("dvsa.index.writer.read_again", partial(recording.read_again, read=read))
    exif, stream = Image.Exif(), io.BytesIO()
    exif[ExifTags.Base.DateTime] = "2010:01:02 03:04:05"
    Image.new("RGB", (9, 9)).save(stream, "JPEG", exif=exif)
    (album / "exif.jpg").write_bytes(stream.getvalue())
    index.sync([album], encode=Reader())
    before = taken(index)

    then = datetime(2015, 6, 7, 8).timestamp()
    (album / "b.jpg").rename(album / "in" / "moved.jpg")
    for name in ("a.jpg", "in/moved.jpg", "exif.jpg"):
        os.utime(album / name, (then, then))
    with tarfile.open(album / "pack.tar", "w") as archive:
        content = picture(4, "Canon EOS 5D")
        member = tarfile.TarInfo("d.jpg")
        member.size, member.mtime = len(content), int(then)
        archive.addfile(member, io.BytesIO(content))

    reader = Reader()
    done = index.sync([album], encode=reader)
    assert (reader.encoded, done.moved, done.read_again, done.faults) == (0, 1, 0, [])
    new = "2015-06-07T08:00:00"
    wanted = {"a.jpg": new, "moved.jpg": new, "d.jpg": new, "exif.jpg": "2010-01-02T03:04:05"}
    assert taken(index) == {"c.jpg": before["c.jpg"], **wanted}
    found = index.search(WORD, k=9, where=Filter(before=date(2015, 12, 31)))
    assert {Path(hit.photograph.path).name for hit in found} == wanted.keys()
    for entry in index.entries():
        assert entry.photograph.fields == (
            {} if entry.photograph.path.endswith("exif.jpg") else {"trip": "Norway"}
        )


def test_photographs_with_a_date_of_their_own_are_not_read_for_that_of_their_files(
    index: Index, album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seen, "SETTLED", -(10**12))
    again = list[str]()

    def counted(rows: Any, outcome: Any) -> Any:
        again.extend(Path(photograph.path).name for _, photograph, _ in rows)
        return ()

    monkeypatch.setattr("dvsa.index.writer.read_again", counted)
    index.sync([album], encode=Reader())
    os.utime(album / "a.jpg", (1, 1))
    monkeypatch.setattr(seen.SeenFiles, "date_before", lambda self, path: "1999-01-01T00:00:00")
    index.sync([album], encode=Reader())
    assert again == [], "the file had another date than the photograph before"
