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
        "equations give on the same data. Numbers in brackets are 95% bootstrap intervals over photographs. "
        "All choices were made on the validation split (val)."
    )
    yield from section("Summary")
    yield ""
    yield (
        f"1. **A right sentence comes first {times:.1f} times as often as in the paper.** For {first} % of "
        f"the photographs, a right sentence is ranked first (the paper: {theirs[0]}). For {second} % of the "
        f"sentences, the right photograph is ranked first (the paper: {theirs[1]})."
    )
    yield (
        f"2. **Captions are better than the paper's.** BLEU-4 is {captions.figures['BLEU-4']} (the paper: "
        f"{bleu}), METEOR is {captions.figures['METEOR']}, and CIDEr is {captions.figures['CIDEr']}. † means "
        "that the paper's figure was not found in a second source."
    )
    yield (
        f"3. **Two of three phrases are located.** For {grounding.figures['R@1 IoU0.5']} % of the "
        f"{grounding.counts['phrases']:,} phrases, the chosen region and the true box have an IoU "
        "(intersection over union) of at least 0.5. No choice among the proposed regions could locate more "
        f"than {grounding.figures['covered IoU0.5']} %. The model was trained with the true boxes of the "
        "training split, so this is supervised grounding."
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
        "**Pre-training on extra sentences, training of the backbone and the grounding loss contribute "
        f"most.** On val, a right sentence is ranked first for {best.figures[rank]} % of the photographs. It "
        f"is {reading.figures[rank]} % without this pre-training, and {tuning.figures[rank]} % with a "
        f"frozen backbone. {best.figures[box]} % of the phrases are located; without the grounding loss it "
        f"is {grounding.figures[box]} %."
    )


def _paper_claim(results: Results) -> str:
    """Whether the paper's model of regions beats the whole frame, as in the paper."""
    frame, regions, bag, defrag = (mean_recall(results, row) for row in ("frame", "brnn", "bag", "defrag"))
    claim = (
        "With the paper's equations, whole photographs rank better than regions in our run"
        if frame > regions
        else "With the paper's equations, regions rank better than whole photographs, as in the paper"
    )
    return (
        f"**{claim}.** The mean of all recalls is {frame:.1f} for whole photographs and {regions:.1f} for "
        "the paper's model of regions (a BRNN with the score MaxSim). With a bag of words in place of the "
        f"BRNN it is {bag:.1f}, with the score DeFrag in place of MaxSim {defrag:.1f}."
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
