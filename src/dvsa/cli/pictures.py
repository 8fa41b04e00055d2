"""The pictures and the page that `dvsa describe` and `dvsa search` write."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dvsa.cli.output import note, one_line
from dvsa.files import write
from dvsa.records import Description

if TYPE_CHECKING:
    from dvsa.decode import ReadPhoto
    from dvsa.photo import Photo


@contextmanager
def photo_reader(trusted: bool = False) -> Iterator["ReadPhoto"]:
    """What decodes photographs: a worker process with limits, unless they are trusted."""
    from dvsa.decode import Decoder, in_process

    if trusted:
        yield in_process
    else:
        with Decoder() as decoder:
            yield decoder.read


def save_overlay(photo: "Photo", description: Description, path: Path) -> tuple[Path | None, str | None]:
    """Draw a description on its photograph, as a PNG file.

    A name that the file system refuses costs one picture, and nothing else: the reason is named on standard
    error.

    Returns:
        The file and no reason; or no file, and why it could not be written.
    """
    from dvsa.draw import overlay

    stream = io.BytesIO()
    overlay(photo, description).save(stream, "PNG", compress_level=1)
    try:
        write(path, stream.getvalue())
    except OSError as error:
        note(one_line(error))
        return None, one_line(error)
    return path, None


def thumbnail(photo: "Photo") -> "Photo":
    """The photograph at the size of the report, which holds all of them in memory."""
    from dvsa.report import REPORT_SIDE

    image = photo.image.copy()
    image.thumbnail((REPORT_SIDE, REPORT_SIDE))
    return replace(photo, image=image)


def save_report(items: Sequence[tuple["Photo", Description]], path: Path) -> None:
    """Write photographs and their descriptions as one HTML page."""
    from dvsa.report import report

    write(path, report(items).encode("utf-8", "backslashreplace"))
