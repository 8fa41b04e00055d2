"""Phrases with boxes that are written beside a data set are read as the same."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dvsa.data import Dataset, Example, GroundedPhrase, check, load
from dvsa.data.annotating import _marked, annotate
from dvsa.data.converting import WRITERS, convert
from dvsa.data.entities import Entities
from dvsa.data.splitting import split_anew
from dvsa.records import Box
from dvsa.text import words

pytest.importorskip("pyarrow")

Picture = Callable[[int], bytes]
Files = Callable[[Path, Mapping[str, bytes | str]], Path]
Phrase = tuple[int, int, int, str, str, tuple[str, ...], tuple[tuple[float, ...], ...]]

NAMES = ["beach/1.jpg", "city/1.jpg", "1_a.jpg", "v1.2.jpg", "v1.3.jpg", "7.jpg", "7.png", "7_x.jpg"]
SENTENCES = ('A "big" dog , running [fast]', "two - boys ; one hat", "Two boys one hat")
BOXES: tuple[Box, ...] = ((0.0, 0.25, 0.5, 1.0), (0.125, 0.0, 1 / 3, 0.77))


def phrase(sentence: int, first: int, last: int, chain: str, kind: str, *boxes: Box) -> GroundedPhrase:
    text = " ".join(words(SENTENCES[sentence])[first : last + 1])
    return GroundedPhrase(sentence, first, last, text, chain, (kind, "other"), boxes)


PHRASES = (
    phrase(0, 0, 2, "5", "animals", *BOXES),
    phrase(0, 4, 4, "0", "notvisual"),
    phrase(1, 0, 1, "12", "people", BOXES[0]),
    phrase(1, 2, 3, "7", "scene"),
    phrase(2, 0, 3, "12", "people", BOXES[0]),
)


@pytest.fixture
def dataset(tmp_path: Path, picture: Picture, write_files: Files) -> Dataset:
    """Photographs of which some share their stem, each with its own boxes; the last has no phrases."""
    quoted = [f'"{sentence.replace(chr(34), chr(34) * 2)}"' for sentence in SENTENCES]
    splits = ["train", "val"] * 4
    rows = "".join(
        f"{name},{sentence},{split}\n"
        for name, split in zip(NAMES, splits, strict=True)
        for sentence in quoted
    )
    write_files(tmp_path / "data", {"captions.csv": f"image,caption,split\n{rows}"})
    write_files(tmp_path / "data", {f"images/{name}": picture(k) for k, name in enumerate(NAMES)})
    plain = load(tmp_path / "data")
    examples = [replace(e, phrases=moved(k)) for k, e in enumerate(plain.examples[:-1])]
    return replace(plain, examples=(*examples, plain.examples[-1]))


def moved(number: int) -> tuple[GroundedPhrase, ...]:
    """The phrases with other boxes for each photograph."""
    less = number / 64
    return tuple(
        replace(p, boxes=tuple((x0, y0, x1 - less, y1 - less) for x0, y0, x1, y1 in p.boxes)) for p in PHRASES
    )


def rounded(example: Example) -> set[Phrase]:
    """The phrases, with boxes up to rounding."""
    found = set()
    for p in example.phrases:
        boxes = tuple(tuple(round(end, 7) for end in box) for box in p.boxes)
        found.add((p.sentence, p.first, p.last, p.text, p.chain, p.kinds, boxes))
    return found


def content(dataset: Dataset) -> dict[bytes, set[Phrase]]:
    return {example.read(): rounded(example) for example in dataset.examples}


@pytest.mark.parametrize("layout", WRITERS)
def test_every_layout_keeps_phrases_and_boxes(dataset: Dataset, tmp_path: Path, layout: str) -> None:
    if layout == "sidecars":  # which cannot hold two photographs of one stem
        kept = tuple(e for e in dataset.examples if e.name != "7.png")
        dataset = replace(dataset, examples=kept)
    assert convert(dataset, layout, tmp_path / "out") == []
    again = load(tmp_path / "out")
    assert content(again) == content(dataset)
    assert check(tmp_path / "out").problems == ()

    # And from there into any other layout.
    convert(again, "coco", tmp_path / "coco")
    assert content(load(tmp_path / "coco")) == content(dataset)


def test_new_splits_keep_phrases(dataset: Dataset, tmp_path: Path) -> None:
    convert(split_anew(dataset, val=2, test=1), "karpathy", tmp_path / "out")
    assert content(load(tmp_path / "out")) == content(dataset)


def test_without_phrases_nothing_is_written(dataset: Dataset, tmp_path: Path) -> None:
    plain = replace(dataset, examples=tuple(replace(e, phrases=()) for e in dataset.examples))
    assert convert(plain, "csv", tmp_path / "out") == []
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["captions.csv", "images"]


def test_what_cannot_be_marked_is_returned(dataset: Dataset, tmp_path: Path) -> None:
    odd = (
        phrase(0, 2, 3, "6", "people", BOXES[1]),  # overlaps with the first phrase
        phrase(1, 2, 2, "x7", "people", BOXES[1]),
        phrase(2, 0, 0, "12", "people", BOXES[1]),  # overlaps, and its chain has another box
        replace(phrase(0, 3, 3, "8", "people"), kinds=()),
        replace(phrase(0, 3, 3, "8", "people"), kinds=("two words",)),
    )
    first = replace(dataset.examples[0], phrases=tuple(sorted((*PHRASES, *odd), key=lambda p: p.first)))
    lost = annotate([first], [first.name], tmp_path)
    assert {id(p) for p in lost} == {id(p) for p in odd}
    annotation = Entities(tmp_path / "entities").annotation(first.name)
    assert annotation is not None
    assert rounded(replace(first, phrases=annotation.ground(SENTENCES)[0])) == rounded(
        replace(first, phrases=PHRASES)
    )


def test_pixels_are_whole_where_they_can_be(dataset: Dataset, tmp_path: Path) -> None:
    example = replace(dataset.examples[0], phrases=(phrase(0, 0, 2, "5", "animals", (0.0, 0.0, 1.0, 1.0)),))
    annotate([example], [example.name], tmp_path)
    xml = (tmp_path / "entities" / "Annotations" / f"{NAMES[0][:-4]}.xml").read_text()
    assert "<xmin>1</xmin>" in xml
    assert "<ymin>1</ymin>" in xml
    assert "." not in xml.partition("<size>")[2]
    assert (tmp_path / "entities" / "Sentences" / f"{NAMES[0][:-4]}.txt").read_text().split("\n")[0] == (
        '[/EN#5/animals/other A "big" dog] , running fast'
    )


texts = st.lists(
    st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "M")), min_size=1, max_size=5),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts, st.data())
def test_any_phrase_of_any_sentence_is_kept(
    dataset: Dataset, tmp_path_factory: pytest.TempPathFactory, tokens: list[str], data: st.DataObject
) -> None:
    sentence = " ".join(" ".join(tokens).split())
    known = words(sentence)
    if not known:
        return
    # Punctuation may join words to one written token, which a mark can only take whole.
    places = [0, *accumulate(len(words(token)) for token in sentence.split())]
    ends = data.draw(st.lists(st.sampled_from(places), unique=True, max_size=6).map(sorted))
    phrases = tuple(
        GroundedPhrase(0, a, z - 1, " ".join(known[a:z]), str(n + 1), ("other",), BOXES[:1])
        for n, (a, z) in enumerate(zip(ends[::2], ends[1::2], strict=False))
    )
    example = replace(dataset.examples[0], sentences=(sentence,), phrases=phrases)
    root = tmp_path_factory.mktemp("any")
    assert annotate([example], ["1.jpg"], root) == []
    if phrases:
        annotation = Entities(root / "entities").annotation("1.jpg")
        assert annotation is not None
        found, unmatched = annotation.ground([sentence])
        assert not unmatched
        assert rounded(replace(example, phrases=found)) == rounded(example)


def test_a_phrase_that_is_a_part_of_a_written_word_is_returned() -> None:
    sentence = "a dog,cat and a bird/fish"
    phrases = [
        GroundedPhrase(0, first, last, "", "5", ("animals",), ())
        for first, last in ((0, 1), (0, 2), (4, 6), (5, 5))
    ]
    line, marked = _marked(0, sentence, phrases)
    assert marked == [phrases[1], phrases[2]]
    assert line == "[/EN#5/animals a dog,cat] and [/EN#5/animals a bird/fish]"
