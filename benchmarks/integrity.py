"""Damaged and hostile indexes and bundles, and writers that die: nothing wrong without a word, nothing lost.

    python benchmarks/integrity.py [--manifests 500] [--kills 100] [--step 1] [--out integrity.json]

Every byte of a small index is changed, one at a time (`--step 7` changes every seventh): each time, all that
the index says must be as before, or an error of one line. Then manifests of indexes and bundles get values
that no writer writes, with checksums that fit. At last, processes are killed at random times while they
create an index, add to it, remove from it, compact it, and synchronise it with a folder that changes:
`--kills` in each step. The exit code is 1 after a wrong answer, an error of another kind, or a loss.
"""

import argparse
import copy
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
from common import facts, keep, parser
from kills import LASTS, D, entry, killed

import dvsa
from dvsa.bundle import Bundle, shipped
from dvsa.index import Index, SearchError, changes, index_manifest, scan, sketch
from dvsa.manifest import MANIFEST, BundleError

VALUES: list[object] = [
    None, True, -1, 0, 1, 2, 2**31, 2**63, 10**40, 0.5, 1e308, "", "x", "../victim", "000001", [], {}, [0],
    [1, 0], [-1], [[]], {"rows": 1}, "/etc/passwd", "0" * 64, "\0", "\x1b[2J", [None], {"a": {"b": []}},
]  # fmt: skip


def main() -> int:
    """Run all, print and write JSON; returns the exit code."""
    options = parser(__doc__)
    options.add_argument("--manifests", type=int, default=500)
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--step", type=int, default=1)
    options.add_argument("--out", type=Path)
    args = options.parse_args()

    began = time.monotonic()
    changes.SEGMENT_SIZE, sketch.STEP, scan.EXACTLY_SCORED = 16, 3, 2  # type: ignore[misc]
    with tempfile.TemporaryDirectory(prefix="dvsa-integrity-") as folder:
        found = measured(args, Path(folder))
    for name, outcomes in found.items():
        print(f"{name}: {dict(outcomes)}")
    if args.out:
        keep(args.out, {**found, "facts": facts(began, seed=0)})
    bad = ("wrong", "escaped", "lost")
    return 1 if any(outcomes[name] for outcomes in found.values() for name in bad) else 0


def measured(args: argparse.Namespace, folder: Path) -> dict[str, Counter[str]]:
    """The outcomes of each experiment."""
    model = dvsa.load()
    small = folder / "small"
    index = Index.create(small, model)
    index.append([entry(n) for n in range(22)])
    index.remove([entry(3).photograph.id])
    found = {"bytes": flipped(small, args.step)}
    found["manifests of indexes"] = index_manifests(small, args.manifests)
    found["manifests of bundles"] = bundle_manifests(folder / "bundle", args.manifests)
    for step in LASTS:
        found[f"kills in {step}"] = killed(folder / "killed", step, args.kills, model)
    return found


def answers(folder: Path) -> list[object]:
    """All that an index says."""
    index = Index.open(folder)
    s_ND = np.random.default_rng(5).standard_normal((3, D)).astype(np.float32)
    hits = [*index.search(s_ND, 3), *index.search(s_ND, 1, pruned=True)]  # the sketches choose 20 of 21
    return [
        *((hit.score, asdict(hit.photograph), hit.boxes) for hit in hits),
        *((asdict(e.photograph), e.box_I4.tobytes(), e.v_ID.tobytes()) for e in index.entries()),
        sorted(index.ids()),
        asdict(index.stats()),
    ]


def outcome(ask: Callable[[], list[object]], right: list[object] | None) -> str:
    """Whether what is asked is right, wrong, refused in one line, or fails in another way."""
    try:
        found = ask()
    except (SearchError, BundleError) as error:
        return "refused" if len(str(error).splitlines()) == 1 else "escaped"
    except Exception as error:
        print(repr(error)[:300])
        return "escaped"
    return "right" if right is None or found == right else "wrong"


def flipped(folder: Path, step: int) -> Counter[str]:
    """The outcomes of each byte with one changed bit."""
    right, outcomes, chance = answers(folder), Counter[str](), random.Random(0)
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        for at in range(0, len(content), step):
            changed = bytearray(content)
            changed[at] ^= 1 << chance.randrange(8)
            path.write_bytes(changed)
            outcomes[outcome(lambda: answers(folder), right)] += 1
        path.write_bytes(content)
    return outcomes


def index_manifests(folder: Path, count: int) -> Counter[str]:
    """The outcomes of hostile manifests of an index, whose checksums fit."""
    path, outcomes, chance = folder / index_manifest.INDEX_MANIFEST, Counter[str](), random.Random(1)
    original = path.read_bytes()
    for _ in range(count):
        content = mutated(json.loads(original)["index"], chance)
        digest = index_manifest._digest(content)  # type: ignore[arg-type]
        made = {"format": index_manifest.INDEX_FORMAT, "sha256": digest, "index": content}
        path.write_text(json.dumps(made))
        outcomes[outcome(lambda: answers(folder), None)] += 1
    path.write_bytes(original)
    return outcomes


def bundle_manifests(folder: Path, count: int) -> Counter[str]:
    """The outcomes of hostile manifests of a bundle."""
    shutil.copytree(shipped(), folder)
    original, outcomes, chance = (
        json.loads((folder / MANIFEST).read_bytes()),
        Counter[str](),
        random.Random(2),
    )
    original["training"] = {}
    for _ in range(count):
        (folder / MANIFEST).write_text(json.dumps(mutated(original, chance)))
        outcomes[outcome(lambda: [Bundle.open(folder, threads=1).manifest], None)] += 1
    return outcomes


def mutated(content: object, chance: random.Random) -> object:
    """A copy in which one value is another one, is missing, or is there twice."""
    content = copy.deepcopy(content)
    places: list[tuple[dict[str, object] | list[object], str | int]] = []

    def walk(value: object) -> None:
        items = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for key, inner in items:
            places.append((value, key))  # type: ignore[arg-type]
            walk(inner)

    walk(content)
    parent, key = chance.choice(places)
    if chance.random() < 0.15:
        del parent[key]  # type: ignore[arg-type]
    elif isinstance(parent[key], int) and chance.random() < 0.4:  # type: ignore[index]
        parent[key] += chance.choice([-1, 1, 7, 1000, 2**40])  # type: ignore[index, operator]
    else:
        parent[key] = chance.choice(VALUES)  # type: ignore[index]
    return content


if __name__ == "__main__":
    sys.exit(main())
