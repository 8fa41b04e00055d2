"""The tables of `runs/paper.py`'s figures in Markdown, the paper's own figures beside ours."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev

Report = Mapping[str, object]

DIRECTIONS = {"photo_to_sentence": "photograph → sentence", "sentence_to_photo": "sentence → photograph"}
ROWS = {
    "frame": "whole frame only, BRNN",
    "defrag": "DeFrag score, BRNN",
    "bag": "MaxSim, bag of words",
    "rnn": "MaxSim, one-way RNN",
    "brnn": "**MaxSim, BRNN**",
}
PAPER_RANKING = {
    "flickr8k": ((16.5, 40.6, 54.2, "7.6†"), (11.8, 32.1, 44.7, "12.4†")),
    "flickr30k": ((22.2, 48.2, 61.4, "4.8†"), (15.2, 37.7, 50.5, "9.2†")),
    "coco": ((16.5, 39.2, 52.0, "9.0†"), (10.7, 29.6, 42.2, "14.0†")),
    "coco, first 1,000": ((38.4, 69.9, 80.5, "1.0†"), (27.4, 60.2, 74.8, "3.0†")),
}
PAPER_CAPTIONS = {
    "flickr8k": "57.9† 38.3† 24.5† 16.0†",
    "flickr30k": "57.3 36.9 24.0 15.7",
    "coco": "62.5† 45.0† 32.1† 23.0, METEOR 19.5†, CIDEr 66.0",
}
PAPER_REGIONS = {
    "nearest": "22.9† 10.5† 0.0† 0.0†",
    "full-frame": "14.2† 6.0† 2.2† 0.0†, METEOR 13.3, ROUGE 21.0, CIDEr 20.3",
    "region": "35.2† 23.0† 16.1† 14.8†, METEOR 15.8, ROUGE 35.1, CIDEr 61.6",
    "people": "61.5† 45.2† 30.1† 22.0†",
}
RECALLS = ("R@1", "R@5", "R@10", "Med r")
ABLATION_FIGURES = (
    *("p2s R@1", "p2s R@10", "s2p R@1", "s2p R@10"),
    *("R@1 IoU0.5", "pointing", "covered IoU0.5", "covered IoU0.7"),
)
ABLATION_CAPTIONS = ("BLEU-4", "METEOR", "ROUGE-L", "CIDEr")
PRECISION_FIGURES = ("R@1", "R@10", "BLEU-4", "METEOR", "CIDEr", "IoU0.5", "IoU0.7", "pointing")
CAPTION_FIGURES = (
    *(f"BLEU-{n}{mark}" for mark in ("", " no BP") for n in (1, 2, 3, 4)),
    *("METEOR", "ROUGE-L", "CIDEr"),
)


def read(folder: Path) -> dict[str, Report]:
    """The figures of a folder by name; raises ValueError where there are none."""

    def natural(path: Path) -> list[str | float]:  # beam 10 behind beam 7
        return [float(part) if n % 2 else part for n, part in enumerate(re.split(r"(\d+\.?\d*)", path.stem))]

    found = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"), key=natural)}
    if not found:
        raise ValueError(f"{folder} holds no figures: run runs/paper.py first")
    return found


def tables(figures: Mapping[str, Report], about: Report) -> Iterator[str]:
    """All lines: how it was made, then a table for each kind of figures that is there."""
    some = next(iter(figures.values()))["facts"]
    assert isinstance(some, Mapping)
    name, N = str(some["data"]), int(some["N"])
    yield f"Data: {name}, split {some['split']}, {N:,} photographs. " + " ".join(
        f"{k}: {v}." for k, v in about.items()
    )
    commits = sorted({str(report["facts"]["commit"]) for report in figures.values()})  # type: ignore[index]
    yield f"Commit: {', '.join(commits)}. Seed 0 where no number of seeds stands; [95% intervals] as above."
    yield "† as reported: not found in a second source. The paper's CNN is VGG, its boxes are R-CNN's."
    paper = PAPER_RANKING.get(name if N != 1000 or name != "coco" else "coco, first 1,000")
    yield from ranking(figures, paper)
    yield from captions(figures, "captions.", "Captions", {"rnn.beam7": PAPER_CAPTIONS.get(name, "")})
    yield from captions(figures, "regions.", "Phrases of regions", PAPER_REGIONS)
    yield from plain(
        figures,
        "choice.",
        "Choosing the segments' beta, and the beam of phrases, on val",
        ("CIDEr", "BLEU-1", "ROUGE-L"),
    )
    yield from plain(figures, "perplexity.", "Perplexity", ("perplexity",))
    yield from plain(
        figures, "grounding.", "Phrase grounding by beta", ("R@1 IoU0.5", "pointing", "covered IoU0.5")
    )
    boundaries = ("boundary precision", "boundary recall", "boundary F1")
    yield from plain(figures, "segments.", "Boundaries of segments by beta", boundaries)
    yield from plain(
        figures, "novelty.", "Captions that stand in the training set, word for word", ("copied",)
    )
    yield from novelty(figures.get("novelty.rnn.beam7", {}))
    yield from inspection(figures.get("inspection", {}))


def ranking(figures: Mapping[str, Report], paper: Sequence[Sequence[object]] | None) -> Iterator[str]:
    """Mean and standard deviation over seeds, for each row of the ablation."""
    for side, (direction, title) in enumerate(DIRECTIONS.items()):
        yield from ("", f"### Ranking, {title}", "", *head("model", *RECALLS, "seeds"))
        for row, label in ROWS.items():
            seeds = seeds_of(figures, row)
            cells = [spread([seed[direction][recall] for seed in seeds]) for recall in RECALLS]  # type: ignore[index]
            if seeds:
                yield line(label, *cells, len(seeds))
        if paper is not None:
            yield line("the paper, BRNN", *paper[side], "")
    yield from order(figures)


def seeds_of(figures: Mapping[str, Report], row: str) -> list[Report]:
    """The reports of a row of the ablation, one a seed."""
    return [report for name, report in figures.items() if name.startswith(f"ranking.{row}.")]


def order(figures: Mapping[str, Report]) -> Iterator[str]:
    """Which rows do better than which, as the paper claims it or not."""
    recall: dict[str, float] = {}
    for row, label in ROWS.items():
        values = [
            seed[side][k]  # type: ignore[index]
            for seed in seeds_of(figures, row)
            for side in DIRECTIONS
            for k in RECALLS[:3]
        ]
        if values:
            recall[label] = fmean(values)
    ranked = sorted(recall, key=lambda label: recall[label])
    yield from ("", "By the mean of all recalls: " + " < ".join(f"{k} {recall[k]:.1f}" for k in ranked) + ".")
    if ranked and ranked[-1] == ROWS["frame"]:
        yield "So here, unlike in the paper, no model of regions ranks better than the whole frame alone."


def spread(values: Sequence[float]) -> str:
    """Mean ± standard deviation over seeds."""
    if not values:
        return ""
    return f"{fmean(values):.1f}" + (f" ± {stdev(values):.1f}" if len(values) > 1 else "")


def captions(
    figures: Mapping[str, Report], begin: str, title: str, paper: Mapping[str, str]
) -> Iterator[str]:
    """Each system's figures with their intervals, and what the paper says of it."""
    mine = {name.removeprefix(begin): report for name, report in figures.items() if name.startswith(begin)}
    if not mine:
        return
    yield from ("", f"### {title}", "", *head("system", *CAPTION_FIGURES, "the paper, BLEU-1 to 4"))
    for name, report in mine.items():
        yield line(name, *(cell(report, figure) for figure in CAPTION_FIGURES), paper.get(name, ""))
    settings = next(iter(mine.values()))["settings"]
    assert isinstance(settings, Mapping)
    yield from ("", "Scorers: " + ", ".join(f"{key} {value}" for key, value in settings.items()) + ".")


