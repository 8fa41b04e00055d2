"""A fault is no data: what has one reading is read and counted, anything else is refused by file and line."""

import gzip
import json
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from dvsa.data import DataError, check, load

Picture = Callable[[int], bytes]
Files = Callable[[Path, Mapping[str, bytes | str]], Path]
PHOTOGRAPHS = {"a.jpg": 1, "b.jpg": 2, "c.jpg": 3, "caf\u00e9.jpg": 4}


@pytest.fixture
def root(tmp_path: Path, picture: Picture, write_files: Files) -> Path:
    return write_files(tmp_path, {name: picture(number) for name, number in PHOTOGRAPHS.items()})


LINE = '{"photo": "a.jpg", "text": "dog"}\n'
FLICKR30K = "image_name| comment_number| comment\n"
REFUSED: list[tuple[str, str | bytes, str]] = [
    (
        "captions.csv",
        "photo,sentence\na.jpg,a dog, running\n",
        "line 2 has 3 fields for 2 columns: put quotes",
    ),
    ("captions.csv", "photo,sentence,split\na.jpg,a dog,train,more\n", "line 2 has 4 fields for 3 columns"),
    ("captions.csv", "photo;sentence\na.jpg;a dog; running\n", "line 2 .* contains a semicolon"),
    ("captions.tsv", "photo\tsentence\na.jpg\ta dog\trunning\n", "line 2 .* contains a tab"),
    (
        "captions.csv",
        "photo,sentence,split\na.jpg,a dog\n",
        "line 2: a row needs a photo and a sentence, and",
    ),
    ("captions.csv", 'photo,sentence\na.jpg,"a dog\nb.jpg,a cat\n', "line 2 is not CSV .*close every quote"),
    ("captions.csv", 'photo,sentence\na.jpg,"a dog\nb.jpg,a cat"\n', "line 2: a quote is not closed"),
    ("captions.csv", 'photo,sentence\na.jpg,"a dog\nb.jpg,cat\nc.jpg,"a cow"\n', "line 2 is not CSV"),
    ("captions.csv", 'sentence,photo\n"a dog,a.jpg\n"a cat,b.jpg\n', "line 2"),
    ("captions.csv", 'sentence,photo\n"a dog,a.jpg\na cat",b.jpg\n', "line 2: a quote is not closed"),
    ("captions.csv", "photo,sentence\n", "lists no photographs"),
    ("captions.csv", "photo,sentence\na.jpg,a dog\n".encode("utf-16"), "is not UTF-8 text"),
    ("captions.csv", 'photo,sentence\na,"a dog\nb,a cat"\n', "line 2: a quote is not closed"),
    ("captions.csv", 'sentence,photo\n"a dog,a\na cat",b\n', "line 2: a quote is not closed"),
    ("captions.csv", 'n,sentence,photo\n1,"a dog,a\n2,a cat",b\n', "line 2: a quote is not closed"),
    ("captions.csv", 'photo, sentence\n1,"a dog\n2, a cat"\n', "line 2: a quote is not closed"),
    ("captions.csv", 'photo,sentence\na.jpg,"a "big" dog"\n', "line 2 is not CSV"),
    ("captions.csv", "photo,sentence,split\na.jpg,a dog,trian\n", "line 2: unknown split 'trian': use train"),
    (
        "captions.csv",
        "photo,sentence,split\na.jpg,a dog,train\nb.jpg,a cat,\n",
        "line 3: only some rows have",
    ),
    ("captions.csv", "photo,sentence,sentence\na.jpg,a dog,a cat\n", "the column 'sentence' is there twice"),
    ("captions.csv", "photo,sentence,caption\na.jpg,a dog,a cat\n", "sentence.*may all be the sentences"),
    ("captions.csv", "photo,sentence\n,a dog\n", "line 2: .* no photo"),
    ("captions.jsonl", LINE + '{"photo": "b.jpg"', "line 2 is not JSON"),
    ("captions.jsonl", LINE + '["b.jpg"]', "line 2 is not an object"),
    ("captions.jsonl", LINE + '{"photo": "b.jpg", "text": 3}', "line 2: .*no sentence"),
    ("captions.jsonl", LINE + '{"photo": "b.jpg", "text": "c", "text": "d"}', "line 2: "),
    (
        "captions.jsonl",
        '{"photo": "a.jpg", "text": "dog", "split": "eval1"}',
        "line 1: unknown split 'eval1'",
    ),
    (
        "annotations.json",
        '[{"photo": "a.jpg", "text": "dog"}, {"photo": null, "text": "a"}]',
        "entry 2: .*no photo",
    ),
    (
        "dataset.json",
        '{"images": [{"filename": "a.jpg", "split": "trian", "sentences": [{"raw": "a dog"}]}]}',
        "image 1: unknown split 'trian'",
    ),
    (
        "captions.json",
        '{"a.jpg": ["a dog"],\n"b.jpg": ["a cat"],\n"a.jpg": ["a cow"]}',
        "line 3: the key 'a.jpg'",
    ),
    ("results.csv", FLICKR30K + "a.jpg| A dog\n", "line 2: a row needs a photo, a num"),
]


