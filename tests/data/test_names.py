"""Which photographs a name may mean, against the rules written out."""

import posixpath
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa.data.names import NameIndex, digits, plain, without_suffix


def found(names: list[str], name: str) -> list[str]:
    return [names[place] for place in NameIndex(names).find(name)]


@pytest.mark.parametrize(
    ("names", "name", "wanted"),
    [
        (["a/1.jpg", "1.jpg"], "1.jpg", ["1.jpg"]),  # the same name goes before the end of a path
        (["a/1.jpg"], "1.jpg", ["a/1.jpg"]),
        (["1.jpg"], "a/1.jpg", ["1.jpg"]),
        (["/data/images/a/1.jpg"], "a/1.jpg", ["/data/images/a/1.jpg"]),
        (["a/1.jpg", "b/1.jpg"], "1.jpg", ["a/1.jpg", "b/1.jpg"]),
        (["a/1.jpg", "b/1.jpg"], "b/1.jpg", ["b/1.jpg"]),
        (["a/dog.jpg"], "b/dog.jpg", []),
        (["1"], "a/1.jpg", ["1"]),
        (["a/1.JPG"], "1", ["a/1.JPG"]),
        (["dog.png"], "dog.jpg", []),  # perhaps two photographs
        (["version.2"], "version", []),
        (["1000268201"], "1000268201_693b08cb0e.jpg", ["1000268201"]),
        (["1000268201_693b08cb0e.jpg"], "flickr30k/1000268201.jpg", ["1000268201_693b08cb0e.jpg"]),
        (["42", "43"], "val2014/COCO_val2014_000000000042.jpg", ["42"]),
        (["COCO_train2014_000000000042", "COCO_val2014_000000000042"], "42", 2),
        (["train#000042"], "COCO_val2014_000000000042.jpg", []),
        (["dog 42"], "42.jpg", []),
        ([], "42.jpg", []),
    ],
)
def test_a_name_means(names: list[str], name: str, wanted: list[str] | int) -> None:
    assert found(names, name) == (names if wanted == len(names) > 1 else wanted)


words = st.text("ab1_.", min_size=1, max_size=3).filter(lambda word: word not in {".", ".."})
paths = st.lists(words, min_size=1, max_size=3).map("/".join)


@given(st.lists(paths, unique=True, max_size=6), st.data())
def test_every_name_means_itself(names: list[str], data: st.DataObject) -> None:
    for name in names:
        assert found(names, name) == [name]
    other = data.draw(paths)
    for name in found(names, other):
        same_end = f"/{name}".endswith(f"/{other}") or f"/{other}".endswith(f"/{name}")
        assert same_end or int(digits(name) or -1) == int(digits(other) or -2)


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".png", ""])
def test_only_suffixes_of_pictures_are_left_out(suffix: str) -> None:
    assert without_suffix(f"a.b/c.d{suffix}") == "a.b/c.d"


@given(st.text(st.sampled_from("ab1._-/\\ éA"), max_size=12))
def test_a_plain_name_is_one_spelling(name: str) -> None:
    parts = "/".join(part.strip() for part in re.split(r"[/\\]", name))
    text = posixpath.normpath(re.sub("^/+", "/", parts))
    while text.startswith("../"):
        text = text[3:]
    assert plain(name) == text