def plain(figures: Mapping[str, Report], begin: str, title: str, wanted: Sequence[str]) -> Iterator[str]:
    """Some figures of all reports whose names begin so."""
    mine = {name.removeprefix(begin): report for name, report in figures.items() if name.startswith(begin)}
    if mine:
        yield from ("", f"### {title}", "", *head("", *wanted))
        yield from (line(name, *(cell(report, figure) for figure in wanted)) for name, report in mine.items())


def ablation(figures: Mapping[str, Report]) -> Iterator[str]:
    """Lines of `runs/ablation.py`'s tables: the whole recipe, then the recipe without each of its parts."""
    told = [facts for report in figures.values() if isinstance(facts := report["facts"], Mapping)]
    facts = told[0]
    made = sorted({f"at commit {f['commit']} on {f['device']}" for f in told})
    yield ""
    yield (
        f"Data: {facts['data']}, split {facts['split']}, {facts['N']:,} photographs, seed {facts['seed']}; "
        f"made by `runs/ablation.py` {', '.join(made)}. "
        "p2s finds sentences for photographs, s2p photographs for sentences; covered are phrases that one of "
        "the regions covers."
    )
    for begin, title, wanted in (
        ("ablation.", "The recipe without one of its parts", ABLATION_FIGURES),
        ("captions.", "Captions", ABLATION_CAPTIONS),
    ):
        whole = {name: report for name, report in figures.items() if name == begin + "best"}
        yield from plain(whole | dict(figures), begin, title, wanted)


