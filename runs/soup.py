"""One model from several: the mean of the weights of runs that differ in the seed of one stage.

    python runs/soup.py STAGE OUT RUN RUN [RUN ...]

The runs have the same recipe, and the same weights before STAGE, so that their networks lie close together:
the network of the mean weights is more accurate than each of them (Wortsman et al., 2022, "model soups"). OUT
is the first of the runs up to STAGE; `dvsa train RECIPE --from OUT` continues it if STAGE is an alignment.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import script
import torch

from dvsa.learn.loop import checkpoint
from dvsa.learn.runs.run import CONFIG, Run


def mean(runs: Sequence[Run], stage: str) -> dict[str, torch.Tensor]:
    """The mean of all weights of a stage."""
    nets = [checkpoint.load(run.best(stage))[0] for run in runs]
    return {
        name: torch.stack([net[name].double() for net in nets]).mean(0).to(first.dtype)
        for name, first in nets[0].items()
    }


def check(runs: Sequence[Run], stage: str) -> None:
    """Refuse runs of different recipes or words, and runs that have not finished the stage.

    Raises:
        ValueError: naming the run.
    """
    for run in runs:
        wanted = next((s for s in run.recipe.stages if s.name == stage), None)
        if wanted is None or not run.has(wanted):
            raise ValueError(f"{run.folder} has not finished a stage {stage!r}")
        if run.recipe != runs[0].recipe or run.vocabulary.words != runs[0].vocabulary.words:
            raise ValueError(f"{run.folder} has another recipe or vocabulary than {runs[0].folder}")


def write(runs: Sequence[Run], stage: str, out: Path) -> None:
    """Average, and write a run to a new folder.

    Raises:
        ValueError: the runs do not fit together.
    """
    check(runs, stage)
    first = runs[0]
    recipe = first.recipe.until(stage)

    # The words and the stages before are those of the first run.
    out.mkdir(parents=True)
    for file in first.folder.iterdir():
        if file.is_file() and file.name != CONFIG:
            shutil.copy(file, out)
    for name in (earlier.name for earlier in recipe.stages[:-1]):
        (out / name).mkdir()
        shutil.copy(first.best(name), out / name)
    facts: dict[str, checkpoint.JsonValue] = {"mean of": [str(run.folder) for run in runs]}
    checkpoint.save(out / stage / "best.safetensors", mean(runs, stage), facts)

    # The configuration comes last: a folder without it is no run.
    (out / CONFIG).write_text(json.dumps(first.config | {"recipe": recipe.to_json()}, indent=2))


def main() -> None:
    """Average, and write a run."""
    parser = script.parser(__doc__)
    parser.add_argument("stage")
    parser.add_argument("out", type=Path)
    parser.add_argument("runs", type=Path, nargs="+")
    args = parser.parse_args()
    write([Run(folder, finished=False) for folder in args.runs], args.stage, args.out)


if __name__ == "__main__":
    main()
