"""The parts of docs/results.md about the shipped model: its figures, its failures and half precision."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import paper_figures
import results_ablation
from markdown import section, table
from results_data import Results
from results_names import CAPTIONS, DIRECTIONS, GROUNDING, PRECISION, RECALLS, heading

from dvsa.metrics.figures import Figure, Report
from dvsa.metrics.grounding import CATEGORY

PRECISION_HEADS = ("", "half precision", "single precision", "difference")


def sections(results: Results) -> Iterator[str]:
    """The tables of the shipped model, and of its parts."""
    yield from section(
        "The shipped model on test",
        f"One model, one seed, made by `{results.command}` and judged by `runs/judge.sh`. The appendix has "
        "the settings. † marks figures of the paper that were not found in a second source.",
    )

    yield from _ranking(results.shipped["ranking"])
    yield from _written(results.shipped["captions"], results.shipped["regions"])
    yield from _grounding(results.shipped["grounding"])
    if results.ablation:
        yield from results_ablation.body(results.ablation)
    if results.failures:
        yield from _failures(results.failures, results.drawn)
    if results.precision:
        yield from _precision(results)


def _ranking(ranking: Report) -> Iterator[str]:
    """Both directions, ours above the paper's."""
    photo, sentence = (ranking.parts[direction].figures["Med r"].value for direction in DIRECTIONS)
    yield from section(
        "Ranking",
        "R@K is the share of queries, in percent, whose right answer is among the first K. Med r is the "
        "median rank, so lower is better: half of the photographs find a right sentence among the first "
        f"{photo:g}, half of the sentences find their photograph among the first {sentence:g}.",
        level=3,
    )

    rows, first = [], ranking.parts["photo_to_sentence"].figures
    names = [*RECALLS, *(name for name in first if name.startswith("NDCG"))]
    for direction, title in DIRECTIONS.items():
        figures = ranking.parts[direction].figures
        theirs = paper_figures.RANKING["flickr8k"][direction]
        rows.append((title, *(figures[name] for name in names)))
        rows.append((f"the paper, {title}", *(theirs.get(name, "–") for name in names)))
    yield from table(("", *names), rows)
    if len(names) > len(RECALLS):
        yield from ("", "NDCG takes ROUGE-L with a photograph's sentences as the relevance of any sentence.")


def _written(captions: Report, regions: Report) -> Iterator[str]:
    """Captions of photographs, and phrases of regions."""
    theirs = paper_figures.CAPTIONS["flickr8k"]
    yield from section(
        "Captions",
        "Each caption is compared with the five sentences that people wrote for the photograph. Higher is "
        "better for all figures. The paper "
        "published only BLEU for Flickr8K.",
        level=3,
    )
    rows = [
        ("the shipped model", *(captions.figures[name] for name in CAPTIONS)),
        ("the paper", *(theirs.get(name, "") for name in CAPTIONS)),
    ]
    yield from table(("", *CAPTIONS), rows)

    frame = regions.parts["full_frame_model"]
    yield from section(
        "Phrases of regions",
        f"The model writes a phrase for each of {regions.settings['chains']:,} true regions, which is "
        "compared with people's phrases for the same thing. The captioner of photographs gets the region as "
        "its input. It writes whole sentences, so it scores far lower. As in the paper, a captioner of "
        "regions is needed.",
        level=3,
    )
    rows = [
        ("captioner of regions", *(regions.figures[name] for name in CAPTIONS)),
        ("captioner of photographs", *(frame.figures[name] for name in CAPTIONS)),
    ]
    yield from table(("", *CAPTIONS), rows)


def _grounding(grounding: Report) -> Iterator[str]:
    yield from section(
        "Phrase grounding",
        f"The model chooses one region for each of {grounding.counts['phrases']:,} phrases. All figures are "
        "shares of the phrases, in percent. `R@1 IoU0.5`: the chosen region has IoU ≥ 0.5 with the true box. "
        "`pointing`: the centre of the chosen region is in the true box. `covered IoU0.5` and `covered "
        "IoU0.7`: at least one proposed region has this IoU with the true box. `covered IoU0.5` is the upper "
        "bound of `R@1 IoU0.5`.",
        level=3,
    )
    yield from table(GROUNDING, [tuple(grounding.figures[name] for name in GROUNDING)])

    # Reports of older versions have neither more ranks nor categories.
    names = [f"R@{k} IoU0.5" for k in (1, 5, 10) if f"R@{k} IoU0.5" in grounding.figures]
    kinds = [(name, part) for name, part in grounding.parts.items() if name.startswith(CATEGORY)]
    if kinds:
        rows = [
            (name.removeprefix(CATEGORY), f"{part.counts['phrases']:,}", *(part.figures[n] for n in names))
            for name, part in kinds
        ]
        whole = ("all", f"{grounding.counts['phrases']:,}", *(grounding.figures[n] for n in names))
        yield from table(("category", "phrases", *names), [*rows, whole])


