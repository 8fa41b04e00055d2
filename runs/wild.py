"""Judge a bundle on photographs from outside Flickr8K, which runs/wild.toml lists and names.

    python runs/wild.py FOLDER DATA SENTENCES --out X.json [--half choose] [--bundle FOLDER] [--sheet X.html]

FOLDER is what runs/wild_fetch.py fetched. DATA is Flickr8K, and SENTENCES the file of Flickr30K's sentences:
what people write. Settings may be chosen on the half `choose`; the half `judge` is for judging once.

- named: a right name of the main thing is the first, or one of the first five, of ImageNet's 1,000 classes,
  by the best cosine of a region with a name. Photographs without a right class do not count.
- search: a photograph that shows the thing is the first, or one of the first three, for its name.
- fluent: captions without a bad ending, a repeated word, or a pair of words that nobody wrote.
- right captions: the caption's subject is a right name of the main thing.
- things: the main thing is among those that the model lists; the share of those listed that are there.

Every figure is in percent, with a 95% interval by the bootstrap over photographs (or questions; 1,000
resamples, seed 0). The sheet is a page with every photograph, its caption and its names, to look at.
"""

import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import script
from rich.progress import track
from wild_fetch import is_there
from wild_list import HALVES, Wild, read
from wild_measures import Language, among, has, subject, within
from wild_model import Answer, Classes, answer, search
from wild_sheet import page

from dvsa.arrays import Doubles, IntArray
from dvsa.bundle import Bundle
from dvsa.data import extra_sentences, load
from dvsa.files import write
from dvsa.metrics.bootstrap import estimate
from dvsa.metrics.figures import Figure
from dvsa.model import Model
from dvsa.text import words


def people(data: Path, sentences: Path) -> Language:
    """How people write, by the sentences of a data set and of a file."""
    known = load(data)
    written = [
        sentence
        for split in ("train", "val", "test")
        for example in known.split(split)
        for sentence in example.sentences
    ]
    for more in extra_sentences.read(sentences).sentences.values():
        written += more
    return Language.learn(
        words(sentence) for sentence in track(written, "sentences", transient=True, update_period=1)
    )


def of_photograph(wild: Wild, found: Answer, language: Language) -> dict[str, float]:
    """The measures of one photograph; those of things are added up over photographs."""
    faults, right = language.faults(found.caption), (*wild.right, *wild.subjects)
    measured = {
        "named: first": within(found.place, 1),
        "named: first five": within(found.place, 5),
        "captions: fluent": float(not faults),
        "captions: no bad ending": float("bad ending" not in faults),
        "captions: no repeated word": float("repeated word" not in faults),
        "captions: no unseen pair": float("unseen pair" not in faults),
        "captions: right subject": float(has(subject(found.caption), right)),
        "captions: main thing anywhere": float(has(found.caption, right)),
    }
    if found.things is not None:
        there = (*wild.right, *wild.things)
        measured["things: main thing"] = float(any(among(thing, wild.right) for thing in found.things))
        measured["things: right"] = sum(among(thing, there) for thing in found.things)
        measured["things: listed"] = len(found.things)
    return measured


def figures(measured: Sequence[Mapping[str, float]]) -> dict[str, Figure]:
    """Means of measures in percent; the right things are a share of those listed."""
    table: dict[str, Doubles] = {
        name: np.array([row[name] for row in measured], dtype=np.float64) for name in measured[0]
    }

    def means(index_N: IntArray) -> dict[str, float]:
        chosen = {name: column[index_N] for name, column in table.items()}
        listed = chosen.pop("things: listed", None)
        found = {name: _mean(column) for name, column in chosen.items()}
        if listed is not None:
            right = chosen["things: right"].sum()
            found["things: right"] = 100 * float(right / listed.sum()) if listed.any() else math.nan
        return found

    return estimate(means, len(measured))


def _mean(column: Doubles) -> float:
    known = column[~np.isnan(column)]
    return 100 * float(known.mean()) if len(known) else math.nan


def main() -> None:
    """Judge one half."""
    parser = script.parser(__doc__, "folder", "data", "sentences")
    parser.add_argument("--half", choices=HALVES, default="choose")
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sheet", type=Path)
    args = parser.parse_args()

    began = time.monotonic()
    photographs = [wild for wild in read() if wild.half == args.half]
    missing = [wild.file for wild in photographs if not is_there(wild, args.folder)]
    if missing:
        sys.exit(f"{args.folder} lacks {len(missing)} photographs, such as {missing[0]}: run wild_fetch.py")

    # What the model says, and what it finds.
    language, model = people(args.data, args.sentences), Model(Bundle.open(args.bundle))
    classes = Classes.read(model)
    opened = track(photographs, "photographs", transient=True)
    views = [model.open(args.folder / wild.file) for wild in opened]
    named = track(list(zip(views, photographs, strict=True)), "captions", transient=True)
    answers = [answer(view, wild, classes) for view, wild in named]
    places = search(model, views, photographs)

    # How good that is.
    measured = [
        of_photograph(wild, found, language) for wild, found in zip(photographs, answers, strict=True)
    ]
    found = figures(measured) | figures(
        [{f"search: first {n}": within(place, n) for n in (1, 3)} for place in places.values()]
    )
    counts = {
        "photographs": len(photographs),
        "with a right class": sum(not math.isnan(one.place) for one in answers),
        "classes without a known name": classes.unnamed,
        "questions": len(places),
    }
    for name, figure in found.items():
        print(f"{name:32}{figure.shown:>6}   {figure.interval}")
    print(json.dumps(counts))

    report = {
        "half": args.half,
        "bundle": model.bundle.manifest.name,
        **counts,
        **{name: {"value": figure.value, "ci95": figure.ends} for name, figure in found.items()},
        "facts": script.facts(began, resamples=1000, seed=0),
    }
    script.keep(args.out, report)
    if args.sheet:
        write(args.sheet, page(args.half, views, photographs, answers, measured).encode())


if __name__ == "__main__":
    main()
