"""Files, folders, globs and tar files that a user names."""

import io
import tarfile
from pathlib import Path

import pytest

from dvsa.data.gather import find

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
