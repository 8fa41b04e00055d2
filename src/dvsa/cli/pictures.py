"""The pictures and the page that `dvsa describe` and `dvsa search` write."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dvsa.cli.output import note, one_line, progress
from dvsa.files import fitting_name, write
from dvsa.records import Description

if TYPE_CHECKING:
    from dvsa.decode import ReadPhoto
    from dvsa.index import Hit
    from dvsa.model import Model
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


def draw_hits(
    model: "Model",
    question: str,
    answer: str | None,
    hits: "Sequence[Hit]",
    page: Path | None,
    folder: Path | None,
) -> bool:
    """Write the page and the pictures that are asked for, without photographs that are gone or have changed.

    Returns:
        Whether all photographs could be read, and their pictures and the page written.
    """
    from dvsa.index.contact_sheet import card, contact_sheet, counted
    from dvsa.index.explain import describe

    if page is None and folder is None:
        return True

    # A folder that cannot be made costs its pictures alone.
    cards, complete = [], True
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        note(f"{folder}: the folder of pictures cannot be made ({error.strerror})")
        folder, complete = None, False

    with photo_reader() as read, progress() as update:
        for n, hit in enumerate(hits, 1):
            try:
                photo = read(hit.photograph.read(), name=hit.photograph.path)
            except (ValueError, OSError) as error:
                note(error)
                continue
            if folder is not None:
                name = fitting_name(f"{n:02}-{Path(hit.photograph.path).stem}", ".dvsa.png")
                complete &= save_overlay(photo, describe(model, hit, photo), folder / name)[1] is None
            cards.append(card(hit, photo, len(hit.others)))
            update("drawing photographs", n, len(hits))
    if page is not None:
        count = counted(len(cards), len(hits)) if answer is None else answer
        try:
            write(page, contact_sheet(question, count, cards).encode("utf-8", "backslashreplace"))
        except OSError as error:
            note(f"{page}: the page cannot be written ({error.strerror or error})")
            complete = False
    return complete and len(cards) == len(hits)
