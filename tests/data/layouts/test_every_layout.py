"""One small data set, written in every layout that people share: all of them are read as the same."""

import io
import json
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from dvsa.data import Dataset, check, load

Picture = Callable[[int], bytes]
Contents = Mapping[str, bytes | str]
Files = Callable[[Path, Contents], Path]

SENTENCES = {
    1: ["A dog, running", 'The "big" dog'],
    2: ["Ein Fuß im Schnee"],
    3: ["a cow; a field", "two cows"],
}
SPLITS = {1: "train", 2: "val", 3: "test"}
ROWS = [(f"{k}.jpg", sentence, SPLITS[k]) for k, own in SENTENCES.items() for sentence in own]


def quoted(fields: tuple[str, ...], delimiter: str) -> str:
    return delimiter.join('"' + field.replace('"', '""') + '"' for field in fields) + "\n"


def csv(header: str, delimiter: str = ",", *, splits: bool = True) -> str:
    return f"{header}\n" + "".join(quoted(row if splits else row[:2], delimiter) for row in ROWS)


def plain(header: str, delimiter: str) -> str:
    return f"{header}\n" + "".join(f"{delimiter.join(row)}\n" for row in ROWS)


def jsonl(photo: str, sentence: str, split: str) -> str:
    return "".join(json.dumps(dict(zip((photo, sentence, split), row, strict=True))) + "\n" for row in ROWS)


def listed(photo: str, sentence: str) -> str:
    return json.dumps(
        [{photo: f"{k}.jpg", sentence: own, "split": SPLITS[k]} for k, own in SENTENCES.items()]
    )


def karpathy() -> str:
    images = [
        {"filename": f"{k}.jpg", "split": SPLITS[k], "sentences": [{"raw": s} for s in own]}
        for k, own in SENTENCES.items()
    ]
    return json.dumps({"images": images, "dataset": "any"})


def by_split(write: Callable[[int], Contents]) -> dict[str, bytes | str]:
    return {name: content for k in SENTENCES for name, content in write(k).items()}


def metadata(k: int) -> dict[str, str]:
    rows = "".join(json.dumps({"file_name": f"{k}.jpg", "text": s}) + "\n" for s in SENTENCES[k])
    return {f"{SPLITS[k]}/metadata.jsonl": rows}


def coco(k: int, id_of: Callable[[int], int | str] = int) -> dict[str, str]:
    annotations = [{"id": n, "image_id": id_of(k), "caption": s} for n, s in enumerate(SENTENCES[k])]
    content = {"images": [{"id": k, "file_name": f"{k}.jpg"}], "annotations": annotations}
    return {f"my_{SPLITS[k]}.json": json.dumps(content)}


LISTS: dict[str, Contents] = {
    "csv": {"captions.csv": csv("photo,sentence,split")},
    "csv of Windows": {"captions.csv": "\ufeff" + csv("photo,sentence,split").replace("\n", "\r\n")},
    "csv in other words": {"list.csv": csv("Image_Name,Comment,SPLIT")},
    "captions.txt": {"captions.txt": csv("image,caption,split")},
    "semicolons": {"mine.csv": csv("Filename;Text;Split", ";")},
    "tabs": {"captions.tsv": plain("path\tsentence\tsplit", "\t")},
    "quoted between tabs": {"captions.tsv": csv("path\tsentence\tsplit", "\t")},
    "bars": {"captions.txt": plain("photo | caption | split", "|")},
    "json lines": {"captions.jsonl": jsonl("file_name", "text", "split")},
    "json lines in a .json": {"captions_of_mine.json": jsonl("image", "caption", "split")},
    "list of objects": {"annotations.json": listed("image", "captions")},
    "list in an object": {"annotations.json": f'{{"data": {listed("image", "captions")}, "version": 2}}'},
    "metadata.csv": {"metadata.csv": csv("file_name,text,split")},
    "Karpathy, dataset.json": {"dataset.json": karpathy()},
    "Karpathy, any name": {"my_data.json": karpathy()},
    "COCO, any name": by_split(coco),
    "COCO, ids as strings": by_split(lambda k: coco(k, str)),
    "a file for each split": by_split(
        lambda k: {
            f"{SPLITS[k]}.csv": "image,caption\n"
            + "".join(quoted((f"{k}.jpg", s), ",") for s in SENTENCES[k])
        }
    ),
    "Kaggle's Flickr8k with lists": {
        "captions.txt": csv("image,caption", splits=False),
        "Flickr_8k.trainImages.txt": "1.jpg\n",
        "Flickr_8k.devImages.txt": "2.jpg\n",
        "Flickr_8k.testImages.txt": "3.jpg\n",
    },
}
"""Layouts that list photographs lying anywhere."""


