"""Photographs a second of training on several GPUs of one host, at the same batch for each GPU.

    python benchmarks/scaling.py DATA FOLDER [--gpus 1 2] [--recipe best] [--batch 200] [--epochs 4] [--out X]

The stages are `align`, on features of regions, and `tune`, with the backbone in the loop, without boxes of
phrases. Each number of GPUs trains twice: as users do, and with a clock around every message between
processes, which gives the share of a step that messages take. FOLDER gets the runs, whose logs have the
losses.
"""

import json
import shutil
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path

from common import facts, keep, parser

STAGES = ("align", "tune")


def main() -> None:
    """Measure, print a table and write JSON."""
    options = parser(__doc__, "data", "folder")
    options.add_argument("--gpus", type=int, nargs="+", default=[1, 2])
    options.add_argument("--recipe", default="best")
    options.add_argument("--batch", type=int, default=200, help="photographs of a step, for each GPU")
    options.add_argument("--epochs", type=int, default=4)
    options.add_argument("--out", type=Path)
    args = options.parse_args()

    began, rows = time.monotonic(), []
    print("| GPUs | stage | photographs/s | times one GPU | messages |\n|---|---|---|---|---|")
    for gpus in args.gpus:
        plain, clocked = measured(args, gpus), measured(args, gpus, "--messages")
        for stage in STAGES:
            rate, share = plain[f"{stage}_rate"], clocked[f"{stage}_messages"]
            rows.append({"gpus": gpus, "stage": stage, "rate": rate, "messages": share})
            one = next(row["rate"] for row in rows if row["stage"] == stage)
            print(f"| {gpus} | {stage} | {rate:,.0f} | {rate / one:.2f} | {share:.1%} |", flush=True)
    if args.out:
        about = {"recipe": args.recipe, "batch": args.batch, "epochs": args.epochs}
        keep(args.out, {"rows": rows, "facts": facts(began, **about)})


def measured(args: Namespace, gpus: int, *more: str) -> dict[str, float]:
    """Train on some GPUs; what the first process has measured."""
    run = args.folder / f"{gpus}x{args.batch}{''.join(more)}"
    shutil.rmtree(run, ignore_errors=True)
    script = Path(__file__).with_name("streaming_run.py")
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        str(gpus),
        str(script),
    ]
    command += [str(args.data), str(run), "--recipe", args.recipe, "--epochs", str(args.epochs), *more]
    command += ["--batch", str(args.batch * gpus)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, float] = json.loads(said.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
