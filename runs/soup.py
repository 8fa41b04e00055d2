"""One model from several: the mean of the weights of runs that differ in the seed of their last alignment.

    python runs/soup.py STAGE OUT RUN RUN [RUN ...]

The runs have the same recipe, and the same weights before STAGE (`dvsa train --from`), so that their networks
lie close together: the network of the mean weights is more accurate than each of them (Wortsman et al., 2022,
"model soups"). OUT is a run that ends with STAGE; `dvsa train RECIPE --from OUT` continues it.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import script
import torch

from dvsa.learn.loop import checkpoint
from dvsa.learn.runs.run import CONFIG, VOCABULARY, Run


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


def main() -> None:
    """Average, and write a run."""
    parser = script.parser(__doc__)
    parser.add_argument("stage")
    parser.add_argument("out", type=Path)
    parser.add_argument("runs", type=Path, nargs="+")
    args = parser.parse_args()
    runs = [Run(folder, finished=False) for folder in args.runs]
    check(runs, args.stage)

    # The configuration, the vocabulary and the stages before come from the first run.
    args.out.mkdir(parents=True)
    for name in (VOCABULARY, "read.tsv", "photographs.tsv"):
        if (runs[0].folder / name).is_file():
            shutil.copy(runs[0].folder / name, args.out)
    for stage in runs[0].recipe.stages:
        if stage.name == args.stage:
            break
        if runs[0].best(stage.name).is_file():
            (args.out / stage.name).mkdir()
            shutil.copy(runs[0].best(stage.name), args.out / stage.name)

    # The configuration is written last: what has none is no run.
    weights, facts = mean(runs, args.stage), {"mean of": [str(run.folder) for run in runs]}
    (args.out / args.stage).mkdir()
    checkpoint.save(args.out / args.stage / "best.safetensors", weights, facts)
    (args.out / CONFIG).write_text(json.dumps(runs[0].config, indent=1))


if __name__ == "__main__":
    main()
