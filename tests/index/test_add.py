import io
import os
import tarfile
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

import dvsa
from dvsa import photo
from dvsa.data import toy
from dvsa.data.gather import find
from dvsa.index import Entry, Index
from dvsa.index.encode import PHOTOS_PER_BATCH, encoder


@pytest.fixture(scope="module")
def model() -> dvsa.Model:
    return dvsa.load()


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    images = toy.write(tmp_path_factory.mktemp("toy"), train=0, val=6, test=0) / "images"
    return [path.read_bytes() for path in sorted(images.iterdir())]


@pytest.fixture
def photographs(tmp_path: Path, scenes: list[bytes]) -> Path:
    """A folder with photographs at two depths, in a tar file, twice, broken and empty."""
    folder = tmp_path / "photographs"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "a.png").write_bytes(scenes[0])
    (folder / "deep" / "er" / "b.PNG").write_bytes(scenes[1])
    (folder / "deep" / "again.png").write_bytes(scenes[0])
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff no photograph")
    (folder / "empty.png").write_bytes(b"")
    (folder / "notes.txt").write_text("no photograph")
    with tarfile.open(folder / "set.tar", "w") as archive:
        for name, content in (("in/c.png", scenes[2]), ("in/notes.txt", b"no"), ("in/._c.png", b"no")):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return folder


def test_photographs_are_added_once_and_the_broken_are_named(
    tmp_path: Path, photographs: Path, model: dvsa.Model
) -> None:
    told: list[tuple[str, int, int]] = []
    index = Index.create(tmp_path / "index", model)
    added = index.add([photographs], fields={"trip": "toys"}, progress=lambda *step: told.append(step))
    assert (added.added, added.copies, added.known) == (3, 1, 0)
    assert sorted(fault.removeprefix(f"{photographs}/").split(":")[0] for fault in added.faults) == [
        "broken.jpg",
        "empty.png",
    ]
    assert all("\n" not in fault for fault in added.faults)
    assert ("indexing photographs", 6, 6) in told
    again = index.add([photographs, photographs / "a.png"])
    assert (again.added, again.known, len(again.faults)) == (0, 4, 2)
    for hit in index.search("a red circle", 9):
        photo = hit.photograph
        assert photo.fields == {"trip": "toys"}
        view = model.open(photo.read())
        assert (photo.width, photo.height) == (view.photo.width, view.photo.height)
        assert hit.score == pytest.approx(view.score("a red circle"), abs=0.02)  # half precision
        np.testing.assert_allclose(np.array(hit.boxes), view.box_I4, atol=1e-5)
    names = {Path(hit.photograph.path).name for hit in index.search("a", 9)}
    assert names == {"a.png", "b.PNG", "c.png"}  # the first of two with one content


def test_photographs_are_decoded_and_encoded_at_the_same_time(
    tmp_path: Path, model: dvsa.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first batch waits until a photograph of the third is decoded, and for a second batch."""
    count, patience = 4 * PHOTOS_PER_BATCH, 30
    for n in range(count):
        Image.new("RGB", (32, 24), (n, 0, 0)).save(tmp_path / f"{n:02}.png")
    later, second, reads, looks = Event(), Event(), list[str](), list[int]()
    waited = list[bool]()
    look = dvsa.Model.look

    def reading(source: Path | bytes, name: str | None = None) -> photo.Photo:
        reads.append(str(name))
        if len(reads) > 2 * PHOTOS_PER_BATCH:
            later.set()
        return photo.read(source, name)

    def looking(self: dvsa.Model, square_BHWC: Any) -> Any:
        looks.append(len(square_BHWC))
        if len(looks) == 1:
            waited.extend(event.wait(patience) for event in (later, second))
        else:
            second.set()
        return look(self, square_BHWC)

    monkeypatch.setattr(dvsa.Model, "look", looking)
    items = list(encoder(model, reading, workers=2)(find([tmp_path]), (), {}))
    assert waited == [True, True]
    assert looks == [PHOTOS_PER_BATCH] * 4
    names = [Path(item.photograph.path).name for item in items if isinstance(item, Entry)]
    assert names == [f"{n:02}.png" for n in range(count)], "in the order of the photographs"


def test_an_interrupted_run_goes_on(
    tmp_path: Path, scenes: list[bytes], model: dvsa.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dvsa.index.index.COMMIT", 2)
    folder = tmp_path / "photographs"
    folder.mkdir()
    for n, scene in enumerate(scenes):
        (folder / f"{n}.png").write_bytes(scene)

    def interrupt(_: str, done: int, total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    index = Index.create(tmp_path / "index", model)
    with pytest.raises(KeyboardInterrupt):
        index.add([folder], progress=interrupt)
    with Index.open(tmp_path / "index", model) as index:
        assert len(index) == 4
        added = index.add([folder])
        assert (added.added, added.known) == (2, 4)
        assert index.verify() == []


def exif(taken: str = "", changed: str = "") -> bytes:
    data = Image.Exif()
    if changed:
        data[ExifTags.Base.DateTime] = changed
    if taken:
        data.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = taken
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "JPEG", exif=data)
    return stream.getvalue()


def date_of(content: bytes) -> str | None:
    return photo.read(content).taken


def test_the_date_is_that_of_the_camera() -> None:
    early, late = "2024:07:31 18:05:00", "2025:01:01 00:00:00"
    assert date_of(exif(taken=early, changed=late)) == "2024-07-31T18:05:00"
    assert date_of(exif(changed=late)) == "2025-01-01T00:00:00"
    assert date_of(exif()) is None
    assert date_of(exif(taken="0000:00:00 00:00:00")) is None


def test_without_a_date_of_the_camera_that_of_the_file_counts(tmp_path: Path, model: dvsa.Model) -> None:
    folder = tmp_path / "album"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(exif(taken="0000:00:00 00:00:00"))
    (folder / "b.jpg").write_bytes(exif(taken="2024:07:31 18:05:00"))
    moment = datetime(2020, 2, 3, 4, 5, 6)
    for path in folder.iterdir():
        os.utime(path, (moment.timestamp(), moment.timestamp()))
    index = Index.create(tmp_path / "index", model)
    index.add([folder])
    taken = {Path(entry.photograph.path).name: entry.photograph.taken for entry in index.entries()}
    assert taken == {"a.jpg": "2020-02-03T04:05:06", "b.jpg": "2024-07-31T18:05:00"}
