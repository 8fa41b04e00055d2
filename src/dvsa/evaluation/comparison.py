"""Two systems on the same photographs: which of their differences are real (paired bootstrap)."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np

from dvsa.evaluation.evidence import Evidence
from dvsa.metrics.bootstrap import difference
from dvsa.metrics.figures import Figure


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of two systems."""

    a: float
    b: float
    gap: Figure
    """a - b with its 95% interval."""

    @property
    def real(self) -> bool:
        """Whether the interval excludes 0; false if there is no interval."""
        return bool(self.gap.ends) and not self.gap.ends[0] <= 0 <= self.gap.ends[1]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two systems on the same photographs, figure by figure.

    >>> Comparison(1000, {"R@1": Difference(44.2, 43.3, Figure(0.9, -0.1, 1.9))}).to_json()["figures"]
    {'R@1': {'a': 44.2, 'b': 43.3, 'difference': 0.9, 'ci95': [-0.1, 1.9], 'real': False}}
    """

    photos: int
    differences: Mapping[str, Difference]

    def to_json(self) -> dict[str, object]:
        """What `dvsa compare --json` prints for one evaluation."""
        figures = {
            name: {"a": d.a, "b": d.b, "difference": d.gap.value, "ci95": d.gap.ends, "real": d.real}
            for name, d in self.differences.items()
        }
        return {"photos": self.photos, "figures": figures}

    def rows(self) -> list[tuple[str, str, str, str, str, str]]:
        """Name, A, B, A - B, its interval, and whether it is real: as text, for tables."""
        return [
            (
                name,
                str(Figure(d.a)),
                str(Figure(d.b)),
                d.gap.shown,
                d.gap.interval,
                "yes" if d.real else "no",
            )
            for name, d in self.differences.items()
        ]


def compare(a: Evidence, b: Evidence, *, resamples: int = 1000, seed: int = 0) -> Comparison:
    """Compare every figure that both have.

    A difference is called real if its interval excludes 0; of equal systems, about one in 20 is by chance.

    Raises:
        ValueError: the two are about different photographs; names the first that differs.
    """
    for number, (ours, theirs) in enumerate(zip_longest(a.photos, b.photos, fillvalue="none"), 1):
        if ours != theirs:
            raise ValueError(
                f"photograph {number} is {ours} in one and {theirs} in the other: judge both on the same"
            )

    everyone_K = np.arange(len(a.photos))
    ours_F, theirs_F = a.figures(everyone_K), b.figures(everyone_K)
    gaps = difference(a.figures, b.figures, len(everyone_K), resamples=resamples, seed=seed)
    differences = {name: Difference(ours_F[name], theirs_F[name], gap) for name, gap in gaps.items()}
    return Comparison(len(everyone_K), differences)


def kept(folder: Path) -> dict[str, Path]:
    """The evidence files in a folder, or in `evaluation` in a run's folder, by `TASK.SPLIT`.

    Raises:
        ValueError: there are none.
    """
    place = folder / "evaluation" if (folder / "evaluation").is_dir() else folder
    found = {path.stem: path for path in sorted(place.glob("*.npz"))}
    if not found:
        raise ValueError(f"{place} has no evaluations: make some with dvsa evaluate TASK --out {place}")
    return found
