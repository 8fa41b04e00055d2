"""Measure the weights of the evidence for classes (see `dvsa.seeing`) on wild photographs.

    python runs/seeing.py PHOTOGRAPHS OUT [--bundle FOLDER]

PHOTOGRAPHS is the folder that runs/wild_fetch.py has filled; the half to choose by is used. A group of
classes is right if one of its names is an acceptable name of the main thing, or of another thing in the
photograph. The weights are those of a logistic regression with a small ridge. The figures are of photographs
that were left out, in FOLDS parts: how many groups have a probability of at least 1/2, the share of these
that is right, and the share of photographs whose main thing is among them.

OUT gets seeing.json with the weights, which go into the field `things` of a recipe.
"""

import json
import time
from pathlib import Path

import numpy as np
import script
import wild_list
from logistic import fitted
from wild_measures import among

from dvsa.arrays import BoolArray, FloatArray, IntArray
from dvsa.bundle import Bundle
from dvsa.classes import names
from dvsa.model import Model
from dvsa.model.things import candidates
from dvsa.seeing import LEAST

FOLDS, SEED = 6, 0
RIDGE = 1.0


def logistic(x_N6: FloatArray, right_N: BoolArray) -> FloatArray:
    """The weights with the highest likelihood minus `RIDGE` / 2 times their squares, the last one free."""
    ridge_6 = np.full(x_N6.shape[1], RIDGE)
    ridge_6[-1] = 1e-6
    return fitted(x_N6, right_N, np.ones(len(x_N6)), ridge_6)


def left_out(x_N6: FloatArray, right_N: BoolArray, photo_N: IntArray, photos: int) -> FloatArray:
    """The probability of each candidate by weights from the photographs of other folds."""
    fold_N = np.random.default_rng(SEED).permutation(np.arange(photos) % FOLDS)[photo_N]
    p_N = np.zeros(len(x_N6))
    for fold in range(FOLDS):
        own_N = fold_N == fold
        p_N[own_N] = 1 / (1 + np.exp(-x_N6[own_N] @ logistic(x_N6[~own_N], right_N[~own_N])))
    return p_N


def called(classes: frozenset[int]) -> list[str]:
    """All names of a group of classes."""
    return [" ".join(name.words) for name in names() if frozenset(name.classes) == classes]


def figures(
    p_N: FloatArray, right_N: BoolArray, main_N: BoolArray, photo_N: IntArray, photos: int
) -> dict[str, float]:
    """How much is said, and in percent: what is right of it, and photographs whose main thing is said."""
    said_N = p_N >= LEAST
    return {
        "said": int(said_N.sum()),
        "right": 100 * float(right_N[said_N].mean()) if said_N.any() else 0.0,
        "main thing said": 100 * len(np.unique(photo_N[said_N & main_N])) / photos,
    }


def main() -> None:
    """Measure and write."""
    parser = script.parser(__doc__, "photographs", "out")
    parser.add_argument("--bundle", type=Path)
    args = parser.parse_args()

    began, model = time.monotonic(), Model(Bundle.open(args.bundle))
    chosen = [wild for wild in wild_list.read() if wild.half == "choose"]
    rows: list[tuple[int, FloatArray, bool, bool]] = []
    for k, wild in enumerate(chosen):
        for group, _, evidence_6 in candidates(model.open(args.photographs / wild.file)):
            own = called(group.classes)
            is_main = any(among(name, wild.right) for name in own)
            rows.append((k, evidence_6, is_main or any(among(name, wild.things) for name in own), is_main))

    photo_N, x_N6 = np.array([row[0] for row in rows]), np.stack([row[1] for row in rows])
    right_N, main_N = (np.array([row[n] for row in rows]) for n in (2, 3))
    found: dict[str, object] = {"things": logistic(x_N6, right_N).tolist(), "candidates": len(rows)}
    p_N = left_out(x_N6, right_N, photo_N, len(chosen))
    found["left out"] = figures(p_N, right_N, main_N, photo_N, len(chosen))
    script.keep(args.out / "seeing.json", {**found, "facts": script.facts(began)})
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
