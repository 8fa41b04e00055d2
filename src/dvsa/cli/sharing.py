"""`dvsa push`: a bundle for others."""

from typing import Annotated

import typer

from dvsa.cli.options import AsJson
from dvsa.cli.output import note, print_json, show

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
