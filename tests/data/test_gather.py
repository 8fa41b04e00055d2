"""Files, folders, globs and tar files that a user names."""

import io
import os
import tarfile
import unicodedata
from pathlib import Path
from typing import Any, Literal

import pytest
from PIL import Image

from dvsa.data.gather import Gathered, find, gather

Form = Literal["NFC", "NFD"]
CONTENT = b"the bytes of a photograph"


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """A folder with photographs at two depths and in a tar file, and with other files."""
    folder = tmp_path / "photographs"
    (folder / "deep" / "er").mkdir(parents=True)
    for name in ("a.png", "deep/er/b.PNG", "deep/again.png", "c.jpg", "notes.txt"):
        (folder / name).write_bytes(CONTENT)
    with tarfile.open(folder / "set.tar", "w") as archive:
        for name in ("in/d.png", "in/notes.txt", "in/._d.png"):
            member = tarfile.TarInfo(name)
            member.size = len(CONTENT)
            archive.addfile(member, io.BytesIO(CONTENT))
    return folder


def test_folders_globs_and_tar_files_are_searched(photographs: Path) -> None:
    names = {str(Path(path).relative_to(photographs)) for path, _ in find([photographs])}
    assert names == {"a.png", "deep/er/b.PNG", "deep/again.png", "c.jpg", "in/d.png"}
    assert [path for path, _ in find([photographs / "set.tar"])] == [str(photographs / "in" / "d.png")]
    assert len(find([f"{photographs}/**/*.png", photographs / "a.png"])) == 2
    (_, source), *_ = find([photographs / "set.tar"])
    assert source.read() == CONTENT


def test_what_has_no_photographs_is_refused(photographs: Path) -> None:
    for missing in (photographs / "nothing", f"{photographs}/*.gif"):
        with pytest.raises(OSError, match="there is no such file, folder or glob"):
            find([missing])
    (photographs / "empty").mkdir()
    with pytest.raises(ValueError, match="no photographs here"):
        find([photographs / "empty"])
    (photographs / "bad.tar").write_bytes(b"no tar" * 200)
    with pytest.raises(ValueError, match=r"bad\.tar: left out: broken tar file \(not a plain tar file"):
        find([photographs / "bad.tar"])


def kinds(found: Gathered) -> dict[str, str]:
    """The kind of each file and folder that was left out, by its last name."""
    return {Path(item.path).name: str(item.kind) for item in found.left_out}


def paths(found: Gathered, folder: Path) -> list[str]:
    return [str(Path(path).relative_to(folder)) for path, _ in found.sources]


def jpeg() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "JPEG")
    return stream.getvalue()