def said(dataset: Dataset) -> dict[int, tuple[str, tuple[str, ...], bytes]]:
    """Split, sentences and bytes of each photograph, by the number in its name."""
    return {
        int("".join(c for c in e.name.rpartition("/")[2] if c.isdigit())): (e.split, e.sentences, e.read())
        for e in dataset.examples
    }


@pytest.fixture
def wanted(picture: Picture) -> dict[int, tuple[str, tuple[str, ...], bytes]]:
    return {k: (SPLITS[k], tuple(own), picture(k)) for k, own in SENTENCES.items()}


@pytest.mark.parametrize("place", ["", "Images/", "a/b/"])
@pytest.mark.parametrize("layout", LISTS)
def test_lists_of_photographs(
    tmp_path: Path, picture: Picture, write_files: Files, wanted: object, layout: str, place: str
) -> None:
    write_files(tmp_path, LISTS[layout])
    write_files(tmp_path, {f"{place}{k}.jpg": picture(k) for k in SENTENCES})
    dataset = load(tmp_path)
    assert said(dataset) == wanted
    assert dataset.problems == ()
    report = check(tmp_path)
    assert report.layout
    assert next(iter(LISTS[layout])).split(".")[0].split("_")[0] in report.why


def test_imagefolder_with_a_folder_for_each_split(
    tmp_path: Path, picture: Picture, write_files: Files, wanted: object
) -> None:
    write_files(tmp_path, by_split(metadata))
    write_files(tmp_path, {f"{SPLITS[k]}/{k}.jpg": picture(k) for k in SENTENCES})
    dataset = load(tmp_path)
    assert said(dataset) == wanted
    assert dataset.problems == ()


def test_one_name_in_two_folders_of_an_imagefolder_is_two_photographs(
    tmp_path: Path, picture: Picture, write_files: Files
) -> None:
    for split, number in (("train", 1), ("test", 2)):
        row = json.dumps({"file_name": "0.jpg", "text": f"a {split} dog"})
        write_files(tmp_path, {f"{split}/metadata.jsonl": row, f"{split}/0.jpg": picture(number)})
    dataset = load(tmp_path)
    found = {(e.name, e.split, e.sentences, e.read()) for e in dataset.examples}
    assert found == {
        ("test/0.jpg", "test", ("a test dog",), picture(2)),
        ("train/0.jpg", "train", ("a train dog",), picture(1)),
    }
    assert dataset.problems == ()


@pytest.mark.parametrize("suffix", [".txt", ".caption", ".jpg.txt"])
def test_sidecars(tmp_path: Path, picture: Picture, write_files: Files, wanted: object, suffix: str) -> None:
    for k, own in SENTENCES.items():
        write_files(
            tmp_path, {f"{SPLITS[k]}/{k}.jpg": picture(k), f"{SPLITS[k]}/{k}{suffix}": "\n".join(own) + "\n"}
        )
    dataset = load(tmp_path)
    assert said(dataset) == wanted
    assert (dataset.layout, dataset.problems) == ("sidecars", ())


def test_numbers_of_boxes_beside_photographs_are_no_sentences(
    tmp_path: Path, picture: Picture, write_files: Files
) -> None:
    write_files(tmp_path, {"1.jpg": picture(1), "1.txt": "0 0.5 0.5 0.2 0.2\n"})
    assert load(tmp_path).layout == "only photographs"


def tar(members: Contents) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:") as archive:
        for name, content in members.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


