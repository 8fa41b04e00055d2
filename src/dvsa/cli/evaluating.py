"""`dvsa evaluate`: a model judged on a split of a data set."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dvsa.cli.options import LAYOUTS, AsJson, BundleFolder, Entities
from dvsa.cli.output import note, one_line_errors, print_json, progress, show, table

if TYPE_CHECKING:
    from dvsa.model import Model

Data = Annotated[Path, typer.Option(metavar="FOLDER", help=LAYOUTS, show_default=False)]
Split = Annotated[
    str, typer.Option(metavar="val|test", help="Which split. Choose on val; look at test once.")
]
RunFolder = Annotated[
    Path | None,
    typer.Option("--run", metavar="RUN", show_default=False, help="A run to judge in place of a bundle."),
]

TASKS = {
    "ranking": "Rank photographs and sentences.\n\n"
    "Each sentence looks for its photograph among all of the split, and each photograph for its sentences.",
    "captions": "Judge captions of photographs.\n\n"
    "One caption for each whole photograph is held against the photograph's own sentences.",
    "regions": "Judge phrases of regions.\n\n"
    "One phrase for each thing that Flickr30k Entities has a box of is held against people's phrases for it.",
    "grounding": "Find the boxes of phrases.\n\n"
    "Each phrase of Flickr30k Entities is laid on a region, which is held against the true box.",
}
"""What is measured, by the command's name."""


def commands() -> typer.Typer:
    """The four commands under `dvsa evaluate`."""
    app = typer.Typer(no_args_is_help=True)
    for task, text in TASKS.items():
        intervals = "Each figure comes with its 95% bootstrap interval over photographs."
        example = f"Example: `dvsa evaluate {task} --data flickr8k --split val`"
        app.command(task, help=f"{text}\n\n{intervals}\n\n{example}")(_command(task))
    return app


def _command(task: str) -> Callable[..., None]:
    @one_line_errors()
    def command(
        data: Data,
        split: Split = "val",
        entities: Entities = None,
        bundle: BundleFolder = None,
        run: RunFolder = None,
        as_json: AsJson = False,
    ) -> None:
        from dvsa import evaluation
        from dvsa.data import load

        examples = load(data, entities).split(split)
        with _model(bundle, run) as model, progress() as tell:
            figures: dict[str, object] = getattr(evaluation, task)(model, examples, progress=tell)
        if as_json:
            print_json(figures)
        else:
            rows = table("Figure", "Value", "95% interval", right=("Value", "95% interval"))
            for row in _rows(figures):
                rows.add_row(*row)
            show(rows, *_settings(figures))

    return command


@contextmanager
def _model(bundle: Path | None, run: Path | None) -> "Iterator[Model]":
    """The model of a bundle; that of a run goes through a bundle too, so that one path is judged."""
    import dvsa

    if run is None:
        yield dvsa.load(bundle)
        return
    if bundle is not None:
        raise ValueError("give --bundle or --run, not both")
    from dvsa.learn.export import export
    from dvsa.learn.run import Run

    with tempfile.TemporaryDirectory(prefix="dvsa-") as folder:
        note(f"exports {run} to judge it as a bundle")
        yield dvsa.load(export(Run(run), Path(folder) / "bundle"))


def _rows(figures: Mapping[str, object], above: str = "", within: object = None) -> Iterator[Sequence[str]]:
    """Each figure of nested mappings: its name, its value and the ends of its interval in `ci95`."""
    intervals = figures.get("ci95", within)
    for name, value in figures.items():
        interval = intervals.get(name) if isinstance(intervals, Mapping) else None
        if name in ("ci95", "settings"):
            continue
        if isinstance(value, Mapping):
            yield from _rows(value, f"{above}{name}: ", interval)
        else:
            ends = interval if isinstance(interval, Sequence) else ()
            yield f"{above}{name}", _number(value), " – ".join(map(_number, ends))


def _settings(figures: Mapping[str, object], above: str = "") -> Iterator[str]:
    """A line for each mapping named `settings`."""
    for name, value in figures.items():
        if isinstance(value, Mapping) and name == "settings":
            yield f"\n{above}settings: {', '.join(f'{key} {setting}' for key, setting in value.items())}"
        elif isinstance(value, Mapping):
            yield from _settings(value, f"{above}{name}: ")


def _number(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, float) else "missing" if value is None else str(value)
