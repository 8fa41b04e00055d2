"""How many captions are no English, with the rules of `dvsa.fluency` and without, and what the rules cost.

    python runs/fluency.py DATA SENTENCES OUT [--split val] [--bundle FOLDER]

A caption is counted if its last pair of words never ended a sentence, if a content word comes twice or a word
follows itself, or if nobody wrote some neighbours: in the sentences of the training split and in SENTENCES, a
file of extra sentences. OUT gets fluency.SPLIT.json, which has the scores, too, with 95% intervals.
"""

import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain, pairwise
from pathlib import Path

import script

from dvsa.bundle import Bundle
from dvsa.data import Example, extra_sentences, load
from dvsa.evaluation import Encoded, captions, encode, protocol
from dvsa.fluency_file import FLUENCY_FILE
from dvsa.model import Model
from dvsa.text import FUNCTION_WORDS, words


class Written:
    """What people have written."""

    def __init__(self, sentences: Iterable[Sequence[str]]) -> None:
        self.pairs, self.ends = Counter[tuple[str, str]](), Counter[tuple[str, ...]]()
        for sentence in sentences:
            self.pairs.update(pairwise(["", *sentence]))
            self.ends[tuple(["", *sentence][-2:])] += 1

    def faults(self, caption: Sequence[str]) -> set[str]:
        """What is wrong with a caption."""
        content = Counter(word for word in caption if word not in FUNCTION_WORDS)
        repeated = max(content.values(), default=0) > 1 or any(a == b for a, b in pairwise(caption))
        found = {
            "ending": not self.ends[tuple(["", *caption][-2:])],
            "repeat": repeated,
            "pair": any(not self.pairs[pair] for pair in pairwise(["", *caption])),
        }
        return {fault for fault, is_found in found.items() if is_found}


def without_rules(bundle: Bundle) -> Bundle:
    """The same bundle without the file of the rules."""
    files = {name: record for name, record in bundle.manifest.files.items() if name != FLUENCY_FILE}
    return replace(bundle, manifest=replace(bundle.manifest, files=files))


def shares(captions: Sequence[Sequence[str]], written: Written) -> dict[str, float]:
    """The percentage of captions with each fault, and with any."""
    found = Counter[str]()
    for caption in captions:
        faults = written.faults(caption)
        found.update(faults)
        found["any"] += bool(faults)
    return {fault: 100 * found[fault] / len(captions) for fault in ("ending", "repeat", "pair", "any")}


def judged(
    bundle: Bundle, examples: Sequence[Example], encoded: Encoded, written: Written
) -> dict[str, object]:
    """The faults of a bundle's captions in percent, and their scores with intervals."""
    said: list[Sequence[str]] = []
    model = Model(bundle)
    report = captions(
        model, examples, encoded=encoded, keep=lambda name, caption: said.append(caption.words)
    ).report
    figures = {name: [f.value, f.low, f.high] for name, f in report.figures.items()}
    return {"faults": shares(said, written), "scores": figures}


def main() -> None:
    """Count with the rules, if the bundle has any, and without."""
    parser = script.parser(__doc__, "data", "sentences", "out")
    parser.add_argument("--split", choices=("val", "test"), default="val")
    parser.add_argument("--bundle", type=Path)
    args = parser.parse_args()

    began = time.monotonic()
    data, bundle = load(args.data), Bundle.open(args.bundle)
    examples = data.split(args.split)
    protocol.check(bundle, data, examples, allow_custom_split=False)

    # What people have written in training.
    extra = extra_sentences.read(args.sentences).sentences.values()
    own = (example.sentences for example in data.split("train", restval=True))
    written = Written(map(words, chain.from_iterable((*own, *extra))))

    encoded = encode(Model(bundle), examples)
    found: dict[str, object] = {"without rules": judged(without_rules(bundle), examples, encoded, written)}
    if bundle.fluency is not None:
        found["with rules"] = judged(bundle, examples, encoded, written)
    found["facts"] = script.facts(began, data=data.name, split=args.split, bundle=bundle.manifest.name)
    script.keep(args.out / f"fluency.{args.split}.json", found)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