def precision(compared: Report) -> Iterator[str]:
    """Lines of the table of `runs/precision.sh`'s comparison."""
    evaluations = compared["evaluations"]
    assert isinstance(evaluations, Mapping)
    yield from ("", *head("", "half", "single", "half less single"))
    for task, report in evaluations.items():
        for figure, row in report["figures"].items():
            if figure.endswith(PRECISION_FIGURES):
                low, high = row["ci95"]
                gap = f"{row['difference']:.2f} [{low:.2f}, {high:.2f}]"
                yield line(f"{task}, {figure}", f"{row['a']:.1f}", f"{row['b']:.1f}", gap)


def cell(report: Report, figure: str) -> str:
    """A figure with its 95% interval."""
    value, intervals = report.get(figure), report.get("ci95", {})
    ends = intervals.get(figure) if isinstance(intervals, Mapping) else None
    if not isinstance(value, int | float):
        return "missing"
    return f"{value:.1f}" + (f" [{ends[0]:.1f}, {ends[1]:.1f}]" if ends else "")


def novelty(report: Report) -> Iterator[str]:
    """Of what parts, and how often heard, the first captions are made that stand in no training sentence."""
    rows = report.get("first novel")
    if isinstance(rows, list):
        yield from ("", "The first ten that do not, in their longest parts that do, with how often:", "")
        yield from ("- " + " · ".join(f"{part} ({times:,})" for part, times in row) for row in rows)


def inspection(report: Report) -> Iterator[str]:
    """Lengths of vectors, regions found by a phrase, and the worst ranks."""
    if not report:
        return
    yield from ("", "### What is in the vectors", "")
    for key in ("longest words", "shortest words"):
        rows = report[key]
        assert isinstance(rows, list)
        yield from (f"{key}: " + ", ".join(f"{word} {norm:.1f}" for word, norm, _ in rows) + ".", "")
    lengths, worst = report["lengths of regions"], report["worst ranks"]
    assert isinstance(lengths, Mapping)
    assert isinstance(worst, list)
    yield (
        "lengths of regions, by the share below: "
        + ", ".join(f"{k}: {v:.1f}" for k, v in lengths.items())
        + "."
    )
    found = report["regions found"]
    assert isinstance(found, Mapping)
    yield from ("", "### Regions found by a phrase", "", *head("phrase", "photograph, region, score"))
    for phrase, hits in found.items():
        yield line(phrase, "; ".join(f"{photo} {region} ({value:.2f})" for photo, region, value in hits))
    yield from (
        "",
        "### Failures: photographs whose best own sentence ranks worst",
        "",
        *head("photograph", "rank"),
    )
    yield from (line(row["photograph"], row["rank"]) for row in worst)


def head(*cells: object) -> tuple[str, str]:
    return line(*cells), line(*("---" for _ in cells))


def line(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"
