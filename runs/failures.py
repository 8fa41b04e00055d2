"""The worst failures of a bundle on a split, in words, for docs/results.md.

    python runs/failures.py DATA [--bundle FOLDER] [--split val] [--count 5] [--results docs/results.json]

Ranking fails where the best of a photograph's own sentences has the worst rank. Captions fail where CIDEr is
lowest. Both lists go into the results, with sentences of the photographs that the paper's part of the results
names by file. The photographs of Flickr8K may not be redistributed, so sentences stand for them.
"""

import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import script

from dvsa import evaluation, maxsim
from dvsa.bundle import Bundle
from dvsa.data import Dataset, Example, load
from dvsa.evaluation import Encoded, encode, protocol
from dvsa.evaluation.inspection import worst_photographs
from dvsa.metrics.ranking import rank
from dvsa.model import Model
from dvsa.text import FUNCTION_WORDS, words


def of_ranking(
    model: Model, examples: Sequence[Example], encoded: Encoded, count: int
) -> list[dict[str, object]]:
    """The photographs whose best own sentence ranks worst: that sentence, and the one ranked first."""
    sentences = [sentence for example in examples for sentence in example.sentences]
    S_KL = maxsim.scores(encoded.v_KID, *model.word_vectors([words(sentence) for sentence in sentences]))
    owner_L = np.repeat(np.arange(len(examples)), [len(example.sentences) for example in examples])
    return [
        {"own": sentences[f.sentence], "rank": f.rank, "first": sentences[f.wrong]}
        for f in worst_photographs(rank(S_KL, owner_L), S_KL, count)
    ]


def of_captions(
    model: Model, examples: Sequence[Example], encoded: Encoded, count: int
) -> list[dict[str, object]]:
    """The captions with the lowest CIDEr: the caption, people's sentences, and words that nobody wrote."""
    captions: dict[str, str] = {}
    judged = evaluation.captions(
        model,
        examples,
        with_meteor=False,
        encoded=encoded,
        keep=lambda name, caption: captions.update({name: caption.text}),
    )
    cider_K = judged.evidence.arrays["CIDEr"]

    failures: list[dict[str, object]] = []
    for k in np.argsort(cider_K, kind="stable")[:count]:
        caption, people = captions[examples[k].name], examples[k].sentences
        known = {word for sentence in people for word in words(sentence)} | FUNCTION_WORDS
        wrong = [word for word in caption.split() if word not in known]
        cider = 100 * float(cider_K[k])
        failures.append({"caption": caption, "people": people, "wrong": wrong, "CIDEr": cider})
    return failures


def sentences_of(inspection: dict[str, object], data: Dataset) -> dict[str, str]:
    """The first sentence of every photograph that the inspection names."""
    text = json.dumps([inspection["worst ranks"], inspection["regions found"]])
    return {e.name: e.sentences[0] for e in data.split("test") if json.dumps(e.name) in text}


def main() -> None:
    """Judge, and add the failures to the results."""
    parser = script.parser(__doc__, "data")
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--split", default="val")
    parser.add_argument("--count", type=int, default=5)
    parser.add_argument("--results", type=Path, default=Path("docs/results.json"))
    args = parser.parse_args()

    began = time.monotonic()
    data, bundle = load(args.data), Bundle.open(args.bundle)
    examples = data.split(args.split)
    protocol.check(bundle, data, examples)
    model = Model(bundle)
    encoded = encode(model, examples)
    failures = {
        "ranking": of_ranking(model, examples, encoded, args.count),
        "captions": of_captions(model, examples, encoded, args.count),
        "facts": script.facts(began, data=data.name, split=args.split, N=len(examples)),
    }

    results = json.loads(args.results.read_text())
    results["failures"] = failures
    results["paper"]["inspection"]["sentences"] = sentences_of(results["paper"]["inspection"], data)
    script.keep(args.results, results)
    print(json.dumps(failures, indent=1))


if __name__ == "__main__":
    main()