def _failures(failures: Mapping[str, object], drawn: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Failures on two photographs that may be shown, then the worst rankings and captions, in words."""
    facts, ranking, captions = failures["facts"], failures["ranking"], failures["captions"]
    assert isinstance(facts, Mapping)
    assert isinstance(ranking, list)
    assert isinstance(captions, list)
    yield from section("Where the shipped model fails")
    if drawn:
        yield from _drawn(drawn)
    yield ""
    yield (
        f"The worst cases among the {facts['N']:,} photographs of {facts['split']}, found by "
        "`runs/failures.py`. The photographs of Flickr8K may not be redistributed, so people's sentences "
        "stand for them."
    )

    yield ""
    yield (
        "**Ranking.** These photographs rank even the best of their own five sentences very low. Rank 1 "
        "would be right."
    )
    yield from table(
        ("a true sentence of the photograph", "its rank", "the sentence with rank 1"),
        [(row["own"], f"{row['rank']:,}", row["first"]) for row in ranking],
    )

    yield ""
    yield (
        "**Captions.** These have the lowest CIDEr. The words in bold are in none of the five sentences that "
        "people wrote; the table shows three of these."
    )
    yield from table(
        ("the caption", "what people wrote"),
        [(_marked(row["caption"], row["wrong"]), "<br>".join(row["people"][:3])) for row in captions],
    )


def _drawn(drawn: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A picture of failures, and the words that are wrong in it."""
    captions = " and ".join(f"“{found['caption']}”" for found in drawn.values())
    wrong = ", ".join(
        f"“{phrase}” ({really})" for found in drawn.values() for phrase, really in found["wrong"].items()
    )
    yield ""
    yield (
        f"Two photographs from [examples/](../examples/README.md). The captions are {captions}. Wrong names, "
        f"with what is really there in parentheses: {wrong}."
    )
    yield ""
    yield "![Phrases and captions of the shipped model on these photographs](pictures/failure.jpg)"


def _marked(caption: str, wrong: Sequence[str]) -> str:
    return " ".join(f"**{word}**" if word in wrong else word for word in caption.split())


def _precision(results: Results) -> Iterator[str]:
    """The exported bundle in half precision against the run in single precision."""
    every = [d for comparison in results.precision.values() for d in comparison.differences.values()]
    real = sum(difference.real for difference in every)
    rows = precision_rows(results, PRECISION)
    yield from section(
        "What half precision costs",
        "The bundle stores its weights in half precision. On val it is compared with the run in single "
        f"precision from which it was exported. {real or 'None'} of the {len(every)} differences "
        f"{'have' if real > 1 else 'has'} an interval that excludes 0; without any true difference, about "
        f"one interval in 20 would exclude it. The table shows the {len(rows)} main figures; the appendix "
        f"has all {len(every)}.",
        "The weights of the run had been rounded to half precision already, for a transfer between machines. "
        "So the table does not show the cost of that rounding. It shows what the export changes after it: "
        "batch norms are folded into other weights, which are rounded again, and ONNX Runtime computes in "
        "place of torch. Both compute in single precision.",
    )
    yield from table(PRECISION_HEADS, rows)


def precision_rows(results: Results, ends: tuple[str, ...] = ("",)) -> list[tuple[object, ...]]:
    """Figures in half and in single precision whose names have one of these ends, and their differences."""
    return [
        (heading(f"{task.partition('.')[0]}, {name}"), Figure(d.a), Figure(d.b), _two_decimals(d.gap))
        for task, comparison in results.precision.items()
        for name, d in comparison.differences.items()
        if name.endswith(ends)
    ]


def _two_decimals(gap: Figure) -> str:
    low, high = gap.ends
    return f"{gap.value:z.2f} [{low:z.2f}, {high:z.2f}]"