def test_everything_in_a_folder_is_found_or_counted(tmp_path: Path) -> None:
    folder = tmp_path / "album"
    for name in ("a", "b.heic", "in/c.jfif", ".hidden/d.jpg", ".e.jpg", "@eaDir/f.jpg", "g.dvsa.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(jpeg())
    for name, content in (("h.txt", b"text"), ("i.tgz", b"\x1f\x8b\x08"), ("j.tar", b"no tar" * 200)):
        (folder / name).write_bytes(content)
    os.mkfifo(folder / "k.jpg")
    (folder / "l.jpg").symlink_to("nothing")
    (folder / "m.psd").write_bytes(b"8BPS")

    found = gather([folder])
    assert paths(found, folder) == ["a", "b.heic", "in/c.jfif"]
    assert kinds(found) == {
        ".hidden": "hidden file or folder",
        ".e.jpg": "hidden file or folder",
        "@eaDir": "thumbnail folder",
        "g.dvsa.png": "drawing or report of dvsa",
        "h.txt": "other file",
        "i.tgz": "compressed tar file",
        "j.tar": "broken tar file",
        "k.jpg": "special file",
        "l.jpg": "broken link",
        "m.psd": "picture of another format",
    }
    assert found.counts["hidden file or folder"] == 2
    assert {Path(item.path).name for item in found.faults} == {"i.tgz", "j.tar", "k.jpg", "l.jpg", "m.psd"}


def test_members_of_a_tar_file_are_judged_by_content(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "set", "w") as archive:
        for name, content in (("a", jpeg()), ("b.txt", b"text"), ("c.psd", b"8BPS"), ("d.jpg", b"")):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for name, kind in (("e.jpg", tarfile.SYMTYPE), ("f.jpg", tarfile.LNKTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "a"
            archive.addfile(member)
    found = gather([tmp_path])
    assert paths(found, tmp_path) == ["a", "d.jpg"]
    assert found.sources[0][1].read() == jpeg()
    assert kinds(found) == {
        "b.txt": "other file",
        "c.psd": "picture of another format",
        "e.jpg": "link in a tar file",
        "f.jpg": "link in a tar file",
    }


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("*.png", True),
        ("*.gif", False),
        ("deep/", True),
        ("shallow/", False),
        ("!c.jpg", True),
        ("in/d.png", True),
        ("/b.PNG", False),
        (".hidden", True),
        ("# a remark", False),
    ],
)
def test_a_pattern_that_matches_nothing_is_told(photographs: Path, pattern: str, matches: bool) -> None:
    (photographs / ".hidden").mkdir()
    found = gather([photographs], exclude=["*.png", pattern, "deep"])
    assert found.unmatched == ([] if matches else [pattern])
    assert gather([photographs, photographs / "c.jpg"], exclude=["c.jpg"]).unmatched == []


def test_whole_members_of_a_broken_tar_file_are_found_and_the_break_is_named(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in ("1.jpg", "2.jpg", "3.jpg"):
            member = tarfile.TarInfo(name)
            member.size = len(jpeg())
            archive.addfile(member, io.BytesIO(jpeg()))
    begins = len(jpeg()) // 512 * 512 + 1024
    for cut in (stream.getvalue()[: 2 * begins + 600], stream.getvalue()[: 2 * begins + 100]):
        (tmp_path / "set.tar").write_bytes(cut)
        found = gather([tmp_path])
        assert paths(found, tmp_path) == ["1.jpg", "2.jpg"]
        assert [str(item.kind) for item in found.faults] == ["broken tar file"]
        assert not found.covers(str(tmp_path / "set.tar"))  # the others may still be there


def test_members_that_are_no_files_are_named(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "set.tar", "w") as archive:
        for name, kind in (("a.jpg", tarfile.FIFOTYPE), (".", tarfile.REGTYPE), ("in", tarfile.DIRTYPE)):
            member = tarfile.TarInfo(name)
            member.type = kind
            archive.addfile(member)
    (tmp_path / "b.jpg").write_bytes(jpeg())
    assert [item.kind for item in gather([tmp_path]).faults] == [
        "special file",
        "member outside the folder of its tar file",
    ]


def test_an_unreadable_folder_is_named_and_the_rest_done(
    photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def refuse(path: str) -> Any:
        if path.endswith("/er"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = gather([photographs])
    assert len(found.sources) == 4
    (item,) = found.faults
    assert str(item) == f"{photographs / 'deep' / 'er'}: left out: unreadable folder (Permission denied)"
    assert found.covers(str(photographs / "x.jpg"))
    assert not found.covers(str(photographs / "deep" / "er" / "x.jpg"))


def test_patterns_leave_out_files_and_folders(photographs: Path) -> None:
    def left(*exclude: str) -> list[str]:
        found = gather([photographs], exclude=exclude)
        assert set(kinds(found).values()) <= {
            "excluded file or folder",
            "other file",
            "hidden file or folder",
        }
        return paths(found, photographs)

    whole = ["a.png", "c.jpg", "deep/again.png", "in/d.png", "deep/er/b.PNG"]
    assert left() == whole
    assert left("deep") == left("deep/") == ["a.png", "c.jpg", "in/d.png"]
    assert left("*.png") == ["c.jpg", "deep/er/b.PNG"]
    assert left("/a.png", "er/") == ["c.jpg", "deep/again.png", "in/d.png"]
    assert left("*.png", "!again.png") == ["c.jpg", "deep/again.png", "deep/er/b.PNG"]
    assert left("set.tar") == ["a.png", "c.jpg", "deep/again.png", "deep/er/b.PNG"]

    (photographs / ".dvsaignore").write_text("# mine\n*.jpg\n/a.png\n")
    (photographs / "deep" / ".dvsaignore").write_text("*.PNG\n")
    assert left() == ["deep/again.png", "in/d.png"]
    assert left("!c.jpg") == ["c.jpg", "deep/again.png", "in/d.png"], "the command has the last word"


@pytest.mark.parametrize(
    "form", ["photographs/{}", "{home}/photographs/{}", "./photographs/{}", "~/photographs/{}"]
)
def test_paths_are_excluded(photographs: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    """From the current folder, from the user's home, and absolute, however the photographs are named."""
    monkeypatch.chdir(photographs.parent)
    monkeypatch.setenv("HOME", str(photographs.parent))

    def left(*exclude: str) -> set[str]:
        patterns = [
            mark + form.format(line.removeprefix("!"), home=photographs.parent)
            for line in exclude
            for mark in ["!" if line.startswith("!") else ""]
        ]
        found = [
            set(paths(gather(names, exclude=patterns), photographs))
            for names in (["photographs"], [photographs], [photographs.parent], ["photographs/*"])
        ]
        assert all(each == found[0] for each in found)
        return found[0]

    whole = {"a.png", "c.jpg", "deep/again.png", "in/d.png", "deep/er/b.PNG"}
    assert left("deep") == left("deep/") == whole - {"deep/again.png", "deep/er/b.PNG"}
    assert left("deep/er") == left("deep/er/b.PNG") == left("deep/*/*.PNG") == whole - {"deep/er/b.PNG"}
    assert left("a.png", "in/d.png", "a.png/") == whole - {"a.png", "in/d.png"}
    assert left("*.png", "no/such") == whole - {"a.png"}
    assert left("*.png", "!a.png") == whole
    assert left("deep/*", "!deep/er") == whole - {"deep/again.png"}
    for named in ("photographs/deep/er", "photographs/deep/er/b.PNG"):
        with pytest.raises(ValueError, match="excluded file or folder: 1"):
            gather([named], exclude=[form.format("deep", home=photographs.parent)])


def test_patterns_hold_for_what_is_named_and_for_what_globs_match(photographs: Path) -> None:
    (photographs / "e.dvsa.png").write_bytes(CONTENT)
    files = [str(path) for path in photographs.iterdir()]  # as a shell gives them for `*`
    found = gather(files, exclude=["deep", "c*"])
    assert sorted(paths(found, photographs)) == ["a.png", "in/d.png", "notes.txt"]
    assert kinds(found)["e.dvsa.png"] == "drawing or report of dvsa"
    assert kinds(found)["deep"] == kinds(found)["c.jpg"] == "excluded file or folder"

    found = gather([f"{photographs}/*"], exclude=["deep", "c*"])
    assert paths(found, photographs) == ["a.png", "in/d.png"]
    assert kinds(found)["notes.txt"] == "other file"
    with pytest.raises(ValueError, match=r"no photographs here .*excluded file or folder: 6"):
        gather([photographs], exclude=["*.png", "*.jpg", "*.PNG", "set.tar"])


@pytest.mark.parametrize(("given", "there"), [("NFC", "NFD"), ("NFD", "NFC"), ("NFC", "NFC")])
def test_names_and_patterns_compare_in_any_composition(tmp_path: Path, given: Form, there: Form) -> None:
    """macOS may decompose the letters of names; whoever types them composes them."""
    asked, made = unicodedata.normalize(given, "Müller/é.png"), unicodedata.normalize(there, "Müller/é.png")
    (tmp_path / made).parent.mkdir()
    (tmp_path / made).write_bytes(CONTENT)
    (tmp_path / "a.png").write_bytes(CONTENT)
    folder, name = asked.split("/")
    for form in (asked, folder, f"{folder}/*", f"*/{name}"):
        assert [path for path, _ in find([tmp_path / form])] == [str(tmp_path / made)]
    for pattern in (name, f"{folder}/", f"/{asked}", f"{folder}/*.png"):
        assert paths(gather([tmp_path], exclude=[pattern]), tmp_path) == ["a.png"]
        (tmp_path / ".dvsaignore").write_text(pattern)
        assert paths(gather([tmp_path]), tmp_path) == ["a.png"]
        (tmp_path / ".dvsaignore").unlink()


def test_an_invalid_pattern_of_the_command_is_an_error(photographs: Path) -> None:
    with pytest.raises(ValueError, match=r"--exclude: .*: write patterns as in \.gitignore"):
        gather([photographs], exclude=["!"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_lists_of_patterns_are_read_as_editors_write_them(photographs: Path, encoding: str) -> None:
    """UTF-16 has a byte-order mark, in either order."""
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    (photographs / "é.png").write_bytes(CONTENT)
    (photographs / ".dvsaignore").write_bytes(f"{mark}c.jpg\r\ndeep/\r\né*\r\n".encode(encoding))
    assert paths(gather([photographs]), photographs) == ["a.png", "in/d.png"]


@pytest.mark.parametrize("content", [b"\xe9*", b"\xff\xfea", b"!\n", b"#" * 2**21, None], ids=range(5))
def test_a_folder_with_an_unreadable_list_of_patterns_is_named_and_left_out(
    photographs: Path, content: bytes | None
) -> None:
    """What its owner wants to leave out is not known; the other folders are searched."""
    patterns = photographs / "deep" / ".dvsaignore"
    patterns.write_bytes(content) if content is not None else os.mkfifo(patterns)
    found = gather([photographs])
    assert paths(found, photographs) == ["a.png", "c.jpg", "in/d.png"]
    assert kinds(found)["deep"] == "unreadable folder"
    (fault,) = found.faults
    assert str(patterns) in str(fault)
    assert not found.covers(str(photographs / "deep" / "again.png")), "what was there is not gone"
    with pytest.raises(ValueError, match=r"no photographs here .*\.dvsaignore: "):
        gather([photographs / "deep"])


def test_a_folder_is_searched_once_however_it_is_reached(tmp_path: Path) -> None:
    (tmp_path / "album").mkdir()
    (tmp_path / "album" / "a.jpg").write_bytes(jpeg())
    (tmp_path / "album" / "loop").symlink_to(tmp_path)
    (tmp_path / "album" / "again").symlink_to(tmp_path / "album")
    assert paths(gather([tmp_path / "album"]), tmp_path) == ["album/a.jpg"]
    assert len(gather([tmp_path / "album", tmp_path, tmp_path / "album" / "a.jpg"]).sources) == 1


@pytest.mark.parametrize("named", [True, False], ids=["named", "in a folder"])
def test_members_of_a_tar_file_are_left_out_as_files_would_be(tmp_path: Path, named: bool) -> None:
    """By folders, drawings and patterns; and nothing gets the path of another file."""
    members = {
        "a.jpg": None, "./in/b.jpg": None, "drafts/c.jpg": "excluded file or folder",
        "x.gif": "excluded file or folder", ".hidden/d.jpg": "hidden file or folder",
        "in/._e.jpg": "hidden file or folder", "in/@eaDir/f.jpg": "thumbnail folder",
        ".thumbnails/f.jpg": "thumbnail folder", "in/a.dvsa.png": "drawing or report of dvsa",
        "/etc/g.jpg": "member outside the folder of its tar file",
        "in/../../h.jpg": "member outside the folder of its tar file",
    }  # fmt: skip
    folder = tmp_path / "album" / "deep"
    folder.mkdir(parents=True)
    with tarfile.open(folder / "set.tar", "w") as archive:
        for name in members:
            if name.endswith("b.jpg"):
                archive.addfile(_folder("./in"))
            member = tarfile.TarInfo(name)
            member.size = 4
            archive.addfile(member, io.BytesIO(b"\xff\xd8\xff\xe0"))
    if not named:
        (tmp_path / "album" / ".dvsaignore").write_text("drafts/\n")
    exclude = ["*.gif", "drafts/"] if named else ["*.gif"]
    found = gather([folder / "set.tar" if named else tmp_path / "album"], exclude=exclude)
    assert [path for path, _ in found.sources] == [str(folder / "a.jpg"), str(folder / "in" / "b.jpg")]
    there = f"{folder}/set.tar/"
    assert {item.path.removeprefix(there): str(item.kind) for item in found.left_out} == {
        name: kind for name, kind in members.items() if kind is not None
    }
    assert {item.path.removeprefix(there) for item in found.faults} == {"/etc/g.jpg", "in/../../h.jpg"}


def test_photographs_with_one_path_are_all_found(tmp_path: Path) -> None:
    """Members of two tar files, of one tar file, and a file: the file keeps the path."""
    contents = {b"2019": "2019.tar", b"2020": "2020.tar", b"again": "2020.tar", b"file": ""}
    for name in ("2019.tar", "2020.tar"):
        with tarfile.open(tmp_path / name, "w") as archive:
            for content in (content for content, tar in contents.items() if tar == name):
                member = tarfile.TarInfo("in/1.jpg")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    tars = [tmp_path / "2019.tar", tmp_path / "2020.tar"]
    found = {os.path.relpath(path, tmp_path): source.read() for path, source in find(tars)}
    assert found == {"in/1.jpg": b"2019", "2020.tar/in/1.jpg": b"2020", "2020.tar#2/in/1.jpg": b"again"}

    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "1.jpg").write_bytes(b"file")
    for names in ([tmp_path], [*tars, tmp_path / "in"], [tmp_path, *tars, tmp_path]):
        sources = dict(find(names))
        assert sorted(source.read() for source in sources.values()) == sorted(contents)
        assert sources[str(tmp_path / "in" / "1.jpg")].read() == b"file"


def _folder(name: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type = tarfile.DIRTYPE
    return member
