"""`dvsa teach`: names that a model learns from a few photographs."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dvsa.cli.options import AsJson, ModelBundle
from dvsa.cli.output import print_json, progress, show
from dvsa.cli.pictures import photo_reader

NameAndPhotos = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME PHOTOS",
        help="The name, and photographs that all show it: files, folders, globs or tar files.",
        show_default=False,
    ),
]
OutCopy = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="BUNDLE",
        show_default="the bundle itself",
        help="A new folder for the bundle with the name.",
    ),
]
Against = Annotated[
    list[str] | None,
    typer.Option(
        "--against",
        metavar="PHOTOS",
        show_default="what the bundle has seen in training",
        help="Photographs of other things, 30 or more; may be repeated.",
    ),
]
List = Annotated[bool, typer.Option("--list", help="Print the names that the bundle was taught.")]
Forget = Annotated[
    str | None, typer.Option("--forget", metavar="NAME", show_default=False, help="Forget a name.")
]


def teach(
    given: NameAndPhotos = None,
    bundle: ModelBundle = None,
    out: OutCopy = None,
    against: Against = None,
    names: List = False,
    forget: Forget = None,
    as_json: AsJson = False,
) -> None:
    """Teach a model a name from a few photographs.

    The other commands then know the name, and an index that the bundle has made still fits it. A name may
    consist of known words: in a row, they mean the name. The shipped bundle is not changed: give `--out`.

    Example: `dvsa teach "our boat" boat1.jpg boat2.jpg boat3.jpg --out mine`
    """
    from dvsa import teaching
    from dvsa.bundle import Bundle

    given = given or []
    if bool(given) + names + (forget is not None) != 1:
        raise ValueError("give a name with photographs, --list or --forget NAME")
    if names:
        folder = None
    elif forget is not None:
        folder = teaching.forget(forget, bundle=bundle, out=out)
    else:
        with progress() as update, photo_reader() as read:
            folder = teaching.teach(
                given[0],
                _found(given[1:]),
                bundle=bundle,
                out=out,
                against=_found(against or []),
                read=read,
                progress=update,
            )

    opened = Bundle.open(bundle if folder is None else folder)
    found = sorted(opened.taught.vectors)
    if as_json:
        print_json({"bundle": str(opened.folder), "names": found})
    else:
        show("\n".join(found) or "no names")
    if given and not as_json:
        show(f"\nNext: dvsa search INDEX {shlex.quote(given[0])} --bundle {shlex.quote(str(folder))}")


def _found(names: Sequence[str]) -> list[Path | bytes]:
    """The photographs under some names: files, and the bytes of members of tar files."""
    from dvsa.data.gather import find

    found = find(names) if names else []
    return [Path(path) if source.size is None else source.read() for path, source in found]
