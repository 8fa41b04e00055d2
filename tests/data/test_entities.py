from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dvsa.data import DataError, load
from dvsa.data.entities import Annotation, Entities, Marked
from dvsa.text import words

Picture = Callable[[int], bytes]
Files = Callable[[Path, Mapping[str, bytes | str]], Path]
Tar = Callable[[Path, Mapping[str, bytes]], Path]

XML = """<annotation><filename>7.jpg</filename>
<size><width>10</width><height>20</height><depth>3</depth></size>
<object><name>1</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>10</xmax><ymax>20</ymax></bndbox></object>
<object><name>1</name><name>2</name>
  <bndbox><xmin>3</xmin><ymin>5</ymin><xmax>3</xmax><ymax>10</ymax></bndbox></object>
<object><name>2</name><bndbox><xmin>0</xmin><ymin>0</ymin><xmax>11</xmax><ymax>2</ymax></bndbox></object>
<object><name>2</name><bndbox><xmin>9</xmin><ymin>1</ymin><xmax>3</xmax><ymax>2</ymax></bndbox></object>
<object><name>3</name><scene>1</scene><nobndbox>1</nobndbox></object></annotation>"""

FILES = {
    "Annotations/7.xml": XML,
    "Sentences/7.txt": (
        "[/EN#2/animals The gray dog] 's tail .\n"
        "[/EN#1/people/other A man] and [/EN#2/animals his dog] on [/EN#3/scene the street] .\n"
        "Nothing like it at all\n"
        "[/EN#1/people A t - shirt] , [/EN#0/notvisual each other] .\n"
        "\n"
    ),
}
SENTENCES = ["A man and his dog on the street.", "A t-shirt each other", "The grey dog's tail", "Quite else"]


@pytest.fixture
def annotation(tmp_path: Path, write_files: Files) -> Annotation:
    found = Entities(write_files(tmp_path, FILES)).annotation("7_abc.jpg")
    assert found is not None
    return found


def test_boxes_are_fractions_of_the_annotated_size(annotation: Annotation) -> None:
    whole, thin, above = (0.0, 0.0, 1.0, 1.0), (0.2, 0.2, 0.3, 0.5), (0.0, 0.0, 1.0, 0.1)
    assert annotation.boxes == {"1": (whole, thin), "2": (thin, above)}


def test_sentences_are_matched_by_their_letters(annotation: Annotation) -> None:
    phrases, unmatched = annotation.ground(SENTENCES)
    assert unmatched == ("Nothing like it at all",)
    assert [(p.sentence, p.first, p.last, p.text, p.chain, p.kinds) for p in phrases] == [
        (0, 0, 1, "a man", "1", ("people", "other")),
        (0, 3, 4, "his dog", "2", ("animals",)),
        (0, 6, 7, "the street", "3", ("scene",)),
        (1, 0, 1, "a tshirt", "1", ("people",)),
        (1, 2, 3, "each other", "0", ("notvisual",)),
        (2, 0, 2, "the grey dogs", "2", ("animals",)),
    ]
    assert [len(p.boxes) for p in phrases] == [2, 2, 0, 2, 0, 2]


def test_equal_sentences_are_each_taken_once(
    annotation: Annotation, tmp_path: Path, write_files: Files
) -> None:
    line = "[/EN#1/people A man] runs .\n"
    twice = Entities(write_files(tmp_path, {**FILES, "Sentences/7.txt": line * 3})).annotation("7.jpg")
    assert twice is not None
    phrases, unmatched = twice.ground(["A man runs", "A man runs ."])
    assert [p.sentence for p in phrases] == [0, 1]
    assert unmatched == ("A man runs .",)


def test_a_phrase_that_the_sentence_lacks_is_left_out(tmp_path: Path, write_files: Files) -> None:
    line = "[/EN#1/people A boy] skips [/EN#2/other rocks] near a very old stone bridge ."
    found = Entities(write_files(tmp_path, {**FILES, "Sentences/7.txt": line})).annotation("7.jpg")
    assert found is not None
    phrases, _ = found.ground(["A skips rocks near a very old stone bridge ."])
    assert [p.text for p in phrases] == ["rocks"]


