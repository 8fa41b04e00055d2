"""The file of the rules of fluency: what is written comes back, and nothing else is read."""

import io

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dvsa.fluency import Fluency
from dvsa.fluency_file import parse, to_bytes
from dvsa.text import Vocabulary

VOCABULARY = Vocabulary(("a", "in", "dog", "red"), (9, 8, 7, 6), 9)
SENTENCES = [["a", "dog"], ["a", "dog", "in", "a", "red", "dog"]]
RULES = Fluency.learn(SENTENCES, VOCABULARY)


@given(
    st.lists(st.lists(st.sampled_from(VOCABULARY.words), min_size=1, max_size=5), min_size=1), st.booleans()
)
def test_the_rules_come_back(sentences: list[list[str]], wide: bool) -> None:
    """Vocabularies of 65,536 tokens and more need wider numbers."""
    more = tuple(f"z{n:05}" for n in range(70_000)) if wide else ()
    vocabulary = Vocabulary(VOCABULARY.words + more, VOCABULARY.counts + (1,) * len(more), 9)
    rules = Fluency.learn(sentences, vocabulary)
    assume(rules.usable)
    found = parse(to_bytes(rules), vocabulary, "here")
    np.testing.assert_array_equal(found.code_N, rules.code_N)
    np.testing.assert_array_equal(found.triple_R, rules.triple_R)
    np.testing.assert_array_equal(found.content_V, rules.content_V)


def as_file(array: NDArray[np.generic]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


ROW = np.load(io.BytesIO(to_bytes(RULES)))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x05\x06" + bytes(18),
        to_bytes(RULES)[:-1],
        to_bytes(RULES)[:40],
        as_file(ROW.astype("<f4")),
        as_file(ROW[None]),
        as_file(np.array([{}])),
        as_file(ROW[:-1]),
        as_file(ROW[:5]),
        as_file(np.append(ROW, ROW[-1:])),
        as_file(np.zeros(2 * len(VOCABULARY), "<u2")),
        as_file(np.full(100, 65_535, "<u2")),
        as_file(np.full(100, 2**32 - 1, "<u4")),
    ],
)
def test_another_file_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"^here has no rules for captions .*: export the bundle again"):
        parse(content, VOCABULARY, "here")


@given(st.integers(0, len(ROW) - 1), st.integers(0, 2**16 - 1))
def test_a_changed_number_is_refused_or_gives_rules_that_work(place: int, number: int) -> None:
    row = ROW.copy()
    row[place] = number
    try:
        rules = parse(as_file(row), VOCABULARY, "here")
    except ValueError:
        return
    said = [1]
    while 0 not in (tokens := np.flatnonzero(rules.allowed(np.array([said]), 25)[0])):
        said.append(int(tokens[0]))
        assert len(said) <= 26
