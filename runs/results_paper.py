"""The parts of docs/results.md about the paper's tables: our rows beside the paper's figures."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, stdev

import paper_figures
from markdown import listed, section, table
from results_contents import CHOSEN, SHOWN, inspected, novelty
from results_data import Result, Results, group
from results_names import CAPTIONS, DATA, DIRECTIONS, RECALLS, SYSTEMS, captioner

ROWS = {
    "frame": "whole frame only, BRNN",
    "frame-map": "whole frame only, by the map, BRNN",
    "defrag": "DeFrag score, BRNN",
    "bag": "MaxSim, bag of words",
    "rnn": "MaxSim, one-way RNN",
    "brnn-map": "MaxSim, BRNN, regions by the map",
    "brnn-both": "MaxSim, BRNN, regions by crops and map",
    "brnn": "**MaxSim, BRNN**",
}
PAPER_SYSTEMS = {
    "region": "region model",
    "full-frame": "full-frame model",
    "nearest": "nearest neighbour",
    "people": "human agreement",
}
"""The paper's names of its rows for phrases of regions."""
NO_MRF = "no MRF"


def sections(results: Results) -> Iterator[str]:
    """All tables that the paper has too."""
    facts = next(iter(results.paper.values())).facts
    yield from section(
        "The paper's tables",
        f"`runs/paper.py` trains every row with the paper's own equations, on {DATA[facts['data']]}, and "
        f"judges it on {facts['N']:,} photographs of the {facts['split']} split.{_cost(results)} † marks "
        "figures of the paper that were not found in a second source. The paper uses the CNN VGG and the "
        "boxes of R-CNN; ours are different, so compare the order of the rows rather than the figures.",
    )

    yield from _ranking(results)
    yield from _captions(results)
    yield from _phrases(results)
    yield from _alignment(results)
    yield from novelty(results)
    if results.inspection:
        yield from inspected(results.inspection)


def _cost(results: Results) -> str:
    """How long it took."""
    cost = results.cost
    if not cost:
        return ""

    judging = [result.facts["seconds"] for result in results.paper.values()]
    told = (
        f" The training of {cost['runs']} models took {cost['minutes']:.1f} minutes on {cost['machine']}, "
        f"the {len(judging)} evaluations took {sum(judging) / 60:.1f} minutes."
    )
    hours = cost.get("CPU hours")
    return (
        told if hours is None else f"{told} On two CPU cores the training would take about {hours:.0f} hours."
    )


def _ranking(results: Results) -> Iterator[str]:
    """Mean and standard deviation over seeds, for each row of the ablation."""
    recall = {row: mean_recall(results, row) for row in ROWS if group(results.paper, f"ranking.{row}")}
    ranked = sorted(recall, key=recall.__getitem__)
    order = " < ".join(f"{ROWS[row]} {recall[row]:.1f}" for row in ranked)
    yield from section(
        "Ranking",
        "Mean ± standard deviation over seeds. MaxSim and DeFrag are the paper's two scores of a photograph "
        f"with a sentence. Regions are described by crops unless the row says otherwise. {_orders(recall)}",
        f"By the mean of all recalls: {order}.",
        level=3,
    )

    name, N = _data(results)
    paper = paper_figures.RANKING.get("coco, first 1,000" if (name, N) == ("coco", 1000) else name, {})
    for direction, title in DIRECTIONS.items():
        rows: list[tuple[object, ...]] = []
        for row, label in ROWS.items():
            seeds = [
                r.report.parts[direction].figures for r in group(results.paper, f"ranking.{row}").values()
            ]
            if seeds:
                cells = (spread([seed[name].value or 0.0 for seed in seeds]) for name in RECALLS)
                rows.append((label, *cells, len(seeds)))
        if direction in paper:
            rows.append(("the paper, BRNN", *(paper[direction][name] for name in RECALLS), ""))
        yield from table((title, *RECALLS, "seeds"), rows)


