"""Choose the threshold of support on val: how well a region must match a word to be evidence for it.

    python runs/support.py DATA OUT [--bundle FOLDER]

The score of a content word is that of its best region, divided by the length of the word's vector. The
threshold best separates words of a photograph's own sentences from words of another photograph's, by balanced
accuracy. OUT gets support.json: the threshold, and what it marks on val and on test, of people's words and of
the captions' words. A caption's word is right if one of the photograph's own sentences has it.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import script
from faults import write

from dvsa.arrays import BoolArray, FloatArray, Floats
from dvsa.bundle import Bundle
from dvsa.data import Example, load
from dvsa.evaluation import encode, protocol
from dvsa.evaluation.own_sentences import OwnSentence, read_own
from dvsa.model import Model
from dvsa.text import FUNCTION_WORDS, words


def threshold(score_N: FloatArray, right_N: BoolArray) -> float:
    """The score above which a word counts as supported: the one with the highest balanced accuracy."""
    value_M, place_N = np.unique(score_N, return_inverse=True)
    wrong_M, right_M = (np.bincount(place_N, weights=kind_N) for kind_N in (~right_N, right_N))
    worth_M = np.cumsum(wrong_M) / wrong_M.sum() - np.cumsum(right_M) / right_M.sum()
    cut_M = np.append(value_M[0] - 1, (value_M[1:] + value_M[:-1]) / 2)
    return float(cut_M[np.append(0, worth_M[:-1]).argmax()])


def area(score_N: FloatArray, right_N: BoolArray) -> float:
    """How often a right word scores above a wrong one, ties count half (the area under the ROC curve)."""
    wrong = np.sort(score_N[~right_N])
    below = np.searchsorted(wrong, score_N[right_N], "left") + np.searchsorted(
        wrong, score_N[right_N], "right"
    )
    return float(below.mean() / 2 / len(wrong))


def content(own: OwnSentence) -> Iterator[tuple[str, float]]:
    """The known content words of a sentence, each with its score."""
    read = own.sentence
    for word, known, s_D, dot_I in zip(read.words, read.known_T, read.s_TD, own.dot_TI, strict=True):
        if known and word not in FUNCTION_WORDS:
            yield word, float(dot_I.max() / np.linalg.norm(s_D))


def of_people(model: Model, examples: Sequence[Example], v_KID: Floats) -> tuple[FloatArray, BoolArray]:
    """Content words of people's sentences: right on their own photograph, wrong on the next one."""
    places = [(k, n) for k, example in enumerate(examples) for n in range(len(example.sentences))]
    found = [
        (score, own)
        for own, seen_KID in ((True, v_KID), (False, np.roll(v_KID, 1, axis=0)))
        for sentence in read_own(model, examples, places, seen_KID, None)
        for _, score in content(sentence)
    ]
    return np.array([score for score, _ in found]), np.array([own for _, own in found])


def of_captions(
    model: Model, examples: Sequence[Example], captions: dict[str, str], v_KID: Floats
) -> tuple[FloatArray, BoolArray]:
    """Content words of the captions: right if a person wrote them for the photograph."""
    said = [replace(e, sentences=(captions[e.name],)) for e in examples]
    found = []
    for own in read_own(model, said, [(k, 0) for k in range(len(said))], v_KID, None):
        told = {word for sentence in examples[own.photo].sentences for word in words(sentence)}
        found += [(score, word in told) for word, score in content(own)]
    return np.array([score for score, _ in found]), np.array([right for _, right in found])


def marked(score_N: FloatArray, right_N: BoolArray, cut: float) -> dict[str, float]:
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
    """Choose on val, report on both splits."""
    parser = script.parser(__doc__, "data", "out")
    parser.add_argument("--bundle", type=Path)
    args = parser.parse_args()

    began = time.monotonic()
    data, bundle = load(args.data), Bundle.open(args.bundle)
    protocol.check(bundle, data, data.split("test"), allow_custom_split=False)
    model, found = Model(bundle), dict[str, object]()

    cut: float | None = None
    for split in ("val", "test"):
        examples = data.split(split)
        captions = write(bundle, examples, args.out / f"captions.{split}.json")
        v_KID = encode(model, examples).v_KID
        people = of_people(model, examples, v_KID)
        cut = threshold(*people) if cut is None else cut
        found |= {"support": cut, f"people's words on {split}": marked(*people, cut)}
        said = of_captions(model, examples, captions, v_KID)
        found |= {f"captions of {split}": marked(*said, cut)}

    found["facts"] = script.facts(began, data=data.name)
    script.keep(args.out / "support.json", found)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