@pytest.mark.parametrize(("file", "text", "message"), REFUSED)
def test_what_has_no_one_reading_is_refused(
    root: Path, write_files: Files, file: str, text: str | bytes, message: str
) -> None:
    write_files(root, {file: text})
    with pytest.raises(DataError, match=message) as caught:
        load(root)
    assert file in str(caught.value)
    assert "\n" not in str(caught.value)


DECOMPOSED = unicodedata.normalize("NFD", "caf\u00e9.jpg")


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        ("./a.jpg,a dog\n", "other spelling"),
        (".\\a.jpg,a dog\n", "other spelling"),
        ("C:\\photos\\a.jpg,a dog\n", "other spelling"),
        ("/elsewhere/a.jpg,a dog\n", "other spelling"),
        ("a,a dog\n", "other spelling"),
        ("A.JPG,a dog\n", "other spelling"),
        ("\ufeffa.jpg,a dog\n", "other spelling"),
        (f"{DECOMPOSED},a dog\n", "other spelling"),
        ("a.jpg,a dog,\n", "surplus field"),
        ("a.jpg,a dog, , \n", "surplus field"),
        ("a.jpg,a dog\n./a.jpg,two dogs\n", "other spelling"),
    ],
)
def test_what_has_one_reading_is_read_and_counted(
    root: Path, write_files: Files, rows: str, kind: str
) -> None:
    write_files(root, {"captions.csv": f"photo,sentence\n{rows}"})
    report = check(root)
    assert report.ok
    assert sum(problem.kind == kind for problem in report.problems) == 1
    (example,) = load(root).examples
    assert example.name in PHOTOGRAPHS
    assert len(example.sentences) == rows.count("\n")


SPELLINGS = (
    *("./a.jpg", ".\\a.jpg", "C:\\photos\\a.jpg", "/elsewhere/a.jpg", "a", "A.JPG", ".//a.jpg"),
    *("\u200ba.jpg", "\ufeffa.jpg", DECOMPOSED),
)


def lists(name: str) -> dict[str, dict[str, str]]:
    """Files of each layout, which list a photograph under a name and another one, with a sentence each."""
    both = {name: "a dog", "b.jpg": "a cat"}
    images = [{"filename": n, "split": "train", "sentences": [{"raw": s}]} for n, s in both.items()]
    coco = {
        "images": [{"id": k, "file_name": n} for k, n in enumerate(both)],
        "annotations": [{"id": k, "image_id": k, "caption": s} for k, s in enumerate(both.values())],
    }
    rows = [{"photo": n, "text": s} for n, s in both.items()]
    return {
        "Karpathy": {"dataset_x.json": json.dumps({"images": images})},
        "COCO": {"annotations/captions_train2014.json": json.dumps(coco)},
        "lines": {"captions.jsonl": "".join(json.dumps(row) + "\n" for row in rows)},
        "by photograph": {"captions.json": json.dumps({n: [s] for n, s in both.items()})},
        "tabs": {"captions.tsv": "photo\ttext\n" + "".join(f"{n}\t{s}\n" for n, s in both.items())},
        "Flickr30K": {"results.csv": FLICKR30K + "".join(f"{n}| 0| {s}\n" for n, s in both.items())},
        "Flickr8K": {
            "Flickr8k.token.txt": "b.jpg#0\ta cat\n" + f"{name}#0\ta dog\n",
            "Flickr_8k.trainImages.txt": f"b.jpg\n{name}\n",
            "Flickr_8k.devImages.txt": "",
            "Flickr_8k.testImages.txt": "",
        },
    }


@pytest.mark.parametrize("layout", lists("a.jpg"))
@pytest.mark.parametrize("name", SPELLINGS)
def test_every_spelling_is_read_and_counted_in_every_layout(
    root: Path, write_files: Files, layout: str, name: str
) -> None:
    write_files(root, lists(name)[layout])
    dataset = load(root)
    assert {e.sentences for e in dataset.examples} == {("a dog",), ("a cat",)}
    kinds = [problem.kind for problem in dataset.problems]
    assert "other spelling" in kinds or "two names" in kinds


