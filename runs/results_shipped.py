"""The parts of docs/results.md about the shipped model: its figures, its parts, and its failures."""

from collections.abc import Iterator, Mapping, Sequence

import paper_figures
from markdown import section, table
from results_data import Result, Results, group
from results_names import ABLATION, CAPTIONS, DIRECTIONS, GROUNDING, PRECISION, RECALLS

from dvsa.metrics.figures import Figure, Report


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
        yield from _ablation(results.ablation)
    if results.failures:
        yield from _failures(results.failures)
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

    rows = []
    for direction, title in DIRECTIONS.items():
        figures = ranking.parts[direction].figures
        theirs = paper_figures.RANKING["flickr8k"][direction]
        rows.append((title, *(figures[name] for name in RECALLS)))
        rows.append(("the paper", *(theirs[name] for name in RECALLS)))
    yield from table(("", *RECALLS), rows)


def _written(captions: Report, regions: Report) -> Iterator[str]:
    """Captions of photographs, and phrases of regions."""
    theirs = paper_figures.CAPTIONS["flickr8k"]
    yield from section(
        "Captions",
        "Each caption is compared with the five sentences that people wrote for the photograph. The paper "
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
        "compared with people's phrases for the same thing. The captioner of photographs, shown the same "
        "region as if it were a photograph, writes whole sentences and so scores far lower: a captioner of "
        "regions is needed, as in the paper.",
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
        f"The model chooses one region for each of {grounding.counts['phrases']:,} phrases. `R@1 IoU0.5` is "
        "the share of phrases whose region has IoU ≥ 0.5 with the true box; `pointing` is the share whose "
        "region has its centre in the true box. `covered` is the share of phrases for which any proposed "
        "region is good enough: an upper bound.",
        level=3,
    )
    yield from table(GROUNDING, [tuple(grounding.figures[name] for name in GROUNDING)])


def _ablation(ablation: Mapping[str, Result]) -> Iterator[str]:
    """The recipe without each of its parts, and other uses of the captioners."""
    facts = next(iter(ablation.values())).facts
    yield from section(
        "What each part is worth",
        "Each row changes one thing of the recipe `best`, or names the few that it changes. All figures "
        f"are on {facts['split']}, {facts['N']:,} photographs, seed {facts['seed']}. `p2s` ranks sentences "
        "for photographs, `s2p` photographs for sentences. Reading and tuning matter most for ranking; the "
        "grounding loss matters most for boxes. Choosing regions together instead of by NMS hardly changes "
        "ranking, but locates more phrases and covers them more closely.",
    )
    yield from table(("", *ABLATION), rows_of(group(ablation, "ablation"), ABLATION))

    names = ("BLEU-4", "METEOR", "ROUGE-L", "CIDEr")
    yield ""
    yield (
        "Captions: training on rewards contributes most to CIDEr, and lowers METEOR slightly. Reranking by "
        "the alignment and the mirror image each add a little."
    )
    yield from table(("", *names), rows_of(group(ablation, "captions"), names))


def rows_of(variants: Mapping[str, Result], names: Sequence[str]) -> list[tuple[object, ...]]:
    """The figures of each variant, the whole recipe first."""
    order = sorted(variants, key=lambda name: name != "best")
    return [(name, *(variants[name].report.figures[figure] for figure in names)) for name in order]


def _failures(failures: Mapping[str, object]) -> Iterator[str]:
    """The worst rankings and captions, in words."""
    facts, ranking, captions = failures["facts"], failures["ranking"], failures["captions"]
    assert isinstance(facts, Mapping)
    assert isinstance(ranking, list)
    assert isinstance(captions, list)
    yield from section(
        "Where the shipped model fails",
        f"The worst cases among the {facts['N']:,} photographs of {facts['split']}, found by "
        "`runs/failures.py`. The photographs of Flickr8K may not be redistributed, so people's sentences "
        "stand for them.",
    )

    yield ""
    yield "**Ranking.** Photographs for which even the best of their own five sentences has a very low rank:"
    yield from table(
        ("a true sentence of the photograph", "its rank", "the sentence ranked first"),
        [(row["own"], f"{row['rank']:,}", row["first"]) for row in ranking],
    )

    yield ""
    yield "**Captions.** Those with the lowest CIDEr; **bold** words are in none of people's sentences:"
    yield from table(
        ("the caption", "what people wrote"),
        [(_marked(row["caption"], row["wrong"]), "<br>".join(row["people"][:3])) for row in captions],
    )


def _marked(caption: str, wrong: Sequence[str]) -> str:
    return " ".join(f"**{word}**" if word in wrong else word for word in caption.split())


def _precision(results: Results) -> Iterator[str]:
    """Half precision against single precision."""
    every = [d for comparison in results.precision.values() for d in comparison.differences.values()]
    real = sum(difference.real for difference in every)
    yield from section(
        "What half precision costs",
        f"The bundle stores its weights in half precision. {real or 'None'} of {len(every)} differences "
        "from single precision on val has an interval that excludes 0; about one in 20 null differences "
        "looks real.",
    )

    rows = [
        (_titled(f"{task}, {name}"), Figure(d.a), Figure(d.b), _two_decimals(d.gap))
        for task, comparison in results.precision.items()
        for name, d in comparison.differences.items()
        if name.endswith(PRECISION)
    ]
    yield from table(("", "half", "single", "half - single"), rows)


def _titled(name: str) -> str:
    """The name of a figure, with the titles of directions and captioners."""
    for key, title in {**DIRECTIONS, "full_frame_model": "captioner of photographs"}.items():
        name = name.replace(f"{key}:", f"{title},")
    return name


def _two_decimals(gap: Figure) -> str:
    low, high = gap.ends
    return f"{gap.value:z.2f} [{low:z.2f}, {high:z.2f}]"
