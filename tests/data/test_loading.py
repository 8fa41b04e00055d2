import gc
import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from dvsa.data import DataError, Dataset, load

Picture = Callable[[int], bytes]
Files = Callable[[Path, Mapping[str, bytes | str]], Path]
Tar = Callable[[Path, Mapping[str, bytes]], Path]
Karpathy = Callable[[Sequence[tuple[str, str, Sequence[str]]]], str]


def content(dataset: Dataset) -> dict[str, tuple[str, tuple[str, ...], bytes]]:
    return {e.name: (e.split, e.sentences, e.read()) for e in dataset.examples}


def kinds(dataset: Dataset) -> list[tuple[str, str]]:
    return [(problem.kind, problem.name) for problem in dataset.problems]


FLICKR8K = {
    "Flickr8k.token.txt": "1_a.jpg#0\tA dog  runs .\n\n1_a.jpg#1\tDog\n2_b.jpg#0\tA cat\n3_c.jpg#0\tA cow\n",
    "Flickr_8k.trainImages.txt": "1_a.jpg\n",
    "Flickr_8k.devImages.txt": "2_b.jpg\n",
    "Flickr_8k.testImages.txt": "3_c.jpg\n",
}


def test_flickr8k_from_tars_goes_before_its_karpathy_json(
    tmp_path: Path, picture: Picture, write_files: Files, write_tar: Tar, karpathy: Karpathy
) -> None:
    write_files(tmp_path, {**FLICKR8K, "dataset_flickr8k.json": karpathy([("1_a.jpg", "test", ["other"])])})
    write_tar(tmp_path / "images-0.tar", {"1_a.jpg": picture(1), "2_b.jpg": picture(2)})
    write_tar(tmp_path / "images-1.tar", {"3_c.jpg": picture(3)})
    dataset = load(tmp_path)
    assert dataset.name == "flickr8k"
    assert content(dataset) == {
        "1_a.jpg": ("train", ("A dog runs .", "Dog"), picture(1)),
        "2_b.jpg": ("val", ("A cat",), picture(2)),
        "3_c.jpg": ("test", ("A cow",), picture(3)),
    }
    assert kinds(dataset) == [("ignored file", "dataset_flickr8k.json")]


def test_flickr8k_without_its_lists_needs_the_karpathy_json(
    tmp_path: Path, picture: Picture, write_files: Files, karpathy: Karpathy
) -> None:
    write_files(tmp_path, {**FLICKR8K, "Flicker8k_Dataset/1_a.jpg": picture(1)})
    (tmp_path / "Flickr_8k.devImages.txt").unlink()
    with pytest.raises(DataError, match=r"Flickr8k\.token\.txt needs Flickr_8k\.devImages\.txt: put .* into"):
        load(tmp_path)
    write_files(tmp_path, {"dataset_flickr8k.json": karpathy([("1_a.jpg", "test", ["other"])])})
    assert content(load(tmp_path)) == {"1_a.jpg": ("test", ("other",), picture(1))}


@pytest.mark.parametrize("lists", ["", "entities/", "flickr30k_entities/"])
@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("results_20130124.token", "1.jpg#0\tA dog .\n1.jpg#1\tDog | cat\n2.jpg#0\tA cat\n3.jpg#0\tA cow\n"),
        (
            "results.csv",
            "image_name| comment_number| comment\n1.jpg| 0| A dog .\n1.jpg| 1   Dog | cat\n2.jpg| 0| A cat\n"
            "3.jpg| 0| A cow\n",
        ),
    ],
)
def test_flickr30k_with_the_lists_of_entities(
    tmp_path: Path, picture: Picture, write_files: Files, file: str, text: str, lists: str
) -> None:
    write_files(tmp_path, {file: text, **{f"flickr30k-images/{k}.jpg": picture(k) for k in (1, 2, 3)}})
    write_files(
        tmp_path, {f"{lists}{split}.txt": f"{k}\n" for k, split in enumerate(("train", "val", "test"), 1)}
    )
    for folder in ("Annotations", "Sentences"):
        (tmp_path / lists / folder).mkdir()
    dataset = load(tmp_path)
    assert dataset.name == "flickr30k"
    assert content(dataset) == {
        "1.jpg": ("train", ("A dog .", "Dog | cat"), picture(1)),
        "2.jpg": ("val", ("A cat",), picture(2)),
        "3.jpg": ("test", ("A cow",), picture(3)),
    }


