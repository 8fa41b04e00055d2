"""Two Ray nodes on this machine; one of them dies during the work."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import dvsa
from dvsa.data import toy
from dvsa.index import Filter, Index, Query, SearchError, changes

pytest.importorskip("ray", reason="Ray is an extra: pip install 'dvsa[ray]'")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Ray's warnings are not ours

SENTENCES = ("a red circle above a blue square", "two shapes", "a large green triangle")


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[Any]:
    import ray
    from ray.cluster_utils import Cluster

    # Notice a dead node within seconds instead of half a minute.
    impatient = {"health_check_period_ms": 200, "health_check_timeout_ms": 500}
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "_system_config": impatient})
    nodes.add_node(num_cpus=1)
    nodes.wait_for_nodes()
    yield nodes
    ray.shutdown()
    nodes.shutdown()  # type: ignore[no-untyped-call]


def test_a_cluster_makes_and_searches_the_same_index_though_a_node_dies(
    two_nodes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    from dvsa.index import cluster

    monkeypatch.setattr("dvsa.index.index.COMMIT", 8)
    monkeypatch.setattr(changes, "SEGMENT_SIZE", 20)
    photographs = toy.write(tmp_path / "toy", train=0, val=72, test=0) / "images"
    (photographs / "again.png").write_bytes((photographs / "val00003.png").read_bytes())
    (photographs / "broken.png").write_bytes(b"no photograph")
    model = dvsa.load()
    here = Index.create(tmp_path / "here", model)
    wanted = here.add([photographs], fields={"trip": "toys"})

    cluster.connect(two_nodes.address)
    assert ray.cluster_resources()["CPU"] == 2  # type: ignore[no-untyped-call]
    (victim,) = two_nodes.worker_nodes

    def kill(name: str, done: int, total: int) -> None:
        if victim in two_nodes.worker_nodes and name == "indexing photographs":
            assert done < total
            two_nodes.remove_node(victim, allow_graceful=False)

    there = Index.create(tmp_path / "there", model)
    added = there.add([photographs], fields={"trip": "toys"}, encode=cluster.encoder(model), progress=kill)
    assert victim not in two_nodes.worker_nodes
    assert (added.added, added.known, added.faults) == (wanted.added, wanted.known, wanted.faults)
    assert there.verify() == []
    again = there.add([photographs], encode=cluster.encoder(model))
    assert (again.added, again.known) == (0, 73)

    two_nodes.add_node(num_cpus=1)
    two_nodes.wait_for_nodes()
    where = Filter(fields={"trip": "toys"})
    with cluster.Shards(there, actors=2) as shards:
        for n, sentence in enumerate(SENTENCES):
            query = Query.of_sentence(model, sentence)
            found = shards.search(query, 15, where)
            assert found == there.search(query, 15, where)
            for hit, same in zip(found, here.search(query, 15), strict=True):
                assert hit.photograph == same.photograph
                assert hit.score == pytest.approx(same.score, abs=1e-3)
            if n == 0:
                ray.kill(shards.actors[0], no_restart=False)  # Ray starts it again


def test_a_shard_of_an_index_is_read_only(tmp_path: Path, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "SEGMENT_SIZE", 4)
    Index.create(tmp_path / "index", dvsa.load()).append([make(n) for n in range(10)])
    shares = [Index.open(tmp_path / "index", share=slice(n, None, 2)) for n in range(2)]
    assert [len(share) for share in shares] == [6, 4]
    with pytest.raises(SearchError, match="was opened in part: open all of it to change it"):
        shares[0].append([make(11)])


def test_a_cluster_that_is_not_there_is_refused() -> None:
    from dvsa.index import cluster

    with pytest.raises(SearchError, match=r"there is no Ray cluster at 127\.0\.0\.1:1"):
        cluster.connect("127.0.0.1:1")
