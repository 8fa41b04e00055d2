"""What the captions of a bundle get wrong: counts against people's sentences, for MODEL_CARD.md.

    python runs/faults.py DATA OUT [--bundle FOLDER] [--split test] [--card MODEL_CARD.md]

OUT gets captions.SPLIT.json, unless it exists already, and faults.SPLIT.json. With --card, the table between
the card's two comments `faults` is replaced. Intervals are over photographs.
"""

import json
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import script
from markdown import replace_part, table

from dvsa import evaluation
from dvsa.arrays import IntArray
from dvsa.bundle import Bundle
from dvsa.data import Example, load
from dvsa.evaluation import protocol
from dvsa.metrics.bootstrap import estimate
from dvsa.metrics.captions import CaptionScores, score
from dvsa.metrics.figures import Figure, Report
from dvsa.model import Model
from dvsa.text import FUNCTION_WORDS, words


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


NUMBERS = _set("two three four five six")
COLOURS = _set("black white red blue green yellow orange brown pink purple grey gray tan")
MEN = _set("man men boy boys guy guys male gentleman he his him")
WOMEN = _set("woman women girl girls lady ladies female she her hers")
OTHERS = _set(
    "person people child children kid kids baby toddler player players adult adults couple crowd group team"
)
ANIMALS = _set("dog dogs horse bird cat cow animal animals")
LIVING = MEN | WOMEN | OTHERS | ANIMALS
AGREE = 3
"""How many of five people must mention a thing for it to count."""
RARITIES = {"fewer than 50 times": (1, 50), "50 to 499 times": (50, 500), "500 times or more": (500, 10**9)}

CaptionWords = Sequence[Collection[str]]
"""Words of each photograph's caption."""
ReferenceWords = Sequence[Sequence[Collection[str]]]
"""Words of each photograph's sentences by people."""


class Fault(NamedTuple):
    """A figure, and of how many things."""

    figure: Figure
    of: int


def faults(
    captions: CaptionWords, references: ReferenceWords, training_counts: Mapping[str, int]
) -> dict[str, Fault]:
    """All shares in percent with intervals; `training_counts` are those of words in training."""
    pairs = dict(
        [
            *counting(captions, references),
            *colours(captions, references),
            *genders(captions, references),
            *rare_things(captions, references, training_counts),
        ]
    )
    shares = estimate(
        lambda index: {name: share(*pair, index) for name, pair in pairs.items()}, len(captions)
    )
    return {name: Fault(shares[name], int(sum(whole))) for name, (_, whole) in pairs.items()}


Pair = tuple[Sequence[int], Sequence[int]]
"""For each photograph, how many things have the property, and how many there are."""


def share(part: Sequence[int], whole: Sequence[int], index: IntArray) -> float:
    """The part of the whole in these photographs, in percent; 0 if the whole is 0."""
    return 100 * float(np.asarray(part)[index].sum()) / max(1, float(np.asarray(whole)[index].sum()))


def counting(captions: CaptionWords, references: ReferenceWords) -> list[tuple[str, Pair]]:
    """Numbers: whether the caption has the one that people agree on, another one, or one that nobody says."""
    right, other, asked, made_up, spoken = [], [], [], [], []
    for mine, theirs in zip(captions, references, strict=True):
        votes = Counter(number for sentence in theirs for number in NUMBERS & set(sentence))
        agreed = {number for number, people in votes.items() if people >= AGREE}
        numbers = NUMBERS & set(mine)

        asked.append(int(bool(agreed)))
        right.append(int(bool(agreed & numbers)))
        other.append(int(bool(agreed and numbers - agreed) and not agreed & numbers))
        spoken.append(len(numbers))
        made_up.append(len(numbers - set(votes)))

    return [
        ("people agree on a number: the caption says it", (right, asked)),
        ("people agree on a number: the caption says another", (other, asked)),
        ("numbers in captions that no reference mentions", (made_up, spoken)),
    ]


def colours(captions: CaptionWords, references: ReferenceWords) -> list[tuple[str, Pair]]:
    """Colours in captions that no person mentions."""
    spoken = [COLOURS & set(mine) for mine in captions]
    nobody = [len(c - set().union(*theirs)) for c, theirs in zip(spoken, references, strict=True)]
    return [("colours in captions that no reference mentions", (nobody, list(map(len, spoken))))]


def genders(captions: CaptionWords, references: ReferenceWords) -> list[tuple[str, Pair]]:
    """Captions of the other gender than the one that people agree on, and the share of men."""
    found: list[tuple[str, Pair]] = []
    for name, own, opposite, other in (("men", MEN, "women", WOMEN), ("women", WOMEN, "men", MEN)):
        agreed = [
            int(sum(bool(own & set(s)) for s in theirs) >= AGREE and not any(other & set(s) for s in theirs))
            for theirs in references
        ]
        wrong = [
            int(bool(a and other & set(mine) and not own & set(mine)))
            for a, mine in zip(agreed, captions, strict=True)
        ]
        title = f"references mention only {name}: the caption mentions only {opposite}"
        found.append((title, (wrong, agreed)))

    mine = [(int(bool(MEN & set(s))), int(bool((MEN | WOMEN) & set(s)))) for s in captions]
    theirs = [
        (sum(bool(MEN & set(s)) for s in own), sum(bool((MEN | WOMEN) & set(s)) for s in own))
        for own in references
    ]
    for which, pairs in (("captions", mine), ("references", theirs)):
        part, whole = zip(*pairs, strict=True)
        found.append((f"{which} that mention men, of those that mention a gender", (part, whole)))
    return found


