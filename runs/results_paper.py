"""The parts of docs/results.md about the paper's tables: our rows beside the paper's figures."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, stdev

import paper_figures
from markdown import section, table
from results_data import Result, Results, group
from results_names import CAPTIONS, DIRECTIONS, RECALLS

ROWS = {
    "frame": "whole frame only, BRNN",
    "defrag": "DeFrag score, BRNN",
    "bag": "MaxSim, bag of words",
    "rnn": "MaxSim, one-way RNN",
    "brnn": "**MaxSim, BRNN**",
}
SYSTEMS = {
    "region": "captioner of regions",
    "beside": "captioner of regions that also sees the frame",
    "full-frame": "captioner of photographs, on regions",
    "nearest": "nearest training segment",
    "people": "people",
}
CHOSEN = "rnn.beam7"
"""The captioner and the beam of the paper."""
SHOWN = ("rnn.beam1", CHOSEN, "rnn.beam10", "lstm.beam7", "nearest")
"""Captions in the tables; the appendix has all."""


def sections(results: Results) -> Iterator[str]:
    """All tables that the paper has too."""
    facts = next(iter(results.paper.values())).facts
    yield from section(
        "The paper's tables",
        f"`runs/paper.py` trains every row with the paper's own equations, on {facts['data']}, and judges "
        f"it on {facts['N']:,} photographs of {facts['split']}.{_cost(results)} † marks figures of the "
        "paper that were not found in a second source. The paper's CNN is VGG and its boxes are R-CNN's; "
        "ours are different, so compare the order of the rows rather than the figures.",
    )

    yield from _ranking(results)
    yield from _captions(results)
    yield from _phrases(results)
    yield from _alignment(results)
    yield from _novelty(results)
    if results.inspection:
        yield from _inspection(results.inspection)


def _cost(results: Results) -> str:
    """How long it took."""
    cost = results.cost
    if not cost:
        return ""

    judging = [result.facts["seconds"] for result in results.paper.values()]
    told = (
        f" Training took {cost['minutes']:.1f} minutes for {cost['runs']} runs on {cost['machine']}, judging "
        f"{sum(judging) / 60:.1f} minutes for {len(judging)} steps."
    )
    hours = cost.get("CPU hours")
    return (
        told
        if hours is None
        else f"{told} Two CPU cores would need about {hours:.0f} hours for the training."
    )


def _ranking(results: Results) -> Iterator[str]:
    """Mean and standard deviation over seeds, for each row of the ablation."""
    recall = {row: mean_recall(results, row) for row in ROWS if group(results.paper, f"ranking.{row}")}
    ranked = sorted(recall, key=recall.__getitem__)
    order = " < ".join(f"{ROWS[row]} {recall[row]:.1f}" for row in ranked)
    surprise = (
        " Unlike in the paper, no model of regions ranks better than the whole frame alone."
        if ranked and ranked[-1] == "frame"
        else ""
    )
    yield from section(
        "Ranking",
        "Mean ± standard deviation over seeds. MaxSim beats DeFrag by far, and better sentence encoders "
        f"help: the BRNN more than the one-way RNN, that more than a bag of words.{surprise}",
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
        "The paper's RNN and an LSTM with several beams, and the caption of the nearest training "
        f"photograph. Both captioners are far better than the nearest neighbour. `{CHOSEN}` is the paper's "
        "setting. A wide beam gives shorter captions, which lowers METEOR.",
        level=3,
    )
    rows: list[tuple[object, ...]] = [
        (name, *(found[name].report.figures[figure] for figure in CAPTIONS))
        for name in SHOWN
        if name in found
    ]
    paper = paper_figures.CAPTIONS.get(_data(results)[0])
    if paper:
        rows.append((f"the paper, like {CHOSEN}", *(paper.get(figure, "") for figure in CAPTIONS)))
    yield from table(("system", *CAPTIONS), rows)

    perplexity = group(results.paper, "perplexity")
    listed = [f"{name} {result.report.figures['perplexity']}" for name, result in perplexity.items()]
    yield from ("", f"Perplexity of people's sentences, lower is better: {', '.join(listed)}.")


def _phrases(results: Results) -> Iterator[str]:
    """Phrases of regions, each system above its row in the paper."""
    found = group(results.paper, "regions")
    if not found:
        return
    yield from section(
        "Phrases of regions",
        "A captioner of regions learns from the segments of the alignment. As in the paper, it beats the "
        "captioner of photographs and the nearest training segment, and people are far better than all.",
        level=3,
    )

    rows: list[tuple[object, ...]] = []
    for name, title in SYSTEMS.items():
        if name in found:
            rows.append((title, *(found[name].report.figures[figure] for figure in CAPTIONS)))
            paper = paper_figures.REGIONS.get(name, {})
            if paper:
                rows.append(("the paper", *(paper.get(figure, "") for figure in CAPTIONS)))
    yield from table(("system", *CAPTIONS), rows)


def _alignment(results: Results) -> Iterator[str]:
    """Grounding, and boundaries of segments, by beta."""
    grounding, segments = group(results.paper, "grounding"), group(results.paper, "segments")
    if not grounding:
        return
    yield from section(
        "Alignment by beta",
        "Beta is the MRF's preference for longer segments: 0 assigns each word alone, inf the whole "
        "sentence to one region; `sum` takes the region with the largest sum of scores over the phrase, "
        "without an MRF. The paper's model is trained without boxes, and its regions point at the right "
        "thing much more often than they cover it.",
        level=3,
    )
    names = ("R@1 IoU0.5", "pointing", "covered IoU0.5")
    yield from table(("beta", *names), _rows(grounding, names))

    yield ""
    yield (
        "Do segments end where people's phrases end? A larger beta gives fewer boundaries with a higher "
        "precision. The last column is the F1 of as many boundaries at random places: up to beta 0.1 the "
        "model is no better, from 0.3 on it is."
    )
    names = ("boundary precision", "boundary recall", "boundary F1")
    rows = [
        (*row, result.report.parts["by chance"].figures["boundary F1"])
        for row, result in zip(_rows(segments, names), segments.values(), strict=True)
    ]
    yield from table(("beta", *names, "F1 by chance"), rows)


def _rows(results: Mapping[str, Result], names: Sequence[str]) -> list[tuple[object, ...]]:
    """Some figures of each result."""
    return [(key, *(result.report.figures[name] for name in names)) for key, result in results.items()]


def _novelty(results: Results) -> Iterator[str]:
    """How many captions are copies, and the fragments of some that are not."""
    found = group(results.paper, "novelty")
    if not found:
        return
    yield from section(
        "Novelty of captions",
        "The share of captions that are a training sentence word for word. It grows with the beam.",
        level=3,
    )
    shown = {name: found[name] for name in SHOWN if name in found}
    yield from table(("system", "copied"), _rows(shown, ("copied",)))

    if CHOSEN in found:
        yield ""
        yield (
            f"Ten novel captions of `{CHOSEN}`, split into their longest fragments found in training, with "
            "counts:"
        )
        yield ""
        for fragments in found[CHOSEN].novel:
            yield "- " + " · ".join(f"{text} ({times:,})" for text, times in fragments)


def _inspection(inspection: Mapping[str, object]) -> Iterator[str]:
    """What the vectors contain, which regions a phrase finds, and failures."""
    longest, shortest = (
        ", ".join(f"{word} {norm:.1f}" for word, norm, _ in _list(inspection[key])[:20])
        for key in ("longest words", "shortest words")
    )
    yield from section(
        "Words, regions and failures",
        "In the paper's model a word counts as much as its vector is long: words that distinguish "
        "photographs have long vectors, stop words short ones.",
        f"Longest: {longest}.",
        f"Shortest: {shortest}.",
        level=3,
    )

    sentences, found = inspection.get("sentences", {}), inspection["regions found"]
    assert isinstance(sentences, Mapping)
    assert isinstance(found, Mapping)
    yield ""
    yield "The best regions for a phrase; a sentence stands for each photograph, with the score:"
    rows = [
        (phrase, "<br>".join(f"{sentences.get(photo, photo)} ({score:.1f})" for photo, _, score in regions))
        for phrase, regions in found.items()
    ]
    yield from table(("phrase", "found in"), rows)

    yield ""
    yield (
        "The worst failures: photographs whose best own sentence has a very low rank, and a sentence of the "
        "photograph whose sentence came first:"
    )
    worst = [
        (sentences.get(row["photograph"], ""), f"{row['rank']:,}", sentences.get(row["wrong"], ""))
        for row in _list(inspection["worst ranks"])
    ]
    yield from table(("the photograph", "best rank", "confused with"), worst)


def _list(value: object) -> list[dict[str, object]]:
    assert isinstance(value, list)
    return value
