"""A file is written whole or not at all, and is on disk when the call returns."""

import errno
import os
from pathlib import Path

import pytest

from dvsa import files


def test_a_file_replaces_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "a"
    files.write(path, b"old")
    files.write(path, b"new")
    assert path.read_bytes() == b"new"
    assert [p.name for p in path.parent.iterdir()] == ["a"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def write() -> None:
        with files.replacing(path) as partial:
            partial.write_text("ne")
            assert path.read_text() == "old"
            raise error

    with pytest.raises(error):
        write()
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert path.read_text() == "old"


@pytest.mark.parametrize("step", ["open", "sync"])
def test_an_error_names_the_file_that_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def refused(*_: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(*((os, "open") if step == "open" else (files, "sync")), refused)
    with pytest.raises(PermissionError) as caught:
        files.write(tmp_path / "page.html", b"new")
    assert str(caught.value) == f"[Errno 13] Permission denied: '{tmp_path / 'page.html'}'"


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with pytest.raises(OSError, match="b"):
        files.write(tmp_path / "b", b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["b"]


@pytest.mark.parametrize("there", ["link", "file", "pipe"])
def test_what_has_the_name_of_the_temporary_file_is_replaced_and_never_followed(
    tmp_path: Path, there: str
) -> None:
    victim, folder = tmp_path / "victim", tmp_path / "folder"
    victim.write_text("precious")
    folder.mkdir()
    guessed = folder / files.partial_name("file")
    if there == "link":
        guessed.symlink_to(victim)
    elif there == "file":
        guessed.write_text("of a crash, and longer than the new one")
    else:
        os.mkfifo(guessed)
    files.write(folder / "file", b"new")
    assert (folder / "file").read_bytes() == b"new"
    assert not (folder / "file").is_symlink()
    assert [p.name for p in folder.iterdir()] == ["file"]
    assert victim.read_text() == "precious"


def test_a_file_is_synced_before_it_replaces_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    synced = []

    def record(descriptor: int) -> None:
        synced.append((os.fstat(descriptor).st_ino, path.read_text()))

    monkeypatch.setattr(os, "fsync", record)
    files.write(path, b"new")
    assert synced == [(path.stat().st_ino, "old"), (tmp_path.stat().st_ino, "new")]


def test_a_file_that_does_not_fit_into_the_memory_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(2**43)
    with pytest.raises(files.UnreadableError, match="8,796,093,022,208 bytes do not fit into the memory"):
        files.read_bounded(tmp_path / "sparse", 2**44)


def test_a_missing_folder_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        files.write(tmp_path / "typo" / "file", b"new")
    assert not (tmp_path / "typo").exists()


def test_the_longest_file_name_can_be_written(tmp_path: Path) -> None:
    longest = "n" * 255
    files.write(tmp_path / longest, b"new")
    assert [p.name for p in tmp_path.iterdir()] == [longest]


def test_files_of_one_folder_have_different_temporary_files(tmp_path: Path) -> None:
    with files.replacing(tmp_path / "a") as a, files.replacing(tmp_path / "b") as b:
        assert a != b
        a.write_text("a")
        b.write_text("b")
    assert (tmp_path / "a").read_text() == "a"
    assert (tmp_path / "b").read_text() == "b"


def test_a_folder_that_cannot_be_synced_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(files, "sync_folder", refuse)
    files.write(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_path_is_found_in_any_composition(tmp_path: Path) -> None:
    decomposed, composed = "Mu\u0308ller", "M\u00fcller"
    (tmp_path / decomposed).mkdir()
    (tmp_path / decomposed / f"{decomposed}.jpg").write_bytes(b"1")
    found = files.spelled(tmp_path / composed / f"{composed}.jpg")
    assert found.read_bytes() == b"1"

    # A file that exists as it is written is that file, and of two that are alike none is guessed.
    (tmp_path / decomposed / f"{composed}.jpg").write_bytes(b"2")
    assert files.spelled(tmp_path / composed / f"{composed}.jpg").read_bytes() == b"2"
    assert files.spelled(tmp_path / composed / "é.jpg") == tmp_path / composed / "é.jpg"
