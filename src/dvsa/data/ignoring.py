"""What the user leaves out, by `--exclude` and by files named `.dvsaignore`: patterns as in `.gitignore`."""

from collections.abc import Iterable
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
            return cls(above, GitIgnoreSpec.from_lines(lines))
        except ValueError as error:
            raise DataError(f"{source}: {error}: write patterns as in .gitignore") from None

    @classmethod
    def read(cls, folder: Path, above: str) -> Self | None:
        """The patterns of the `.dvsaignore` in a folder; None if it has none.

        Raises:
            DataError: it cannot be read, so that nobody knows what to leave out.
        """
        path = folder / IGNORE_FILE
        try:
            text = files.read_bounded(path, MAX_BYTES).decode("utf-8-sig")
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
        return self.spec.check_file(inner.removeprefix(self.above)).include


def is_ignored(inner: str, patterns: Iterable[Patterns]) -> bool:
    """Whether a path is left out: the first patterns that are about it decide.

    >>> is_ignored("drafts/", [Patterns.parse(["drafts/"], "--exclude")])
    True
    """
    decisions = (some.decide(inner) for some in patterns)
    return next((left_out for left_out in decisions if left_out is not None), False)
