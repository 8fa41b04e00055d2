"""Two systems on the same photographs: which of their differences are real (paired bootstrap)."""

from itertools import zip_longest
from pathlib import Path

import numpy as np

from dvsa.evaluation.encoding import Report
from dvsa.evaluation.evidence import Evidence
from dvsa.metrics.bootstrap import difference


def compare(a: Evidence, b: Evidence, *, resamples: int = 1000, seed: int = 0) -> Report:
    """Every figure that both have: `a`, `b`, the `difference` a - b, its `ci95`, and whether it is `real`.

    A difference is real where its interval excludes 0. One in twenty that are none will look so.

    Raises:
        ValueError: the two rest on other photographs; names the first that differs.
    """
    for number, (ours, theirs) in enumerate(zip_longest(a.photos, b.photos, fillvalue="none"), 1):
        if ours != theirs:
            raise ValueError(
                f"photograph {number} is {ours} in one and {theirs} in the other: judge both on the same"
            )
    everyone_K = np.arange(len(a.photos))
    ours_F, theirs_F = a.figures(everyone_K), b.figures(everyone_K)
    gap = difference(a.figures, b.figures, len(everyone_K), resamples=resamples, seed=seed)
    ends = gap.pop("ci95")
    assert isinstance(ends, dict)
    figures = {
        name: {
            "a": ours_F[name],
            "b": theirs_F[name],
            "difference": value,
            "ci95": ends[name],
            "real": not ends[name][0] <= 0 <= ends[name][1],
        }
        for name, value in gap.items()
    }
    return {"photos": len(everyone_K), "figures": figures}


def kept(folder: Path) -> dict[str, Path]:
    """The evidence kept in a folder, or under `evaluation` in a run's, by `TASK.SPLIT`.

    Raises:
        ValueError: there is none.
    """
    place = folder / "evaluation" if (folder / "evaluation").is_dir() else folder
    found = {path.stem: path for path in sorted(place.glob("*.npz"))}
    if not found:
        raise ValueError(f"{place} holds no evaluations: make some with dvsa evaluate TASK --out {place}")
    return found