@pytest.mark.parametrize("name", ["flickr8k", "flickr30k", "coco", "toy"])
@pytest.mark.parametrize("packed", [False, True])
def test_karpathy_json(
    tmp_path: Path, picture: Picture, write_files: Files, karpathy: Karpathy, name: str, packed: bool
) -> None:
    splits = ["train", "restval", "val", "test"]
    text = karpathy([(f"{k}.jpg", split, [f"a {split} .\n", "Two"]) for k, split in enumerate(splits)])
    if packed:
        write_files(tmp_path, {f"dataset_{name}.json.gz": gzip.compress(text.encode())})
    else:
        write_files(
            tmp_path, {f"dataset_{name}.json": text, f"dataset_{name}.json.gz": b"the plain one goes first"}
        )
    write_files(tmp_path, {f"val2014/{k}.jpg": picture(k) for k in range(4)})

    dataset = load(tmp_path)
    assert dataset.name == name
    assert content(dataset) == {
        f"{k}.jpg": (s, (f"a {s} .", "Two"), picture(k)) for k, s in enumerate(splits)
    }
    assert [e.split for e in dataset.split("train", restval=True)] == ["train", "restval"]


def test_two_karpathy_jsons_are_refused(tmp_path: Path, write_files: Files) -> None:
    write_files(tmp_path, {"dataset_coco.json": "{}", "dataset_flickr30k.json": "{}"})
    with pytest.raises(
        DataError, match=r"contains dataset_flickr30k\.json, dataset_coco\.json: leave there only"
    ):
        load(tmp_path)


def coco(*images: tuple[int, str, Sequence[str]]) -> str:
    return json.dumps(
        {
            "images": [{"id": number, "file_name": name} for number, name, _ in images],
            "annotations": [
                {"image_id": number, "caption": caption}
                for number, _, captions in images
                for caption in captions
            ],
        }
    )


@pytest.mark.parametrize("year", ["2014", "2017"])
def test_coco_official(tmp_path: Path, picture: Picture, write_files: Files, year: str) -> None:
    write_files(
        tmp_path,
        {
            f"annotations/captions_train{year}.json": coco(
                (7, "t7.jpg", ["a dog\n", "dogs"]), (8, "t8.jpg", ["a cat"])
            ),
            f"annotations/captions_val{year}.json": coco((7, "v7.jpg", ["a cow"])),
            f"train{year}/t7.jpg": picture(7),
            "images/t8.jpg": picture(8),
            f"images/val{year}/v7.jpg": picture(9),
        },
    )

    dataset = load(tmp_path)
    assert dataset.name == "coco"
    assert content(dataset) == {
        "t7.jpg": ("train", ("a dog", "dogs"), picture(7)),
        "t8.jpg": ("train", ("a cat",), picture(8)),
        "v7.jpg": ("val", ("a cow",), picture(9)),
    }

    (tmp_path / f"annotations/captions_train{year}.json").unlink()
    assert list(content(load(tmp_path))) == ["v7.jpg"]


def test_coco_with_the_karpathy_json_takes_its_splits(
    tmp_path: Path, picture: Picture, write_files: Files, karpathy: Karpathy
) -> None:
    write_files(
        tmp_path, {"annotations/captions_val2014.json": coco((7, "v7.jpg", ["a cow"])), "v7.jpg": picture(7)}
    )
    write_files(tmp_path, {"dataset_coco.json": karpathy([("v7.jpg", "test", ["a cow"])])})
    assert [e.split for e in load(tmp_path).examples] == ["test"]


def test_captions_csv(tmp_path: Path, picture: Picture, write_files: Files) -> None:
    rows = 'a.png,"A dog, running",train\nin/b.jpg,A cat,test\na.png,"Two\nlines",train\n'
    text = f"\ufeffphoto,sentence,split\n{rows}"
    write_files(
        tmp_path, {"captions.csv": text, "a.png": picture(1), "in/b.jpg": picture(2), "b.jpg": picture(3)}
    )
    dataset = load(tmp_path)
    assert dataset.name == tmp_path.name
    assert content(dataset) == {
        "a.png": ("train", ("A dog, running", "Two lines"), picture(1)),
        "in/b.jpg": ("test", ("A cat",), picture(2)),
    }
    assert dataset.problems == ()


