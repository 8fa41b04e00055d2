"""The appendix of docs/results.md: settings, choices on val, and BLEU without brevity penalty."""

from collections.abc import Iterator, Mapping

from markdown import section, table
from results_data import Results, group
from results_names import CAPTIONS, NO_PENALTY


def appendix(results: Results) -> Iterator[str]:
    """All of the appendix."""
    yield from section("Appendix")
    yield from _settings(results)
    yield from _choices(results)
    yield from _all_beams(results)
    yield from _without_penalty(results)
    if results.inspection:
        yield from _lengths(results.inspection["lengths of regions"])


def _settings(results: Results) -> Iterator[str]:
    """Commits, machines and settings."""
    yield from section("How the figures were made", level=3)
    yield ""
    bundle = f"bundle `{results.bundle}`, manifest {results.digest}"
    yield f"- Shipped model: {bundle}, judged at commit {results.commit}."
    for task, report in results.shipped.items():
        yield f"- {task.capitalize()}: {_listed({**report.counts, **report.settings})}."

    if results.ablation:
        made = {f"at commit {r.facts['commit']} on {r.facts['device']}" for r in results.ablation.values()}
        yield f"- Parts of the recipe: `runs/ablation.py`, {', '.join(sorted(made))}."
    commits = ", ".join(sorted({str(result.facts["commit"]) for result in results.paper.values()}))
    yield f"- The paper's tables: `runs/paper.py`, at commit {commits}; seed 0 unless seeds are given."
    for kind in ("captions", "regions"):
        some = next(iter(group(results.paper, kind).values()), None)
        if some is not None:
            yield f"- The paper's {kind}: {_listed(some.report.settings)}."
    yield "- Intervals: percentile bootstrap over photographs, 1,000 resamples, seed 0."


def _choices(results: Results) -> Iterator[str]:
    """Which beta and beam the captioner of regions got on val."""
    names = ("CIDEr", "BLEU-1", "ROUGE-L")
    found = group(results.paper, "choice")
    if found:
        yield from section(
            "Choices on val for phrases of regions",
            "The beam of the search, and the beta of the segments on which the captioner of regions is "
            "trained: the one with the highest CIDEr was taken.",
            level=3,
        )
    rows = [(key, *(result.report.figures[name] for name in names)) for key, result in found.items()]
    yield from table(("", *names), rows)


def _all_beams(results: Results) -> Iterator[str]:
    """Captions of the paper's captioners, with every beam."""
    yield from section("The paper's captions with every beam", level=3)
    copied = group(results.paper, "novelty")
    rows = [
        (name, *(result.report.figures[figure] for figure in CAPTIONS), copied[name].report.figures["copied"])
        for name, result in group(results.paper, "captions").items()
    ]
    yield from table(("system", *CAPTIONS, "copied"), rows)


def _without_penalty(results: Results) -> Iterator[str]:
    """BLEU without brevity penalty, of every system."""
    yield from section(
        "BLEU without brevity penalty",
        "Some papers report BLEU without the brevity penalty. It makes a difference only for captions that "
        "are shorter than people's, here those of wide beams without length normalisation.",
        level=3,
    )

    regions = results.shipped["regions"]
    reports = {
        "shipped: captions": results.shipped["captions"],
        "shipped: captioner of regions": regions,
        "shipped: captioner of photographs, on regions": regions.parts["full_frame_model"],
    }
    for kind in ("captions", "regions"):
        reports |= {f"paper: {kind}, {key}": r.report for key, r in group(results.paper, kind).items()}
    rows = [(title, *(report.figures[name] for name in NO_PENALTY)) for title, report in reports.items()]
    yield from table(("", *NO_PENALTY), rows)


def _lengths(quantiles: Mapping[str, float]) -> Iterator[str]:
    """Quantiles of the lengths of region vectors."""
    yield from section(
        "Lengths of region vectors in the paper's model",
        "Quantiles: 0 is the shortest, 1 the longest.",
        level=3,
    )
    yield from table(tuple(quantiles), [tuple(f"{value:.1f}" for value in quantiles.values())])


def _listed(values: Mapping[str, object]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items())
