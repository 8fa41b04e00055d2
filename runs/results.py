"""Write docs/results.md and docs/results.json from the JSON files of `runs/judge.sh`.

    python runs/results.py FOLDER --command COMMAND [--ablation OUT] [--precision JSON] [--paper OUT]

COMMAND is what made the bundle. With --ablation, the tables of `runs/ablation.py`'s OUT stand behind them;
with --precision, what `runs/precision.sh` found; with --paper, the tables of `runs/paper.py`'s OUT: there a
training.json of benchmarks/training.py says how long a CPU would take. Without it they stay as they are.

Every figure stands there with its 95% bootstrap interval over photographs, the split, the number of things
judged, and the settings; nothing is typed by hand.
"""

import argparse
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tables import ablation, precision, read, tables

from dvsa.bundle import Bundle

TITLES = {
    "ranking": "Ranking",
    "captions": "Captions",
    "regions": "Phrases of regions",
    "grounding": "Phrase grounding",
}
PAPERS = "## The paper's tables"
PAPER = {
    ("ranking", "photo_to_sentence"): "R@1 16.5, R@5 40.6, R@10 54.2",
    ("ranking", "sentence_to_photo"): "R@1 11.8, R@5 32.1, R@10 44.7",
    ("captions", ""): "BLEU-1 57.9, BLEU-2 38.3, BLEU-3 24.5, BLEU-4 16.0 (as reported, unverified)",
}


def main() -> None:
    """Read, join, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--command", required=True)
    parser.add_argument("--ablation", type=Path)
    parser.add_argument("--precision", type=Path)
    parser.add_argument("--paper", type=Path)
    parser.add_argument("--commit", help="the one that judged FOLDER; the one at hand by default")
    parser.add_argument("--docs", type=Path, default=Path("docs"))
    args = parser.parse_args()

    bundle = Bundle.open()
    asked = ["git", "rev-parse", "--short", "HEAD"]
    commit = args.commit or subprocess.run(asked, capture_output=True, text=True).stdout.strip()
    found = {
        tuple(p.name.split(".")[:2]): json.loads(p.read_text()) for p in sorted(args.folder.glob("*.*.json"))
    }
    facts = {
        "bundle": bundle.manifest.name,
        "digest": bundle.digest[:12],
        "commit": commit,
        "command": args.command,
    }
    lines = [
        "# Results",
        "",
        f"Written by `runs/results.py`. The shipped bundle `{facts['bundle']}` (manifest "
        f"{facts['digest']}), one seed, judged at commit {commit}; "
        f"made by `{args.command}`, judged by `runs/judge.sh`.",
        "Intervals are 95% bootstrap intervals over photographs (1,000 resamples, seed 0). "
        "What was chosen, was chosen on the validation split.",
        "The proposal head and the grounding loss learnt from the phrase boxes of the training split, so "
        "grounding figures here are supervised, not weakly supervised.",
    ]
    for (what, split), figures in found.items():
        lines += ["", f"## {TITLES[what]}, Flickr8K {split}", ""]
        for name, part, intervals in parts(figures):
            lines += [f"{name}:" if name else "", "", *table(part, intervals)]
            if (what, name) in PAPER:
                lines += ["", f"The paper: {PAPER[what, name]}."]
            lines.append("")
        lines.append(f"Settings: {settings(figures)}.")
    variants = read(args.ablation / "figures") if args.ablation else {}
    if variants:
        lines += ["", "## What each part is worth", *ablation(variants)]
    compared = json.loads(args.precision.read_text()) if args.precision else {}
    if compared:
        lines += ["", "## What half precision costs", *precision(compared)]
    markdown, everything = args.docs / "results.md", args.docs / "results.json"
    if args.paper:
        paper = read(args.paper / "figures")
        lines += ["", PAPERS, "", *tables(paper, seconds(args.paper, paper))]
    else:
        paper = json.loads(everything.read_text())["paper"]
        lines += ["", PAPERS, *markdown.read_text().partition(PAPERS)[2].rstrip("\n").split("\n")[1:]]
    markdown.write_text("\n".join(lines) + "\n")
    joined = {**facts, "figures": {f"{what}/{split}": figures for (what, split), figures in found.items()}}
    joined |= {"ablation": variants} if variants else {}
    joined |= {"precision": compared["evaluations"]} if compared else {}
    joined |= {"paper": paper}
    everything.write_text(json.dumps(joined, indent=1) + "\n")


def seconds(out: Path, figures: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    """What trained and judged the paper's rows, and how long it took in all."""
    told = [json.loads(path.read_text()) for path in sorted((out / "runs").glob("*/seconds.json"))]
    covered, until = 0.0, 0.0
    for run in sorted(told, key=lambda run: run["began"]):  # runs at the same time count once
        ends = run["began"] + run["seconds"]
        covered += max(0.0, ends - max(until, run["began"]))
        until = max(until, ends)
    machines = ", ".join(sorted({f"{run['device']} ({run['at once']} at a time)" for run in told}))
    judged = [report["facts"]["seconds"] for report in figures.values()]
    found: dict[str, object] = {
        "Command": "`runs/paper.py DATA OUT`",
        "Training": f"{len(told)} runs in {covered / 60:.1f} minutes on {machines}",
        "Judging": f"{len(judged)} steps, {sum(judged) / 60:.1f} minutes if one comes after the other",
    }
    if (out / "training.json").is_file():
        hours = json.loads((out / "training.json").read_text())["hours"]
        found["On two CPU cores"] = f"training takes about {hours:.0f} hours (benchmarks/training.py)"
    return found


def parts(figures: dict[str, object]) -> list[tuple[str, dict[str, object], dict[str, object]]]:
    """The tables of one evaluation: its name, its figures and their intervals."""
    inner = {k: v for k, v in figures.items() if isinstance(v, dict) and k not in ("ci95", "settings")}
    own = {
        k: v
        for k, v in figures.items()
        if isinstance(v, int | float) and k not in ("photos", "sentences", "phrases")
    }
    intervals = figures.get("ci95", {})
    assert isinstance(intervals, dict)
    found = [("", own, intervals)] if own else []
    for name, part in inner.items():
        found.append(
            (
                name,
                {k: v for k, v in part.items() if isinstance(v, int | float)},
                part.get("ci95") or intervals[name],
            )
        )
    return found


def table(part: dict[str, object], intervals: dict[str, object]) -> list[str]:
    """A table of figures in Markdown."""
    rows = ["| figure | value | 95% interval |", "|---|---|---|"]
    for key, value in part.items():
        span = intervals.get(key)
        shown = f"{span[0]:.1f} to {span[1]:.1f}" if isinstance(span, list) else ""
        rows.append(f"| {key} | {value:.1f} | {shown} |")
    return rows


def settings(figures: dict[str, object]) -> str:
    """How many things were judged, and how."""
    counts = {k: figures[k] for k in ("photos", "sentences", "phrases") if k in figures}
    given = figures.get("settings", {})
    assert isinstance(given, dict)
    return ", ".join(f"{k} {v}" for k, v in {**counts, **given}.items())


if __name__ == "__main__":
    main()