def test_captions_without_splits(tmp_path: Path, picture: Picture, write_files: Files) -> None:
    write_files(tmp_path, {"captions.json": json.dumps({"a.png": ["A dog", "Dog"]}), "a.png": picture(1)})
    expected = {"a.png": ("", ("A dog", "Dog"), picture(1))}
    assert content(load(tmp_path)) == expected
    write_files(tmp_path, {"captions.csv": "sentence,photo\nA dog,a.png\nDog,a.png\n"})
    (tmp_path / "captions.json").unlink()
    assert content(load(tmp_path)) == expected


def test_folders_may_be_strings(tmp_path: Path, picture: Picture, write_files: Files) -> None:
    write_files(tmp_path, {"captions.csv": "photo,sentence\na.jpg,a dog\n", "a.jpg": picture(1)})
    assert load(str(tmp_path)) == load(tmp_path)


def test_plain_folder_and_tars(tmp_path: Path, picture: Picture, write_files: Files, write_tar: Tar) -> None:
    write_files(tmp_path, {"b.jpg": picture(1), "in/b.jpg": picture(2)})
    write_tar(tmp_path / "x.tar", {"a.png": picture(3), "in/b.jpg": picture(4)})
    dataset = load(tmp_path)
    assert dataset.split("") == dataset.split("all") == dataset.examples
    assert content(dataset) == {
        "a.png": ("", (), picture(3)),
        "b.jpg": ("", (), picture(1)),
        "in/b.jpg": ("", (), picture(2)),
    }
    assert kinds(dataset) == [("doubled name", "in/b.jpg")]


def test_known_faults_are_worked_around_and_reported(
    tmp_path: Path, picture: Picture, write_files: Files
) -> None:
    token = FLICKR8K["Flickr8k.token.txt"] + "9_x.jpg.1#0\tstray\n5_e.jpg#0\t.\n"
    write_files(
        tmp_path,
        {
            **FLICKR8K,
            "Flickr8k.token.txt": f"{token}1_a.jpg#1\tagain\n6_f.jpg#0\tunlisted\n",
            "Flickr_8k.trainImages.txt": "1_a.jpg\n3_c.jpg\n1_a.jpg\n2_b.jpg\n4_d.jpg\n5_e.jpg\n7_g.jpg\n",
            **{
                f"{name}.jpg": picture(k)
                for k, name in enumerate(("1_a", "2_b", "3_c", "4_d", "5_e", "6_f", "8_h"))
            },
        },
    )
    dataset = load(tmp_path)
    # Photographs in two splits stay in the one that training must not see.
    assert {e.name: e.split for e in dataset.examples} == {
        "1_a.jpg": "train",
        "2_b.jpg": "val",
        "3_c.jpg": "test",
    }
    assert dataset.examples[0].sentences == ("A dog runs .", "Dog")
    assert sorted(kinds(dataset)) == [
        ("doubled name", "1_a.jpg"),
        ("doubled name", "1_a.jpg"),
        ("empty sentence", "5_e.jpg"),
        ("no photograph", "7_g.jpg"),
        ("no sentences", "4_d.jpg"),
        ("no sentences", "5_e.jpg"),
        ("split overlap", "2_b.jpg"),
        ("split overlap", "3_c.jpg"),
        ("stray photograph", "8_h.jpg"),
        ("stray sentences", "9_x.jpg.1"),
    ]


def test_missing_parts_are_named(tmp_path: Path, picture: Picture, write_files: Files) -> None:
    with pytest.raises(DataError, match="is not a folder"):
        load(tmp_path / "none")
    with pytest.raises(DataError, match="has no photographs"):
        load(tmp_path)
    write_files(tmp_path, {**FLICKR8K, "other.jpg": picture(1)})
    with pytest.raises(DataError, match="none of the photographs that flickr8k lists is in"):
        load(tmp_path)
    with pytest.raises(DataError, match="entities is missing: name the folder or the archive"):
        load(tmp_path, tmp_path / "entities")


def test_archives_that_are_not_read_are_named(tmp_path: Path, write_files: Files) -> None:
    write_files(tmp_path, {"in/photographs.tar.gz": b"", "captions.csv": "photo,sentence\na.jpg,a dog\n"})
    with pytest.raises(DataError, match=r"has no photographs, .*: unpack in/photographs\.tar\.gz there"):
        load(tmp_path)