def _orders(recall: Mapping[str, float]) -> str:
    """Which rows the paper's model is better than, as it is in the paper, and which not."""
    others = {
        "frame": "the whole frame alone",
        "defrag": "the DeFrag score",
        "rnn": "the one-way RNN",
        "bag": "the bag of words",
    }
    known = {row: title for row, title in others.items() if {row, "brnn"} <= {*recall}}
    worse = [title for row, title in known.items() if recall[row] < recall["brnn"]]
    better = [title for row, title in known.items() if recall[row] >= recall["brnn"]]
    told = [f"As in the paper, the BRNN with MaxSim ranks better than {listed(worse)}."] if worse else []
    told += [f"Unlike in the paper, it does not rank better than {listed(better, 'or')}."] if better else []
    return " ".join(told)


def mean_recall(results: Results, row: str) -> float:
    """The mean of R@1, R@5 and R@10 over both directions and all seeds of a row; 0 if it is missing."""
    values = [
        result.report.parts[direction].figures[recall].value or 0.0
        for result in group(results.paper, f"ranking.{row}").values()
        for direction in DIRECTIONS
        for recall in RECALLS[:3]
    ]
    return fmean(values) if values else 0.0


def spread(values: Sequence[float]) -> str:
    """Mean ± standard deviation over seeds."""
    return f"{fmean(values):.1f}" + (f" ± {stdev(values):.1f}" if len(values) > 1 else "")


def _data(results: Results) -> tuple[str, int]:
    """The name of the data set, and the number of photographs judged."""
    facts = next(iter(results.paper.values())).facts
    return str(facts["data"]), int(facts["N"])


def _captions(results: Results) -> Iterator[str]:
    """Captions of photographs by beam; the paper's below."""
    found = group(results.paper, "captions")
    yield from section(
        "Captions",
        "The paper's RNN and an LSTM, with several widths of the beam search, and a sentence of the nearest "
        "training photograph. Both captioners are far better than that sentence. The paper's setting is "
        f"“{captioner(CHOSEN)}”. A wide beam gives shorter captions, which lowers METEOR. The appendix has "
        "all beams.",
        level=3,
    )
    rows: list[tuple[object, ...]] = [
        (captioner(name), *(found[name].report.figures[figure] for figure in CAPTIONS))
        for name in SHOWN
        if name in found
    ]
    paper = paper_figures.CAPTIONS.get(_data(results)[0])
    if paper:
        rows.append((f"the paper: {captioner(CHOSEN)}", *(paper.get(figure, "") for figure in CAPTIONS)))
    yield from table(("system", *CAPTIONS), rows)

    yield from _over_seeds(results, "captions", found.get(CHOSEN), f"“{captioner(CHOSEN)}”")
    perplexity = group(results.paper, "perplexity")
    listed = [f"{name.upper()} {result.report.figures['perplexity']}" for name, result in perplexity.items()]
    yield from ("", f"Perplexity of people's sentences (lower is better): {', '.join(listed)}.")


def _phrases(results: Results) -> Iterator[str]:
    """Phrases of regions, each system above its row in the paper."""
    found = group(results.paper, "regions")
    if not found:
        return
    yield from section(
        "Phrases of regions",
        "A captioner of regions learns from the segments of the alignment. As in the paper, it is better "
        "than the captioner of photographs and than the nearest training segment, and people are far better "
        f"than all systems.{_people(found)}",
        level=3,
    )

    rows: list[tuple[object, ...]] = []
    for name, title in SYSTEMS.items():
        if name in found:
            rows.append((title, *(found[name].report.figures[figure] for figure in CAPTIONS)))
            paper = paper_figures.REGIONS.get(name, {})
            if paper:
                rows.append((f"the paper: {PAPER_SYSTEMS[name]}", *(paper.get(f, "") for f in CAPTIONS)))
    yield from table(("system", *CAPTIONS), rows)
    yield from _over_seeds(results, "regions", found.get("region"), f"the {SYSTEMS['region']}")


