"""A data set that is written in a layout is read as the same."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dvsa.data import DataError, Dataset, check, load
from dvsa.data.converting import WRITERS, convert

pytest.importorskip("pyarrow")

Picture = Callable[[int], bytes]
Files = Callable[[Path, Mapping[str, bytes | str]], Path]

NAMES = [
    "a.jpg",
    "beach/1.jpg",
    "city/1.jpg",
    "two words.png",
    "caf\u00e9.jpg",
    "v1.2.jpg",
    "v1.3.jpg",
    "7.jpg",
]
SENTENCES = [
    'The "big" dog, running',
    "Ein Fu\u00df; zwei",
    "कुत्ता दौड़ता है",
    '5" tall | wide',
    "- a -",
    "[x] y",
]


@pytest.fixture
def dataset(tmp_path: Path, picture: Picture, write_files: Files) -> Dataset:
    splits = ["train", "train", "val", "train", "test", "val", "test", "train"]
    rows = [
        f'{name},"{sentence.replace(chr(34), chr(34) * 2)}",{split}\n'
        for k, (name, split) in enumerate(zip(NAMES, splits, strict=True))
        for sentence in SENTENCES[k % 3 : k % 3 + 1 + k % 4]
    ]
    write_files(tmp_path / "data", {"captions.csv": "image,caption,split\n" + "".join(rows)})
    write_files(tmp_path / "data", {f"images/{name}": picture(k) for k, name in enumerate(NAMES)})
    return load(tmp_path / "data")


def content(dataset: Dataset) -> set[tuple[bytes, str, tuple[str, ...]]]:
    return {(e.read(), e.split, e.sentences) for e in dataset.examples}


@pytest.mark.parametrize("layout", WRITERS)
def test_every_layout_keeps_photographs_sentences_and_splits(
    dataset: Dataset, tmp_path: Path, layout: str
) -> None:
    assert len(content(dataset)) == len(NAMES)
    done = []
    convert(dataset, layout, tmp_path / "out", lambda: done.append(1))
    assert content(load(tmp_path / "out")) == content(dataset)
    assert check(tmp_path / "out").problems == ()
    assert len(done) == len(NAMES)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("layout", WRITERS)
def test_names_with_marks_are_kept(tmp_path: Path, picture: Picture, write_files: Files, layout: str) -> None:
    names = [" a .jpg", "b,c.jpg", "d#1.jpg", 'q"e.jpg', " in /f;g.jpg", "'h.jpg"]
    write_files(tmp_path / "data", {name: picture(k) for k, name in enumerate(names)})
    lists = json.dumps({name: [f"a dog {k}"] for k, name in enumerate(names)})
    dataset = load(write_files(tmp_path / "data", {"captions.json": lists}))
    assert len(content(dataset)) == len(names)
    convert(dataset, layout, tmp_path / "out")
    assert content(load(tmp_path / "out")) == content(dataset)


@pytest.mark.parametrize("layout", WRITERS)
@pytest.mark.parametrize("other", WRITERS)
def test_every_layout_becomes_every_other(dataset: Dataset, tmp_path: Path, layout: str, other: str) -> None:
    convert(dataset, layout, tmp_path / "one")
    convert(load(tmp_path / "one"), other, tmp_path / "two")
    assert content(load(tmp_path / "two")) == content(dataset)


@pytest.mark.parametrize("layout", WRITERS)
def test_a_data_set_without_splits_stays_without(
    tmp_path: Path, picture: Picture, write_files: Files, layout: str
) -> None:
    write_files(tmp_path / "data", {"captions.csv": "photo,sentence\na.jpg,a dog\nb.jpg,a cat\n"})
    write_files(tmp_path / "data", {"a.jpg": picture(1), "b.jpg": picture(2)})
    convert(load(tmp_path / "data"), layout, tmp_path / "out")
    assert content(load(tmp_path / "out")) == content(load(tmp_path / "data"))


texts = st.text(st.characters(codec="utf-8", exclude_characters="\r\n")).map(lambda text: f"dog {text}")


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(texts, min_size=1, max_size=4))
def test_any_sentence_is_kept(
    tmp_path_factory: pytest.TempPathFactory, picture: Picture, write_files: Files, sentences: list[str]
) -> None:
    from dataclasses import replace

    root = tmp_path_factory.mktemp("any")
    write_files(root / "data", {"captions.csv": "photo,sentence\na.jpg,a dog\n", "a.jpg": picture(1)})
    plain = tuple(" ".join(sentence.split()) for sentence in sentences)
    dataset = load(root / "data")
    dataset = replace(dataset, examples=(replace(dataset.examples[0], sentences=plain),))
    for layout in WRITERS:
        convert(dataset, layout, root / layout)
        assert load(root / layout).examples[0].sentences == plain


@pytest.mark.parametrize("layout", WRITERS)
def test_sentences_that_look_like_lists_are_kept(
    tmp_path: Path, picture: Picture, write_files: Files, layout: str
) -> None:
    sentences = ['["a", "b"]', "['x', 'y']", "['x' 'y']", '[["a"]]', "[unclear] dog"]
    write_files(tmp_path / "data", {"captions.json": json.dumps({"a.jpg": sentences}), "a.jpg": picture(1)})
    dataset = load(tmp_path / "data")
    assert dataset.examples[0].sentences == tuple(sentences)
    convert(dataset, layout, tmp_path / "out")
    assert content(load(tmp_path / "out")) == content(dataset)


@pytest.mark.parametrize("layout", ["sidecars", "webdataset"])
def test_a_sentence_without_a_letter_has_no_sidecar(
    tmp_path: Path, picture: Picture, write_files: Files, layout: str
) -> None:
    write_files(tmp_path / "data", {"captions.json": '{"a.jpg": ["1 + 1 = 2"]}', "a.jpg": picture(1)})
    with pytest.raises(DataError, match=r"a\.jpg: '1 \+ 1 = 2' has no letter"):
        convert(load(tmp_path / "data"), layout, tmp_path / "out")


def test_what_cannot_be_written_is_refused_and_leaves_nothing(
    dataset: Dataset, tmp_path: Path, picture: Picture, write_files: Files
) -> None:
    with pytest.raises(DataError, match="'zip' cannot be written: choose csv, imagefolder"):
        convert(dataset, "zip", tmp_path / "out")
    with pytest.raises(FileExistsError, match="data exists: name a new folder"):
        convert(dataset, "csv", tmp_path / "data")
    write_files(tmp_path / "plain", {"1.jpg": picture(1)})
    with pytest.raises(DataError, match="no sentences"):
        convert(load(tmp_path / "plain"), "csv", tmp_path / "out")

    (tmp_path / "data" / "images" / "7.jpg").unlink()
    with pytest.raises(FileNotFoundError):
        convert(dataset, "imagefolder", tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "plain"]


def test_two_photographs_of_one_stem_have_no_sidecars(
    tmp_path: Path, picture: Picture, write_files: Files
) -> None:
    write_files(tmp_path / "data", {"captions.csv": "photo,sentence\na.jpg,a dog\na.png,a cat\n"})
    write_files(tmp_path / "data", {"a.jpg": picture(1), "a.png": picture(2)})
    with pytest.raises(DataError, match=r"a\.jpg and a\.png would share one sidecar"):
        convert(load(tmp_path / "data"), "sidecars", tmp_path / "out")
