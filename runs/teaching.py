"""How well a name that is taught from a few photographs finds others, beside the word that people use.

    python runs/teaching.py DATA OUT [--split val] [--bundle FOLDER] [--photographs 3] [--draws 10]

A thing is a word that at least two sentences of 8 photographs or more have. The model is taught it under
another name from some of these photographs, against 300 of the training split. The other photographs of the
split are searched by the name, by the word itself, and at random. A hit is right if any of its sentences has
the word. OUT gets teaching.SPLIT.json: mean average precision in percent over things and draws, with 95%
intervals over things.
"""

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import script

from dvsa.arrays import BoolArray, FloatArray, Floats
from dvsa.background import Background
from dvsa.bundle import Bundle
from dvsa.data import Example, load
from dvsa.evaluation import encode, protocol
from dvsa.model import Model
from dvsa.teaching import learn, usual_length
from dvsa.text import words

THINGS = """
    bike guitar horse skateboard trampoline kayak snowboarder tent swing football surfer motorcycle baby bird
    basketball pool rope microphone fountain slide tennis fence
"""
"""Candidates, named before any was tried."""
LEAST = 8
"""Photographs of a thing."""
BACKGROUND = 300


def average_precision(score_K: FloatArray, right_K: BoolArray) -> float:
    """The mean of the precisions at the places of the right ones."""
    found_K = right_K[np.argsort(-score_K, kind="stable")]
    return float((np.cumsum(found_K)[found_K] / (np.flatnonzero(found_K) + 1)).mean())


def interval(values: Sequence[float], seed: int = 0) -> list[float]:
    """The mean, and a 95% interval by the bootstrap."""
    rng = np.random.default_rng(seed)
    means = [float(np.mean(rng.choice(values, len(values)))) for _ in range(2000)]
    return [float(np.mean(values)), *np.percentile(means, [2.5, 97.5]).tolist()]


def judged(
    model: Model,
    things: Mapping[str, Counter[int]],
    v_KID: Floats,
    background: Background,
    taught: int,
    draws: int,
) -> dict[str, dict[str, float]]:
    """Mean average precision of each thing in percent: by the taught name, by its word, and by chance."""
    rng, length, found = np.random.default_rng(0), usual_length(model), {}
    for word, mentions in things.items():
        sure = [k for k, count in mentions.items() if count >= 2]
        (word_D,) = model.read(word).s_ND
        rows = []
        for _ in range(draws):
            chosen = rng.choice(sure, taught, replace=False)
            left_K = ~np.isin(np.arange(len(v_KID)), chosen)
            right_K = np.isin(np.arange(len(v_KID)), list(mentions))[left_K]
            vectors = (learn(list(v_KID[chosen]), background, length), word_D)
            scores = [(v_KID[left_K] @ s_D).max(axis=1) for s_D in vectors]
            rows.append([*(average_precision(score_K, right_K) for score_K in scores), right_K.mean()])
        found[word] = dict(zip(("taught", "word", "chance"), (100 * np.mean(rows, 0)).tolist(), strict=True))
    return found


def mentioned(examples: Sequence[Example], word: str) -> Counter[int]:
    """How many sentences of each photograph have a word, without those that have none."""
    counts = {k: sum(word in words(s) for s in e.sentences) for k, e in enumerate(examples)}
    return Counter({k: count for k, count in counts.items() if count})


def main() -> None:
    """Teach, search, and report."""
    parser = script.parser(__doc__, "data", "out")
    parser.add_argument("--split", choices=("val", "test"), default="val")
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--photographs", type=int, default=3)
    parser.add_argument("--draws", type=int, default=10)
    args = parser.parse_args()

    began = time.monotonic()
    data, bundle = load(args.data), Bundle.open(args.bundle)
    model, examples, training = Model(bundle), data.split(args.split), data.split("train")
    protocol.check(bundle, data, examples, allow_custom_split=False)
    ordinary = np.linspace(0, len(training) - 1, BACKGROUND).astype(int)
    seen_KID = encode(model, [training[k] for k in ordinary]).v_KID
    background = Background.of(seen_KID.reshape(-1, seen_KID.shape[-1]))

    things = {word: mentioned(examples, word) for word in THINGS.split() if word in bundle.vocabulary}
    things = {word: m for word, m in things.items() if sum(n >= 2 for n in m.values()) >= LEAST}
    v_KID = encode(model, examples).v_KID
    found = judged(model, things, v_KID, background, args.photographs, args.draws)
    means = {what: interval([row[what] for row in found.values()]) for what in ("taught", "word", "chance")}
    facts = script.facts(
        began, data=data.name, split=args.split, photographs=args.photographs, draws=args.draws
    )
    script.keep(args.out / f"teaching.{args.split}.json", {"mean": means, "things": found, "facts": facts})
    print(json.dumps(means, indent=1))


if __name__ == "__main__":
    main()
