"""The records of all data sets: photographs, their sentences, and phrases with boxes."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dvsa.files import UnreadableError, read_bounded
from dvsa.records import Box

if TYPE_CHECKING:
    from dvsa.data.given_regions.given import GivenRegions


MAX_BYTES: Final = 256 * 2**20
"""The most bytes of a photograph."""


class DataError(ValueError):
    """A data set is incomplete or malformed; the message names the file and says what to do."""


class DamagedError(DataError):
    """A file of a data set is damaged. It is left out if there are other files like it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault of a data set that loading could work around."""

    kind: str
    """One of the kinds that `docs/data.md` lists, such as `no photograph`."""
    name: str
    """The photograph's name, as in the list or the folder."""
    detail: str


@dataclass(frozen=True, slots=True)
class GroundedPhrase:
    """A phrase of a sentence with its boxes on the photograph (Flickr30k Entities)."""

    sentence: int
    """Index into the example's sentences."""
    first: int
    """Index into `words(sentence)` of the phrase's first word."""
    last: int
    """Index of its last word, inclusive."""
    text: str
    """`words(sentence)[first : last + 1]`, joined by spaces."""
    chain: str
    """The coreference chain: phrases of a photograph with one chain mean the same thing; `0` is none."""
    kinds: tuple[str, ...]
    """Such as `people` or `scene`; more than one if the annotation says so."""
    boxes: tuple[Box, ...]
    """The boxes of the chain in fractions of the photograph; empty if it has no boxes."""

    @property
    def box(self) -> Box | None:
        """The union of the boxes, which is the field's ground truth; None if there are no boxes.

        >>> GroundedPhrase(0, 0, 1, "two dogs", "7", ("animals",), ((0, 0, 0.2, 0.5), (0.4, 0.1, 1, 0.3))).box
        (0, 0, 1, 0.5)
        """
        if not self.boxes:
            return None
        left, top, right, bottom = zip(*self.boxes, strict=True)
        return min(left), min(top), max(right), max(bottom)


def local_date(seconds: float) -> str | None:
    """Seconds since 1970 in local time: ISO 8601 without a time zone; None if that is no date.

    >>> local_date(0) is None, local_date(1e20) is None
    (True, True)
    """
    try:
        return datetime.fromtimestamp(int(seconds)).isoformat() if seconds >= 1 else None
    except (OSError, OverflowError, ValueError):  # such as the year 10000
        return None


@dataclass(frozen=True, slots=True)
class Source:
    """Where the bytes of a photograph are: a file, or a part of a tar file."""

    path: Path
    offset: int = 0
    """In bytes from the start of the file."""
    size: int | None = None
    """In bytes; None for the rest of the file."""
    changed: int | None = field(default=None, compare=False)
    """When a member of a tar file was last changed, in seconds since 1970; None for other photographs."""

    def read(self) -> bytes:
        """Read the bytes. Each call opens the file again, so threads and forked workers are independent.

        Raises:
            OSError: the file cannot be read.
            DataError: the file ends too early, is no regular file, or has more than `MAX_BYTES`.
        """
        try:
            data = read_bounded(self.path, MAX_BYTES, offset=self.offset, size=self.size)
        except UnreadableError as error:
            raise DataError(f"{self.path}: {error}: leave it out") from None
        if self.size is not None and len(data) < self.size:
            raise DataError(f"{self.path} ends at byte {self.offset + len(data)}: fetch the file again")
        return data

    def date(self) -> str | None:
        """When the photograph was last changed, in local time: ISO 8601 without a time zone.

        None if nobody knows. Programs write the time zero if they do not know it.

        >>> Source(Path("pack.tar"), 512, 90_000, changed=0).date() is None
        True
        """
        try:
            return local_date(self.path.stat().st_mtime if self.size is None else self.changed or 0)
        except OSError:
            return None

    @property
    def length(self) -> int:
        """The number of bytes that `read` gives."""
        return self.path.stat().st_size - self.offset if self.size is None else self.size


