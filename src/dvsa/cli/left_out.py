"""How commands name what they could not read, and what they left out."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dvsa.cli.output import note

if TYPE_CHECKING:
    from dvsa.data.gather import LeftOut

MOST = 20
"""Lines about what was left out, of each kind."""


def name_faults(faults: Sequence[str], left_out: "Sequence[LeftOut]") -> None:
    """Name on standard error the photographs that could not be read, and what may be missing besides."""
    for fault in faults:
        note(fault)
    named = Counter[str]()
    for item in left_out:
        if item.kind.is_fault:
            named[item.kind] += 1
            if named[item.kind] <= MOST:
                note(item)
    for kind, count in named.items():
        if count > MOST:
            note(f"left out: {count - MOST:,} more of this kind: {kind}")


def left_out_counts(left_out: "Sequence[LeftOut]") -> str:
    """How many of each kind were left out, such as `other file: 12`."""
    counts = Counter(item.kind for item in left_out)
    return ", ".join(f"{kind}: {count:,}" for kind, count in counts.items())
