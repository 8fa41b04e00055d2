"""The page of samples shows what the data set says, and nothing that a browser would run."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dvsa import samples
from dvsa.data import Dataset, Example, GroundedPhrase, Source

BOX = (0.25, 0.25, 0.75, 0.75)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    examples = []
    for k in range(9):
        path = tmp_path / f"{k}.png"
        Image.new("RGB", (80, 60), (k, 90, 90)).save(path)
        phrase = GroundedPhrase(0, 0, 1, "a dog", "1", (), (BOX,) if k % 2 else ())
        sentences = (f"a dog <script>{k}</script>", "it & that")
        examples.append(Example(path.name, "train", sentences, Source(path), (phrase,)))
    return Dataset("mine", tmp_path, tuple(examples))


def test_the_seed_chooses_examples_in_their_order(dataset: Dataset) -> None:
    chosen = samples.chosen(dataset, 4, seed=0)
    assert chosen == samples.chosen(dataset, 4, seed=0) != samples.chosen(dataset, 4, seed=1)
    assert [e.name for e in chosen] == sorted(e.name for e in chosen)
    assert samples.chosen(dataset, 99, seed=0) == list(dataset.examples)


def test_the_page_has_every_sentence_and_a_picture_with_boxes(dataset: Dataset) -> None:
    text = samples.page("mine", dataset.examples)
    assert text.count("<article>") == 9
    assert "<script>" not in text
    assert "a dog &lt;script&gt;3&lt;/script&gt;" in text

    pictures = [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
        for data in re.findall(r"base64,([^\"]+)", text)
    ]
    plain = [len(np.unique(p.reshape(-1, 3), axis=0)) for p in pictures]
    assert min(plain[1::2]) > max(plain[0::2])  # only those with a box have a frame and a label
