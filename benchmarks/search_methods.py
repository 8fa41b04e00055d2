"""The methods that `benchmarks/search.py` compares; each makes a search from all photographs' vectors."""

import hashlib
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import dvsa
from dvsa import maxsim
from dvsa.index import Entry, Index, Photograph

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]
Search = Callable[[Floats], list[int]]
"""From the vectors of a sentence's words to the ten best photographs."""

TOP, NEAR = 10, 200


def methods(model: dvsa.Model, v_KID: Halves, folder: Path) -> dict[str, Callable[[], Search]]:
    """What makes the search of each method, by its name; the first is exact."""
    path = folder / "index"
    return {
        "dvsa, exact": partial(indexed, model, v_KID, path, pruned=False),
        "dvsa, pruned": partial(indexed, model, v_KID, path, pruned=True),
        "numpy": partial(brute_force, v_KID),
        "faiss IVF": partial(inverted_file, v_KID),
        "faiss HNSW": partial(graph, v_KID),
        "qdrant, local mode": partial(qdrant, v_KID),
    }


def indexed(model: dvsa.Model, v_KID: Halves, path: Path, *, pruned: bool) -> Search:
    """Our own index, made once for both ways to search it."""
    index = Index.open(path, model) if path.exists() else build_index(model, v_KID, path)
    return lambda s_ND: [int(found.photograph.path) for found in index.search(s_ND, TOP, pruned=pruned)]


def build_index(model: dvsa.Model, v_KID: Halves, path: Path) -> Index:
    """An index of photographs that are named by their numbers."""
    index = Index.create(path, model)
    boxes_I4 = np.zeros((v_KID.shape[1], 4), np.float32)
    for start in range(0, len(v_KID), 8192):
        entries = []
        for k in range(start, min(start + 8192, len(v_KID))):
            name = hashlib.sha256(str(k).encode()).hexdigest()
            entries.append(Entry(Photograph(id=name, path=str(k), file=""), boxes_I4, v_KID[k]))
        index.append(entries)
    return index


def brute_force(v_KID: Halves) -> Search:
    """All products in single precision."""
    K, _, D = v_KID.shape

    def search(s_ND: Floats) -> list[int]:
        score_K = np.empty(K, np.float32)
        for k in range(0, K, 1000):
            dot_XN = v_KID[k : k + 1000].reshape(-1, D).astype(np.float32) @ s_ND.T
            score_K[k : k + 1000] = dot_XN.reshape(-1, v_KID.shape[1], len(s_ND)).max(axis=1).sum(axis=1)
        return top(score_K)

    return search


def inverted_file(v_KID: Halves) -> Search:
    """The nearest regions of each word by an inverted file of faiss."""
    return by_regions(v_KID, "IVF1024,SQfp16", lambda index: setattr(index, "nprobe", 16))


def graph(v_KID: Halves) -> Search:
    """The nearest regions of each word by a small-world graph of faiss."""
    return by_regions(v_KID, "HNSW16_SQfp16", lambda index: setattr(index.hnsw, "efSearch", NEAR))  # type: ignore[attr-defined]


def by_regions(v_KID: Halves, factory: str, prepare: Callable[[object], None]) -> Search:
    """Score only the photographs of the regions that faiss finds for the words."""
    import faiss

    K, per_photo, D = v_KID.shape
    faiss.omp_set_num_threads(os.cpu_count() or 1)
    regions_XD = v_KID.reshape(-1, D)
    index = faiss.index_factory(D, factory, faiss.METRIC_INNER_PRODUCT)
    index.train(regions_XD[:: max(K * per_photo // 100_000, 1)].astype(np.float32))
    for k in range(0, K * per_photo, 100_000):
        index.add(regions_XD[k : k + 100_000].astype(np.float32))
    prepare(index)

    def search(s_ND: Floats) -> list[int]:
        near_N = np.unique(index.search(s_ND, NEAR)[1] // per_photo)
        near_N = near_N[near_N >= 0]
        real_LT = np.ones((1, len(s_ND)), np.bool_)
        score_N = maxsim.scores(v_KID[near_N].astype(np.float32), s_ND[None], real_LT)[:, 0]
        return [int(near_N[n]) for n in top(score_N)]

    return search


def qdrant(v_KID: Halves) -> Search:
    """MaxSim over multi-vectors in the local mode of Qdrant's client."""
    from qdrant_client import QdrantClient, models

    client = QdrantClient(":memory:")
    comparator = models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM)
    size = v_KID.shape[2]
    client.create_collection(
        "regions",
        models.VectorParams(size=size, distance=models.Distance.DOT, multivector_config=comparator),
    )
    for k in range(0, len(v_KID), 500):
        vectors = v_KID[k : k + 500].astype(np.float32).tolist()
        client.upsert("regions", [models.PointStruct(id=k + n, vector=v) for n, v in enumerate(vectors)])

    def search(s_ND: Floats) -> list[int]:
        found = client.query_points("regions", query=s_ND.tolist(), limit=TOP)
        return [int(point.id) for point in found.points]

    return search


def top(score_K: Floats) -> list[int]:
    """The photographs with the highest scores."""
    return [int(k) for k in np.argsort(-score_K, kind="stable")[:TOP]]