@pytest.mark.parametrize(
    "files",
    [
        {"dataset_x.json": '{"images": [{"filename": "a.jpg", "filename": "b.jpg", "sentences": []}]}'},
        {"annotations/captions_train2014.json": '{"images": [{"id": 1, "id": 2}], "annotations": []}'},
        {"captions.jsonl": '{"photo": "a.jpg", "photo": "b.jpg", "text": "a dog"}\n'},
        {"captions.json": '{"a.jpg": ["a dog"], "a.jpg": ["a cat"]}'},
        {"list.json": '[{"photo": "a.jpg", "text": "a dog", "text": "a cat"}]'},
    ],
    ids=lambda files: next(iter(files)),
)
def test_a_key_that_is_there_twice_is_refused_in_every_kind_of_json(
    root: Path, write_files: Files, files: dict[str, str]
) -> None:
    write_files(root, files)
    with pytest.raises(DataError, match="twice in one object") as caught:
        load(root)
    assert next(iter(files)) in str(caught.value)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("captions.csv", "photo,sentence,split\na.jpg,a dog,trian\n"),
        ("captions.csv", "photo;sentence;split\na.jpg;a dog;trian\n"),
        ("captions.tsv", "photo\tsentence\tsplit\na.jpg\ta dog\ttrian\n"),
        ("captions.jsonl", '{"photo": "a.jpg", "text": "a dog", "split": "trian"}\n'),
        ("list.json", '[{"photo": "a.jpg", "text": "a dog", "split": "trian"}]'),
        (
            "dataset_x.json",
            '{"images": [{"filename": "a.jpg", "split": "trian", "sentences": [{"raw": "dog"}]}]}',
        ),
    ],
)
def test_an_unknown_split_is_refused_in_every_layout(
    root: Path, write_files: Files, file: str, text: str
) -> None:
    write_files(root, {file: text})
    with pytest.raises(DataError, match=rf"{file}.* unknown split 'trian'"):
        load(root)


def test_one_file_under_two_names_is_one_photograph(root: Path, write_files: Files, picture: Picture) -> None:
    write_files(root, {"in/d.jpg": picture(5)})
    write_files(root, {"captions.csv": "photo,sentence,split\nd.jpg,a dog,train\nin/d.jpg,two dogs,train\n"})
    (example,) = load(root).examples
    assert example.sentences == ("a dog", "two dogs")
    assert [p.kind for p in load(root).problems if p.kind != "stray photograph"] == ["two names"]


@pytest.mark.parametrize("other", ["./in/d.jpg", "in\\d.jpg", "in/d", "d.jpg", "IN/D.jpg", "link.jpg"])
def test_one_file_under_two_names_does_not_leak_between_splits(
    root: Path, write_files: Files, picture: Picture, other: str
) -> None:
    write_files(root, {"in/d.jpg": picture(5)})
    (root / "link.jpg").symlink_to(root / "in" / "d.jpg")
    rows = f"in/d.jpg,a dog,train\n{other},two dogs,val\na.jpg,a cat,train\n"
    write_files(root, {"captions.csv": f"photo,sentence,split\n{rows}"})
    if other == "IN/D.jpg":  # it may be the name of a file that is missing
        with pytest.raises(DataError, match=r"captions\.csv, line 3: 'IN/D\.jpg' and 'in/d\.jpg' .*line 2"):
            load(root)
        return
    assert [(e.name, e.split) for e in load(root).examples] == [("in/d.jpg", "val"), ("a.jpg", "train")]
    report = check(root)
    assert not report.ok
    assert "split overlap" in [problem.kind for problem in report.problems]


def coco(number: int, caption: str, **more: str) -> str:
    image = {"id": number, "file_name": "0.jpg", **more}
    return json.dumps({"images": [image], "annotations": [{"image_id": number, "caption": caption}]})


@pytest.mark.parametrize("place", ["train2017/0.jpg val2017/0.jpg", "images/train/0.jpg images/val/0.jpg"])
def test_one_file_name_in_two_folders_of_coco_is_two_photographs(
    tmp_path: Path, write_files: Files, picture: Picture, place: str
) -> None:
    write_files(
        tmp_path,
        {
            "annotations/captions_train2017.json": coco(7, "a dog"),
            "annotations/captions_val2017.json": coco(8, "a cat"),
            **{name: picture(n) for n, name in enumerate(place.split())},
        },
    )
    train, val = load(tmp_path).examples
    assert (train.split, train.sentences, train.read()) == ("train", ("a dog",), picture(0))
    assert (val.split, val.sentences, val.read()) == ("val", ("a cat",), picture(1))
    assert train.name != val.name


