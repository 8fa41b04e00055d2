"""Phrase localisation: do the predicted boxes of a phrase match the true box?

Figures of Flickr30k Entities (Plummer et al. 2015): over all phrases, and over those of each category. The
true box of a phrase is the union of its boxes. Boxes are (x0, y0, x1, y1), all in the same unit; scaling x or
y alone changes no figure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from dvsa.arrays import IntArray
from dvsa.boxes import iou
from dvsa.metrics.bootstrap import estimate
from dvsa.metrics.figures import Report, signature
from dvsa.version import VERSION

Boxes = NDArray[np.floating]
"""Boxes (N, 4), each `(x0, y0, x1, y1)`."""
RANKS = (1, 5, 10)
"""How many of the first boxes may match in `R@1`, `R@5` and `R@10`."""
CATEGORY = "category "
"""How the name of a category's part of a report begins."""


@dataclass(frozen=True, slots=True)
class Grounding:
    """Which of N phrases were found, by the name of the figure; save all fields to compare systems later.

    >>> found = Grounding(np.array([0, 0, 1]), {"pointing": np.array([True, False, True])})
    >>> print(found.report().figures["pointing"], found.report().counts)
    66.7 [50.0, 100.0] {'phrases': 3, 'photos': 2}
    """

    owner_N: IntArray
    """The photograph of each phrase: 0 and up without gaps, in the order of the photographs' names."""
    found: Mapping[str, NDArray[np.bool_]]
    """One flag for each phrase, (N,)."""
    categories: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    """By category, which phrases belong to it, (N,); a phrase may have several categories, or none."""

    def of_kinds(self, kinds_N: Sequence[Iterable[str]]) -> "Grounding":
        """The same with categories, from the categories of each phrase.

        Raises:
            ValueError: there are not as many as phrases.

        >>> found = Grounding(np.array([0, 0, 1]), {"pointing": np.array([True, False, True])})
        >>> found.of_kinds([["people"], ["animals"], ["people"]]).figures(np.array([0]))
        {'pointing': 50.0, 'category animals: pointing': 0.0, 'category people: pointing': 100.0}
        """
        if len(kinds_N) != len(self.owner_N):
            raise ValueError(
                f"{len(self.owner_N)} phrases need as many sets of categories; got {len(kinds_N)}"
            )
        names = sorted({kind for kinds in kinds_N for kind in kinds})
        of = {name: np.array([name in kinds for kinds in kinds_N]) for name in names}
        return replace(self, categories=of)

    def figures(self, index_N: IntArray) -> dict[str, float]:
        """The share of the phrases found, in percent, for the photographs at `index_N`.

        Then the same for each category. NaN if the photographs have no phrase of a category.

        >>> found = Grounding(np.array([0, 0, 1]), {"pointing": np.array([True, False, True])})
        >>> found.figures(np.array([0])), found.figures(np.array([1]))
        ({'pointing': 50.0}, {'pointing': 100.0})
        """
        times_N = np.bincount(index_N, minlength=self._photos())[self.owner_N]
        found_NF = np.column_stack([found_N.astype(np.float64) for found_N in self.found.values()])
        times_CN = np.stack([times_N, *(times_N * own_N for own_N in self.categories.values())])

        with np.errstate(invalid="ignore"):  # a category without phrases here
            share_CF = 100 * (times_CN @ found_NF / times_CN.sum(axis=1, keepdims=True))
        names = [prefix + name for prefix in ("", *map(_part, self.categories)) for name in self.found]
        return dict(zip(names, map(float, share_CF.ravel()), strict=True))

    def report(self, *, resamples: int = 1000, seed: int = 0) -> Report:
        """The figures with their intervals over photographs, and the numbers of phrases and photographs.

        Each category is a part of the report. Its intervals are over those resamples that have its phrases.

        >>> found = Grounding(np.array([0, 0, 1]), {"pointing": np.array([True, True, True])})
        >>> print(found.report(resamples=10).figures["pointing"], found.report(resamples=10).counts)
        100.0 [100.0, 100.0] {'phrases': 3, 'photos': 2}
        """
        figures = estimate(self.figures, self._photos(), resamples=resamples, seed=seed)
        counts = {"phrases": len(self.owner_N), "photos": self._photos()}
        line = signature("grounding", truth="union", **counts, version=VERSION)

        parts = {}
        for kind, own_N in self.categories.items():
            own = {name: figures[_part(kind) + name] for name in self.found}
            photos = len(np.unique(self.owner_N[own_N]))
            parts[f"{CATEGORY}{kind}"] = Report(own, {"phrases": int(own_N.sum()), "photos": photos})
        whole = {name: figures[name] for name in self.found}
        return Report(whole, counts, parts=parts, signatures={"": line})

    def _photos(self) -> int:
        return int(self.owner_N.max()) + 1


