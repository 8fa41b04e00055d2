"""`dvsa data split`, `stats`, `sample` and `convert`."""

from dataclasses import asdict
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dvsa.cli.options import LAYOUTS_HELP, AsJson, EntitiesFolder, Seed
from dvsa.cli.output import note, print_json, progress, show, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from dvsa.data import Dataset
    from dvsa.data.statistics import SplitStatistics, Spread, Statistics

LAYOUTS = "csv, imagefolder, karpathy, coco, sidecars, webdataset or parquet"

DataFolder = Annotated[Path, typer.Argument(metavar="FOLDER", help=LAYOUTS_HELP, show_default=False)]
NewFolder = Annotated[Path, typer.Option(metavar="FOLDER", help="The new folder.", show_default=False)]
Layout = Annotated[str, typer.Option("--to", metavar="LAYOUT", help=f"The new layout: {LAYOUTS}.")]
Val = Annotated[float, typer.Option(min=0, help="Photographs in val; below 1, their share.")]
Test = Annotated[float, typer.Option(min=0, help="Photographs in test; below 1, their share.")]
Page = Annotated[Path, typer.Option(metavar="FILE", help="The HTML page.", show_default=False)]
Count = Annotated[int, typer.Option("--count", "-n", min=1, help="Examples on the page.")]


def split(
    folder: DataFolder,
    out: NewFolder,
    val: Val = 0.1,
    test: Test = 0.1,
    layout: Layout = "karpathy",
    entities: EntitiesFolder = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Make new splits of a data set.

    Its own splits are forgotten. Equal photographs come into one split. The splits depend on the seed and on
    the photographs, not on their order or names. The result is a new folder, with the boxes of phrases in
    `entities`.

    Example: `dvsa data split photographs --val 0.1 --test 0.1 --out divided`
    """
    from dvsa.data import load
    from dvsa.data.splitting import split_anew

    _write(split_anew(load(folder, entities), val=val, test=test, seed=seed), layout, out, as_json)


def convert(
    folder: DataFolder,
    out: NewFolder,
    layout: Layout = "karpathy",
    entities: EntitiesFolder = None,
    as_json: AsJson = False,
) -> None:
    """Write a data set in another layout, with its photographs.

    Names, splits, sentences and the bytes of photographs stay the same. Boxes of phrases are written into the
    folder `entities` of the new data set, in the format of Flickr30k Entities.

    Example: `dvsa data convert flickr8k --to webdataset --out shards`
    """
    from dvsa.data import load

    _write(load(folder, entities), layout, out, as_json)


def stats(folder: DataFolder, entities: EntitiesFolder = None, as_json: AsJson = False) -> None:
    """Show the lengths of sentences, the words and the boxes of a data set.

    Example: `dvsa data stats flickr8k`
    """
    from dvsa.data import load
    from dvsa.data.statistics import statistics

    found = statistics(load(folder, entities))
    if as_json:
        print_json(asdict(found))
    else:
        _show(found)


def sample(
    folder: DataFolder,
    out: Page,
    count: Count = 20,
    entities: EntitiesFolder = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Draw examples of a data set on one page, with their sentences and the boxes of their phrases.

    Example: `dvsa data sample flickr8k --out sample.html`
    """
    from dvsa import files, samples
    from dvsa.data import load

    dataset = load(folder, entities)
    examples = samples.chosen(dataset, count, seed)
    files.write(out, samples.page(f"{dataset.name}: {len(examples)} examples", examples).encode())
    if as_json:
        print_json({"page": str(out), "examples": [example.name for example in examples]})
    else:
        show(f"{out}: {len(examples)} of {len(dataset.examples):,} examples")


def _write(dataset: "Dataset", layout: str, out: Path, as_json: bool) -> None:
    """Write a data set, and say what was written."""
    from dvsa.data.converting import convert as write

    done, total = count(1), len(dataset.examples)
    with progress() as update:
        tell = partial(update, "writing photographs")
        lost = write(dataset, layout, out, lambda: tell(next(done), total))
    if lost:
        boxes = sum(len(phrase.boxes) for phrase in lost)
        note(f"{len(lost):,} phrases with {boxes:,} boxes are left out: Flickr30k Entities cannot mark them")

    phrases = sum(len(example.phrases) for example in dataset.examples) - len(lost)
    splits: dict[str, int] = {}
    for example in dataset.examples:
        splits[example.split] = splits.get(example.split, 0) + 1
    if as_json:
        found = {"folder": str(out), "layout": layout, "photographs": splits, "phrases": phrases}
        print_json({**found, "phrases_lost": len(lost)})
    else:
        numbers = ", ".join(f"{n:,} {name or 'without a split'}" for name, n in splits.items())
        boxes_too = f"; {phrases:,} phrases in entities" if phrases else ""
        show(f"{out}: {layout}, {numbers}{boxes_too}")


def _show(found: "Statistics") -> None:
    """Print the numbers of each split side by side, the lengths of sentences, and the frequent words."""
    names = [name or "(none)" for name in found.splits]
    rows = table("", *names, right=names)
    for title, cells in _ROWS:
        rows.add_row(title, *(cells(each) for each in found.splits.values()))
    show(f"{found.dataset}; the median (and the least–the most)\n", rows)

    lengths: dict[int, int] = {}
    for each in found.splits.values():
        for length, n in each.lengths.items():
            lengths[length] = lengths.get(length, 0) + n
    if lengths:
        most = max(lengths.values())
        show("\nWords of a sentence")
        for length in range(min(lengths), max(lengths) + 1):
            n = lengths.get(length, 0)
            show(f"{length:4} {n:7,} {'█' * round(40 * n / most)}")
    words = ", ".join(f"{word} {n:,}" for word, n in found.frequent.items())
    show(f"\nFrequent words: {words or 'none'}", f"Words that occur once: {found.rare:,}")


def _spread(spread: "Spread", digits: int = 0) -> str:
    """The median, with the fewest and the most."""
    return f"{spread.median:.{digits}f} ({spread.fewest:.{digits}f}–{spread.most:.{digits}f})"


_ROWS: "tuple[tuple[str, Callable[[SplitStatistics], str]], ...]" = (
    ("photographs", lambda each: f"{each.photographs:,}"),
    ("sentences", lambda each: f"{each.sentences:,}"),
    ("… of a photograph", lambda each: _spread(each.sentences_each)),
    ("words of a sentence", lambda each: _spread(each.words_each)),
    ("different words", lambda each: f"{each.vocabulary:,}"),
    ("… not in train", lambda each: f"{each.unseen:,}"),
    ("phrases", lambda each: f"{each.phrases:,}"),
    ("boxes of a photograph", lambda each: _spread(each.boxes_each)),
    ("area of a box, share", lambda each: _spread(each.areas, 2)),
)
