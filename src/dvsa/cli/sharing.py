"""`dvsa export` and `dvsa push`: from a run to a bundle, and to others."""

from pathlib import Path
from typing import Annotated

import typer

from dvsa.cli.options import AsJson
from dvsa.cli.output import note, print_json, show

FinishedRun = Annotated[
    Path, typer.Argument(metavar="RUN", help="The folder of a finished run.", show_default=False)
]
OutBundle = Annotated[
    Path,
    typer.Option("--out", metavar="BUNDLE", help="The bundle's folder, new or empty.", show_default=False),
]
BundleName = Annotated[
    str | None, typer.Option("--name", show_default="the folder's name", help="The bundle's name.")
]
ReplayedData = Annotated[
    Path | None,
    typer.Option(
        "--replay",
        metavar="FOLDER",
        show_default=False,
        help="The data that the run has learned from: the bundle carries some of it, a few megabytes.",
    ),
]
BackgroundData = Annotated[
    Path | None,
    typer.Option(
        "--background",
        metavar="FOLDER",
        show_default=False,
        help="The data that the run has learned from: the bundle records what ordinary regions look like, so "
        "that `dvsa teach` needs no --against, and when a photograph is unlike all of them.",
    ),
]
BundleToPush = Annotated[
    str, typer.Argument(metavar="BUNDLE", help="The folder of a bundle, or shipped.", show_default=False)
]
HubAddress = Annotated[
    str,
    typer.Argument(
        metavar="USER/NAME", help="The repository on the hub, made if it is missing.", show_default=False
    ),
]
Private = Annotated[bool, typer.Option("--private", help="Make a new repository private.")]
Message = Annotated[str, typer.Option(help="The message of the commit.")]


def export(
    run: FinishedRun,
    out: OutBundle,
    name: BundleName = None,
    replay: ReplayedData = None,
    background: BackgroundData = None,
    as_json: AsJson = False,
) -> None:
    """Export a run as a bundle.

    The other commands need only the bundle, and no PyTorch. With `--replay`, the bundle carries features and
    sentences of some of its photographs; then a training that continues it (`--init`) forgets less.

    Example: `dvsa export run --out bundle`
    """
    from dvsa.bundle import Bundle
    from dvsa.learn.runs.run import Run
    from dvsa.learn.ship.export import export as export_run

    finished, carried = Run(run), None
    if replay is not None:
        from dvsa.data import load
        from dvsa.learn.ship.carried import carried as carried_by

        carried = carried_by(finished, load(replay).divided())
    data = None
    if background is not None:
        from dvsa.data import load

        data = load(background).divided()
    bundle = Bundle.open(export_run(finished, out, name=name, replay=carried, data=data, quiet=as_json))
    size = sum(path.stat().st_size for path in out.iterdir())
    if as_json:
        print_json({"bundle": str(out), "name": bundle.manifest.name, "bytes": size, "digest": bundle.digest})
    else:
        show(f"{out}: bundle {bundle.manifest.name}, {size / 1e6:.1f} MB, SHA-256 {bundle.digest}")


def push(
    bundle: BundleToPush,
    address: HubAddress,
    private: Private = False,
    message: Message = "Add a bundle of dvsa",
    as_json: AsJson = False,
) -> None:
    """Push a bundle to Hugging Face's hub, with its card.

    All files go up in one commit, after their digests are verified. Log in first: `hf auth login`.

    Example: `dvsa push bundle user/name`
    """
    from dvsa import hub
    from dvsa.bundle import Bundle

    place = hub.Address.parse(address)
    if place is None:
        raise ValueError(f"{address} is no address on the hub: write USER/NAME")
    opened = Bundle.open(None if bundle == "shipped" else bundle)
    content = opened.publishable(place.name)
    note(f"pushing {len(content)} files, {sum(map(len, content.values())) / 1e6:.1f} MB, to {place.name}")
    pinned = hub.push(content, place, private=private, message=message)

    if as_json:
        print_json({"address": pinned, "digest": opened.digest, "files": sorted(content)})
    else:
        show(f"{pinned}, SHA-256 {opened.digest}", f'\nNext: dvsa.load("{pinned}")')
