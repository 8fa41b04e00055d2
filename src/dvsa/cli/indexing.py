"""`dvsa index`, also with `sync` and `add`: make an index of photographs, and keep it up to date."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer
from typer.core import TyperGroup

from dvsa.cli import keeping
from dvsa.cli.left_out import left_out_counts, name_faults
from dvsa.cli.options import AsJson, ModelBundle, PhotoNames, RayAddress, Trusted
from dvsa.cli.output import note, plural, print_json, progress, register, show
from dvsa.cli.watching import keep_up, need_watchfiles

if TYPE_CHECKING:
    from typer._click.core import Context

    from dvsa.index import Added, Index
    from dvsa.index.encode import Encoder
    from dvsa.model import Model

OutIndex = Annotated[
    Path,
    typer.Option(
        "--out",
        metavar="INDEX",
        help="The index's folder: a new one, or one to bring up to date.",
        show_default=False,
    ),
]
FieldsToStore = Annotated[
    list[str] | None,
    typer.Option(
        "--field",
        metavar="NAME=VALUE",
        show_default=False,
        help="Store this field with the photographs; may be repeated.",
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="PATTERN",
        show_default=False,
        help="Leave out files and folders of this pattern, as in .gitignore, or path; may be repeated. Files "
        "named .dvsaignore have such patterns for their folders.",
    ),
]
KeepMissing = Annotated[
    bool, typer.Option("--keep-missing", help="Keep photographs whose files are no longer there.")
]
Watch = Annotated[
    bool,
    typer.Option("--watch", help="Go on, and follow what changes in the folders until Ctrl-C."),
]


def sync(
    photos: PhotoNames,
    out: OutIndex,
    exclude: Exclude = None,
    keep_missing: KeepMissing = False,
    watch: Watch = False,
    field: FieldsToStore = None,
    bundle: ModelBundle = None,
    ray: RayAddress = None,
    trusted: Trusted = False,
    as_json: AsJson = False,
) -> None:
    """Make an index of photographs to search them, or bring one up to date.

    Folders are searched at any depth. The same command again looks at new and changed files, gives moved ones
    their new paths, and drops those that are gone. After an interruption it continues; photographs that were
    counted as added are never lost.

    Photographs that cannot be read, and files and folders that are left out although they may show or contain
    photographs, are named on standard error; then the exit code is 2.

    Example: `dvsa index sync ~/photographs --out photographs.index`, or `dvsa index` without `sync`
    """
    if watch:
        need_watchfiles()
    photographs = _Photographs(photos, exclude or (), keep_missing, parse_fields(field))
    told = set[str]()
    with _opened(photographs, out, bundle, ray, trusted) as (opened, encode):
        complete = _bring_up_to_date(opened, photographs, encode, as_json, told)
        if watch:
            keep_up(photos, out, lambda: _follow(opened, photographs, encode, as_json, told), note)
    if not complete:
        raise typer.Exit(2)


def add(
    photos: PhotoNames,
    out: OutIndex,
    exclude: Exclude = None,
    field: FieldsToStore = None,
    bundle: ModelBundle = None,
    ray: RayAddress = None,
    trusted: Trusted = False,
    as_json: AsJson = False,
) -> None:
    """Add photographs to an index, and drop none.

    This is `dvsa index sync --keep-missing`.

    Example: `dvsa index add ~/photographs --out photographs.index`
    """
    photographs = _Photographs(photos, exclude or (), True, parse_fields(field))
    with _opened(photographs, out, bundle, ray, trusted) as (opened, encode):
        complete = _bring_up_to_date(opened, photographs, encode, as_json, set())
    if not complete:
        raise typer.Exit(2)


class IndexGroup(TyperGroup):
    """`dvsa index PHOTOS` is `dvsa index sync PHOTOS`, unless its first word is the name of a command."""

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        """Put the name of the command before the arguments if it is missing."""
        if args and args[0] not in (*self.commands, "--help"):
            args = ["sync", *args]
        return super().parse_args(ctx, args)


def commands() -> typer.Typer:
    """The commands under `dvsa index`."""
    app = typer.Typer(cls=IndexGroup, no_args_is_help=True)
    register(app, sync, add, keeping.remove, keeping.compact, keeping.stats, keeping.verify)
    return app


class _Photographs(NamedTuple):
    """The photographs that an index is to have, and how."""

    names: Sequence[str]
    exclude: Sequence[str]
    keep_missing: bool
    fields: Mapping[str, str]


@contextmanager
def _opened(
    photographs: _Photographs, out: Path, bundle: str | None, ray: str | None, trusted: bool
) -> Iterator[tuple["Index", "Encoder"]]:
    """The index in a folder, and what encodes photographs for it."""
    import dvsa
    from dvsa.decode import in_process
    from dvsa.index.encode import encoder

    model = dvsa.load(bundle, threads=1)
    encode = encoder(model, in_process if trusted else None)
    if ray is not None:
        encode = connected_cluster(ray).encoder(model)
    with _open_or_create(out, model, photographs) as opened:
        yield opened, encode


def _bring_up_to_date(
    opened: "Index",
    photographs: _Photographs,
    encode: "Encoder",
    as_json: bool,
    told: set[str],
    *,
    quiet: bool = False,
) -> bool:
    """Synchronise an index and print the summary; whether all photographs could be read.

    Args:
        opened: the index.
        photographs: that it is to have.
        encode: makes its entries.
        as_json: whether to print JSON.
        told: the faults that were named the last time; only others are named, and then these are all.
        quiet: whether to print only what has changed.
    """
    with progress() as update:
        outcome = opened.sync(
            photographs.names,
            fields=photographs.fields,
            progress=update,
            encode=encode,
            exclude=photographs.exclude,
            keep_missing=photographs.keep_missing,
        )

    left_out = [item for item in outcome.left_out if item.kind.is_fault]
    faults = {*outcome.faults, *map(str, left_out)}
    is_news = _has_changes(outcome) or not faults <= told
    name_faults(
        [fault for fault in outcome.faults if fault not in told],
        [item for item in left_out if str(item) not in told],
    )
    for pattern in () if quiet else outcome.unmatched:
        note(f"--exclude {pattern}: nothing here matches it: check the pattern")
    told.clear()
    told |= faults
    if quiet and not is_news:
        return not faults

    if as_json:
        print_json({"index": str(opened.folder), **asdict(outcome), "photographs": len(opened)})
    else:
        show(f"{opened.folder}: {_counts(outcome)}; {plural(len(opened), 'photograph')} in total")
        if outcome.left_out:
            show(f"Left out: {left_out_counts(outcome.left_out)}")
    return not faults


def _has_changes(outcome: "Added") -> bool:
    """Whether something in the index is now another than before."""
    came = outcome.added + outcome.changed + outcome.moved + outcome.copies
    went = outcome.vanished + outcome.gone + outcome.overwritten
    return came + went + outcome.read_again > 0


def _follow(
    opened: "Index", photographs: _Photographs, encode: "Encoder", as_json: bool, told: set[str]
) -> None:
    """Synchronise an index while its folders are watched."""
    _bring_up_to_date(opened, photographs, encode, as_json, told, quiet=True)


def _counts(outcome: "Added") -> str:
    """What has become of the files, in words; the first and the last number are always there."""
    numbers = {
        "added": outcome.added,
        "changed": outcome.changed,
        "moved": outcome.moved,
        "copies": outcome.copies,
        "vanished": outcome.vanished,
        "paths gone": outcome.gone,
        "overwritten": outcome.overwritten,
        "missing and kept": outcome.missing,
        "already there": outcome.known,
        "of earlier versions, read again": outcome.read_again,
        "could not be read": len(outcome.faults),
    }
    always = ("added", "already there")
    return ", ".join(f"{count:,} {name}" for name, count in numbers.items() if count or name in always)


def _open_or_create(folder: Path, model: "Model", photographs: _Photographs) -> "Index":
    """Open the index in a folder, or create one if the photographs exist."""
    from dvsa.data.gather import gather
    from dvsa.index import Index, SearchError
    from dvsa.index.index_manifest import INDEX_MANIFEST

    if not (folder / INDEX_MANIFEST).exists():
        gather(photographs.names, exclude=photographs.exclude)
        try:
            return Index.create(folder, model)
        except SearchError:
            if not (folder / INDEX_MANIFEST).exists():
                raise  # otherwise another process was faster
    return Index.open(folder, model)


def parse_fields(pairs: Sequence[str] | None) -> dict[str, str]:
    """The fields of `--field NAME=VALUE`; raises ValueError if one has another form."""
    fields = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise ValueError(f"--field {pair}: give NAME=VALUE")
        fields[name] = value
    return fields


def connected_cluster(address: str) -> ModuleType:
    """The module `dvsa.index.cluster`, connected to a Ray cluster; raises ValueError without Ray."""
    try:
        from dvsa.index import cluster as module
    except ModuleNotFoundError:
        raise ValueError("--ray needs Ray: pip install 'dvsa[ray]'") from None
    module.connect(address)
    return module
