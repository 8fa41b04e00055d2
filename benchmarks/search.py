"""Compare the index with other search methods: time of a search, and how often it finds the right result.

    python benchmarks/search.py FLICKR8K [--photographs 10000 100000] [--out search.json]

Vectors are real: those of the 1,000 test photographs by the shipped bundle, and copies of them to reach the
count. In a copy each region is moved at random by half its length, and keeps its length. Questions are test
sentences of ten known words. Two measures: the recall of the 10 best of an exact search, and how often the
photograph of the sentence is among the 10; one without the other is misleading. The memory floor is the time
to read all vectors once from memory with two threads.

The other methods: `numpy` computes all products in single precision; `faiss` finds 200 regions for each word
by an inverted file or a small-world graph, and the photographs of these regions are scored; `qdrant` is the
client's local mode, MaxSim over multi-vectors. Methods that take too long at a count are skipped, and named.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from common import facts, keep, parser
from search_methods import Floats, Halves, methods

import dvsa
from dvsa.data import load
from dvsa.evaluation.encoding import encode
from dvsa.text import words

WORDS = 10
COLUMNS = {
    "median_ms": ".1f",
    "least_ms": ".1f",
    "recall_at_10": ".3f",
    "asked_for_in_10": ".3f",
    "built_s": ".1f",
}
"""The figures of a row, with their formats."""
LIMITS = {"faiss HNSW": 10_000, "qdrant, local mode": 1_000}
"""The largest number of photographs with which a method is tried."""


def main() -> None:
    """Measure, print a table and write JSON."""
    options = parser(__doc__, "data")
    options.add_argument("--photographs", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    options.add_argument("--questions", type=int, default=200, help="for recall; 20 of them for times")
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--out", type=Path)
    args = options.parse_args()

    began, model = time.monotonic(), dvsa.load()
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
                figures = " ".join(f"{figure:>10}" for figure in shown)
                print(f"{count:>11,}  {row['method']:24} {figures}", flush=True)

    if args.out:
        made = facts(began, data=str(args.data), split="test", N=len(v_KID), seed=0)
        keep(args.out, {"bundle": model.bundle.digest[:12], "rows": rows, "facts": made})


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
    """The photographs, and moved copies of them to reach the count."""
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
            yield {"method": f"{name}: skipped"}
            continue
        began = time.perf_counter()
        search = prepare()
        built = time.perf_counter() - began

        few = asked[:: max(len(asked) // 20, 1)]
        slow = times([partial(search, asked[0][1])], 1)["least_ms"] > 500
        found = [search(s_ND) for _, s_ND in asked[: 20 if slow else None]]
        truth = truth or found  # the first method is exact

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
    """Median and minimum over the questions of the fastest of the runs, in milliseconds."""
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
    """Read all vectors with two threads."""
    halves = np.array_split(v_KID.reshape(-1).view(np.uint64), 2)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(np.bitwise_xor.reduce, halves))


if __name__ == "__main__":
    main()
