"""The appendix of docs/results.md: settings, choices on val, and the tables that the body shortens."""

from collections.abc import Iterator, Mapping

import results_ablation
from markdown import section, table
from results_data import Results, group
from results_names import BLEU, CAPTIONS, NO_PENALTY, SYSTEMS, captioner, settings
from results_shipped import PRECISION_HEADS, precision_rows

BEAM, POWER = 7, 0.5
"""The beam and the length power with which `runs/paper.py` chooses beta."""


def appendix(results: Results) -> Iterator[str]:
    """All of the appendix."""
    yield from section("Appendix")
    yield from _settings(results)
    if results.ablation:
        yield from results_ablation.in_full(results.ablation)
    if results.precision:
        yield from section("All figures in half and in single precision", level=3)
        yield from table(PRECISION_HEADS, precision_rows(results))
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
        yield f"- {task.capitalize()}: {settings({**report.counts, **report.settings})}."

    if results.ablation:
        made = {f"commit {r.facts['commit']} on {r.facts['device']}" for r in results.ablation.values()}
        yield f"- Parts of the recipe: `runs/ablation.py`, {'; '.join(sorted(made))}."
    commits = " and ".join(sorted({str(result.facts["commit"]) for result in results.paper.values()}))
    yield (
        f"- The paper's tables: `runs/paper.py`, at commits {commits}; one seed (0) unless a table or a "
        "sentence says how many."
    )
    for kind in ("captions", "regions"):
        some = next(iter(group(results.paper, kind).values()), None)
        if some is not None:
            yield f"- The paper's {kind}: {settings(some.report.settings)}."
    yield "- Intervals: percentile bootstrap over photographs, 1,000 resamples, seed 0."


def _choices(results: Results) -> Iterator[str]:
    """Which beta, beam and length power the captioner of regions got on val."""
    found = group(results.paper, "choice")
    if not found:
        return
    tried = {
        kind: {name.removeprefix(kind): r.report for name, r in found.items() if name.startswith(kind)}
        for kind in ("beta", "beam", "power")
    }
    beta, beam = (
        max(tried[kind], key=lambda value: tried[kind][value].figures["CIDEr"].value or 0.0)
        for kind in ("beta", "beam")
    )
    yield from section(
        "Choices on val for phrases of regions",
        "The captioner of regions in the paper's tables learns from segments of the alignment. First the "
        "beta of these segments was chosen, then the beam of its search, then the power of the length by "
        "which the search divides log-probabilities. Each time, the value with the highest CIDEr was taken.",
        level=3,
    )

    names = ("CIDEr", "BLEU-1", "ROUGE-L")
    heads = {
        "beta": f"beta, with beam {BEAM} and length power {POWER}",
        "beam": f"beam, with beta {beta} and length power {POWER}",
        "power": f"length power, with beta {beta} and beam {beam}",
    }
    for kind, head in heads.items():
        rows = [(value, *(report.figures[name] for name in names)) for value, report in tried[kind].items()]
        yield from table((head, *names), rows)


def _all_beams(results: Results) -> Iterator[str]:
    """Captions of the paper's captioners, with every beam."""
    yield from section(
        "The paper's captions with every beam",
        "The last column is the share of captions that are a copy of a training sentence.",
        level=3,
    )
    copied = group(results.paper, "novelty")
    rows = [
        (
            captioner(name),
            *(result.report.figures[figure] for figure in CAPTIONS),
            copied[name].report.figures["copied"],
        )
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
        "shipped model: captions": results.shipped["captions"],
        "shipped model: captioner of regions": regions,
        "shipped model: captioner of photographs, on regions": regions.parts["full_frame_model"],
    }
    reports |= {
        f"paper's equations: captions, {captioner(name)}": result.report
        for name, result in group(results.paper, "captions").items()
    }
    reports |= {
        f"paper's equations: phrases, {SYSTEMS[name]}": result.report
        for name, result in group(results.paper, "regions").items()
    }
    rows = [(title, *(report.figures[name] for name in NO_PENALTY)) for title, report in reports.items()]
    yield from table(("", *BLEU), rows)


def _lengths(quantiles: Mapping[str, float]) -> Iterator[str]:
    """Quantiles of the lengths of region vectors."""
    yield from section(
        "Lengths of region vectors in the paper's model",
        "The columns are quantiles: 0 is the shortest vector, 0.5 the median, 1 the longest.",
        level=3,
    )
    yield from table(tuple(quantiles), [tuple(f"{value:.1f}" for value in quantiles.values())])