def test_two_images_of_coco_whose_folders_are_unknown_are_refused(
    tmp_path: Path, write_files: Files, picture: Picture
) -> None:
    images = [{"id": n, "file_name": "0.jpg"} for n in (1, 2)]
    sentences = [{"image_id": n, "caption": f"dog {n}"} for n in (1, 2)]
    write_files(tmp_path, {"mine.json": json.dumps({"images": images, "annotations": sentences})})
    write_files(tmp_path, {"0.jpg": picture(0)})
    with pytest.raises(DataError, match=r"mine\.json, image 2 is the same photograph as .*image 1"):
        load(tmp_path)
    write_files(tmp_path, {"a/1.jpg": picture(1), "b/1.jpg": picture(2)})
    (tmp_path / "0.jpg").unlink()
    images[0]["file_name"] = images[1]["file_name"] = "1.jpg"
    write_files(tmp_path, {"mine.json": json.dumps({"images": images, "annotations": sentences})})
    with pytest.raises(DataError, match=r"mine\.json, image 1: '1\.jpg' may be a/1\.jpg or b/1\.jpg"):
        load(tmp_path)
    for image, folder in zip(images, "ab", strict=True):
        image["coco_url"] = f"http://images.example.org/{folder}/1.jpg"
    write_files(tmp_path, {"mine.json": json.dumps({"images": images, "annotations": sentences})})
    assert [(e.sentences, e.read()) for e in load(tmp_path).examples] == [
        (("dog 1",), picture(1)),
        (("dog 2",), picture(2)),
    ]


def test_a_quoted_sentence_of_several_lines_is_one(root: Path, write_files: Files) -> None:
    write_files(root, {"captions.csv": 'photo,sentence\na.jpg,"a dog\nruns, and barks"\nb.jpg,a cat\n'})
    assert [e.sentences for e in load(root).examples] == [("a dog runs, and barks",), ("a cat",)]
    write_files(root, {"captions.csv": 'sentence,photo\n"a dog,\nand a cat, run",a.jpg\na cow,b\n'})
    assert [e.sentences for e in load(root).examples] == [("a dog, and a cat, run",), ("a cow",)]


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x0b", "\x0c", "\x85", "\x1c"])
@pytest.mark.parametrize("form", ["captions.csv", "captions.tsv", "captions.jsonl", "a.txt"])
def test_only_line_feeds_end_a_line(root: Path, write_files: Files, form: str, mark: str) -> None:
    sentence = f"a dog{mark}runs"
    text = {
        "captions.csv": f"photo,sentence\na.jpg,{sentence}\n",
        "captions.tsv": f"photo\tsentence\na.jpg\t{sentence}\n",
        "captions.jsonl": json.dumps({"photo": "a.jpg", "text": sentence}, ensure_ascii=False),
        "a.txt": sentence,
    }
    write_files(root, {form: text[form]})
    (example,) = load(root).examples
    assert example.sentences == ("a dog runs",)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("my_captions.csv", "who,what\na.jpg,a dog\n"),
        ("captions.txt", "a dog\na cat\n"),
        ("old/metadata.jsonl", '{"file_name": "a.jpg", "label": 3}\n'),
    ],
)
def test_a_captions_file_that_is_ignored_is_named(
    root: Path, write_files: Files, name: str, text: str
) -> None:
    write_files(root, {name: text})
    dataset = load(root)
    assert [(p.kind, p.name) for p in dataset.problems] == [("unread captions", name)]
    assert not check(root).ok
    with pytest.raises(
        DataError, match=rf"no sentences \(no file lists sentences\): {name} is not read: no columns"
    ):
        dataset.with_sentences()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.csv", "bild;beschreibung\na.jpg;ein Hund rennt\n"),
        ("list.txt", "a ein Hund rennt\nb eine Katze sitzt\n"),
        ("list.psv", "x|y|z\n7|photos/a.jpg|ein Hund rennt\n"),
        ("data.csv", "a.jpg,a dog, brown\nb.jpg,a cat\n"),
        ("data.jsonl", '{"pic": "a.jpg", "was": "ein Hund rennt"}\n'),
        ("data.json", '[{"pic": "a.jpg", "was": "ein Hund rennt"}]'),
        ("results.csv", (FLICKR30K + "a.jpg| 0| a dog runs\n").encode("utf-16")),
        ("results.csv.gz", gzip.compress((FLICKR30K + "a.jpg| 0| a dog runs\n").encode())),
        ("captions.xlsx", b"PK\x03\x04"),
        ("captions", "a dog runs\n"),
    ],
)
def test_a_captions_file_of_unknown_form_is_named_whatever_it_is_called(
    root: Path, write_files: Files, name: str, content: str | bytes
) -> None:
    write_files(root, {name: content})
    assert [(p.kind, p.name) for p in load(root).problems] == [("unread captions", name)]
    write_files(root, {"captions.csv": "photo,sentence\na.jpg,a dog\n"})
    assert ("ignored file", name) in [(p.kind, p.name) for p in load(root).problems]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("readme.txt", "These photographs are mine.\nThe first, a.jpg, shows a dog that runs.\n"),
        ("train.txt", "a\nb\nc\n"),
        ("labels.csv", "photo,label\na.jpg,dog\nb.jpg,cat\n"),
        ("ExpertAnnotations.txt", "a.jpg\tb.jpg#2\t1\t1\t1\n"),
        (
            "instances.json",
            '{"licenses": [{"name": "No Known Rights"}], "images": [{"id": 1, "file_name": "a.jpg"}]}',
        ),
        ("boxes.json", '{"a.jpg": [[0, 0, 4, 4]]}'),
    ],
)
def test_a_file_without_sentences_is_not_named_as_captions(
    root: Path, write_files: Files, name: str, text: str
) -> None:
    write_files(root, {name: text})
    assert not load(root).problems


