"""Calibrate on val what the match of a word with a photograph says: the fields `support` of a recipe.

    python runs/support.py DATA OUT [--bundle FOLDER]

The match of a content word is the score of its best region, divided by the length of its vector. Right words
are those of a photograph's own sentences. Wrong ones are those of another photograph's, except those that
the own sentences have too. `support` is the highest match that marks at most MARKED of the right words, and
`support_slope` that of a logistic regression. So a word at the threshold has a probability of 1/2. This holds
for words of which the share `prior` is right.

OUT gets support.json: these numbers, and what the threshold marks on val and on test, of people's words and
of the captions' words. A caption's word is right if one of the photograph's own sentences has it. `bins`
compares the probabilities with the shares of right words, of which half are right.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import script
from faults import write
from logistic import fitted

from dvsa.arrays import BoolArray, FloatArray, Floats
from dvsa.bundle import Bundle
from dvsa.data import Example, load
from dvsa.evaluation import encode, protocol
from dvsa.evaluation.own_sentences import OwnSentence, read_own
from dvsa.model import Model
from dvsa.text import FUNCTION_WORDS, words

MARKED = 0.04
"""The most of people's right words that may be marked."""


def threshold(score_N: FloatArray, right_N: BoolArray) -> float:
    """The highest score that marks at most `MARKED` of the right words; words above it are supported."""
    right = np.sort(score_N[right_N])
    first = int(MARKED * len(right))  # the first word that must stay above
    return float(np.nextafter(right[first], -np.inf))


def logistic(score_N: FloatArray, right_N: BoolArray) -> tuple[float, float]:
    """Slope and centre of the probability sigmoid(slope (score - centre)) of being right, half of all are."""
    x_N2 = np.stack([score_N, np.ones(len(score_N))], axis=1)
    weight_N = np.where(right_N, 0.5 / right_N.mean(), 0.5 / (~right_N).mean())
    w_2 = fitted(x_N2, right_N, weight_N, np.zeros(2))
    return float(w_2[0]), float(-w_2[1] / w_2[0])


def bins(score_N: FloatArray, right_N: BoolArray, slope: float, centre: float) -> list[dict[str, float]]:
    """For tenths of the probability: how many words, their mean probability, and the share that is right."""
    p_N = 1 / (1 + np.exp(-slope * (score_N - centre)))
    tenth_N = np.minimum((10 * p_N).astype(int), 9)
    return [
        {
            "words": int((tenth_N == n).sum()),
            "probability": float(p_N[tenth_N == n].mean()),
            "right": float(right_N[tenth_N == n].mean()),
        }
        for n in np.unique(tenth_N)
    ]


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
    """Content words of people's sentences: right on their own photograph, wrong on the one before it.

    A word that the one before has in its own sentences is not wrong there, and left out.
    """
    places = [(k, n) for k, example in enumerate(examples) for n in range(len(example.sentences))]
    told = [{word for sentence in e.sentences for word in words(sentence)} for e in examples]
    found = [
        (score, own)
        for own, seen_KID in ((True, v_KID), (False, np.roll(v_KID, 1, axis=0)))
        for sentence in read_own(model, examples, places, seen_KID, None)
        for word, score in content(sentence)
        if own or word not in told[sentence.photo - 1]
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

    cut, curve = None, (0.0, 0.0)
    for split in ("val", "test"):
        examples = data.split(split)
        captions = write(bundle, examples, args.out / f"captions.{split}.json")
        v_KID = encode(model, examples).v_KID
        people = of_people(model, examples, v_KID)
        if cut is None:
            cut, curve = threshold(*people), logistic(*people)
            slope, centre = curve
            prior = 1 / (1 + np.exp(slope * (cut - centre)))
            found |= {"support": cut, "support_slope": slope, "prior": float(prior)}
        found |= {
            f"people's words on {split}": marked(*people, cut),
            f"bins on {split}": bins(*people, *curve),
        }
        said = of_captions(model, examples, captions, v_KID)
        found |= {f"captions of {split}": marked(*said, cut)}

    found["facts"] = script.facts(began, data=data.name)
    script.keep(args.out / "support.json", found)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