def _over_seeds(results: Results, what: str, first: Result | None, title: str) -> Iterator[str]:
    """Mean and standard deviation of a system's scores over seeds; nothing if there is only one seed."""
    others = list(group(results.paper, f"seeds.{what}").values())
    if first is None or not others:
        return
    seeds = [first, *others]
    told = ", ".join(
        f"{name} {spread([seed.report.figures[name].value or 0.0 for seed in seeds])}"
        for name in ("BLEU-4", "METEOR", "CIDEr")
    )
    yield from ("", f"Mean ± standard deviation over {len(seeds)} seeds, of {title}: {told}.")


def _people(found: Mapping[str, Result]) -> str:
    """On which regions people are judged."""
    if "people" not in found or "region" not in found:
        return ""
    fewer, every = (int(found[name].report.settings["chains"] or 0) for name in ("people", "region"))
    return (
        f" People are judged on {fewer:,} of the {every:,} regions, those with at least two phrases of "
        "people, and with one reference fewer, so that row is not exactly comparable."
    )


def _alignment(results: Results) -> Iterator[str]:
    """Grounding, and boundaries of segments, by beta."""
    grounding, segments = group(results.paper, "grounding"), group(results.paper, "segments")
    if not grounding:
        return
    yield from section(
        "Alignment by beta",
        "The MRF assigns each word of a sentence to a region. Beta is its preference for longer segments. "
        "With beta 0, each word gets its region alone; with beta inf, the whole sentence gets one region. "
        f"The row “{NO_MRF}” takes the region with the largest sum of scores over the phrase. The alignment "
        "is trained without boxes: its regions are at the right place (pointing) much more often than they "
        f"have the right size (IoU).{_upper_bound(grounding)}",
        level=3,
    )
    names: tuple[str, ...] = ("R@1 IoU0.5", "pointing")
    yield from table(("beta", *names), _rows(grounding, names))
    yield from _located(results, names)

    yield ""
    yield (
        "Do segments end where people's phrases end? A larger beta gives fewer boundaries. The last column "
        "is the F1 if the same number of boundaries is placed at random. The model is clearly better than "
        f"that, with intervals that do not overlap, for beta {_better_than_chance(segments)}. With beta inf "
        "there are no boundaries."
    )
    names = ("boundary precision", "boundary recall", "boundary F1")
    rows = [
        (*row, result.report.parts["by chance"].figures["boundary F1"])
        for row, result in zip(_rows(segments, names), segments.values(), strict=True)
    ]
    yield from table(("beta", *names, "F1 at random"), rows)


def _better_than_chance(segments: Mapping[str, Result]) -> str:
    """The betas whose boundaries are clearly better than random ones."""
    better = []
    for beta, result in segments.items():
        found = result.report.figures["boundary F1"]
        chance = result.report.parts["by chance"].figures["boundary F1"]
        if (found.low or 0) > (chance.high or 100):
            better.append(beta)
    return listed(better, "or") or "of no value"


def _located(results: Results, names: Sequence[str]) -> Iterator[str]:
    """Grounding without an MRF by what describes the regions, over seeds."""
    rows = []
    for row, label in ROWS.items():
        seeds = [result.report.figures for result in group(results.paper, f"located.{row}").values()]
        if seeds:
            cells = (spread([figures[name].value or 0.0 for figures in seeds]) for name in names)
            rows.append((label, *cells, len(seeds)))
    if rows:
        yield from (
            "",
            f"What describes the regions matters for their size. All seeds, {NO_MRF}, mean ± standard "
            "deviation:",
        )
        yield from table(("", *names, "seeds"), rows)


def _upper_bound(grounding: Mapping[str, Result]) -> str:
    """How many phrases the regions cover, if that is the same for every beta."""
    covered = {str(result.report.figures["covered IoU0.5"]) for result in grounding.values()}
    if len(covered) > 1:
        return ""
    return (
        f" In all rows, {covered.pop()} % of the phrases are covered by a proposed region with IoU ≥ 0.5, "
        "since beta does not change the proposed regions."
    )


def _rows(results: Mapping[str, Result], names: Sequence[str]) -> list[tuple[object, ...]]:
    """Some figures of each result."""
    return [
        (NO_MRF if key == "sum" else key, *(result.report.figures[name] for name in names))
        for key, result in results.items()
    ]