@dataclass(frozen=True, slots=True)
class Example:
    """A photograph with its sentences."""

    name: str
    """The photograph's name in its data set, such as `1000268201_693b08cb0e.jpg`."""
    split: str
    """`train`, `val`, `test`, `restval` (MSCOCO), or empty if the data set has no splits."""
    sentences: tuple[str, ...]
    """As written, but with single spaces; each has at least one word."""
    source: Source | None
    """Where the photograph is; None if there are only features of its regions (`Dataset.regions`)."""
    phrases: tuple[GroundedPhrase, ...] = ()

    @property
    def file(self) -> Source:
        """Where the photograph is; raises DataError if there is none."""
        if self.source is None:
            raise DataError(f"{self.name}: the data set has features of its regions, but not the photograph")
        return self.source

    def read(self) -> bytes:
        """The photograph's file, not decoded; raises OSError, or DataError if there is no photograph."""
        return self.file.read()


@dataclass(frozen=True, slots=True)
class Dataset:
    """The examples of one data set, in the order of its lists."""

    name: str
    """`flickr8k`, `flickr30k`, `coco`, `toy`; the folder's name for a user's own photographs."""
    root: Path
    examples: Sequence[Example]
    problems: tuple[Problem, ...] = ()
    """What loading worked around; `dvsa.data.check` adds what only decoding can find."""
    split_by_name: bool = False
    """Whether the splits were made by `divided`, because the data set has no lists of splits."""
    regions: "GivenRegions | None" = None
    """Regions from files: those given to `load`, or the features in the folder itself."""
    layout: str = ""
    """The layout in which the folder was read."""
    why: str = ""
    """What in the folder decided for this layout."""

    def split(self, name: str, *, restval: bool = False) -> Sequence[Example]:
        """The examples of one split: `train`, `val` or `test`; `all` is every example.

        Args:
            name: the split; the empty string for examples without a split.
            restval: whether `train` includes the split `restval` of Karpathy's JSON of MSCOCO.

        Raises:
            DataError: the split has no examples.
        """
        names = {name, "restval"} if name == "train" and restval else {name}
        found = self.examples if name == "all" else self.of_splits(names)
        if not found and self.split_by_name and name in ("train", "val", "test"):
            raise DataError(
                f"{self.root} has no lists of splits, and too few photographs ({len(self.examples)}) to take "
                f"some for {name!r}: train and val need at least 2 photographs together, test about 50"
            )
        if not found:
            splits = ", ".join(sorted({repr(e.split) for e in self.examples}))
            raise DataError(
                f"{self.name} in {self.root} has no split {name!r}; it has {splits or 'no examples'}"
            )
        return found

    def of_splits(self, names: Set[str]) -> Sequence[Example]:
        """The examples of some splits, in their order; perhaps none."""
        return tuple(example for example in self.examples if example.split in names)

    def with_sentences(self) -> "Dataset":
        """The same data set; raises DataError if no example has a sentence, and says why there are none."""
        if any(example.sentences for example in self.examples):
            return self
        unread = [f"{p.name} is not read: {p.detail}" for p in self.problems if p.kind == "unread captions"]
        reason = "; ".join(unread) or "docs/data.md lists the layouts that are read"
        raise DataError(f"{self.root} has photographs, but no sentences ({self.why}): {reason}")

    def divided(self) -> "Dataset":
        """The same data set with splits; if no example has one, a tenth each becomes `val` and `test`.

        The digest of its name decides the split of a photograph, so it does not change when photographs are
        added. At least one photograph is in `val`, and of two or more, at least one in `train`.
        """
        if not self.examples or any(example.split for example in self.examples):
            return self

        place = {e.name: int(sha256(e.name.encode()).hexdigest()[:8], 16) / 16**8 for e in self.examples}
        splits = {name: "val" if at < 0.1 else "test" if at < 0.2 else "train" for name, at in place.items()}
        splits |= {max(place, key=place.__getitem__): "train", min(place, key=place.__getitem__): "val"}
        examples = tuple(replace(e, split=splits[e.name]) for e in self.examples)
        return replace(self, examples=examples, split_by_name=True)
