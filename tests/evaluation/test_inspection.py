from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dvsa.arrays import Floats
from dvsa.evaluation.encoding import SENTENCES
from dvsa.evaluation.inspection import (
    find_regions,
    region_norms,
    word_norms,
    worst_photographs,
    worst_sentences,
)
from dvsa.metrics.ranking import rank
from dvsa.model import Model
from dvsa.text import words

small = st.integers(-2, 2).map(float)  # whole numbers: many ties, and no rounding
regions = st.tuples(st.integers(1, 5), st.integers(1, 3)).flatmap(
    lambda shape: hnp.arrays(np.float32, (*shape, 2), elements=small)
)


def test_word_norms_are_means_of_one_sentence_at_a_time(model: Model) -> None:
    spoken = ["A dog runs .", "The zyzzyva dog runs over a dog", "a man", "zyzzyva zyzzyva", "snow"]
    sentences = [*spoken, *["a dog on snow"] * SENTENCES]  # more than are read at once
    norms: dict[str, list[float]] = {}
    for sentence in sentences:
        known = [word for word in words(sentence) if word in model.bundle.vocabulary]
        s_LTD, _ = model.word_vectors([known])
        for word, s_D in zip(known, s_LTD[0], strict=True):
            norms.setdefault(word, []).append(float(np.sqrt((s_D**2).sum())))
    counts = Counter({word: len(values) for word, values in norms.items()})
    found = word_norms(model, sentences, least=2)
    assert {word.word: word.times for word in found} == {w: n for w, n in counts.items() if n > 1}
    assert all(word.norm == pytest.approx(np.mean(norms[word.word]), rel=1e-4) for word in found)
    assert [word.norm for word in found] == sorted((word.norm for word in found), reverse=True)
    assert {word.word for word in word_norms(model, sentences, least=1)} == norms.keys()
    assert word_norms(model, []) == []


@given(regions, st.integers(0, 20))
def test_region_norms_equal_a_literal_sort(v_KID: Floats, count: int) -> None:
    norms = {(k, i): float(np.sqrt((v_KID[k, i] ** 2).sum())) for k, i in np.ndindex(v_KID.shape[:2])}
    found = region_norms(v_KID, count)
    for ours, sign in ((found.longest, -1), (found.shortest, 1)):
        order = sorted(norms, key=lambda at: (sign * norms[at], at))[:count]
        assert [(at.photo, at.region) for at in ours] == order
        assert [at.value for at in ours] == pytest.approx([norms[at] for at in order])
    values = list(norms.values())
    assert [found.quantiles[share] for share in ("0", "0.5", "1")] == pytest.approx(
        [min(values), np.median(values), max(values)]
    )


@given(regions, hnp.arrays(np.float32, (3, 2), elements=small), st.integers(0, 6))
def test_found_regions_equal_a_literal_search(v_KID: Floats, s_TD: Floats, count: int) -> None:
    best = []
    for k, v_ID in enumerate(v_KID):
        score_I = [sum(float(v_D @ s_D) for s_D in s_TD) for v_D in v_ID]
        best.append((-max(score_I), k, score_I.index(max(score_I))))
    expected = [(k, i, -minus) for minus, k, i in sorted(best)[:count]]
    assert [tuple(found) for found in find_regions(v_KID, s_TD, count)] == expected


@given(st.integers(1, 4), st.data())
def test_failures_equal_a_literal_search(photos: int, data: st.DataObject) -> None:
    owners = data.draw(
        st.permutations([*range(photos), *data.draw(st.lists(st.integers(0, photos - 1), max_size=6))])
    )
    S_KL = data.draw(hnp.arrays(np.float32, (photos, len(owners)), elements=small))
    count = data.draw(st.integers(0, 6))
    ranks = rank(S_KL, np.array(owners))

    def top(candidates: list[int], score: Floats) -> int:
        return min(candidates, key=lambda n: (-score[n], n))

    expected = []
    for k in sorted(range(photos), key=lambda k: (-ranks.photo_rank_K[k], k))[:count]:
        own = [n for n, owner in enumerate(owners) if owner == k]
        others = [n for n, owner in enumerate(owners) if owner != k]
        if ranks.photo_rank_K[k] > 1:
            expected.append((k, top(own, S_KL[k]), ranks.photo_rank_K[k], top(others, S_KL[k])))
    assert [tuple(failure) for failure in worst_photographs(ranks, S_KL, count)] == expected

    expected = []
    for n in sorted(range(len(owners)), key=lambda n: (-ranks.sentence_rank_L[n], n))[:count]:
        others = [k for k in range(photos) if k != owners[n]]
        if ranks.sentence_rank_L[n] > 1:
            expected.append((owners[n], n, ranks.sentence_rank_L[n], top(others, S_KL[:, n])))
    assert [tuple(failure) for failure in worst_sentences(ranks, S_KL, count)] == expected


def test_inspection_accepts_scores_of_minus_infinity() -> None:
    S_KL = np.array([[0.0, -np.inf, 1.0], [5.0, -np.inf, 1.0]])
    ranks = rank(S_KL, np.array([0, 1, 0]))
    assert [tuple(f) for f in worst_photographs(ranks, S_KL, 5)] == [(1, 1, 3, 0)]
