"""CLIPScore against its formulas, with vectors that a made-up model gives."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dvsa.arrays import Floats
from dvsa.metrics.clipscore import clip_scores
from dvsa.photo import Photo


class Made:
    """Gives every name and text a random vector that depends on it alone."""

    name = "made"

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.seen: list[str] = []

    def images(self, photos: Sequence[Photo]) -> Floats:
        return np.stack([self.vector(photo.name) for photo in photos])

    def texts(self, texts: Sequence[str]) -> Floats:
        self.seen += texts
        return np.stack([self.vector(text) for text in texts])

    def vector(self, key: str) -> Floats:
        code = sum(map(ord, key)) + 1000 * self.seed
        return np.random.default_rng(code).normal(size=3).astype(np.float32)


def read(name: str) -> Photo:
    return Photo(name, Image.new("RGB", (1, 1)), 1, 1)


def cosine(a: Floats, b: Floats) -> float:
    return float(a @ b) / float(np.sqrt(a @ a) * np.sqrt(b @ b))


texts = st.sampled_from(["a dog", "two dogs", "snow", "a cat sleeps", "red", "", "  "])


@given(st.lists(st.tuples(texts, st.lists(texts, min_size=1, max_size=3)), min_size=1, max_size=40))
def test_scores_are_those_of_one_caption_at_a_time(split: list[tuple[str, list[str]]]) -> None:
    references = {f"{n}.jpg": own for n, (_, own) in enumerate(split)}
    hypotheses = {f"{n}.jpg": said for n, (said, _) in enumerate(split)}
    model, told = Made(len(split)), list[tuple[str, int, int]]()
    found = clip_scores(
        model, read, references, dict(reversed(hypotheses.items())), lambda *t: told.append(t)
    )

    for n, (photo, own) in enumerate(references.items()):
        said = model.vector(f"A photo depicts {hypotheses[photo]}")
        clip = 2.5 * max(cosine(model.vector(photo), said), 0)
        text = max(0.0, *(cosine(said, model.vector(f"A photo depicts {each}")) for each in own))
        both = 2 * clip * text / (clip + text) if clip + text else 0.0
        spoken = bool(hypotheses[photo].strip())
        assert found["CLIPScore"][n] == pytest.approx(clip if spoken else 0, abs=1e-6)
        assert found["RefCLIPScore"][n] == pytest.approx(both if spoken else 0, abs=1e-6)
    assert all(text.startswith("A photo depicts ") for text in model.seen)
    assert told[-1] == ("references in CLIP", *[sum(map(len, references.values()))] * 2)
