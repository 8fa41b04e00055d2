"""Which words of a sentence have a region that speaks for them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa.bundle import Bundle
from dvsa.evidence import evident
from dvsa.model import Model

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.parametrize(
    ("token", "known", "score", "least", "supported"),
    [
        ("dog", True, 0.1, 0.0, True),
        ("dog", True, 0.0, 0.0, False),
        ("dog", True, 0.1, 0.5, False),
        ("the", True, -1.0, 0.0, True),
        ("zebra", False, 0.0, -1.0, False),
        ("the", False, 0.0, 0.0, True),
    ],
)
def test_which_words_are_supported(
    token: str, known: bool, score: float, least: float, supported: bool
) -> None:
    dot_TI = np.array([[score - 1, score]])
    (word,) = evident([token], np.array([known]), dot_TI, least)
    assert word.supported == supported
    assert word.region == (1 if known else None)


@given(st.integers(1, 5), st.integers(1, 4), st.floats(-2, 2), st.integers(0, 99))
def test_every_word_has_its_best_region(T: int, I: int, least: float, seed: int) -> None:  # noqa: E741
    rng = np.random.default_rng(seed)
    dot_TI, known_T = rng.normal(size=(T, I)), rng.random(T) < 0.8
    for t, word in enumerate(evident(["dog"] * T, known_T, dot_TI, least)):
        assert word.score == max(dot_TI[t])
        if known_T[t]:
            assert dot_TI[t][word.region or 0] == word.score
        assert word.supported == (known_T[t] and any(dot > least for dot in dot_TI[t]))


def test_a_bundle_says_from_which_score_a_region_speaks() -> None:
    bundle = Bundle.open()
    lenient, strict = (
        Model(replace(bundle, manifest={**bundle.manifest, "support": least})) for least in (-100.0, 100.0)
    )
    sentence = "a man with a dog on a zzyzx"
    photo = EXAMPLES / "photographer.jpg"
    found = [[w.supported for w in model.open(photo).align(sentence).words] for model in (lenient, strict)]
    assert found[0] == [True, True, True, True, True, True, True, False]
    assert found[1] == [True, False, True, True, False, True, True, False]
