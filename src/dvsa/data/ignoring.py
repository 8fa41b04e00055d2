"""What the user leaves out, by `--exclude` and by files named `.dvsaignore`: patterns as in `.gitignore`."""

import codecs
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from dvsa import files
from dvsa.data.dataset import DataError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE: Final = ".dvsaignore"
MAX_BYTES: Final = 2**20
"""Most bytes of such a file."""

_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Patterns:
    """Patterns that hold in a folder and below it."""

    above: str
    """The folder's path from the folder that is searched, with `/` at its end; empty for that one."""
    spec: "GitIgnoreSpec"

    @classmethod
    def parse(cls, lines: Iterable[str], source: str, above: str = "") -> Self:
        """The patterns of lines as in `.gitignore`; raises DataError, which names `source`, for a bad one."""
        from pathspec import GitIgnoreSpec

        try:
            return cls(files.composed(above), GitIgnoreSpec.from_lines(map(files.composed, lines)))
        except ValueError as error:
            raise DataError(f"{source}: {error}: write patterns as in .gitignore") from None

    @classmethod
    def read(cls, folder: Path, above: str) -> Self | None:
        """The patterns of the `.dvsaignore` in a folder; None if it has none.

        It is UTF-8, or UTF-16 with a byte-order mark, as some editors write it.

        Raises:
            DataError: it cannot be read, so that nobody knows what to leave out.
        """
        path = folder / IGNORE_FILE
        try:
            content = files.read_bounded(path, MAX_BYTES)
            text = content.decode("utf-16" if content.startswith(_UTF_16) else "utf-8-sig")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: cannot be read ({error}): correct or delete it") from error
        return cls.parse(text.splitlines(), str(path), above)

    def decide(self, inner: str) -> bool | None:
        """Whether the patterns leave out a path; None if none of them is about it.

        Args:
            inner: the path from the folder that is searched; it ends with `/` if it is a folder's.

        >>> Patterns.parse(["*.gif", "!keep.gif"], "--exclude").decide("a/b.gif")
        True
        """
        return self.spec.check_file(files.composed(inner).removeprefix(self.above)).include


def from_folder(lines: Sequence[str], folder: str) -> list[str]:
    """Patterns that a user gives, for paths from a folder: those with `/` are paths, too.

    A path is absolute or from the current folder. After each line stands what it means as a path.

    Args:
        lines: the patterns.
        folder: its absolute path.

    >>> from_folder(["*.gif", "/album/private/", "!/album/a.jpg"], "/album")
    ['*.gif', '/album/private/', '/private/', '!/album/a.jpg', '!/a.jpg']
    """
    found, base = list[str](), files.composed(folder).rstrip("/") + "/"
    for line in lines:
        found.append(line)
        mark, text = ("!", line[1:]) if line.startswith("!") else ("", line)
        if "/" not in text.rstrip("/"):
            continue
        path = files.composed(os.path.abspath(os.path.expanduser(text))).rstrip("/") + "/"
        if path.startswith(base) and path != base:
            inner = path.removeprefix(base)
            found.append(f"{mark}/{inner if text.endswith('/') else inner.rstrip('/')}")
        elif base.startswith(path) and path != "/":
            found.append(f"{mark}/*")  # the folder is in the one that is meant
    return found


class Given:
    """The patterns that a user gives, and which of them nothing has matched so far.

    >>> given = Given(["*.gif", "*.jpeg"])
    >>> given.search("/album")
    >>> given.note("in/cat.gif")
    >>> given.unmatched
    ['*.jpeg']
    """

    def __init__(self, lines: Sequence[str]) -> None:
        """Take the patterns; raises DataError if one is invalid."""
        self._lines = lines
        self._open: dict[str, Patterns] = {}
        self._unmatched = dict.fromkeys(lines)
        self.search("")

    @property
    def unmatched(self) -> list[str]:
        """The patterns that nothing has matched."""
        return list(self._unmatched)

    def search(self, folder: str) -> None:
        """Go on with paths from a folder."""
        self.patterns = [self._parsed(self._lines, folder)]
        self._open = {line: self._parsed([line], folder) for line in self._unmatched}

    def note(self, inner: str) -> None:
        """Note a file or folder that was found, by its path from the folder, as in `Patterns.decide`."""
        if self._open:
            for line in [line for line, pattern in self._open.items() if pattern.decide(inner) is not None]:
                del self._open[line], self._unmatched[line]

    def _parsed(self, lines: Sequence[str], folder: str) -> Patterns:
        return Patterns.parse(from_folder(lines, folder), "--exclude")


def is_ignored(inner: str, patterns: Iterable[Patterns]) -> bool:
    """Whether a path is left out: the first patterns that are about it decide.

    >>> is_ignored("drafts/", [Patterns.parse(["drafts/"], "--exclude")])
    True
    """
    decisions = (some.decide(inner) for some in patterns)
    return next((left_out for left_out in decisions if left_out is not None), False)
