import io
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dvsa.data import DataError, Dataset, Example, check, load, toy
from dvsa.text import words


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.write(tmp_path_factory.mktemp("toy") / "set", train=80, val=20, test=20)


@pytest.fixture(scope="module")
def dataset(folder: Path) -> Dataset:
    return load(folder)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def things(example: Example) -> dict[str, tuple[str, str]]:
    """Colour and shape by chain, from the phrases."""
    return {p.chain: (p.text.split()[-2], p.text.split()[-1]) for p in example.phrases if p.boxes}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    sizes = {"train": 6, "val": 2, "test": 2}
    first, again, other = (
        content(toy.write(tmp_path / name, **sizes, seed=seed))
        for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    assert len(first) == 3 * 10 + 1
    assert first == again
    assert first.keys() == other.keys()
    assert all(first[name] != other[name] for name in first if name.endswith(".png"))


def test_the_toy_set_is_sound(folder: Path, dataset: Dataset) -> None:
    assert dataset.name == "toy"
    report = check(folder)
    assert report.problems == ()
    assert {split: c.photographs for split, c in report.counts.items()} == {
        "train": 80,
        "val": 20,
        "test": 20,
    }
    assert {split: c.sentences for split, c in report.counts.items()} == {
        "train": 400,
        "val": 100,
        "test": 100,
    }


def test_all_scenes_of_a_split_are_different(dataset: Dataset) -> None:
    for split in ("train", "val", "test"):
        scenes = Counter(frozenset(things(example).values()) for example in dataset.split(split))
        assert max(scenes.values()) == 1
        assert {len(scene) for scene in scenes} == {2, 3}


def test_sentences_name_every_shape_correctly(dataset: Dataset) -> None:
    for example in dataset.examples:
        assert len(set(example.sentences)) == 5
        boxes = {p.text.split()[-2] + p.text.split()[-1]: p.box for p in example.phrases if p.boxes}
        for index, sentence in enumerate(example.sentences):
            named = [p for p in example.phrases if p.sentence == index and p.boxes]
            assert sorted(p.chain for p in named) == sorted(things(example))

            for a, b in pairwise(named):
                between = " ".join(words(sentence)[a.last + 1 : b.first])
                p, q = (boxes[x.text.split()[-2] + x.text.split()[-1]] for x in (a, b))
                assert p is not None
                assert q is not None
                assert {
                    "above": p[3] < q[3],
                    "below": p[3] > q[3],
                    "to the left of": p[0] + p[2] < q[0] + q[2],
                    "to the right of": p[0] + p[2] > q[0] + q[2],
                }.get(between, True)

            assert all(
                ("big" in p.text.split()) <= (p.box is not None and p.box[2] - p.box[0] > 0.3) for p in named
            )
            assert all(
                ("small" in p.text.split()) <= (p.box is not None and p.box[2] - p.box[0] < 0.3)
                for p in named
            )


def test_boxes_are_tight_around_their_shapes(dataset: Dataset) -> None:
    for example in dataset.examples:
        pixels = np.asarray(Image.open(io.BytesIO(example.read())), dtype=float)
        assert pixels.shape == (96, 96, 3)
        for chain, (colour, _) in things(example).items():
            rgb = np.array(toy.COLOURS[colour], dtype=float)
            light = (pixels @ rgb) / (rgb @ rgb)
            painted = (np.abs(pixels - light[..., None] * rgb).max(-1) < 2) & (light > 0.78) & (light < 1.01)

            box = next(p.box for p in example.phrases if p.chain == chain)
            assert box is not None
            x0, y0, x1, y1 = (round(96 * side) for side in box)
            inside = painted[y0:y1, x0:x1]
            assert inside.mean() > 0.2
            assert inside[0].any()
            assert inside[-1].any()
            assert inside[:, 0].any()
            assert inside[:, -1].any()

            around = painted[max(y0 - 1, 0) : y1 + 1, max(x0 - 1, 0) : x1 + 1]
            assert around.sum() == inside.sum()


def test_some_phrases_have_no_box(dataset: Dataset) -> None:
    unboxed = {(p.text, p.kinds) for e in dataset.examples for p in e.phrases if not p.boxes}
    assert unboxed == {
        ("each other", ("notvisual",)),
        ("a dark background", ("scene",)),
        ("a light background", ("scene",)),
    }


def test_too_many_scenes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="0 to 10000 scenes, not 10001"):
        toy.write(tmp_path, val=10_001)
    with pytest.raises(DataError, match="0 to 10000 scenes, not -1"):
        toy.write(tmp_path, test=-1)