@pytest.mark.parametrize("name", ["{split}-0000.tar", "{split}/0.tar", "shards/flickr-{split}.tar"])
@pytest.mark.parametrize("kind", ["txt", "json", "both"])
def test_webdataset(
    tmp_path: Path, picture: Picture, write_files: Files, wanted: object, name: str, kind: str
) -> None:
    for k, own in SENTENCES.items():
        members: dict[str, bytes | str] = {f"s{k}.jpg": picture(k), f"s{k}.cls": "0"}
        if kind != "json":
            members[f"s{k}.txt"] = "\n".join(own)
        if kind != "txt":
            members[f"s{k}.json"] = json.dumps({"caption": own if kind == "json" else "other", "width": 3})
        write_files(tmp_path, {name.format(split=SPLITS[k]): tar(members)})
    dataset = load(tmp_path)
    assert said(dataset) == wanted
    assert (dataset.layout, dataset.problems) == ("WebDataset", ())


def test_one_key_in_two_shards_is_two_photographs(
    tmp_path: Path, picture: Picture, write_files: Files
) -> None:
    for split, number in (("train", 1), ("val", 2)):
        write_files(tmp_path, {f"{split}.tar": tar({"0.jpg": picture(number), "0.txt": f"a {split} dog"})})
    found = {(e.name, e.split, e.sentences, e.read()) for e in load(tmp_path).examples}
    assert found == {
        ("train/0.jpg", "train", ("a train dog",), picture(1)),
        ("val/0.jpg", "val", ("a val dog",), picture(2)),
    }


@pytest.mark.parametrize("folder", ["", "flickr30k_images/"])
def test_kaggles_flickr30k(tmp_path: Path, picture: Picture, write_files: Files, folder: str) -> None:
    header = "image_name| comment_number| comment\n"
    text = header + "17.jpg| 0| A dog .\n17.jpg| 4   Dog runs .\n18.jpg| 0| A | cat\n"
    write_files(tmp_path, {f"{folder}results.csv": text})
    write_files(tmp_path, {f"{folder}flickr30k_images/{k}.jpg": picture(k) for k in (17, 18)})
    dataset = load(tmp_path)
    assert dataset.name == "flickr30k"
    assert {e.name: (e.split, e.sentences) for e in dataset.examples} == {
        "17.jpg": ("", ("A dog .", "Dog runs .")),
        "18.jpg": ("", ("A | cat",)),
    }
    (problem,) = dataset.problems
    assert (problem.kind, problem.name) == ("missing delimiter", "17.jpg")
    assert "results.csv, line 3" in problem.detail


def test_kaggles_flickr8k_is_known_by_its_names(tmp_path: Path, picture: Picture, write_files: Files) -> None:
    name = "1000268201_693b08cb0e.jpg"
    write_files(tmp_path, {"captions.txt": f"image,caption\n{name},A child in a pink dress .\n"})
    write_files(tmp_path, {f"Images/{name}": picture(1)})
    dataset = load(tmp_path)
    assert (dataset.name, dataset.examples[0].split) == ("flickr8k", "")


def test_the_file_of_sentences_of_flickr8k_in_a_folder_of_its_own(
    tmp_path: Path, picture: Picture, write_files: Files
) -> None:
    write_files(
        tmp_path,
        {
            "Flickr8k_text/Flickr8k.token.txt": (
                "1_a.jpg#0\tA dog , running .\n1_a.jpg#1\tDog\n2_b.jpg#0\tCat\n"
            ),
            "Flickr8k_text/Flickr_8k.trainImages.txt": "1_a.jpg\n",
            "Flickr8k_text/Flickr_8k.devImages.txt": "2_b.jpg\n",
            "Flickr8k_text/Flickr_8k.testImages.txt": "",
            "Flicker8k_Dataset/1_a.jpg": picture(1),
            "Flicker8k_Dataset/2_b.jpg": picture(2),
        },
    )
    found = {e.name: (e.split, e.sentences) for e in load(tmp_path).examples}
    assert found == {"1_a.jpg": ("train", ("A dog , running .", "Dog")), "2_b.jpg": ("val", ("Cat",))}


@pytest.mark.parametrize("keys", ["{}.jpg", "{}"])
def test_json_by_photograph_under_any_name(
    tmp_path: Path, picture: Picture, write_files: Files, keys: str
) -> None:
    content = {keys.format(k): own for k, own in SENTENCES.items()}
    write_files(tmp_path, {"mine.json": json.dumps(content), **{f"{k}.jpg": picture(k) for k in SENTENCES}})
    found = {e.name: e.sentences for e in load(tmp_path).examples}
    assert found == {f"{k}.jpg": tuple(own) for k, own in SENTENCES.items()}
