"""Several runs beside each other: what is different in their recipes, how far they are, what they reached."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dvsa.learn.loop.checkpoint import JsonValue
from dvsa.learn.loop.state import Line
from dvsa.learn.recipes.file import dotted, stages_of
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.run import CONFIG, read_config, recipe_of

NO_FIGURES = ("step", "epoch", "seconds", "lr")
"""What a line of a log has beside figures."""


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """A run, finished or not, as its files say."""

    folder: Path
    recipe: Recipe
    seed: int
    data: str
    logs: Mapping[str, Sequence[Line]]
    """The lines of each stage that has begun, in the order of the stages; a reused stage has none."""

    @property
    def seconds(self) -> float:
        """How long its stages have been trained."""
        return sum(lines[-1]["seconds"] for lines in self.logs.values())

    def epochs(self, stage: str) -> float:
        """How many epochs of a stage are done."""
        return self.logs[stage][-1]["epoch"] if stage in self.logs else 0.0

    def last(self, stage: str) -> Line:
        """The last figures of a stage."""
        return {key: value for key, value in self.logs[stage][-1].items() if key not in NO_FIGURES}


def summaries(folders: Iterable[Path]) -> list[RunSummary]:
    """The runs in these folders, or in folders directly inside them, in the order of their names.

    Raises:
        ValueError: a folder has no run, or a damaged one; the message names the file.
    """
    found = []
    for folder in folders:
        inside = sorted(path.parent for path in folder.glob(f"*/{CONFIG}"))
        own = [folder] if (folder / CONFIG).is_file() else inside
        if not own:
            raise ValueError(f"{folder} has no run: give the folder of a run, or one that contains runs")
        found += [_summary(run) for run in own]
    return found


def _summary(folder: Path) -> RunSummary:
    config = read_config(folder)
    recipe = recipe_of(config, folder)
    seed = config.get("seed")
    logs = {stage.name: _lines(folder / stage.name / "log.jsonl") for stage in recipe.stages}
    return RunSummary(
        folder=folder,
        recipe=recipe,
        seed=seed if isinstance(seed, int) else 0,
        data=str(config.get("data", "")),
        logs={name: lines for name, lines in logs.items() if lines},
    )


def _lines(path: Path) -> list[Line]:
    """The lines of a log; none if there is no log."""
    if not path.is_file():
        return []
    try:
        return [json.loads(line) for line in path.read_text().splitlines()]
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}): delete it, or leave the run out") from error


def differences(runs: Sequence[RunSummary]) -> list[dict[str, JsonValue]]:
    """For each run, the fields of its recipe by dotted name that are not the same in all runs."""
    fields = [_leaves(run.recipe) for run in runs]
    names = list(dict.fromkeys(name for own in fields for name in own))
    other = [name for name in names if any(own.get(name) != fields[0].get(name) for own in fields)]
    return [{name: own[name] for name in other if name in own} for own in fields]


def _leaves(recipe: Recipe) -> dict[str, JsonValue]:
    """The fields that are no objects by their dotted names, those of stages with the names of these."""
    raw = recipe.to_json()
    by_name = {key: value for key, value in raw.items() if key != "stages"} | stages_of(raw)
    return {name: value for name, value in dotted(by_name) if not isinstance(value, dict)}


def draw(runs: Sequence[RunSummary], path: Path) -> None:
    """Draw the figures of all runs over epochs, a row of panels for each stage, into a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # The panels: every figure of every stage, as any run has them.
    stages: dict[str, list[str]] = {}
    for run in runs:
        for stage in run.logs:
            known = stages.setdefault(stage, [])
            known += [name for name in run.last(stage) if name not in known]
    columns = max((len(names) for names in stages.values()), default=1)
    figure = Figure(figsize=(3.2 * columns, 2.6 * max(len(stages), 1) + 0.6), layout="constrained")
    FigureCanvasAgg(figure)

    for row, (stage, names) in enumerate(stages.items()):
        for column, name in enumerate(names):
            axes = figure.add_subplot(len(stages), columns, row * columns + column + 1)
            for run in runs:
                lines = [line for line in run.logs.get(stage, ()) if name in line]
                x, y = [line["epoch"] for line in lines], [line[name] for line in lines]
                axes.plot(x, y, marker=".", label=run.folder.name)
            axes.set_title(f"{stage}: {name}")
            axes.grid(alpha=0.3)
            if row == column == 0:
                figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    figure.savefig(path, format="png", dpi=100)
