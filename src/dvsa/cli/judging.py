"""What all commands of `dvsa evaluate` do: load, check the protocol, judge, keep and print."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dvsa.cli.output import note, progress
from dvsa.cli.scoring import Form, show_report
from dvsa.files import write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dvsa.data import Example, GivenRegions
    from dvsa.evaluation import Encoded, Judged
    from dvsa.evaluation.encoding import Progress
    from dvsa.model import Model


class Request(NamedTuple):
    """What to judge, on what, and where the results go: the options that all four commands have."""

    data: Path
    split: str
    first: int | None
    entities: Path | None
    regions: Path | None
    bundle: str | None
    run: Path | None
    allow_custom_split: bool
    out: Path | None
    form: Form


def evaluate(task: str, judge: Callable[..., "Judged"], request: Request) -> None:
    """Check the protocol, judge the model, keep the evidence and print the report."""
    from dvsa.data import load, load_regions
    from dvsa.evaluation import protocol

    given = None if request.regions is None else load_regions(request.regions)
    dataset = load(request.data, request.entities, given).divided()
    examples = dataset.split(request.split)[: request.first]
    model = _model(request.bundle, request.run)
    out = request.out
    if out is None and request.run is not None:
        out = request.run / "evaluation"

    with progress() as tell:
        custom = request.allow_custom_split
        protocol.check(model.bundle, dataset, examples, allow_custom_split=custom, progress=tell)
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)  # fails before the work if it cannot be written
        if task != "regions" and dataset.regions is not None:
            judge = partial(judge, encoded=_encoded(task, model, examples, dataset.regions, tell))
        judged = judge(model, examples, progress=tell)

    if out is not None:
        name = f"{task}.{request.split}"
        _keep(judged, out, name if request.first is None else f"{name}.{request.first}", dataset.name)
    show_report(judged.report, request.form)
    if caution := protocol.caution(model.bundle):
        note(caution)


def _encoded(
    task: str, model: "Model", examples: "Sequence[Example]", given: "GivenRegions", tell: "Progress"
) -> "Encoded":
    """The photographs with regions from files in place of the model's own."""
    from dvsa import evaluation

    if task == "grounding" and not given.boxed:
        raise ValueError(f"{given.source} has features without boxes: grounding needs the boxes of regions")
    return evaluation.encode(model, examples, tell, given)


def _model(bundle: str | None, run: Path | None) -> "Model":
    """The model of a bundle or of a run."""
    if run is None:
        import dvsa

        return dvsa.load(bundle)
    if bundle is not None:
        raise ValueError("give --bundle or --run, not both")
    from dvsa.learn.runs.run import Run
    from dvsa.learn.ship.torch_bundle import torch_model

    return torch_model(Run(run))


def _keep(judged: "Judged", folder: Path, name: str, data: str) -> None:
    """Write the report, with the name of the data set, and its evidence."""
    report = judged.report.with_settings(data=data)
    write(folder / f"{name}.npz", judged.evidence.content())
    write(folder / f"{name}.json", json.dumps(report.to_json(), indent=1, allow_nan=False).encode())
    note(f"wrote {folder / name}.json and .npz")
