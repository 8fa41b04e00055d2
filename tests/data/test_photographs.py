import io
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa.data import DataError, load
from dvsa.data.photographs import Photographs, files_below, names_below, suffix_of

Files = Callable[[Path, Mapping[str, bytes | str]], Path]
Tar = Callable[[Path, Mapping[str, bytes]], Path]


def test_finds_files_at_any_depth_and_members_of_tars(
    tmp_path: Path, write_files: Files, write_tar: Tar
) -> None:
    write_files(
        tmp_path, {"b.JPG": b"b", "in/c.png": b"c", ".hid/d.jpg": b"d", "._a.jpg": b"x", "e.txt": b"e"}
    )
    write_tar(
        tmp_path / "in" / "x.tar", {"./f.jpg": b"ffff", "g/h.jpeg": b"hh", "g/._h.jpeg": b"x", "n.txt": b"n"}
    )
    photographs = Photographs(tmp_path)
    found = {name: source.read() for name, source in photographs.found}
    assert found == {"b.JPG": b"b", "in/c.png": b"c", "in/f.jpg": b"ffff", "in/g/h.jpeg": b"hh"}
    assert [name for name, _ in photographs.found] == ["b.JPG", "in/c.png", "in/f.jpg", "in/g/h.jpeg"]


def test_a_link_to_a_folder_is_followed_but_not_in_circles(tmp_path: Path, write_files: Files) -> None:
    write_files(tmp_path, {"elsewhere/1.jpg": b"1", "set/note.txt": b""})
    (tmp_path / "set" / "images").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "loop").symlink_to(tmp_path / "set")
    assert [name for name, _ in Photographs(tmp_path / "set").found] == ["images/1.jpg"]


def test_a_broken_or_compressed_tar_is_an_error(tmp_path: Path, write_files: Files) -> None:
    write_files(tmp_path, {"x.tar": b"no tar" * 200})
    with pytest.raises(DataError, match=r"x\.tar is not a plain tar file"):
        Photographs(tmp_path)
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("a.jpg"))
    write_files(tmp_path, {"x.tar": file.getvalue()})
    with pytest.raises(DataError, match=r"x\.tar is not a plain tar file"):
        Photographs(tmp_path)


@given(st.text(st.sampled_from("ab./J"), max_size=9))
def test_a_suffix_is_that_of_pathlib(name: str) -> None:
    name = f"x/{name}" if name.endswith("/") or not name else name
    if name.rpartition("/")[2] not in ("", ".", ".."):
        assert suffix_of(name) == PurePosixPath(name).suffix.lower()


def test_names_below_are_the_files_below(tmp_path: Path, write_files: Files) -> None:
    write_files(tmp_path, {"a.jpg": b"", "in/b.txt": b"", "in/deep.er/c": b"", ".hid/d.jpg": b""})
    found = sorted(names_below(tmp_path))
    assert [inner for inner, _ in found] == ["a.jpg", "in/b.txt", "in/deep.er/c"]
    assert [(str(inner), str(path)) for inner, path in sorted(files_below(tmp_path))] == found


@pytest.mark.parametrize(
    "damage", [lambda b: b[:4000], lambda b: b[:900], lambda b: b"no tar" * 200, lambda b: b""]
)
def test_a_damaged_shard_among_others_is_left_out_and_named(
    tmp_path: Path, write_tar: Tar, damage: Callable[[bytes], bytes]
) -> None:
    for shard in range(3):
        photographs = {f"{shard}{n}.jpg": b"1" * 600 for n in range(3)}
        write_tar(tmp_path / f"{shard}.tar", photographs | {f"{shard}{n}.txt": b"a dog" for n in range(3)})
    (tmp_path / "1.tar").write_bytes(damage((tmp_path / "1.tar").read_bytes()))
    data = load(tmp_path)
    assert [e.name for e in data.examples] == [f"{s}/{s}{n}.jpg" for s in (0, 2) for n in range(3)]
    assert [(p.kind, p.name) for p in data.problems] == [("broken file", "1.tar")]
