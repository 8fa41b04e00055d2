"""The part of docs/results.md about the parts of the recipe: the same run without each of them."""

from collections.abc import Iterator, Mapping, Sequence

from markdown import section, table
from results_data import Result, group
from results_names import ABLATION, COMPARED, heading

BEST = "best"
STAGES = {
    "reading": "pre-training of the sentence encoder on sentences alone, before it sees any photograph: "
    "those of the training split and those of other photographs",
    "align": "training of regions and sentences together; the backbone keeps its ImageNet weights",
    "tuning": "training of all parts, the backbone too, on random windows of the photographs and on their "
    "mirror images",
    "settling": "a last training of the proposal head, on nearly whole photographs",
    "grounding": "a loss in align and tuning that uses the true boxes of phrases",
    "reward": "a last training of the captioner of photographs, which raises the CIDEr of its own captions",
}
"""The stages and losses that the rows name."""
PARTS = {
    "no tuning": "no tuning, no settling",
    "no tuning, no context layer": "no tuning, no settling, no attention between regions",
    "no tuning, no geometry": "no tuning, no settling, no geometry of regions",
    "no tuning, a proposal head half as wide": "no tuning, no settling, proposal head half as wide",
    "reading Flickr8K alone": "reading of Flickr8K only",
    "tuning on flips alone": "tuning on mirror images, without windows",
    "tuning on nearer views alone": "tuning without windows larger than the photograph",
    "NMS chooses the regions in use": "regions chosen by NMS",
    "phrases go to their best regions": "each phrase gets the region with the largest sum of scores",
    "no look at the mirror image": "no mirror image",
}
"""Names of variants that need other words."""
CAPTIONS = {
    "a beam of 5": "beam 5",
    "seen without the mirror image": "no mirror image",
    "the likeliest, whatever its length": "no length normalisation, no reranking",
}
"""The same for captions."""


def body(ablation: Mapping[str, Result]) -> Iterator[str]:
    """What each part contributes: differences from the whole recipe, and captions."""
    facts = next(iter(ablation.values())).facts
    yield from section(
        "What each part contributes",
        "The rows below name these stages and losses of the recipe `best`:",
    )
    yield ""
    yield from (f"- **{name}**: {text}." for name, text in STAGES.items())

    yield ""
    yield (
        f"Each row changes one part of `{BEST}`; if it changes more, its name lists them. The first row has "
        "the figures of the whole recipe. The other rows have the differences from it, values only; the "
        "largest mean loss comes first. The appendix has the intervals and the other columns. All figures "
        f"are on {facts['split']}, {facts['N']:,} photographs, with one seed ({facts['seed']}), so small "
        "differences may be chance."
    )
    yield ""
    yield (
        "Without tuning or reading, ranking loses most. With the sentences of Flickr8K only, reading does "
        "not raise R@1. Without the grounding loss, far fewer phrases are located. If NMS chooses the "
        "regions, ranking hardly changes, but fewer phrases are located and the regions cover them less "
        "closely. Compare the rows that begin with “no tuning, no settling, …” with "
        "the row “no tuning, no settling”."
    )
    yield from table(("", *map(heading, COMPARED)), differences(group(ablation, "ablation")))

    names = ("BLEU-4", "METEOR", "ROUGE-L", "CIDEr")
    yield ""
    yield (
        "Captions: training on rewards raises CIDEr most, and lowers METEOR slightly. Reranking (captions "
        "that agree with the regions are preferred) and the mirror image each add a little."
    )
    yield from table(("", *names), caption_rows(group(ablation, "captions"), names))


def caption_rows(variants: Mapping[str, Result], names: Sequence[str]) -> list[tuple[object, ...]]:
    """The figures of each use of the captioners, the whole recipe first."""
    return [
        (CAPTIONS.get(name, name), *(variants[name].report.figures[figure] for figure in names))
        for name in sorted(variants, key=lambda name: name != BEST)
    ]


def differences(variants: Mapping[str, Result]) -> list[tuple[str, ...]]:
    """The figures of the whole recipe, then the differences from it, the largest mean loss first."""
    values = {
        name: [result.report.figures[figure].value or 0.0 for figure in COMPARED]
        for name, result in variants.items()
    }
    whole = values.pop(BEST)
    gaps = {name: [a - b for a, b in zip(row, whole, strict=True)] for name, row in values.items()}

    return [
        (f"**{BEST}**", *(f"{value:.1f}" for value in whole)),
        *((PARTS.get(name, name), *map(_signed, gap)) for name, gap in sorted(gaps.items(), key=_total)),
    ]


def _total(item: tuple[str, list[float]]) -> float:
    return sum(item[1])


def _signed(gap: float) -> str:
    return f"{gap:+.1f}" if abs(gap) >= 0.05 else "0.0"


def in_full(ablation: Mapping[str, Result]) -> Iterator[str]:
    """For the appendix: all figures of all variants with intervals, in the order of the body."""
    variants = group(ablation, "ablation")
    titles = {PARTS.get(name, name): name for name in variants} | {f"**{BEST}**": BEST}
    order = [titles[row[0]] for row in differences(variants)]
    yield from section(
        "All figures of the parts of the recipe", "Figures, not differences, with intervals.", level=3
    )
    rows = [
        (PARTS.get(name, name), *(variants[name].report.figures[figure] for figure in ABLATION))
        for name in order
    ]
    yield from table(("", *map(heading, ABLATION)), rows)
