"""How well a region must fit a word of a caption to speak for it: chosen on val, judged by what people write.

    python runs/support.py DATA OUT [--bundle FOLDER]

A content word of a caption is right where one of the photograph's own sentences has it. OUT gets
support.json: the score, over the length of the word's vector, that a tenth of val's content words does not
exceed, and how many of the words that it marks are wrong on val and on test.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from faults import write
from numpy.typing import NDArray
from provenance import commit

from dvsa.bundle import Bundle
from dvsa.data import Example, load
from dvsa.evaluation import encode, protocol
from dvsa.evaluation.aligning import aligned
from dvsa.model import Model
from dvsa.text import FUNCTION_WORDS, words

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]


MARKED = 0.1
"""Share of the content words to mark: with more, most of the marked ones would be right."""


def area(score_N: Floats, right_N: Bools) -> float:
    """How often a right word scores above a wrong one, ties by half (the area under the ROC curve)."""
    wrong = np.sort(score_N[~right_N])
    below = np.searchsorted(wrong, score_N[right_N], "left") + np.searchsorted(
        wrong, score_N[right_N], "right"
    )
    return float(below.mean() / 2 / len(wrong))


def collect(model: Model, examples: Sequence[Example], captions: dict[str, str]) -> tuple[Floats, Bools]:
    """Of every content word of the captions the best score over its length, and whether a person wrote it."""
    seen = encode(model, examples)
    said = [replace(e, sentences=(captions[e.name],)) for e in examples]
    scores: list[float] = []
    right: list[bool] = []
    for line in aligned(model, said, [(k, 0) for k in range(len(said))], seen.v_KID, None):
        told = {word for sentence in examples[line.photo].sentences for word in words(sentence)}
        size_T = np.linalg.norm(line.s_TD, axis=1)
        for token, dot_I, size in zip(line.tokens, line.dot_TI, size_T, strict=True):
            if token not in FUNCTION_WORDS:
                scores.append(float(dot_I.max() / size))
                right.append(token in told)
    return np.array(scores), np.array(right)


def marked(score_N: Floats, right_N: Bools, cut: float) -> dict[str, float]:
    """What the threshold marks, in percent."""
    below_N = score_N <= cut
    return {
        "content words": len(score_N),
        "wrong": 100 * float((~right_N).mean()),
        "marked": 100 * float(below_N.mean()),
        "wrong of the marked": 100 * float((~right_N)[below_N].mean()) if below_N.any() else 0.0,
        "wrong of the others": 100 * float((~right_N)[~below_N].mean()),
        "area under the curve": area(score_N, right_N),
    }


def main() -> None:
    """Choose on val, tell on both."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--bundle", type=Path)
    args = parser.parse_args()
    data, bundle = load(args.data), Bundle.open(args.bundle)
    protocol.check(bundle, data, data.split("test"), allow_custom_split=False)
    found: dict[str, object] = {"commit": commit()}
    cut: float | None = None
    for split in ("val", "test"):
        examples = data.split(split)
        captions = write(bundle, examples, args.out / f"captions.{split}.json")
        scored = collect(Model(bundle), examples, captions)
        cut = float(np.quantile(scored[0], MARKED)) if cut is None else cut
        found |= {"support": cut, split: marked(*scored, cut)}
    (args.out / "support.json").write_text(json.dumps(found, indent=1))
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
