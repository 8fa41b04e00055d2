"""Digests of photographs, against hashlib line by line."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa.data import DataError, Example, Source, exposure, load_regions


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("seen")


def examples(folder: Path, contents: Sequence[bytes], split: str) -> list[Example]:
    made = []
    for n, content in enumerate(contents):
        path = folder / f"{split}{n}"
        path.write_bytes(content)
        made.append(Example(f"{split} {n}.png", split, ("a dog",), Source(path)))
    return made


photographs = st.lists(st.binary(max_size=2), max_size=4)


@given(photographs, photographs)
def test_a_list_is_read_as_it_was_written(folder: Path, training: list[bytes], val: list[bytes]) -> None:
    trained, chosen = examples(folder, training, "train"), examples(folder, val, "val")
    exposure.write_photos(folder / exposure.PHOTOS_FILE, trained, chosen)
    known = exposure.PhotoExposure.read(folder / exposure.PHOTOS_FILE)
    assert known.names == {
        hashlib.sha256(example.name.encode()).hexdigest()[:16]: example.split
        for example in (*trained, *chosen)
    }
    assert known.contents == {
        hashlib.sha256(content).hexdigest()[:16]: "train" if content in training else "val"
        for content in (*training, *val)
    }


def test_a_photograph_takes_38_bytes_and_has_no_name_in_clear(folder: Path) -> None:
    trained = examples(folder, [b"a", b"b"], "train")
    exposure.write_photos(folder / exposure.PHOTOS_FILE, trained, [])
    content = (folder / exposure.PHOTOS_FILE).read_bytes()
    assert len(content) <= 2 * 40
    assert b"png" not in content


@pytest.mark.parametrize(
    "names",
    [
        ["1000268201_693b08cb0e.jpg", "1000268201.jpg", "images/1000268201_693b08cb0e.jpg"],
        ["1000268201_693b08cb0e.jpg", "1000268201.JPG"],
        ["COCO_val2014_000000000042.jpg", "000000000042.jpg", "val2014/COCO_val2014_000000000042.jpg"],
    ],
)
def test_one_photograph_has_one_digest_under_all_its_names(names: list[str]) -> None:
    assert len({exposure.name_digest(name) for name in names}) == 1


@pytest.mark.parametrize("told", ["beach/dog.png", "./beach/dog.png", "beach\\dog.png", "beach/dog"])
def test_sentences_of_a_photograph_are_known_by_any_spelling_of_its_name(tmp_path: Path, told: str) -> None:
    exposure.write_text(tmp_path / "read.tsv", [told], [])
    known = exposure.TextExposure.read(tmp_path / "read.tsv")
    assert exposure.name_digest("beach/dog.png") in known.names
    assert exposure.name_digest("beach/cat.png") not in known.names
    if told == "beach/dog":
        assert exposure.name_digest("beach/dog.PNG") in known.names


def test_other_names_have_other_digests() -> None:
    names = [
        *("1000268201.jpg", "1000268202.jpg", "42000.jpg", "000000042000.jpg"),
        *("20240101_120000.jpg", "20240101_120001.jpg", "a/1.jpg", "b/1.jpg", "caf\udce9.jpg"),
    ]
    assert len({exposure.name_digest(name) for name in names}) == len(names)


def test_no_two_photographs_of_flickr8k_share_a_digest(flickr8k_dir: Path) -> None:
    lines = (flickr8k_dir / "Flickr8k.token.txt").read_text("utf-8").splitlines()
    names = {line.partition("#")[0] for line in lines}
    assert len({exposure.name_digest(name) for name in names}) == len(names) > 8000


@pytest.mark.parametrize("line", ["", "test\t0123456789abcdef\t0123456789abcdef", "train\t0123\t4567", "é"])
def test_another_file_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / exposure.PHOTOS_FILE
    path.write_text(f"val\t{'0' * 16}\t{'1' * 16}\n{line}\n", "utf-8")
    with pytest.raises(ValueError, match=r"photographs\.tsv, line 2 is not a split and two digests"):
        exposure.PhotoExposure.read(path)


def test_a_photograph_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    lost = Example("lost.png", "train", (), Source(tmp_path / "lost.png"))
    with pytest.raises(FileNotFoundError, match=r"lost\.png"):
        exposure.write_photos(tmp_path / exposure.PHOTOS_FILE, [lost], [])


def test_features_stand_for_a_photograph_that_is_missing(tmp_path: Path) -> None:
    feature_IF = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.savez(tmp_path / "a.npz", x=feature_IF)
    regions = load_regions(tmp_path)
    (tmp_path / "a.jpg").write_bytes(b"photograph")
    with_photograph = Example("a.jpg", "train", (), Source(tmp_path / "a.jpg"))
    without = Example("a.jpg", "train", (), None)

    digest = hashlib.sha256(feature_IF.tobytes()).hexdigest()[:16]
    assert exposure.content_digest(without, regions) == digest
    wanted = hashlib.sha256(b"photograph").hexdigest()[:16]
    assert exposure.content_digest(with_photograph, regions) == wanted
    exposure.write_photos(tmp_path / exposure.PHOTOS_FILE, [without], [], regions)
    assert exposure.PhotoExposure.read(tmp_path / exposure.PHOTOS_FILE).contents == {digest: "train"}
    with pytest.raises(DataError, match=r"a\.jpg: the data set has features of its regions"):
        exposure.content_digest(without)


def test_a_list_of_extra_sentences_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / exposure.TEXT_FILE
    exposure.write_text(path, ["1000268201", "1000268202.jpg"], ["pulley", "caf\u00e9"])
    known = exposure.TextExposure.read(path)
    assert known.words == {"pulley", "caf\u00e9"}
    flickr8k = ["1000268201_693b08cb0e.jpg", "1000268202_0123456789.jpg"]
    assert known.names == {exposure.name_digest(name) for name in flickr8k}
    assert "1000268201" not in path.read_text("utf-8")


@pytest.mark.parametrize("line", ["", "word", "word\t", "sentence\ta dog"])
def test_another_file_of_what_was_read_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / exposure.TEXT_FILE
    path.write_text(f"word\tpulley\n{line}\n")
    with pytest.raises(ValueError, match=r"read\.tsv, line 2 is not a photograph or a word"):
        exposure.TextExposure.read(path)