def test_photographs_that_all_lack_sentences_are_not_called_missing(
    tmp_path: Path, picture: Picture, write_files: Files
) -> None:
    write_files(tmp_path, {"captions.json": '{"a.png": ["", " ! "], "b.png": []}', "a.png": picture(1)})
    with pytest.raises(DataError, match=r"no photograph that .* lists in .* has a sentence: write some"):
        load(tmp_path)
    (tmp_path / "a.png").rename(tmp_path / "c.png")
    with pytest.raises(DataError, match=r"none of the photographs that .* lists is in"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        (
            "Flickr8k.token.txt",
            "1_a.jpg A dog\n",
            r"line 1: expected photograph, number, sentence: '1_a\.jpg A dog'",
        ),
        ("Flickr8k.token.txt", b"1_a.jpg#0\t\xff\n", "not UTF-8 text"),
        ("dataset_toy.json", "{", "not JSON"),
        ("dataset_toy.json", "[" * 100_000, "not JSON"),
        ("dataset_toy.json", "[]", "no 'images' of type list"),
        ("dataset_toy.json", '{"images": [{"filename": 3}]}', "no 'filename' of type str"),
        ("dataset_toy.json.gz", gzip.compress(b"{}" * 99, mtime=0)[:20], "not JSON"),
        (
            "annotations/captions_val2014.json",
            '{"images": [], "annotations": [{"image_id": 1}]}',
            "image_id 1",
        ),
        ("captions.csv", "who,what\n", "first line must be photo,sentence"),
        ("captions.csv", "photo,sentence\na.jpg\n", "line 2: a row needs a photo and a sentence"),
        ("captions.csv", f'photo,sentence\na.jpg,"{"a" * 200_000}"\n', "not CSV"),
        ("captions.json", "[1]", "expected an object"),
        ("captions.json", '{"a.jpg": "a dog"}', "no 'a.jpg' of type list"),
        ("captions.json", '{"a.jpg": [1]}', "needs a list of sentences"),
        (
            "captions.json",
            '{"a.jpg": ["a dog"], "a.jpg": ["dogs"]}',
            "the key 'a.jpg' is twice in one object",
        ),
    ],
)
def test_malformed_lists_are_named(
    tmp_path: Path, write_files: Files, file: str, text: str | bytes, message: str
) -> None:
    if file.startswith("Flickr8k"):
        write_files(tmp_path, FLICKR8K)
    write_files(tmp_path, {file: text})
    with pytest.raises(DataError, match=message) as caught:
        load(tmp_path)
    assert Path(file).name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_sentences_of_one_photograph_may_stand_anywhere(
    tmp_path: Path, picture: Picture, write_files: Files
) -> None:
    lines = ["1_a.jpg#0\ta dog", "2_b.jpg#0\ta cat", "1_a.jpg#1\tit runs", "3_c.jpg#0\ta cow"]
    lines += ["1_a.jpg#0\tagain", "1_a.jpg#2\tand sits", "2_b.jpg#1\tit sleeps"]
    pictures = {name: picture(n) for n, name in enumerate(("1_a.jpg", "2_b.jpg", "3_c.jpg"))}
    write_files(tmp_path, {**FLICKR8K, "Flickr8k.token.txt": "\n".join(lines), **pictures})
    dataset = load(tmp_path)
    assert {e.name: e.sentences for e in dataset.examples} == {
        "1_a.jpg": ("a dog", "it runs", "and sits"),
        "2_b.jpg": ("a cat", "it sleeps"),
        "3_c.jpg": ("a cow",),
    }
    assert kinds(dataset) == [("doubled name", "1_a.jpg")]


def test_the_search_for_garbage_goes_on_after_loading(
    tmp_path: Path, picture: Picture, write_files: Files
) -> None:
    assert gc.isenabled()
    load(write_files(tmp_path / "good", {"a.jpg": picture(1)}))
    assert gc.isenabled()
    with pytest.raises(DataError):
        load(tmp_path / "none")
    assert gc.isenabled()

    gc.disable()
    try:
        load(tmp_path / "good")
        assert not gc.isenabled()
    finally:
        gc.enable()
