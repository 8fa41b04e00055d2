"""The real Flickr8K, if it is available."""

import os
import tarfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from dvsa import photo
from dvsa.data import Dataset, load
from dvsa.data.annotating import annotate
from dvsa.data.entities import Entities
from dvsa.text import words

SPLITS = {"train": 6000, "val": 1000, "test": 1000}


@pytest.fixture(scope="module")
def dataset(flickr8k_dir: Path) -> Dataset:
    return load(flickr8k_dir)


def test_splits_and_sentences(dataset: Dataset) -> None:
    assert dataset.name == "flickr8k"
    assert {split: len(dataset.split(split)) for split in SPLITS} == SPLITS
    assert {len(example.sentences) for example in dataset.examples} == {5}
    assert all(words(sentence) for example in dataset.examples for sentence in example.sentences)


def test_official_lists_and_karpathy_json_agree(dataset: Dataset, flickr8k_dir: Path, tmp_path: Path) -> None:
    for path in flickr8k_dir.iterdir():
        if path.suffix == ".tar" or path.name == "dataset_flickr8k.json.gz":
            (tmp_path / path.name).symlink_to(path)
    other = load(tmp_path)

    def by_name(of: Dataset) -> dict[str, tuple[str, list[list[str]]]]:
        return {e.name: (e.split, sorted(words(s) for s in e.sentences)) for e in of.examples}

    assert by_name(other) == by_name(dataset)


def test_every_80th_photograph_decodes(dataset: Dataset) -> None:
    for example in dataset.examples[::80]:
        assert photo.read(example.read(), example.name).width == 224


def test_phrases_have_the_positions_of_their_words(dataset: Dataset) -> None:
    unmatched = [p for p in dataset.problems if p.kind == "unmatched sentence"]
    assert len(unmatched) <= 40  # of 40,000
    phrases = [(example, phrase) for example in dataset.examples for phrase in example.phrases]
    assert len(phrases) > 124_000
    for example, phrase in phrases:
        assert phrase.text == " ".join(
            words(example.sentences[phrase.sentence])[phrase.first : phrase.last + 1]
        )
        assert phrase.text
    for _, phrase in phrases:
        for x0, y0, x1, y1 in phrase.boxes:
            assert 0 <= x0 < x1 <= 1
            assert 0 <= y0 < y1 <= 1


def test_phrases_and_boxes_equal_a_plain_reading_of_the_files(dataset: Dataset, flickr8k_dir: Path) -> None:
    """Reads every tenth annotation in the simplest way: text between brackets, boxes tag by tag."""
    archive = flickr8k_dir / "flickr30k_entities.tar.xz"
    with tarfile.open(archive) as tar:
        files = {m.name: tar.extractfile(m).read() for m in tar if m.name[-5] == "0"}  # type: ignore[union-attr]
    kept = marked = 0
    for example in dataset.examples:
        key = example.name.split("_")[0]
        if not key.endswith("0"):
            continue
        root = ElementTree.fromstring(files[f"Annotations/{key}.xml"])
        width, height = (int(root.findtext(f"size/{side}", "")) for side in ("width", "height"))
        boxes: dict[str, list[tuple[float, ...]]] = {}
        for item in root.findall("object"):
            edges = [item.findtext(f"bndbox/{tag}") for tag in ("xmin", "ymin", "xmax", "ymax")]
            if edges[0] is not None:
                x0, y0, x1, y1 = (int(edge or "") for edge in edges)
                for name in item.findall("name"):
                    box = ((x0 - 1) / width, (y0 - 1) / height, x1 / width, y1 / height)
                    boxes.setdefault(name.text or "", []).append(box)
        expected: Counter[tuple[str, str]] = Counter()
        for part in files[f"Sentences/{key}.txt"].decode().split("[/EN#")[1:]:
            head, text = part.split("]")[0].split(" ", 1)
            expected[head.split("/")[0], " ".join(words(text))] += 1
        found = Counter((phrase.chain, phrase.text) for phrase in example.phrases)
        kept += (expected & found).total()
        marked += expected.total()
        for phrase in example.phrases:
            assert list(phrase.boxes) == boxes.get(phrase.chain, [])
    assert marked > 10_000
    assert kept / marked > 0.98  # the rest has another spelling in one of the two


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_forked_readers_do_not_disturb_one_another(dataset: Dataset) -> None:
    examples = dataset.examples[:200]
    expected = [example.read() for example in examples]
    children = []
    for _ in range(2):
        child = os.fork()
        if child == 0:
            same = False
            try:
                same = [example.read() for example in examples] == expected
            finally:
                os._exit(0 if same else 1)
        children.append(child)
    assert [example.read() for example in examples] == expected
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]


def test_phrases_are_read_as_they_are_written(dataset: Dataset, tmp_path: Path) -> None:
    some = dataset.examples[::40]
    assert annotate(some, [example.name for example in some], tmp_path) == []
    written = Entities(tmp_path / "entities")
    for example in some:
        annotation = written.annotation(example.name)
        assert annotation is not None
        found, unmatched = annotation.ground(example.sentences)
        assert not unmatched
        assert [replace(p, boxes=()) for p in found] == [replace(p, boxes=()) for p in example.phrases]
        for ours, theirs in zip(found, example.phrases, strict=True):
            np.testing.assert_allclose(ours.boxes, theirs.boxes, atol=1e-9)