def rare_things(
    captions: CaptionWords, references: ReferenceWords, training_counts: Mapping[str, int]
) -> list[tuple[str, Pair]]:
    """Words that people agree on, by their frequency in training: whether the caption has them."""
    found: list[tuple[str, Pair]] = []
    for name, (low, high) in RARITIES.items():
        agreed = [
            {word for word in agreed_words(theirs) if low <= training_counts.get(word, 0) < high}
            for theirs in references
        ]
        there = [len(a & set(mine)) for a, mine in zip(agreed, captions, strict=True)]
        title = f"words that people agree on, seen {name} in training: recall"
        found.append((title, (there, list(map(len, agreed)))))
    return found


def agreed_words(references: Sequence[Collection[str]]) -> set[str]:
    """The content words that enough people use for a photograph."""
    votes = Counter(word for sentence in references for word in set(sentence) - FUNCTION_WORDS)
    return {word for word, people in votes.items() if people >= AGREE}


def scenes(captions: Mapping[str, str], examples: Sequence[Example]) -> dict[str, Fault]:
    """CIDEr of photographs with and without people or animals, by the majority of the sentences."""
    scores = score({e.name: e.sentences for e in examples}, captions, with_meteor=False)
    living = np.array(
        [sum(bool(LIVING & set(words(s))) for s in e.sentences) > len(e.sentences) / 2 for e in examples]
    )

    found: dict[str, Fault] = {}
    for name, chosen in (("with", living), ("without", ~living)):
        index = np.flatnonzero(chosen)
        if len(index):
            found[f"CIDEr {name} people or animals"] = Fault(cider(scores, index), len(index))
    return found


def cider(scores: CaptionScores, index: IntArray) -> Figure:
    """The CIDEr of the photographs at `index`, with its interval."""
    return estimate(lambda drawn: scores.figures(index[drawn]), len(index))["CIDEr"]


def as_json(shares: Mapping[str, Fault], found: Mapping[str, Fault]) -> dict[str, object]:
    """The JSON of shares and scenes."""
    report = Report({name: fault.figure for name, fault in shares.items()}).to_json()
    return {
        **report,
        "of": {name: fault.of for name, fault in shares.items()},
        "scenes": {
            name: {"value": fault.figure.value, "ci95": fault.figure.ends, "of": fault.of}
            for name, fault in found.items()
        },
    }


def write(bundle: Bundle, examples: Sequence[Example], path: Path) -> dict[str, str]:
    """The captions of a split, from `path` if it exists, otherwise from the bundle."""
    if not path.is_file():
        kept: dict[str, str] = {}
        evaluation.captions(
            Model(bundle),
            examples,
            with_meteor=False,
            keep=lambda name, caption: kept.update({name: caption.text}),
        )
        script.keep(path, kept)
    captions: dict[str, str] = json.loads(path.read_text())
    return captions


def rows_of(found: Mapping[str, Fault], unit: str = "") -> list[tuple[str, ...]]:
    """Name, value, interval and number of things, for the table."""
    return [
        (name, f"{figure.shown}{unit}", figure.interval.replace("–", "to"), f"{of:,}")
        for name, (figure, of) in found.items()
    ]


def main() -> None:
    """Write captions, count, print the table."""
    parser = script.parser(__doc__, "data", "out")
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--card", type=Path)
    parser.add_argument("--allow-custom-split", action="store_true")
    args = parser.parse_args()

    began = time.monotonic()
    data, bundle = load(args.data), Bundle.open(args.bundle)
    examples = data.split(args.split)
    protocol.check(bundle, data, examples, allow_custom_split=args.allow_custom_split)
    captions = write(bundle, examples, args.out / f"captions.{args.split}.json")

    training = data.split("train", restval=True)
    training_counts = Counter(word for e in training for s in e.sentences for word in words(s))
    caption_words = [set(words(captions[e.name])) for e in examples]
    reference_words = [[set(words(s)) for s in e.sentences] for e in examples]
    shares, by_scene = faults(caption_words, reference_words, training_counts), scenes(captions, examples)
    facts = script.facts(began, data=data.name, split=args.split, N=len(examples))
    script.keep(args.out / f"faults.{args.split}.json", as_json(shares, by_scene) | {"facts": facts})

    rows = rows_of(shares, unit="%") + rows_of(by_scene)
    lines = list(table(("what", "value", "95% interval", "of"), rows))
    print("\n".join(lines))
    if args.card:
        replace_part(args.card, "faults", lines)


if __name__ == "__main__":
    main()
