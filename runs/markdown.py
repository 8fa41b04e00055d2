"""Tables and marked parts of Markdown files."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path


def table(heads: Sequence[object], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The lines of a table, after a blank line; nothing if there are no rows."""
    rows = list(rows)
    if rows:
        yield from ("", _line(heads), _line(["---"] * len(heads)), *map(_line, rows))


def section(title: str, *paragraphs: str, level: int = 2) -> Iterator[str]:
    """The lines of a heading and of the paragraphs below it."""
    yield from ("", f"{'#' * level} {title}")
    for paragraph in paragraphs:
        yield from ("", paragraph)


def listed(items: Sequence[str], word: str = "and") -> str:
    """Items in a sentence: `a, b and c`; empty if there are none."""
    return f" {word} ".join([*filter(None, [", ".join(items[:-1])]), *items[-1:]])


def replace_part(path: Path, name: str, lines: Iterable[str]) -> None:
    """Replace what is between the comments `name` and `end of name` of a file.

    Raises:
        ValueError: the file does not have these two comments once.
    """
    marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    content = "\n".join(lines).strip("\n")
    text, changes = marked.subn(lambda found: f"{found[1]}\n{content}\n\n{found[2]}", path.read_text("utf-8"))
    if changes != 1:
        raise ValueError(f"{path} has no place for the table: two comments, {name} and end of {name}")
    path.write_text(text, "utf-8")


def _line(cells: Iterable[object]) -> str:
    return f"| {' | '.join(str(cell).replace('|', '&#124;') for cell in cells)} |"
