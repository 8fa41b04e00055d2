"""docs/results.json: every figure of docs/results.md, and how it was made."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvsa.evaluation.comparison import Comparison, Difference
from dvsa.metrics.figures import Figure, Report

Json = dict[str, Any]


@dataclass(frozen=True)
class Result:
    """A report of a script in runs/, with the facts of how it was made."""

    report: Report
    facts: Mapping[str, Any]
    novel: tuple[tuple[tuple[str, int], ...], ...] = ()
    """Of a report of novelty: ten novel captions, split into fragments with their counts."""

    @classmethod
    def of(cls, values: Json) -> "Result":
        """Read the JSON of one result."""
        rest = {name: value for name, value in values.items() if name not in ("facts", "first novel")}
        novel = tuple(
            tuple((text, times) for text, times in caption) for caption in values.get("first novel", ())
        )
        return cls(Report.from_json(rest), values["facts"], novel)


@dataclass(frozen=True)
class Results:
    """All that docs/results.md is written from."""

    bundle: str
    digest: str
    commit: str
    command: str
    shipped: Mapping[str, Report]
    """By task: the shipped bundle on the test split."""
    ablation: Mapping[str, Result]
    """`ablation.VARIANT` and `captions.VARIANT`, on val."""
    precision: Mapping[str, Comparison]
    """Half precision against single precision, by task and split."""
    failures: Mapping[str, Any]
    """What `runs/failures.py` found."""
    drawn: Mapping[str, Any]
    """The captions and wrong phrases that `runs/failure_picture.py` drew, by photograph."""
    paper: Mapping[str, Result]
    """The rows of the paper's tables, by kind and name."""
    inspection: Mapping[str, Any]
    """What the vectors of the paper's model contain."""
    cost: Mapping[str, Any]
    """How long training and judging of the paper's rows took."""

    @classmethod
    def of(cls, values: Json) -> "Results":
        """Read the JSON of all results."""
        shipped = values["figures"].items()
        paper = dict(values["paper"])
        inspection = paper.pop("inspection", {})
        return cls(
            **{key: values[key] for key in ("bundle", "digest", "commit", "command")},
            shipped={name.partition("/")[0]: Report.from_json(report) for name, report in shipped},
            ablation={name: Result.of(result) for name, result in values.get("ablation", {}).items()},
            precision={n: comparison_of(c) for n, c in values.get("precision", {}).items()},
            failures=values.get("failures", {}),
            drawn=values.get("drawn", {}),
            paper={name: Result.of(result) for name, result in paper.items()},
            inspection=inspection,
            cost=values.get("paper cost", {}),
        )


def comparison_of(values: Json) -> Comparison:
    """Read the JSON of one evaluation that `dvsa compare --json` compared."""
    differences = {
        name: Difference(row["a"], row["b"], Figure(row["difference"], *row["ci95"]))
        for name, row in values["figures"].items()
    }
    return Comparison(values["photos"], differences)


def group(results: Mapping[str, Result], kind: str) -> dict[str, Result]:
    """The results of one kind, by the rest of their names."""
    return {name[len(kind) + 1 :]: r for name, r in results.items() if name.startswith(f"{kind}.")}


def read_folder(folder: Path) -> Json:
    """The JSON files of a folder by name, in natural order: beam 10 after beam 7.

    Raises:
        ValueError: there are none.
    """

    def natural(path: Path) -> list[str | float]:
        parts = re.split(r"(\d+\.?\d*)", path.stem)
        return [float(part) if n % 2 else part for n, part in enumerate(parts)]

    found = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"), key=natural)}
    if not found:
        raise ValueError(f"{folder} has no figures: run the script that makes them first")
    return found


def cost(out: Path, figures: Json) -> Json:
    """How long `runs/paper.py` took to train and to judge all rows, from the files in its OUT."""
    runs = [json.loads(path.read_text()) for path in sorted((out / "runs").glob("*/seconds.json"))]
    busy, until = 0.0, 0.0
    for run in sorted(runs, key=lambda run: run["began"]):  # runs at the same time count once
        end = run["began"] + run["seconds"]
        busy += max(0.0, end - max(until, run["began"]))
        until = max(until, end)

    found: Json = {
        "runs": len(runs),
        "minutes": busy / 60,
        "machine": ", ".join(sorted({f"{run['device']} ({run['at once']} at a time)" for run in runs})),
    }
    if (out / "training.json").is_file():
        found["CPU hours"] = json.loads((out / "training.json").read_text())["hours"]
    return found
