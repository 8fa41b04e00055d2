"""Write docs/results.md and its chart from docs/results.json, after an update of that file if asked for.

    python runs/results.py [FOLDER --command COMMAND] [--ablation OUT] [--precision JSON] [--paper OUT]
        [--readme README.md]

Without options the report is written from the present docs/results.json. FOLDER has the JSON files of
`runs/judge.sh`; COMMAND made the bundle. --ablation takes the OUT of `runs/ablation.py`, --precision the file
of `runs/precision.sh`, --paper the OUT of `runs/paper.py`; a training.json of benchmarks/training.py there
says how long a CPU takes. `runs/failures.py` and `runs/failure_picture.py` add the failures. --readme
replaces the table between the comments `figures` in a file.

Every figure has its 95% bootstrap interval over photographs; no number is typed by hand. But the sentences
about the tables are typed: check them after an update.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import results_paper
import results_shipped
import script
from chart import draw
from markdown import replace_part
from results_appendix import appendix
from results_data import Json, Results, cost, read_folder
from results_summary import overview, summary

from dvsa.bundle import Bundle


def main() -> None:
    """Update the JSON file, then write the report, the chart and the table of the README."""
    parser = script.parser(__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--command", help="what made the bundle; needed with FOLDER")
    parser.add_argument("--ablation", type=Path)
    parser.add_argument("--precision", type=Path)
    parser.add_argument("--paper", type=Path)
    parser.add_argument("--commit", help="the commit that judged FOLDER; default: the present one")
    parser.add_argument("--docs", type=Path, default=Path("docs"))
    parser.add_argument("--readme", type=Path, help="replace the table of figures in this file")
    args = parser.parse_args()
    if args.folder and not args.command:
        parser.error("FOLDER needs --command")

    path = args.docs / "results.json"
    values = json.loads(path.read_text()) if path.is_file() else {}
    update(values, args)
    script.keep(path, values)

    results = Results.of(values)
    (args.docs / "results.md").write_text("\n".join(report(results)) + "\n", "utf-8")
    draw(results).savefig(args.docs / "pictures" / "results.png", dpi=150)
    if args.readme:
        replace_part(args.readme, "figures", overview(results))


def update(values: Json, args: argparse.Namespace) -> None:
    """Put new measurements into the JSON values."""
    if args.folder:
        bundle = Bundle.open()
        values |= {"bundle": bundle.manifest.name, "digest": bundle.digest[:12]}
        values |= {"commit": args.commit or script.commit(), "command": args.command}
        values["figures"] = {
            "/".join(name.split(".")[:2]): report for name, report in read_folder(args.folder).items()
        }

    if args.ablation:
        values["ablation"] = read_folder(args.ablation / "figures")
    if args.precision:
        values["precision"] = json.loads(args.precision.read_text())["evaluations"]
    if args.paper:
        values["paper"] = read_folder(args.paper / "figures")
        values["paper cost"] = cost(args.paper, values["paper"])


def report(results: Results) -> Iterator[str]:
    """All lines of docs/results.md."""
    yield from summary(results)
    yield from results_shipped.sections(results)
    yield from results_paper.sections(results)
    yield from appendix(results)


if __name__ == "__main__":
    main()
