"""Choose on val where search results end: how well the words of a question must match a photograph.

    python runs/relevance.py DATA OUT [--bundle FOLDER]

A photograph answers a question if the score of its words reaches `factor` times the bundle's `support` times
the sum of the lengths of the words' vectors. A question is a sentence of a photograph, asked of an album of
25 photographs. If the album has that photograph, the results should have it; if not, there should be none.
The balanced accuracy is the mean of both shares. It is too low for every factor, because an album may have
other photographs that a general sentence fits. The factor is the smallest whose balanced accuracy is within
one standard error of the best, so that little is missed.

OUT gets relevance.json, with 95 % intervals over questions, for val and, with the factor of val, for test.
"""

import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import script

from dvsa import maxsim
from dvsa.arrays import FloatArray, Floats
from dvsa.bundle import Bundle
from dvsa.data import Example, load
from dvsa.evaluation import encode, protocol
from dvsa.model import Model

ALBUM, SEED = 25, 0
FACTORS = tuple(round(0.8 + 0.05 * n, 2) for n in range(21))


def matches(model: Model, examples: Sequence[Example], v_KID: Floats) -> FloatArray:
    """How well a sentence of each photograph matches every photograph, (L, K).

    That is the score of the words, divided by the sum of the lengths of their vectors.
    """
    rng = np.random.default_rng(SEED)
    told = [example.sentences[rng.integers(len(example.sentences))] for example in examples]
    read = model.read_many(told)
    match_LK = np.zeros((len(read), len(examples)))
    for n, sentence in enumerate(read):
        s_LTD, real_LT = sentence.s_ND[None], np.ones((1, len(sentence.s_ND)), np.bool_)
        length = float(np.linalg.norm(sentence.s_ND, axis=1).sum())
        match_LK[n] = maxsim.scores(v_KID, s_LTD, real_LT)[:, 0] / max(length, 1e-9)
    return match_LK


def judged(match_LK: FloatArray, least: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """For each question whether its photograph is found, and how often an album without it gives nothing.

    The third array is the mean number of other photographs that are found in an album.
    """
    count = len(match_LK)
    found_L = match_LK[np.arange(count), np.arange(count)] >= least
    other_L = ((match_LK >= least).sum(axis=1) - found_L) / (count - 1)

    # The chance that none of 24 others, drawn without replacement, is among those that fit.
    fits_L = np.rint(other_L * (count - 1)).astype(np.int64)
    drawn = np.arange(ALBUM - 1)
    left_LN = np.clip(count - 1 - fits_L[:, None] - drawn, 0, None) / (count - 1 - drawn)
    return found_L.astype(np.float64), left_LN.prod(axis=1), other_L * (ALBUM - 1)


def report(match_LK: FloatArray, support: float, factor: float) -> dict[str, object]:
    """The figures of a factor, in percent, with 95 % intervals."""
    found_L, empty_L, other_L = judged(match_LK, factor * support)
    rng = np.random.default_rng(SEED)
    draws = rng.integers(0, len(found_L), (1000, len(found_L)))

    def figure(value_L: FloatArray, unit: float = 100) -> dict[str, float]:
        low, high = np.percentile(unit * value_L[draws].mean(axis=1), (2.5, 97.5))
        return {"value": unit * float(value_L.mean()), "low": float(low), "high": float(high)}

    return {
        "factor": factor,
        "found": figure(found_L),
        "nothing found where nothing is": figure(empty_L),
        "balanced accuracy": figure((found_L + empty_L) / 2),
        "others in an album": figure(other_L, 1),
    }


def chosen(match_LK: FloatArray, support: float) -> float:
    """The smallest factor within one standard error of the best."""
    value_FL = np.array([np.mean(judged(match_LK, f * support)[:2], axis=0) for f in FACTORS])
    mean_F = value_FL.mean(axis=1)
    best = int(mean_F.argmax())
    error = float(value_FL[best].std() / np.sqrt(value_FL.shape[1]))
    return FACTORS[int(np.flatnonzero(mean_F >= mean_F[best] - error)[0])]


def main() -> None:
    """Choose on val, report on both splits."""
    parser = script.parser(__doc__, "data", "out")
    parser.add_argument("--bundle", type=Path)
    args = parser.parse_args()

    began = time.monotonic()
    data, bundle = load(args.data), Bundle.open(args.bundle)
    protocol.check(bundle, data, data.split("test"), allow_custom_split=False)
    model, support = Model(bundle), bundle.manifest.support

    found: dict[str, object] = {"support": support, "album": ALBUM}
    factor: float | None = None
    for split in ("val", "test"):
        examples = data.split(split)
        match_LK = matches(model, examples, encode(model, examples).v_KID)
        factor = chosen(match_LK, support) if factor is None else factor
        found[split] = report(match_LK, support, factor)
        if split == "val":
            found["factors on val"] = [report(match_LK, support, other) for other in FACTORS]

    found["facts"] = script.facts(began, data=data.name)
    script.keep(args.out / "relevance.json", found)
    print(json.dumps({name: value for name, value in found.items() if name != "factors on val"}, indent=1))


if __name__ == "__main__":
    main()
