"""Descriptions of many photographs as one list: CSV, JSON lines, HTML or Markdown.

A list is made row by row. A journal beside the file keeps the rows until the list is complete, so that an
interrupted run goes on where it ended. The file itself is written once, whole.
"""

import base64
import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from dvsa import files
from dvsa.model import View
from dvsa.notebook import text
from dvsa.photo import Photo
from dvsa.typed_json import JsonObject, parse

THUMBNAIL_SIDE: Final = 160
"""Length of the longer side of the pictures in HTML, in pixels."""

JOURNAL: Final = ".part"
"""What the name of a journal has after that of its list."""

MAX_JOURNAL_BYTES: Final = 2**32


@dataclass(frozen=True, slots=True)
class Row:
    """A photograph of a list."""

    file: str
    sha256: str
    """Of the file's content."""
    width: int
    height: int
    taken: str | None
    """The date in its EXIF data, or else that of its file."""
    caption: str
    logprob: float
    things: tuple[str, ...]
    """What the caption and the phrases name and a region supports, each once, in this order."""
    phrases: tuple[tuple[str, tuple[int, int, int, int]], ...]
    """Phrases of regions with their boxes, x0, y0, x1, y1 in pixels."""
    thumbnail: str = ""
    """A WebP file in base64, for HTML."""


def row(
    file: str,
    sha256: str,
    view: View,
    *,
    date: str | None = None,
    phrases: int = 5,
    thumbnail: bool = False,
) -> Row:
    """The row of a photograph.

    Args:
        file: its path.
        sha256: the digest of its content, in hexadecimal.
        view: the photograph as the model sees it.
        date: of its file, for a photograph that has no date in its EXIF data.
        phrases: the number of regions that get a phrase.
        thumbnail: whether the row has a small picture.

    >>> import dvsa
    >>> row("cat.jpg", "0" * 64, dvsa.load().open("examples/cat.jpg")).caption
    'a cat is sitting on a wall'
    """
    described = view.describe(phrases=phrases)
    return Row(
        file=file,
        sha256=sha256,
        width=described.width,
        height=described.height,
        taken=view.photo.taken or date,
        caption=described.caption.text,
        logprob=described.caption.logprob,
        things=tuple(thing.name for thing in described.things),
        phrases=tuple((p.caption.text, p.region.pixels) for p in described.phrases),
        thumbnail=_thumbnail(view.photo) if thumbnail else "",
    )


def _thumbnail(photo: Photo) -> str:
    image, stream = photo.image.copy(), io.BytesIO()
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    image.save(stream, "WEBP", quality=70)
    return base64.b64encode(stream.getvalue()).decode()


