"""Qdrant finds what the index finds; tested with the client's local mode, in this process."""

from typing import Any

import numpy as np
import pytest

import dvsa
from dvsa.index import Index, Query

pytest.importorskip("qdrant_client", reason="Qdrant's client is an extra: pip install 'dvsa[qdrant]'")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Qdrant's warnings are not ours

D = 256


@pytest.fixture(scope="module")
def collections(make: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Index]:
    """The same 1,000 photographs in Qdrant and in an index."""
    from qdrant_client import QdrantClient

    from dvsa.index.qdrant import QdrantIndex

    entries = [make(n, fields={"trip": "norway" if n % 2 else "spain"}) for n in range(1000)]
    there = QdrantIndex(QdrantClient(":memory:"), "album", D)
    there.add(entries)
    here = Index.create(tmp_path_factory.mktemp("index") / "index", dvsa.load())
    here.append(entries)
    return there, here


def test_qdrant_finds_what_the_index_finds(collections: tuple[Any, Index]) -> None:
    there, here = collections
    assert len(there) == len(here) == 1000
    rng = np.random.default_rng(0)
    for words in (1, 4, 10):
        query = Query.of_vectors(rng.standard_normal((words, D)))
        wanted = here.search(query, 20)
        for candidates in (None, 5000):  # all regions are candidates
            found = there.search(query, 20, candidates=candidates)
            for a, b in zip(found, wanted, strict=True):
                assert a.photograph == b.photograph
                assert a.score == pytest.approx(b.score, rel=1e-4)
                np.testing.assert_allclose(a.boxes, b.boxes, rtol=1e-6)
                assert [w.region for w in a.alignment.words] == [w.region for w in b.alignment.words]


def test_few_candidates_suffice(collections: tuple[Any, Index]) -> None:
    there, here = collections
    query = Query.of_vectors(np.random.default_rng(1).standard_normal((3, D)))
    found = [hit.photograph.id for hit in there.search(query, 5, candidates=200)]
    assert found == [hit.photograph.id for hit in here.search(query, 5)]
    few = there.search(query, 20, candidates=1)
    assert 1 <= len(few) <= 3


def test_filters_and_changes(collections: tuple[Any, Index], make: Any) -> None:
    from qdrant_client import models

    there, _ = collections
    norway = models.Filter(
        must=[models.FieldCondition(key="fields.trip", match=models.MatchValue(value="norway"))]
    )
    query = Query.of_vectors(np.asarray(make(3).v_ID, np.float32))
    for candidates in (None, 200):
        hits = there.search(query, 9, norway, candidates=candidates)
        assert hits[0].photograph.path == make(3).photograph.path
        assert {hit.photograph.fields["trip"] for hit in hits} == {"norway"}
    other = make(3, regions=2, vectors=5000)
    there.add([other])  # replaces the earlier one
    assert len(there) == 1000
    assert there.search(Query.of_vectors(other.v_ID), 1)[0].photograph.id == other.photograph.id
    there.remove([other.photograph.id])
    assert len(there) == 999
    assert other.photograph.id not in {h.photograph.id for h in there.search(query, 50, candidates=500)}
    with pytest.raises(ValueError, match="k is 0"):
        there.search(query, 0)