def ground(predicted_N: Boxes | Sequence[Boxes], truth_N4: Boxes, photo_N: Sequence[str]) -> Grounding:
    """Judge the predicted boxes of each phrase: `R@1 IoU0.5`, `R@5 IoU0.5`, `R@10 IoU0.5` and `pointing`.

    `R@k IoU0.5` needs an IoU of at least 0.5 for one of the first k boxes; `pointing` needs the centre of the
    first box in the true box, or on its border.

    Args:
        predicted_N: one box for each phrase, (N, 4), or several, the best first, (R, 4) each. R may differ
            between phrases; if it is 1 for all, there are no `R@5` and `R@10`.
        truth_N4: the true boxes.
        photo_N: the photograph of each phrase.

    Raises:
        ValueError: there are no phrases, the arguments differ in length, or a phrase has no box.

    >>> first, second = np.array([[0.0, 0.0, 1.0, 0.4], [0.0, 0.0, 1.0, 0.9]])
    >>> truth_N4 = np.array([[0.0, 0.0, 1.0, 1.0]])
    >>> ground(np.array([first]), truth_N4, ["1.jpg"]).figures(np.array([0]))
    {'R@1 IoU0.5': 0.0, 'pointing': 100.0}
    >>> ground([np.array([first, second])], truth_N4, ["1.jpg"]).figures(np.array([0]))
    {'R@1 IoU0.5': 0.0, 'R@5 IoU0.5': 100.0, 'R@10 IoU0.5': 100.0, 'pointing': 100.0}
    """
    ranked_N = [np.reshape(boxes, (-1, 4)).astype(np.float64) for boxes in predicted_N]
    _check(len(ranked_N), truth_N4, photo_N)
    empty = next((n for n, boxes_R4 in enumerate(ranked_N) if not len(boxes_R4)), None)
    if empty is not None:
        raise ValueError(f"phrase {empty} (of {photo_N[empty]!r}) has no predicted box; give at least one")

    # The place of the first box that matches, from 1; infinite if none does.
    match_N = [iou(boxes, truth_N4[n, None])[:, 0] >= 0.5 for n, boxes in enumerate(ranked_N)]
    rank_N = np.array([match_R.argmax() + 1 if match_R.any() else np.inf for match_R in match_N])
    ranks = RANKS if max(map(len, ranked_N)) > 1 else RANKS[:1]

    first_N4 = np.stack([boxes_R4[0] for boxes_R4 in ranked_N])
    centre_N2 = (first_N4[:, :2] + first_N4[:, 2:]) / 2
    inside_N2 = (truth_N4[:, :2] <= centre_N2) & (centre_N2 <= truth_N4[:, 2:])
    found = {f"R@{k} IoU0.5": rank_N <= k for k in ranks}
    return Grounding(_owners(photo_N), {**found, "pointing": np.asarray(inside_N2.all(axis=1))})


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
    _check(len(truth_N4), truth_N4, photo_N)
    for photo in photo_N:
        if not len(proposals.get(photo, ())):
            raise ValueError(
                f"photograph {photo!r} has phrases but no proposals; give at least the whole frame"
            )

    overlap_N = np.array([iou(truth_N4[n, None], proposals[photo]).max() for n, photo in enumerate(photo_N)])
    return Grounding(_owners(photo_N), {f"covered IoU{t:g}": overlap_N >= t for t in thresholds})


def _owners(photo_N: Sequence[str]) -> IntArray:
    return np.unique(np.array(photo_N), return_inverse=True)[1].astype(np.int64)


def _part(kind: str) -> str:
    """How the names of a category's figures begin."""
    return f"{CATEGORY}{kind}: "


def _check(predicted: int, truth_N4: Boxes, photo_N: Sequence[str]) -> None:
    phrases = len(photo_N)
    if not phrases or predicted != phrases or truth_N4.shape != (phrases, 4):
        raise ValueError(
            f"{phrases} phrases need as many predictions and true boxes of 4 numbers, and at least one; "
            f"got {predicted} and an array of {truth_N4.shape}"
        )
