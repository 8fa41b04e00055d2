"""How long a search takes, and how often it finds what it should, side by side with others.

    python benchmarks/search.py FLICKR8K [--photographs 10000 100000] [--out search.json]

Vectors are real: the 1,000 test photographs by the shipped bundle, and copies of them to reach the count,
in which each region is moved at random by half its length and made as long as before. Questions are test
sentences of ten known words. Against an exact search stand recall of its 10 best, and how often the
photograph that the sentence was written for is among the 10: both, as one without the other misleads. The
floor is the time to read all vectors once from memory, by two threads.

What the others do: `numpy` all products, in single precision; `faiss` finds 200 regions for each word by an
inverted file or a small-world graph and scores the photographs that they belong to; `qdrant` is the client's
local mode, MaxSim over multi-vectors. Those that would take too long at a count are left out, and named.
"""

import argparse
import hashlib
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import dvsa
from dvsa import maxsim
from dvsa.data import load
from dvsa.evaluation.encoding import encode
from dvsa.index import Entry, Index, Photograph
from dvsa.text import words

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]
Search = Callable[[Floats], list[int]]
"""From a sentence's words to the ten best photographs."""

WORDS, TOP, NEAR = 10, 10, 200
COLUMNS = {
    "median_ms": ".1f", "least_ms": ".1f", "recall_at_10": ".3f", "asked_for_in_10": ".3f", "built_s": ".1f",
}  # fmt: skip
LIMITS = {"faiss HNSW": 10_000, "qdrant, local mode": 1_000}
"""Most photographs with which a method is tried."""


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--photographs", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--questions", type=int, default=200, help="for recall; 20 of them for times")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()

    model = dvsa.load()
    v_KID, asked = real_vectors(model, args.data, args.questions)
    rows = []
    print(f"{os.cpu_count()} cores; {len(asked)} sentences of {WORDS} words; load {os.getloadavg()[0]:.1f}")
    heads = ("median ms", "least ms", "recall@10", "asked-for", "built in s")
    print(f"{'photographs':>11}  {'method':24} {' '.join(f'{head:>10}' for head in heads)}")
    for count in args.photographs:
        with tempfile.TemporaryDirectory(prefix="dvsa-search-") as folder:
            for row in measured(model, copies(v_KID, count), asked, Path(folder), args.runs):
                rows.append({"photographs": count, "load": os.getloadavg()[0], **row})
                shown = (f"{row[name]:{form}}" if name in row else "" for name, form in COLUMNS.items())
                print(
                    f"{count:>11,}  {row['method']:24} {' '.join(f'{figure:>10}' for figure in shown)}",
                    flush=True,
                )
    if args.out:
        args.out.write_text(json.dumps({"bundle": model.bundle.digest[:12], "rows": rows}, indent=1))


