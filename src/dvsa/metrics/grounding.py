"""Phrase localisation: does the predicted box of a phrase match the true box?

Figures of Flickr30k Entities (Plummer et al. 2015). The true box of a phrase is the union of its boxes. Boxes
are (x0, y0, x1, y1), all in the same unit; scaling x or y alone changes no figure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dvsa.arrays import IntArray
from dvsa.boxes import iou
from dvsa.metrics.bootstrap import estimate
from dvsa.metrics.figures import Report, signature
from dvsa.version import VERSION

Boxes = NDArray[np.floating]
"""Boxes (N, 4), each `(x0, y0, x1, y1)`."""


@dataclass(frozen=True, slots=True)
class Grounding:
    """Which of N phrases were found, by the name of the figure; save both fields to compare systems later.

    >>> found = Grounding(np.array([0, 0, 1]), {"pointing": np.array([True, False, True])})
    >>> print(found.report().figures["pointing"], found.report().counts)
    66.7 [50.0, 100.0] {'phrases': 3, 'photos': 2}
    """

    owner_N: IntArray
    """The photograph of each phrase: 0 and up without gaps, in the order of the photographs' names."""
    found: Mapping[str, NDArray[np.bool_]]
    """One flag for each phrase, (N,)."""

    def figures(self, index_N: IntArray) -> dict[str, float]:
        """The share of the phrases found, in percent, for the photographs at `index_N`.

        >>> found = Grounding(np.array([0, 0, 1]), {"pointing": np.array([True, False, True])})
        >>> found.figures(np.array([0])), found.figures(np.array([1]))
        ({'pointing': 50.0}, {'pointing': 100.0})
        """
        times_N = np.bincount(index_N, minlength=self._photos())[self.owner_N]
        return {
            name: 100 * float(np.average(found_N, weights=times_N)) for name, found_N in self.found.items()
        }

    def report(self, *, resamples: int = 1000, seed: int = 0) -> Report:
        """The figures with their intervals over photographs, and the numbers of phrases and photographs.

        >>> found = Grounding(np.array([0, 0, 1]), {"pointing": np.array([True, True, True])})
        >>> print(found.report(resamples=10).figures["pointing"], found.report(resamples=10).counts)
        100.0 [100.0, 100.0] {'phrases': 3, 'photos': 2}
        """
        figures = estimate(self.figures, self._photos(), resamples=resamples, seed=seed)
        counts = {"phrases": len(self.owner_N), "photos": self._photos()}
        line = signature("grounding", truth="union", **counts, version=VERSION)
        return Report(figures, counts, signatures={"": line})

    def _photos(self) -> int:
        return int(self.owner_N.max()) + 1


def ground(predicted_N4: Boxes, truth_N4: Boxes, photo_N: Sequence[str]) -> Grounding:
    """Judge one predicted box for each phrase: `R@1 IoU0.5` and `pointing`.

    `R@1 IoU0.5` needs an IoU of at least 0.5; `pointing` needs the centre of the predicted box in the true
    box, or on its border. Raises ValueError if there are no phrases or the arrays differ in length.

    >>> found = ground(np.array([[0.0, 0.0, 1.0, 0.9]]), np.array([[0.0, 0.0, 1.0, 1.0]]), ["1.jpg"])
    >>> found.figures(np.array([0]))
    {'R@1 IoU0.5': 100.0, 'pointing': 100.0}
    """
    _check(predicted_N4, truth_N4, photo_N)
    overlap_N = np.array([iou(predicted_N4[n, None], truth_N4[n, None])[0, 0] for n in range(len(photo_N))])
    centre_N2 = (predicted_N4[:, :2] + predicted_N4[:, 2:]) / 2
    inside_N2 = (truth_N4[:, :2] <= centre_N2) & (centre_N2 <= truth_N4[:, 2:])
    found = {"R@1 IoU0.5": overlap_N >= 0.5, "pointing": np.asarray(inside_N2.all(axis=1))}
    return Grounding(_owners(photo_N), found)


def covered(
    proposals: Mapping[str, Boxes],
    truth_N4: Boxes,
    photo_N: Sequence[str],
    *,
    thresholds: Sequence[float] = (0.5, 0.7),
) -> Grounding:
    """Whether any proposal of the photograph has enough IoU with each phrase's box: `covered IoU0.5` and 0.7.

    `covered IoU0.5` is the upper bound of `R@1 IoU0.5` with these proposals. Raises ValueError as `ground`
    does, and if a photograph has no proposals.

    >>> found = covered({"1.jpg": np.eye(4)[3:] + 0.0}, np.array([[0.0, 0.0, 1.0, 1.0]]), ["1.jpg"])
    >>> found.figures(np.array([0]))
    {'covered IoU0.5': 0.0, 'covered IoU0.7': 0.0}
    """
    _check(truth_N4, truth_N4, photo_N)
    for photo in photo_N:
        if not len(proposals.get(photo, ())):
            raise ValueError(
                f"photograph {photo!r} has phrases but no proposals; give at least the whole frame"
            )

    overlap_N = np.array([iou(truth_N4[n, None], proposals[photo]).max() for n, photo in enumerate(photo_N)])
    return Grounding(_owners(photo_N), {f"covered IoU{t:g}": overlap_N >= t for t in thresholds})


def _owners(photo_N: Sequence[str]) -> IntArray:
    return np.unique(np.array(photo_N), return_inverse=True)[1].astype(np.int64)


def _check(predicted_N4: Boxes, truth_N4: Boxes, photo_N: Sequence[str]) -> None:
    phrases = len(photo_N)
    if not phrases or predicted_N4.shape != (phrases, 4) or truth_N4.shape != (phrases, 4):
        raise ValueError(
            f"{phrases} phrases need as many boxes of 4 numbers, and at least one; "
            f"got arrays of {predicted_N4.shape} and {truth_N4.shape}"
        )
