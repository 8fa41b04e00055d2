"""Captions in files: every layout gives the same records; every error is one line with the file's name."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa.metrics.files import read_hypotheses, read_pairs, read_references

REFERENCES = {"2": ["a dog runs", "the dog"], "x.jpg": ["ein Fuß"], "1": ["a cat"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


def write(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8", newline="")
    return path


names = st.text(min_size=1, max_size=3)
sentences = st.lists(st.text(max_size=5), min_size=1, max_size=3)


@given(st.dictionaries(names, sentences, min_size=1, max_size=4))
def test_references_of_either_form_are_the_same(folder: Path, references: dict[str, list[str]]) -> None:
    assert read_references(write(folder, "a.json", references)) == references
    turns = [(photo, n) for photo, own in references.items() for n in range(len(own))]
    coco = {
        "images": [{"id": photo, "file_name": "any"} for photo in references],
        # A photograph's sentences in their order, but the photographs from the back.
        "annotations": [
            {"id": 1, "image_id": photo, "caption": references[photo][n]}
            for photo, n in sorted(turns, key=lambda turn: -[*references].index(turn[0]))
        ],
    }
    found = read_references(write(folder, "b.json", coco))
    assert [*found.items()] == [*references.items()]
    del coco["images"]
    found = read_references(write(folder, "b.json", coco))
    assert [*found.items()] == [*reversed(references.items())]


def test_numbers_are_names_and_a_photograph_may_be_named_annotations(tmp_path: Path) -> None:
    numbered = {"annotations": [{"image_id": 42, "caption": "a dog"}, {"image_id": "42", "caption": "it"}]}
    assert read_references(write(tmp_path, "a.json", numbered)) == {"42": ["a dog", "it"]}
    odd = {"annotations": ["a list of notes"], "images": ["a picture"]}
    assert read_references(write(tmp_path, "a.json", odd)) == odd


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        (["a dog"], "must be an object of photographs"),
        ({}, "has no photographs"),
        ({"annotations": []}, "has no photographs"),
        ({"x": "a dog"}, "photograph 'x' needs a list of sentences"),
        ({"x": ["a dog"], "y": []}, "photograph 'y' needs a list of sentences"),
        ({"x": ["a dog", 3]}, "photograph 'x' needs a list of sentences"),
        ('{"x": ["a dog"], "y": ["a cat"], "x": ["a fox"]}', "the key 'x' is twice in one object"),
        ({"images": [{"id": 7}], "annotations": []}, "photograph '7' needs a list of sentences"),
        ({"images": [{"name": 7}], "annotations": []}, r"no id that is a number or a string: \{'name': 7\}"),
        ({"images": 7, "annotations": []}, "images is not a list"),
        ({"annotations": [{"image_id": 7}]}, r"an entry has no caption: \{'image_id': 7\}"),
        ({"annotations": [{"image_id": True, "caption": "a"}]}, "no image_id that is a number or a string"),
        ({"annotations": [{"image_id": 1.5, "caption": "a"}]}, "no image_id that is a number or a string"),
    ],
)
def test_faulty_references_are_named(tmp_path: Path, content: object, line: str) -> None:
    path = write(tmp_path, "refs.json", content)
    with pytest.raises(ValueError, match=rf"refs\.json.*{line}") as caught:
        read_references(path)
    assert "\n" not in str(caught.value)


def test_hypotheses_of_either_form_are_the_same(tmp_path: Path) -> None:
    said = {"2": "a dog", "x.jpg": "", "1": "ein Fuß \u2028 und \x0b einer"}
    results = [{"image_id": int(k) if k.isdigit() else k, "caption": c} for k, c in reversed(said.items())]
    photos = [*REFERENCES]
    assert read_hypotheses(write(tmp_path, "hyps.json", results), photos) == said
    lines = "\n".join(said.values())
    for content in (lines, f"{lines}\n", lines.replace("\n", "\r\n"), f"\ufeff{lines}"):
        assert read_hypotheses(write(tmp_path, "hyps.txt", content), photos) == said


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("hyps.json", "a dog\n", "is not JSON"),
        ("hyps.json", {"2": ["a dog", "it"]}, "photograph '2' needs one caption"),
        ("hyps.json", {"2": "a dog"}, "photograph 'x.jpg' has no caption"),
        ("hyps.json", ["a dog"], "an entry has no caption: a dog"),
        ("hyps.json", [{"caption": "a dog"}], "no image_id"),
        ("hyps.json", [{"image_id": 2, "caption": 7}], "entry 1: .* no sentence: 7"),
        ("hyps.json", [{"image_id": n, "caption": "a"} for n in (2, "2")], "photograph '2' is there twice"),
        ("hyps.json", [{"image_id": n, "caption": "a"} for n in (2, 1)], "photograph 'x.jpg' has no caption"),
        (
            "hyps.json",
            [{"image_id": n, "caption": "a"} for n in (2, 3, "x.jpg", 1)],
            "photograph '3' has no references",
        ),
        ("hyps.txt", "a dog\na cat\n", "has 2 lines for 3 photographs"),
        ("hyps.txt", "a dog\na cat\na fox\n\n", "has 4 lines for 3 photographs"),
        ("hyps.txt", '[{"image_id": 2, "caption": "a"}]', "photograph 'x.jpg' has no caption"),
        ("hyps.csv", "a dog\na cat\na fox\n", "must name a photograph and a sentence"),
        ("hyps.jsonl", '"a dog"\n"a cat"\n"a fox"\n', "must name a photograph and a sentence"),
        ("hyps.csv", "image_id,caption\n2,a dog, running\n", "line 2 has 3 fields for 2 columns"),
        ("hyps.csv", "image_id,caption\n2,a dog\n2,it\n", "photograph '2' is there twice"),
    ],
)
def test_faulty_hypotheses_are_named(tmp_path: Path, name: str, content: object, line: str) -> None:
    path = write(tmp_path, name, content)
    with pytest.raises(ValueError, match=rf"{name}.*{line}") as caught:
        read_hypotheses(path, [*REFERENCES])
    assert "\n" not in str(caught.value)


def test_missing_files_and_files_that_are_not_text(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with pytest.raises(FileNotFoundError):
        read_references(path)
    path.write_bytes(b"\xff\xfe{")
    with pytest.raises(ValueError, match=r"a\.json is not JSON"):
        read_references(path)
    with pytest.raises(ValueError, match=r"a\.json is not JSON"):
        read_hypotheses(path, ["x"])


def rows(kind: str, pairs: Sequence[tuple[object, str]]) -> str:
    """Photographs with sentences in a kind of file."""
    if kind in (".csv", ".tsv"):
        mark = {".csv": ",", ".tsv": "\t"}[kind]
        return f"image_id{mark}caption\n" + "".join(f'{photo}{mark}"{said}"\n' for photo, said in pairs)
    records = [{"image_id": photo, "caption": said} for photo, said in pairs]
    return "\n".join(map(json.dumps, records)) if kind == ".jsonl" else json.dumps(records)


@pytest.mark.parametrize("kind", [".csv", ".tsv", ".jsonl", ".json", ".txt"])
def test_tables_are_read_as_what_they_are_on_both_sides(tmp_path: Path, kind: str) -> None:
    said = {"2": "a dog, running", "x.jpg": "ein Fuß", "1": "a cat"}
    pairs: list[tuple[object, str]] = [(k, s) for k, own in REFERENCES.items() for s in own]
    # A .txt is what its content says: here the rows of a CSV file.
    content = rows(kind.replace(".txt", ".csv"), list(reversed(said.items())))
    refs, hyps = (
        write(tmp_path, f"refs{kind}", rows(kind.replace(".txt", ".csv"), pairs)),
        tmp_path / f"hyps{kind}",
    )
    write(tmp_path, hyps.name, content)
    assert read_pairs(refs, hyps) == (REFERENCES, said)


NUMBERS: list[tuple[object, object]] = [
    (42, "42"), ("42", 42), (42, "000000000042"), ("COCO_val2014_000000000042.jpg", 42),
    ("000000000042.jpg", "COCO_val2014_000000000042"), ("1000268201_693b08cb0e.jpg", "1000268201"),
    ("images/dog.jpg", "dog.jpg"), ("dog.jpg", "dog"), ("images/dog.jpg", "images\\dog.jpg"),
    ("dog.jpg", "./dog.jpg"),
    ("caf\u00e9.jpg", "cafe\u0301.jpg"), ("cafe\u0301.jpg", "caf\u00e9.jpg"), ("dog.jpg", "\ufeffdog.jpg"),
]  # fmt: skip


@pytest.mark.parametrize(("known", "name"), NUMBERS)
def test_names_and_numbers_of_one_photograph_meet(tmp_path: Path, known: object, name: object) -> None:
    other: tuple[object, str] = ("other.jpg", "a cat")
    annotations = [{"image_id": k, "caption": s} for k, s in ((known, "a dog"), other)]
    refs = write(tmp_path, "refs.json", {"annotations": annotations})
    hyps = write(tmp_path, "hyps.json", rows(".json", [other, (name, "it")]))
    assert read_pairs(refs, hyps)[1] == {str(known): "it", "other.jpg": "a cat"}


def test_cocos_captions_may_be_hypotheses(tmp_path: Path) -> None:
    hyps = write(tmp_path, "hyps.json", {"annotations": [{"image_id": 2, "caption": "a dog"}]})
    assert read_hypotheses(hyps, ["2"]) == {"2": "a dog"}
    write(tmp_path, "hyps.json", {"annotations": [{"image_id": 2, "caption": "a dog"}] * 2})
    with pytest.raises(ValueError, match="photograph '2' is there twice"):
        read_hypotheses(hyps, ["2"])


def test_karpathys_json_gives_references_of_the_split_that_was_captioned(tmp_path: Path) -> None:
    images = [
        {"filename": f"{k}.jpg", "cocoid": 900 + k, "split": split, "sentences": [{"raw": f"dog {k}"}]}
        for k, split in enumerate(("train", "train", "val", "test", "test", "test"))
    ]
    refs = write(tmp_path, "dataset_any.json", {"dataset": "any", "images": images})
    assert len(read_references(refs)) == 6

    wanted = {f"{k}.jpg": [f"dog {k}"] for k in (3, 4, 5)}
    said = [(f"{k}.jpg", "a dog") for k in (5, 4, 3)]
    for content in (rows(".json", said), rows(".json", [(900 + k, "a dog") for k in (3, 4, 5)])):
        found, captions = read_pairs(refs, write(tmp_path, "hyps.json", content))
        assert (found, list(captions)) == (wanted, list(wanted))
    lines = write(tmp_path, "hyps.txt", "a\nb\nc\n")
    assert read_pairs(refs, lines) == (wanted, {"3.jpg": "a", "4.jpg": "b", "5.jpg": "c"})
    assert list(read_pairs(refs, write(tmp_path, "hyps.txt", "a\nb\n"), "train")[0]) == ["0.jpg", "1.jpg"]
    with pytest.raises(
        ValueError, match=r"hyps\.txt has 4 captions: name the split .*\(test, train, val\) by --split"
    ):
        read_pairs(refs, write(tmp_path, "hyps.txt", "a\nb\nc\nd\n"))
    with pytest.raises(ValueError, match="no split 'trian'; they have test, train, val"):
        read_pairs(refs, lines, "trian")


@pytest.mark.parametrize("suffix", ["", "#0"])
@pytest.mark.parametrize("names", [("1.jpg", "2.jpg"), ("1", "2"), ("a b", "c")])
def test_a_name_and_a_tab_before_each_caption_are_no_part_of_it(
    tmp_path: Path, names: tuple[str, str], suffix: str
) -> None:
    first, second = (name if suffix == "" or "." not in name else name + suffix for name in names)
    path = write(tmp_path, "hyps.txt", f"{second}\ta cat\r\n{first}\ta dog\r\n")
    assert read_hypotheses(path, names) == dict(zip(names, ("a dog", "a cat"), strict=True))


@pytest.mark.parametrize("between", [" ", ": ", "#0 "])
def test_other_names_before_captions_are_refused_and_not_scored(tmp_path: Path, between: str) -> None:
    path = write(tmp_path, "hyps.txt", f"1.jpg{between}a dog\n2.jpg{between}a cat\n")
    with pytest.raises(ValueError, match=r"hyps\.txt: its lines begin with names of photographs"):
        read_hypotheses(path, ["1.jpg", "2.jpg"])


def test_captions_that_begin_like_a_photograph_are_captions(tmp_path: Path) -> None:
    path = write(tmp_path, "hyps.txt", "2 dogs run\na cat\n")
    assert read_hypotheses(path, ["1", "2"]) == {"1": "2 dogs run", "2": "a cat"}


def test_references_of_one_photograph_in_two_splits_are_refused(tmp_path: Path) -> None:
    rows = "image,caption,split\n1.jpg,a dog,test\n1.jpg,the dog,val\n"
    with pytest.raises(ValueError, match=r"refs\.csv, line 3: photograph '1\.jpg' is in two splits"):
        read_references(write(tmp_path, "refs.csv", rows))
