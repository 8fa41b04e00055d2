"""The beginning of docs/results.md: five claims with figures, and a picture. Also the README's table."""

from collections.abc import Iterator, Mapping, Sequence

import paper_figures
from markdown import section, table
from results_data import Result, Results, group
from results_names import DIRECTIONS, GROUNDING
from results_paper import mean_recall

from dvsa.metrics.figures import Report


def summary(results: Results) -> Iterator[str]:
    """The title, five claims with their figures, and the chart."""
    ranking, captions, grounding = (results.shipped[t] for t in ("ranking", "captions", "grounding"))
    first, second = (ranking.parts[direction].figures["R@1"] for direction in DIRECTIONS)
    theirs = [paper_figures.RANKING["flickr8k"][direction]["R@1"] for direction in DIRECTIONS]
    times = (first.value or 0) / theirs[0].value
    bleu = paper_figures.CAPTIONS["flickr8k"]["BLEU-4"]

    yield "# Results"
    yield ""
    yield (
        f"How good the shipped model `{results.bundle}` is on the {ranking.counts['photos']:,} test "
        "photographs of Flickr8K, what each part of its recipe contributes, and what the paper's own "
        "equations give on the same data. [Intervals] are 95% bootstrap intervals over photographs. All "
        "choices were made on the validation split."
    )
    yield from section("Summary")
    yield ""
    yield (
        f"1. **The right sentence comes first {times:.1f} times as often as in the paper.** R@1 from "
        f"photographs to sentences is {first} (the paper: {theirs[0]}), from sentences to photographs "
        f"{second} (the paper: {theirs[1]})."
    )
    yield (
        f"2. **Captions are better than the paper's.** BLEU-4 is {captions.figures['BLEU-4']} (the paper: "
        f"{bleu}), METEOR {captions.figures['METEOR']}, CIDEr {captions.figures['CIDEr']}."
    )
    yield (
        f"3. **Two of three phrases are located.** For {grounding.figures['R@1 IoU0.5']} % of the "
        f"{grounding.counts['phrases']:,} phrases the chosen region has IoU ≥ 0.5 with the true box. The "
        f"upper bound with the proposed regions is {grounding.figures['covered IoU0.5']} %. The boxes of "
        "the training split were used for training, so this is supervised grounding."
    )
    yield f"4. {_parts_claim(results.ablation)}"
    yield f"5. {_paper_claim(results)}"
    yield ""
    yield (
        "![Figures of the shipped model with intervals, of the paper's equations on our data, and of the "
        "paper](pictures/results.png)"
    )


def _parts_claim(ablation: Mapping[str, Result]) -> str:
    """Which parts of the recipe contribute most."""
    variants = {name: result.report for name, result in group(ablation, "ablation").items()}
    best, reading, tuning, grounding = (
        variants[name] for name in ("best", "no reading", "no tuning", "no grounding")
    )
    rank, box = "p2s R@1", "R@1 IoU0.5"
    return (
        "**Additional sentences, training of the backbone and the grounding loss contribute most.** On val, "
        f"R@1 from photographs to sentences is {best.figures[rank]}; it is {reading.figures[rank]} without "
        f"reading and {tuning.figures[rank]} without tuning. {best.figures[box]} % of the phrases are "
        f"located, and {grounding.figures[box]} % without the grounding loss."
    )


def _paper_claim(results: Results) -> str:
    """Whether the paper's model of regions beats the whole frame, as in the paper."""
    frame, regions, bag, defrag = (mean_recall(results, row) for row in ("frame", "brnn", "bag", "defrag"))
    claim = (
        "With the paper's equations, regions do not beat the whole frame here"
        if frame > regions
        else "With the paper's equations, regions beat the whole frame, as in the paper"
    )
    return (
        f"**{claim}.** The mean of all recalls is {frame:.1f} for the whole frame and {regions:.1f} for the "
        f"paper's model of regions. With a bag of words instead of the BRNN it is {bag:.1f}, with the DeFrag "
        f"score {defrag:.1f}."
    )


def overview(results: Results) -> Iterator[str]:
    """The table of the README: the paper beside the shipped model."""
    ranking, captions, grounding = (results.shipped[t] for t in ("ranking", "captions", "grounding"))
    paper = paper_figures.RANKING["flickr8k"]
    rows: list[tuple[str, ...]] = []
    for direction, title in DIRECTIONS.items():
        names = ("R@1", "R@10")
        theirs = " / ".join(str(paper[direction][name]) for name in names)
        rows.append((f"{title}, R@1 / R@10", theirs, joined(ranking.parts[direction], names)))

    bleu = paper_figures.CAPTIONS["flickr8k"]["BLEU-4"]
    scores = joined(captions, ("BLEU-4", "METEOR", "CIDEr"))
    rows.append(("captions, BLEU-4 / METEOR / CIDEr", f"{bleu} / – / –", scores))
    rows.append(("phrases located, IoU 0.5 / pointing", "–", joined(grounding, GROUNDING[:2])))
    rows.append(("phrases covered by a region, IoU 0.5 / IoU 0.7", "–", joined(grounding, GROUNDING[2:])))
    yield from table(("", "the paper", "the shipped model"), rows)
    yield from ("", "† not found in a second source.")


def joined(report: Report, names: Sequence[str]) -> str:
    """Some figures in one cell."""
    return " / ".join(str(report.figures[name]) for name in names)
