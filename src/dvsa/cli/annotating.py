"""`dvsa describe --write sidecar|xmp|exif`: captions and things in the metadata of photographs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dvsa.cli.listing import listed
from dvsa.cli.output import named, note, print_json, progress, show
from dvsa.cli.pictures import photo_reader

if TYPE_CHECKING:
    from dvsa.metadata import Change, Target
    from dvsa.model import Model


@dataclass(frozen=True, slots=True)
class Metadata:
    """Where metadata is written, and how."""

    target: str
    overwrite: bool
    dry_run: bool


def write_metadata(
    model: "Model",
    photos: Sequence[Path],
    how: Metadata,
    regions: str,
    phrases: int,
    *,
    trusted: bool,
    as_json: bool,
) -> None:
    """Describe photographs in their metadata; exits with 2 if one cannot be read or written.

    Photographs that have everything already are not described, so the same command continues after an
    interruption.
    """
    from dvsa import metadata

    if how.target not in metadata.TARGETS:
        raise ValueError(f"--write {how.target} is unknown: choose from {', '.join(metadata.TARGETS)}")
    where: Target = how.target
    found = listed(photos)
    sources = found.once
    records: list[Mapping[str, object]] = []
    faults = 0

    with photo_reader(trusted) as read, progress() as update:
        for n, (name, source) in enumerate(sources, 1):
            try:
                if source.size is not None:
                    raise ValueError(f"{name} is in a tar file: unpack it first")
                if not how.overwrite and metadata.complete(source.path, where):
                    change = metadata.annotate(source.path, "text", ["thing"], where, dry_run=True)
                else:
                    view = model.open(read(source.path), regions=regions)
                    told = view.describe(phrases=phrases)
                    said = (told.caption.text, tuple(thing.name for thing in told.things))
                    change = metadata.annotate(
                        source.path, *said, where, overwrite=how.overwrite, dry_run=how.dry_run
                    )
            except (ValueError, OSError) as error:
                note(f"{name}: {error.strerror}" if isinstance(error, OSError) else error)
                faults += 1
                continue
            finally:
                update("describing photographs", n, len(sources))

            records.append(_record(name, change))
            if not as_json:
                _show(name, change, how.dry_run)
    found.name_faults()
    if as_json:
        left_out = [asdict(item) for item in found.left_out]
        print_json({"photographs": records, "dry_run": how.dry_run, "left_out": left_out})
    if faults or not found.is_whole:
        raise typer.Exit(2)


def _record(name: str, change: "Change") -> Mapping[str, object]:
    """What is written for a photograph as JSON values."""
    return {
        "file": name,
        "to": str(change.file),
        "written": change.written,
        "kept": change.kept,
        "differing": change.differing,
    }


def _show(name: str, change: "Change", dry_run: bool) -> None:
    """Print what is written, and what stays."""
    texts = {k: v if isinstance(v, str) else ", ".join(v) for k, v in change.written.items()}
    would = "would write" if dry_run else "wrote"
    lines = [f"    {would} {kind}: {value}" for kind, value in texts.items()]
    if change.kept:
        lines.append(f"    kept {', '.join(change.kept)}; --overwrite replaces what is there")
    if change.differing:
        lines.append(
            f"    the photograph itself has another {', '.join(change.differing)}; --write xmp replaces it"
        )
    file = str(change.file)
    show(named(name) if file == name else f"{named(name)} → {named(file)}", *lines)
