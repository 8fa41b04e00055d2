"""Train and judge all rows of the paper's tables on one data set; what exists already is not made again.

    python runs/paper.py DATA OUT [--seeds 3] [--jobs N] [--first N] [--proposer NAME]

DATA is a data set as in docs/data.md. OUT gets runs/NAME.SEED (by `dvsa train paper-NAME`), written/ (all
captions, in the COCO results format) and figures/ (a JSON file each, with settings, command, commit and
seconds). All choices are made on val, all figures are on test. METEOR needs Java; if it was missing, call the
script again where Java is installed, and it adds METEOR.
"""

from collections.abc import Callable
from functools import partial

import script
import torch
from jobs import at_once
from paper_analysis import align_all, analyse, rank_row
from paper_captions import choose_beta, write_captions, write_phrases
from paper_study import Options, Study
from paper_training import ABLATION as ROWS


def train(study: Study) -> None:
    """Train every run; the beta of the segments is chosen before the captioners."""
    study.training.ablation()
    study.training.captioners(choose_beta(study) if study.boxed else None)


STEPS: dict[str, Callable[[Study], None]] = {
    "train": train,
    "captions": write_captions,
    "phrases": write_phrases,
    "align": align_all,
    "analyse": analyse,
}
GROUPS = (("train",), ("captions", "phrases", "align", *ROWS), ("analyse",))
"""The steps of a group need only the groups before it. Each row is ranked in a step of its own."""


def do(options: Options, step: str) -> None:
    """Do one step, or rank one row."""
    study = Study(options)
    if step in ROWS:
        rank_row(study, step)
    else:
        STEPS[step](study)


def main() -> None:
    """Do all steps; with several jobs, those that do not depend on one another side by side."""
    parser = script.parser(__doc__, "data", "out")
    parser.add_argument("--seeds", type=int, default=3)
    jobs = 4 if torch.cuda.is_available() else 1  # one run keeps a large GPU busy for a fifth of the time
    parser.add_argument("--jobs", type=int, default=jobs, help="runs to train at a time")
    parser.add_argument("--first", type=int, help="judge only the first N photographs of test")
    parser.add_argument("--allow-custom-split", action="store_true", help="accept any number of photographs")
    parser.add_argument("--proposer", help="where boxes come from, as for dvsa train")
    parser.add_argument("--only", choices=[*STEPS, "rank"], help="do one step, or rank all rows")
    args = parser.parse_args()

    options = Options(**{key: value for key, value in vars(args).items() if key != "only"})
    only = ROWS if args.only == "rank" else (args.only,)
    groups = (only,) if args.only else GROUPS
    try:
        for group in groups:
            at_once(min(options.jobs, len(group)), partial(do, options), group)
    except (ValueError, OSError) as error:
        raise SystemExit(f"paper.py: {error}") from error


if __name__ == "__main__":
    main()