def real_vectors(model: dvsa.Model, data: Path, most: int) -> tuple[Floats, list[tuple[int, Floats]]]:
    """Vectors of the test photographs, and ten-word sentences with the photographs that they belong to."""
    examples = load(data).split("test")
    v_KID = encode(model, examples).v_KID
    known = model.bundle.vocabulary
    asked = [
        (k, known_words)
        for k, example in enumerate(examples)
        for sentence in example.sentences
        if len(known_words := [word for word in words(sentence) if word in known]) == WORDS
    ]
    every = max(len(asked) // most, 1)
    return v_KID, [(k, model.word_vectors([tokens])[0][0]) for k, tokens in asked[::every][:most]]


def copies(v_KID: Floats, count: int) -> Halves:
    """The photographs, and moved copies of them up to a count."""
    rng = np.random.default_rng(0)
    full_KID = np.empty((count, *v_KID.shape[1:]), np.float16)
    for start in range(0, count, len(v_KID)):
        part_KID = v_KID[: count - start]
        if start:
            length_KI = np.linalg.norm(part_KID, axis=-1, keepdims=True)
            part_KID = part_KID + length_KI * 0.5 / v_KID.shape[-1] ** 0.5 * rng.standard_normal(
                part_KID.shape, np.float32
            )
            part_KID *= length_KI / np.linalg.norm(part_KID, axis=-1, keepdims=True)
        full_KID[start : start + len(part_KID)] = part_KID
    return full_KID


def measured(
    model: dvsa.Model, v_KID: Halves, asked: list[tuple[int, Floats]], folder: Path, runs: int
) -> Iterator[dict[str, object]]:
    """A row for each method."""
    ways = methods(model, v_KID, folder)
    yield {"method": "(memory floor)", **times([lambda: read_once(v_KID)], 10 * runs)}
    truth: list[list[int]] = []
    for name, prepare in ways.items():
        if len(v_KID) > LIMITS.get(name, len(v_KID)):
            yield {"method": f"{name}: left out"}
            continue
        began = time.perf_counter()
        search = prepare()
        built = time.perf_counter() - began
        few = asked[:: max(len(asked) // 20, 1)]
        slow = times([partial(search, asked[0][1])], 1)["least_ms"] > 500
        found = [search(s_ND) for _, s_ND in asked[: 20 if slow else None]]
        truth = truth or found  # the first is exact
        yield {
            "method": name,
            "built_s": built,
            **times([partial(search, s_ND) for _, s_ND in few], 1 if slow else runs),
            "recall_at_10": statistics.fmean(
                len({*f} & {*t}) / len(t) for f, t in zip(found, truth, strict=False)
            ),
            "asked_for_in_10": statistics.fmean(k in f for (k, _), f in zip(asked, found, strict=False)),
        }


def times(questions: list[Callable[[], object]], runs: int) -> dict[str, float]:
    """Median over questions, and least, of the best of some runs; in milliseconds."""
    best = []
    for ask in questions:
        taken = []
        for _ in range(runs):
            began = time.perf_counter()
            ask()
            taken.append(1000 * (time.perf_counter() - began))
        best.append(min(taken))
    return {"median_ms": statistics.median(best), "least_ms": min(best)}


def read_once(v_KID: Halves) -> None:
    """Read all vectors, by two threads."""
    halves = np.array_split(v_KID.reshape(-1).view(np.uint64), 2)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(np.bitwise_xor.reduce, halves))


def methods(model: dvsa.Model, v_KID: Halves, folder: Path) -> dict[str, Callable[[], Search]]:
    """What is compared: the name, and what makes the search; the first is exact."""
    K, I, D = v_KID.shape  # noqa: E741

    def ours(pruned: bool) -> Search:
        path = folder / "index"
        index = Index.open(path, model) if path.exists() else indexed(model, v_KID, path)
        return lambda s_ND: [int(h.photograph.path) for h in index.search(s_ND, TOP, pruned=pruned)]

    def brute() -> Search:
        def search(s_ND: Floats) -> list[int]:
            score_K = np.empty(K, np.float32)
            for k in range(0, K, 1000):
                dot_XN = v_KID[k : k + 1000].reshape(-1, D).astype(np.float32) @ s_ND.T
                score_K[k : k + 1000] = dot_XN.reshape(-1, I, len(s_ND)).max(axis=1).sum(axis=1)
            return top(score_K)

        return search

    def by_regions(factory: str, prepare: Callable[[object], None]) -> Search:
        import faiss

        faiss.omp_set_num_threads(os.cpu_count() or 1)
        regions_XD = v_KID.reshape(-1, D)
        index = faiss.index_factory(D, factory, faiss.METRIC_INNER_PRODUCT)
        index.train(regions_XD[:: max(K * I // 100_000, 1)].astype(np.float32))
        for k in range(0, K * I, 100_000):
            index.add(regions_XD[k : k + 100_000].astype(np.float32))
        prepare(index)

        def search(s_ND: Floats) -> list[int]:
            near_N = np.unique(index.search(s_ND, NEAR)[1] // I)
            near_N = near_N[near_N >= 0]
            real_LT = np.ones((1, len(s_ND)), np.bool_)
            score_N = maxsim.scores(v_KID[near_N].astype(np.float32), s_ND[None], real_LT)[:, 0]
            return [int(near_N[n]) for n in top(score_N)]

        return search

    def inverted() -> Search:
        return by_regions("IVF1024,SQfp16", lambda index: setattr(index, "nprobe", 16))

    def graph() -> Search:
        return by_regions("HNSW16_SQfp16", lambda index: setattr(index.hnsw, "efSearch", NEAR))

    def qdrant() -> Search:
        from qdrant_client import QdrantClient, models

        client = QdrantClient(":memory:")
        comparator = models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM)
        client.create_collection(
            "regions",
            models.VectorParams(size=D, distance=models.Distance.DOT, multivector_config=comparator),
        )
        for k in range(0, K, 500):
            vectors = v_KID[k : k + 500].astype(np.float32).tolist()
            client.upsert("regions", [models.PointStruct(id=k + n, vector=v) for n, v in enumerate(vectors)])
        return lambda s_ND: [
            int(p.id) for p in client.query_points("regions", query=s_ND.tolist(), limit=TOP).points
        ]

    return {
        "dvsa, exact": lambda: ours(False),
        "dvsa, pruned": lambda: ours(True),
        "numpy": brute,
        "faiss IVF": inverted,
        "faiss HNSW": graph,
        "qdrant, local mode": qdrant,
    }


def indexed(model: dvsa.Model, v_KID: Halves, path: Path) -> Index:
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


def top(score_K: Floats) -> list[int]:
    """The photographs with the highest scores."""
    return [int(k) for k in np.argsort(-score_K, kind="stable")[:TOP]]


if __name__ == "__main__":
    main()
