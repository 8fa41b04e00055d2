"""Which file a name means: one reading is taken, however it is spelt, and two are refused."""

import os
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa.data import DataError
from dvsa.data.finding import Finder
from dvsa.data.names import plain
from dvsa.data.photographs import Photographs

Files = Callable[[Path, Mapping[str, bytes | str]], Path]
CAFE, DECOMPOSED = unicodedata.normalize("NFC", "café"), unicodedata.normalize("NFD", "café")


@pytest.fixture
def finder(tmp_path: Path, write_files: Files) -> Finder:
    names = (
        "Images/1.jpg",
        "Images/In/2.JPG",
        f"{CAFE}.png",
        "COCO_val2014_000000000042.jpg",
        "a/small/9.jpg",
        "b/9.jpg",
    )
    root = write_files(tmp_path / "set", {name: name for name in names})
    return Finder(root, Photographs(root))


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("Images/1.jpg", "Images/1.jpg"),
        ("1.jpg", "Images/1.jpg"),
        ("./Images/1.jpg", "Images/1.jpg"),
        ("Images//x/../1.jpg", "Images/1.jpg"),
        ("../Images/1.jpg", "Images/1.jpg"),
        ("Images\\1.jpg", "Images/1.jpg"),
        (".\\Images\\In\\2.JPG", "Images/In/2.JPG"),
        ("set/Images/1.jpg", "Images/1.jpg"),
        ("/home/somebody/set/Images/1.jpg", "Images/1.jpg"),
        ("C:\\Users\\somebody\\photos\\1.jpg", "Images/1.jpg"),
        ("1", "Images/1.jpg"),
        ("Images/1", "Images/1.jpg"),
        ("images/1.JPG", "Images/1.jpg"),
        ("2.jpg", "Images/In/2.JPG"),
        (f"{DECOMPOSED}.png", f"{CAFE}.png"),
        (DECOMPOSED, f"{CAFE}.png"),
        ("42", "COCO_val2014_000000000042.jpg"),
        ("9.jpg", "b/9.jpg"),  # in fewer folders
        ("small/9.jpg", "a/small/9.jpg"),
        ("1.png", None),  # perhaps another photograph
        ("other/1.jpg", None),
        ("Images/2.JPG", None),
        ("11.jpg", None),
        ("43", None),
        (".", None),
    ],
)
def test_a_name_means_a_file(finder: Finder, name: str, path: str | None) -> None:
    found = finder.find(name)
    assert (None if found.source is None else found.path) == path


def test_the_absolute_path_of_a_photograph_is_no_guess(finder: Finder, tmp_path: Path) -> None:
    found = finder.find(str(tmp_path.resolve() / "set" / "Images" / "1.jpg"))
    assert (found.path, found.respelt, found.guessed) == ("Images/1.jpg", True, False)


def test_names_are_meant_from_the_folder_of_their_list_first(tmp_path: Path, write_files: Files) -> None:
    root = write_files(tmp_path, {"train/1.jpg": "t", "1.jpg": "r", "val2017/1.jpg": "v"})
    finder = Finder(root, Photographs(root))
    assert finder.find("1.jpg").path == "1.jpg"
    assert finder.find("1.jpg", folder="train").path == "train/1.jpg"
    assert finder.find("../1.jpg", folder="train").path == "1.jpg"
    assert finder.find("1.jpg", split="val").path == "val2017/1.jpg"
    write_files(root, {"sub/images/1.jpg": "s"})
    assert Finder(root, Photographs(root)).find("1.jpg", folder="sub").path == "sub/images/1.jpg"


def test_two_files_that_fit_equally_well_are_refused_unless_they_are_equal(
    tmp_path: Path, write_files: Files
) -> None:
    root = write_files(tmp_path, {"a/1.jpg": "a", "b/1.jpg": "b", "a/2.jpg": "same", "b/2.jpg": "same"})
    finder = Finder(root, Photographs(root))
    with pytest.raises(DataError, match=r"list, line 3: '1\.jpg' may be a/1\.jpg or b/1\.jpg: write"):
        finder.find("1.jpg", where="list, line 3")
    found = finder.find("2.jpg")
    assert (found.path, [name for name, _ in found.others]) == ("a/2.jpg", ["b/2.jpg"])


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_are_the_file(tmp_path: Path, write_files: Files) -> None:
    root = write_files(tmp_path, {"1.jpg": "1", "2.jpg": "2"})
    (root / "soft.jpg").symlink_to(root / "1.jpg")
    os.link(root / "1.jpg", root / "hard.jpg")
    finder = Finder(root, Photographs(root))
    keys = {name: finder.find(f"{name}.jpg").key for name in ("1", "2", "soft", "hard")}
    assert keys["1"] == keys["soft"] == keys["hard"] != keys["2"]


words = st.text("aA1.", min_size=1, max_size=3).filter(lambda word: set(word) - {"."})


@given(st.lists(words, min_size=1, max_size=4))
def test_plain_names_stay_as_they_are_and_other_spellings_become_them(parts: list[str]) -> None:
    name = "/".join(parts)
    assert plain(name) == name
    assert plain("./" + name) == plain(name.replace("/", "\\")) == plain(name.replace("/", "//")) == name