token = st.text(st.sampled_from("abcDE-'1é"), min_size=1, max_size=5).filter(lambda w: bool(words(w)))
piece = st.tuples(st.booleans(), st.lists(token, min_size=1, max_size=3))


@given(st.lists(piece, min_size=1, max_size=5))
@example([(True, ["1--1"])])
def test_marks_round_trip(pieces: list[tuple[bool, list[str]]]) -> None:
    line = " ".join(f"[/EN#{k}/other {' '.join(t)}]" if m else " ".join(t) for k, (m, t) in enumerate(pieces))
    sentence = " ".join(w for _, tokens in pieces for w in tokens)
    phrases, unmatched = Annotation((Marked.parse(line),), {}).ground([sentence])
    said = [[x for token in t for x in words(token)] for _, t in pieces]  # "1--1" is two words
    starts = [sum(map(len, said[:k])) for k in range(len(pieces))]
    expected = [
        (str(k), starts[k], starts[k] + len(said[k]) - 1, said[k]) for k, (m, _) in enumerate(pieces) if m
    ]
    assert not unmatched
    assert [(p.chain, p.first, p.last, p.text.split()) for p in phrases] == expected


def test_folder_and_archive_give_the_same_phrases(
    tmp_path: Path, picture: Picture, write_files: Files, write_tar: Tar
) -> None:
    csv = "photo,sentence\n" + "".join(f'7.jpg,"{s}"\n' for s in SENTENCES)
    root = write_files(tmp_path / "set", {"captions.csv": csv, "7.jpg": picture(1)})
    bare = load(root)

    elsewhere = write_files(tmp_path / "elsewhere", FILES)
    given_folder = load(root, elsewhere)
    members = {f"deep/{name}": text.encode() for name, text in FILES.items()}
    given_archive = load(root, write_tar(tmp_path / "any.tar.gz", members))
    write_tar(root / "flickr30k_entities.tar.xz", {name: text.encode() for name, text in FILES.items()})
    found_archive = load(root)
    write_files(root / "entities", FILES)
    found_folder = load(root)

    assert bare.examples[0].phrases == ()
    assert len(given_folder.examples[0].phrases) == 6
    assert given_folder == given_archive == found_archive == found_folder
    assert [(p.kind, p.detail) for p in found_folder.problems] == [
        ("unmatched sentence", "Nothing like it at all")
    ]


def test_a_photograph_without_annotation_is_reported(
    tmp_path: Path, picture: Picture, write_files: Files
) -> None:
    write_files(tmp_path, {"captions.json": '{"8.jpg": ["a dog"]}', "8.jpg": picture(1)})
    write_files(tmp_path / "entities", FILES)
    dataset = load(tmp_path)
    assert [(p.kind, p.name) for p in dataset.problems] == [("no annotation", "8.jpg")]


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        ("<annotation>", "malformed"),
        ("<annotation/>", "no size/width"),
        (XML.replace("<width>10", "<width>0"), "malformed"),
        (XML.replace("<xmin>9", "<xmin>x"), "malformed"),
        (f'<!DOCTYPE a [<!ENTITY x "y">]>{XML}', "document type"),
        (XML + " " * (1 << 20), "larger than"),
    ],
)
def test_malformed_annotations_are_named(tmp_path: Path, write_files: Files, xml: str, message: str) -> None:
    entities = Entities(write_files(tmp_path, {**FILES, "Annotations/7.xml": xml}))
    with pytest.raises(DataError, match=message) as caught:
        entities.annotation("7.jpg")
    assert "7.xml" in str(caught.value)


def test_wrong_sources_are_named(tmp_path: Path, write_files: Files, write_tar: Tar) -> None:
    with pytest.raises(DataError, match=r"Annotations is missing: unpack annotations\.zip"):
        Entities(tmp_path)
    whole = write_tar(
        tmp_path / "a.tar.xz", {name: text.encode() * 500 for name, text in FILES.items()}
    ).read_bytes()
    for data in (whole[: len(whole) // 2], b"no archive", b""):
        with pytest.raises(DataError, match=r"b\.tar\.xz is not a tar archive"):
            Entities(write_files(tmp_path, {"b.tar.xz": data}) / "b.tar.xz")
    with pytest.raises(DataError, match="has no Annotations"):
        Entities(write_tar(tmp_path / "c.tar", {"other/1.xml": b""}))
