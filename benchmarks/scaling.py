"""Photographs a second of training on several GPUs of one host, at the same batch for each GPU.

    python benchmarks/scaling.py DATA FOLDER [--gpus 1 2] [--recipe best] [--batch 200] [--epochs 4]
        [--from RUN] [--sentences FILE] [--out X]

The stages are `align`, on features of regions, and `tune`, with the backbone in the loop, without boxes of
phrases. Each number of GPUs trains twice: as users do, and without messages between GPUs. The difference is
the share of a step that messages take. FOLDER gets the runs, whose logs have the losses.

With `--from`, the recipe's own `align` and `tune` are trained too, with boxes of phrases, from the stages
before them in that run (SENTENCES are its extra sentences). N GPUs have N times the batch, and the rate is
multiplied by the root of N. For each evaluation there are the seconds, the loss and the mean recall on val.
"""

import json
import shutil
import subprocess
import sys
import time
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from common import facts, keep, parser

from dvsa.learn.recipes.catalogue import RECIPES

STAGES = ("align", "tune")


def main() -> None:
    """Measure, print a table and write JSON."""
    options = parser(__doc__, "data", "folder")
    options.add_argument("--gpus", type=int, nargs="+", default=[1, 2])
    options.add_argument("--recipe", default="best")
    options.add_argument("--batch", type=int, default=200, help="photographs of a step, for each GPU")
    options.add_argument("--epochs", type=int, default=4)
    options.add_argument("--from", type=Path, dest="earlier")
    options.add_argument("--sentences", type=Path)
    options.add_argument("--out", type=Path)
    args = options.parse_args()

    began, rows, curves = time.monotonic(), [], {}
    print("| GPUs | stage | photographs/s | times one GPU | messages |\n|---|---|---|---|---|")
    for gpus in args.gpus:
        plain = measured(args, gpus)
        silent = measured(args, gpus, "--silent") if gpus > 1 else plain
        for stage in STAGES:
            rate, share = plain[f"{stage}_rate"], 1 - plain[f"{stage}_rate"] / silent[f"{stage}_rate"]
            rows.append({"gpus": gpus, "stage": stage, "rate": rate, "messages": share})
            one = next(row["rate"] / row["gpus"] for row in rows if row["stage"] == stage)
            print(f"| {gpus} | {stage} | {rate:,.0f} | {rate / one:.2f} | {share:.1%} |", flush=True)
        if args.earlier:
            curves[gpus] = curve(args, gpus)
        if args.out:
            about = {"recipe": args.recipe, "batch": args.batch, "epochs": args.epochs}
            keep(args.out, {"rows": rows, "curves": curves, "facts": facts(began, **about)})


def measured(args: Namespace, gpus: int, *more: str) -> dict[str, float]:
    """Train on some GPUs; what the first process has measured."""
    run = args.folder / f"{gpus}x{args.batch}{''.join(more)}"
    shutil.rmtree(run, ignore_errors=True)
    script = str(Path(__file__).with_name("streaming_run.py"))
    options = ["--recipe", args.recipe, "--epochs", str(args.epochs), "--batch", str(args.batch * gpus)]
    command = [*torchrun(gpus), script, str(args.data), str(run), *options, *more]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, float] = json.loads(said.splitlines()[-1])
    return found


def torchrun(gpus: int) -> list[str]:
    """The command that starts a process for each GPU."""
    return [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(gpus)]


def curve(args: Namespace, gpus: int) -> list[dict[str, float | str]]:
    """Train the recipe's own stages as users do; the lines of the logs."""
    # The recipe to the end of `tune`, with the larger batch.
    recipe = RECIPES[args.recipe]().until(STAGES[-1])
    stages = tuple(
        replace(
            stage, train=replace(stage.train, batch=stage.train.batch * gpus, lr=stage.train.lr * gpus**0.5)
        )
        if stage.name in STAGES
        else stage
        for stage in recipe.stages
    )
    run = args.folder / f"{gpus}-curve"
    shutil.rmtree(run, ignore_errors=True)
    file = args.folder / f"{gpus}.json"
    file.write_text(json.dumps(replace(recipe, stages=stages).to_json()))

    # Train it.
    command = [*torchrun(gpus), "-m", "dvsa", "train", "--recipe", str(file), "--data", str(args.data)]
    command += ["--out", str(run), "--from", str(args.earlier)]
    command += ["--sentences", str(args.sentences)] if args.sentences else []
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return [
        {"stage": stage, **json.loads(line)}
        for stage in STAGES
        for line in (run / stage / "log.jsonl").read_text().splitlines()
    ]


if __name__ == "__main__":
    main()
