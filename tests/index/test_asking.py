"""What answers a question: the cut, combined questions, what must not be shown, and the order."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dvsa
from dvsa import maxsim
from dvsa.aligning import Support
from dvsa.index import Entry, Filter, Index, Query
from dvsa.index.answer import ignored_parts, no_answer
from dvsa.index.order import ordered
from dvsa.index.query import RELEVANCE
from dvsa.model import Model
from dvsa.sentence import Sentence

D = 256


@pytest.fixture(scope="module")
def model() -> Model:
    return dvsa.load()


@pytest.fixture
def index(tmp_path: Path, model: Model, make: Any) -> Index:
    made = Index.create(tmp_path / "index", model)
    made.append([make(n, taken=f"20{n % 7 + 10}-01-01T00:00:00" if n % 3 else None) for n in range(30)])
    return made


def told(seed: int, count: int, support: float = 0.0) -> Query:
    """A question of made-up words."""
    s_ND = np.random.default_rng(seed).standard_normal((count, D)).astype(np.float32)
    return Query(Sentence("made up", ("w",) * count, np.ones(count, np.bool_), s_ND), Support(support), count)


def match(query: Query, v_ID: np.ndarray[Any, Any]) -> float:
    """The score as a share of the lengths of the vectors of words."""
    s_ND = query.s_ND[: query.told]
    return float(maxsim.score(v_ID, s_ND) / np.linalg.norm(s_ND, axis=1).sum())


def wanted(entries: Sequence[Entry], query: Query, cut: bool) -> list[str]:
    """The identifiers of all photographs that answer a question, the best first, one by one."""
    scored = []
    for entry in entries:
        v_ID = entry.v_ID.astype(np.float16).astype(np.float32)
        fits = not cut or match(query, v_ID) >= RELEVANCE * query.support.threshold
        shown = any(match(other, v_ID) >= other.support.threshold for other in query.without)
        if fits and not shown:
            scored.append((-maxsim.score(v_ID, query.s_ND), entry.photograph.id))
    return [name for _, name in sorted(scored)]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 999), st.floats(0.005, 0.15), st.integers(1, 4), st.booleans(), st.floats(0.1, 3))
def test_results_are_all_that_fit_and_nothing_else(
    index: Index, seed: int, support: float, count: int, alike: bool, weight: float
) -> None:
    entries = list(index.entries())
    query = told(seed, count, support)
    if alike:  # with vectors that have no calibration, and with what must not be shown
        like = Query.of_vectors(np.random.default_rng(seed + 1).standard_normal((3, D)))
        query = Query.combined([(like, 1.0), (query, weight)], [told(seed + 2, 1, support)])
    assert [hit.photograph.id for hit in index.search(query)] == wanted(entries, query, cut=True)
    assert [hit.photograph.id for hit in index.search(query, 7)] == wanted(entries, query, cut=False)[:7]
    assert all(hit.fits for hit in index.search(query))


def test_a_query_without_words_gives_ten(index: Index) -> None:
    assert len(index.search(np.ones((2, D)))) == 10
    assert len(index.search(told(1, 2))) == 10  # no calibration
    assert len(index.search(replace(told(1, 2, 0.001), told=2))) <= 30


def test_a_combination_gives_each_part_its_weight() -> None:
    one, other = told(1, 3, 0.2), Query.of_vectors(np.random.default_rng(2).standard_normal((20, D)))
    both = Query.combined([(other, 1.0), (one, 0.5)])
    lengths = np.linalg.norm(both.s_ND, axis=1)
    assert both.told == 3
    assert lengths[3:].sum() == pytest.approx(2 * lengths[:3].sum(), rel=1e-4)
    v_ID = np.random.default_rng(3).standard_normal((5, D)).astype(np.float32)
    parts = [maxsim.score(v_ID, q.s_ND) / np.linalg.norm(q.s_ND, axis=1).sum() for q in (other, one)]
    assert maxsim.score(v_ID, both.s_ND) / lengths[3:].sum() == pytest.approx(
        parts[0] + parts[1] / 2, rel=1e-4
    )


def test_what_cannot_be_combined_is_refused() -> None:
    plain = Query.of_vectors(np.ones((1, D)))
    for parts, without, message in (
        ([], [], "nothing to search for"),
        ([(plain, 0.0)], [], "the weight 0 is invalid"),
        ([(plain, np.inf)], [], "the weight inf is invalid"),
        ([(plain, np.nan)], [], "the weight nan is invalid"),
        ([(plain, 1.0)], [plain], "must be a sentence"),
    ):
        with pytest.raises(ValueError, match=message):
            Query.combined(parts, without)


def test_several_sentences_are_read_one_by_one(model: Model) -> None:
    query = Query.of_sentence(model, "A dog runs. Two men in the U.S. talk!\nA bottlecap")
    parts = [model.read(text) for text in ("A dog runs.", "Two men in the U.S. talk!", "A bottlecap")]
    np.testing.assert_array_equal(query.s_ND, np.concatenate([part.s_ND for part in parts]))
    assert query.sentence.words == sum((part.words for part in parts), ())
    assert query.sentence.nearest == {"bottlecap": ("bottle", "cap")}
    with pytest.raises(ValueError, match="501 words"):
        Query.of_sentence(model, "go. " * 501)


PARTS = ("a dog", "zyzzyva", "a spaceship", "snow")
KNOWN = ("a dog", "snow")


@pytest.mark.parametrize("sentence", [*PARTS, None])
@pytest.mark.parametrize("without", [w for n in range(3) for w in itertools.permutations(PARTS[1:], n)])
@pytest.mark.parametrize("with_photo", [False, True])
def test_an_unknown_part_does_not_stop_the_rest(
    model: Model, sentence: str | None, without: tuple[str, ...], with_photo: bool
) -> None:
    like = Query.of_vectors(np.eye(3, D), "like") if with_photo else None
    if like is None and sentence in (None, "zyzzyva"):
        with pytest.raises(ValueError, match=r"nothing to search for|knows no word of 'zyzzyva'"):
            Query.asked(model, sentence, like, without=without)
        return

    # The parts that are left are the question, as if the others had not been asked.
    query = Query.asked(model, sentence, like, without=without)
    counts = [text for text in without if text in KNOWN]
    asked = (
        [] if sentence is None or (like and sentence not in KNOWN) else [Query.of_sentence(model, sentence)]
    )
    whole = Query.combined(
        [(part, 1.0) for part in (*asked, *([like] if like else []))],
        [Query.of_sentence(model, text) for text in counts],
    )
    np.testing.assert_allclose(query.s_ND, whole.s_ND, rtol=1e-6)
    assert (query.text, query.told, query.is_calibrated) == (whole.text, whole.told, whole.is_calibrated)
    assert [part.text for part in query.without] == counts
    ignored = [
        text for text in ([] if asked or sentence is None else [sentence]) + [*without] if text not in KNOWN
    ]
    assert [part.text for part in query.ignored] == ignored
    said = ignored_parts(query)
    assert said is None if not ignored else all(repr(text) in str(said) for text in ignored)
    words = " ".join([*without, sentence or ""]).split()
    assert {*query.nearest} == {"zyzzyva", "spaceship"} & {*words}


def test_an_unknown_word_of_what_is_not_wanted_is_told(model: Model) -> None:
    query = Query.asked(model, "a dog", without=["snow and a bottlecap"])
    assert query.ignored == ()
    assert query.nearest == {"bottlecap": ("bottle", "cap")}


def test_a_weight_without_effect_is_refused(model: Model) -> None:
    like = Query.of_vectors(np.eye(3, D))
    for sentence, other in (("a dog", None), (None, like)):
        with pytest.raises(ValueError, match=r"the weight 0\.5 has no effect"):
            Query.asked(model, sentence, other, 0.5)
    heavy = Query.asked(model, "a dog", like, 0.5)
    assert heavy.text == "a dog + 0.5 given vectors"


def test_the_order_by_date(index: Index) -> None:
    hits = index.search(np.ones((1, D)), 30)
    for order, sign in (("newest", -1), ("oldest", 1)):
        found = index.search(np.ones((1, D)), 30, order=order)
        key = [(not h.photograph.taken, sign * int((h.photograph.taken or "0")[:4]), -h.score) for h in found]
        assert key == sorted(key)
        assert {h.photograph.id for h in found} == {h.photograph.id for h in hits}
        assert ordered(hits, order) == ordered([*reversed(hits)], order)
    with pytest.raises(ValueError, match="the order 'best' is unknown: choose from score, newest, oldest"):
        index.search(np.ones((1, D)), order="best")


def test_why_there_is_no_answer(index: Index, model: Model, make: Any) -> None:
    query = Query.of_sentence(model, "the zyzzyva docking")
    assert no_answer(query, None) == "no photograph meets the conditions"
    assert no_answer(query, None, empty=True).startswith("the index is empty: ")
    assert index.search(query, where=Filter(prefix="/nowhere")) == index.search(query) == []
    (nearest,) = index.search(query, 1)
    assert no_answer(query, nearest) == (
        "no photograph answers 'the zyzzyva docking': the model does not know zyzzyva; even the nearest, "
        f"{nearest.photograph.path}, has too little support for docking"
    )