def as_csv(rows: Iterable[Row]) -> str:
    """A table with a header; phrases and things are separated by `; `."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(["file", "caption", "logprob", "things", "phrases", "width", "height", "taken", "sha256"])
    for r in rows:
        told, shown = "; ".join(r.things), "; ".join(dict.fromkeys(phrase for phrase, _ in r.phrases))
        facts = [r.width, r.height, r.taken or "", r.sha256]
        writer.writerow([r.file, r.caption, f"{r.logprob:.3f}", told, shown, *facts])
    return stream.getvalue()


def as_json_lines(rows: Iterable[Row]) -> str:
    """A JSON object on each line."""
    lines = []
    for r in rows:
        found = asdict(r)
        del found["thumbnail"]
        found["phrases"] = [{"text": phrase, "box": box} for phrase, box in r.phrases]
        lines.append(json.dumps(found) + "\n")
    return "".join(lines)


def as_markdown(rows: Iterable[Row]) -> str:
    """A table."""
    head = "| photograph | caption | things |\n|---|---|---|\n"
    return head + "".join(
        f"| {_plain(r.file)} | {_plain(r.caption)} | {_plain(', '.join(r.things))} |\n" for r in rows
    )


def _plain(value: str) -> str:
    """A text in a cell of Markdown, in which no character has a meaning."""
    line = " ".join(value.split())
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>|#!~&" else c for c in line)


_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{padding:.4rem .8rem;text-align:left;vertical-align:top;"
    "border-bottom:1px solid #8884;overflow-wrap:anywhere}small{opacity:.75}img{display:block}"
    ":root{color-scheme:light dark}"
)


def as_html(rows: Iterable[Row]) -> str:
    """A page without scripts, with a small picture of each photograph."""
    cells = []
    for r in rows:
        source = f"data:image/webp;base64,{r.thumbnail}"
        picture = f'<img src="{source}" alt="{text(r.caption)}">' if r.thumbnail else ""
        shown = "; ".join(dict.fromkeys(phrase for phrase, _ in r.phrases))
        about = f"<small>{text(r.file)}{' · ' + text(r.taken) if r.taken else ''}</small>"
        cells.append(
            f"<tr><td>{picture}</td><td>{text(r.caption)}<br><small>{text(shown)}</small><br>{about}</td></tr>"
        )
    title = f"{len(cells):,} photograph{'s' * (len(cells) != 1)}"
    head = f'<meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    body = f"<h1>{title}</h1><table>{''.join(cells)}</table>"
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{body}</body></html>\n'


LISTS: Final[Mapping[str, Callable[[Iterable[Row]], str]]] = {
    "csv": as_csv,
    "jsonl": as_json_lines,
    "html": as_html,
    "md": as_markdown,
}
"""Forms of lists, by name."""


class Journal:
    """The rows of a list that is not complete, on disk beside it.

    Rows that were made with other settings, and a last line that is cut off, do not count.
    """

    def __init__(self, path: Path, settings: Mapping[str, object]) -> None:
        """Read the journal of a list.

        Args:
            path: of the list.
            settings: how rows are made, such as the digest of the bundle.

        Raises:
            OSError: it cannot be read.
        """
        self.path = path.with_name(files.fitting_name(path.name, JOURNAL))
        self._head = json.dumps({"settings": dict(settings)}, sort_keys=True)
        self._file: io.BufferedWriter | None = None
        self.rows: dict[tuple[str, str], Row] = {}
        """By file and digest."""
        if self.path.exists():
            lines = files.read_bounded(self.path, MAX_JOURNAL_BYTES, follow=False).split(b"\n")
            if lines[0].decode("utf-8", "replace") == self._head:
                for made in filter(None, map(_row, lines[1:-1])):
                    self.rows[made.file, made.sha256] = made

    def add(self, made: Row) -> None:
        """Keep a row; it survives a crash of this process.

        Raises:
            OSError: the disk is full or not writable.
        """
        if self._file is None:
            self._file = self._started()
        self.rows[made.file, made.sha256] = made
        self._file.write(json.dumps(asdict(made)).encode() + b"\n")
        self._file.flush()

    def _started(self) -> io.BufferedWriter:
        """The file, with the rows so far."""
        rows = "".join(f"{json.dumps(asdict(made))}\n" for made in self.rows.values())
        files.write(self.path, f"{self._head}\n{rows}".encode())
        return open(os.open(self.path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)), "ab")

    def finish(self, path: Path, content: str) -> None:
        """Write the complete list, and delete the journal."""
        files.write(path, content.encode("utf-8", "backslashreplace"))
        self.close()
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _row(line: bytes) -> Row | None:
    """The row of a journal's line; None if it is damaged."""
    try:
        found = JsonObject(parse(line), "journal", ValueError, "")  # type: ignore[arg-type]
        anything = "(?s).*"
        return Row(
            file=found.text("file", anything),
            sha256=found.text("sha256", "[0-9a-f]{64}"),
            width=found.whole("width", low=1),
            height=found.whole("height", low=1),
            taken=found.text("taken") if found.content.get("taken") is not None else None,
            caption=found.text("caption", anything),
            logprob=found.number("logprob"),
            things=tuple(map(str, found.items("things"))),
            phrases=tuple(map(_phrase, found.items("phrases"))),
            thumbnail=found.text("thumbnail", "[A-Za-z0-9+/=]*"),
        )
    except (ValueError, TypeError, AttributeError):
        return None


def _phrase(item: object) -> tuple[str, tuple[int, int, int, int]]:
    """A phrase with its box; raises ValueError for anything else."""
    match item:
        case [str(said), [int(x0), int(y0), int(x1), int(y1)]]:
            return said, (x0, y0, x1, y1)
    raise ValueError("this is no phrase with its box")