@pytest.mark.parametrize("name", ["CAPTIONS.JSON", "Captions.CSV", "METADATA.JSONL"])
def test_suffixes_in_any_case_mean_the_same(root: Path, write_files: Files, name: str) -> None:
    texts = {
        "CAPTIONS.JSON": '{"a.jpg": ["a dog"]}',
        "Captions.CSV": "photo,sentence\na.jpg,a dog\n",
        "METADATA.JSONL": '{"file_name": "a.jpg", "text": "a dog"}\n',
    }
    write_files(root, {name: texts[name]})
    assert load(root).examples[0].sentences == ("a dog",)


def test_of_two_lists_one_is_read_and_the_other_named(root: Path, write_files: Files) -> None:
    write_files(
        root, {"captions.csv": "photo,sentence\na.jpg,a dog\n", "other.tsv": "path\ttext\na.jpg\ta cat\n"}
    )
    dataset = load(root)
    assert dataset.examples[0].sentences == ("a dog",)
    assert [p.detail for p in dataset.problems if p.kind == "ignored file"] == [
        "columns path, text; captions.csv is read"
    ]
    assert dataset.with_sentences() is dataset
    (root / "captions.csv").rename(root / "mine.tsv")
    with pytest.raises(
        DataError, match=r"mine\.tsv and other\.tsv both list photographs with sentences: leave"
    ):
        load(root)


def test_sidecars_beside_another_list_are_named(root: Path, write_files: Files) -> None:
    write_files(root, {"captions.csv": "photo,sentence\na.jpg,a dog\n", "b.txt": "0 0.5 0.5 1 1\n"})
    assert [p.name for p in load(root).problems if p.kind == "ignored file"] == []
    write_files(root, {"c.txt": "a cow\n", "caf\u00e9.txt": "a cup\n"})
    assert [(p.name, p.detail) for p in load(root).problems if p.kind == "ignored file"] == [
        ("c.txt", "sentences beside photographs and 2 more; captions.csv is read")
    ]


def test_of_two_sidecars_of_a_photograph_the_other_is_named(root: Path, write_files: Files) -> None:
    write_files(root, {"a.txt": "a dog\n", "a.caption": "a wet dog\n"})
    dataset = load(root)
    names = [p.name for p in dataset.problems if p.kind == "ignored file"]
    assert len(names) == 1
    assert {dataset.why, *names} == {"a.txt", "a.caption"}


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("['a dog', 'a cat']", ("a dog", "a cat")),
        ("['a dog', \"a cat's tail\"]", ("a dog", "a cat's tail")),
        ('["a dog", "a cat"]', ("a dog", "a cat")),
        ("['a'] dog", ("['a'] dog",)),
        ("['a dog", ("['a dog",)),
        ("[unclear] a dog", ("[unclear] a dog",)),
    ],
)
def test_a_list_in_a_cell_is_its_sentences(
    root: Path, write_files: Files, cell: str, wanted: tuple[str, ...]
) -> None:
    write_files(root, {"captions.tsv": f"photo\tsentences\na.jpg\t{cell}\n"})
    assert load(root).examples[0].sentences == wanted


def test_a_list_without_commas_in_a_cell_is_refused(root: Path, write_files: Files) -> None:
    write_files(root, {"captions.tsv": "photo\tsentences\na.jpg\t['a dog' 'a cat']\n"})
    with pytest.raises(DataError, match=r"captions\.tsv, line 2: write commas between the sentences"):
        load(root)
