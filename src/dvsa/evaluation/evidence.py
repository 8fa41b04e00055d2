"""Evidence: counts for each photograph, kept so that two systems can be compared later."""

import io
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dvsa.arrays import IntArray
from dvsa.metrics.captions import CaptionScores
from dvsa.metrics.figures import Report
from dvsa.metrics.grounding import CATEGORY, Grounding
from dvsa.metrics.ranking import Ranks

Arrays = Mapping[str, NDArray[np.generic]]
"""Arrays by name."""

_DAMAGE = (ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""Errors from reading a file that is not a complete NPZ file."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """All that is needed to compute the figures of a task."""

    task: str
    """`ranking`, `captions`, `regions` or `grounding`."""
    photos: tuple[str, ...]
    """Names of the K photographs that were judged."""
    arrays: Arrays
    """The arrays of that task: one entry for each photograph, or one for each of its sentences, phrases or
    regions; `owner_N` then has the index of their photograph."""

    def figures(self, index_N: IntArray) -> dict[str, float]:
        """Every figure of the photographs at `index_N`; a repeated photograph counts repeatedly.

        The figures are those of the task's report, named as by `Report.flat`.
        """
        return _FIGURES[self.task](self.arrays, index_N)

    def content(self) -> bytes:
        """The bytes of the NPZ file that `read` reads."""
        file = io.BytesIO()
        np.savez_compressed(
            file, allow_pickle=False, task=np.array(self.task), photos=np.array(self.photos), **self.arrays
        )
        return file.getvalue()

    @classmethod
    def read(cls, path: Path) -> "Evidence":
        """Read a file with `content`; raises OSError, or ValueError if the file is something else."""
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                arrays = dict(file)
            evidence = cls(str(arrays.pop("task")), tuple(map(str, arrays.pop("photos"))), arrays)
            evidence.figures(np.arange(len(evidence.photos)))
        except (*_DAMAGE, TypeError, LookupError) as error:
            raise ValueError(f"{path} has no evidence ({error}): evaluate again") from error
        return evidence


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The report of a model, and the evidence behind it."""

    report: Report
    evidence: Evidence


def owned(owner_N: IntArray, index_N: IntArray) -> IntArray:
    """Indices of the things that belong to the photographs at `index_N`, repeated as their photograph is."""
    times_K = np.bincount(index_N, minlength=int(owner_N.max()) + 1)
    return np.repeat(np.arange(len(owner_N)), times_K[owner_N])


def _ranking(arrays: Arrays, index_N: IntArray) -> dict[str, float]:
    photo_K, sentence_L, owner_L = (
        _integers(arrays[name]) for name in ("photo_rank_K", "sentence_rank_L", "owner_N")
    )
    ranks = Ranks(photo_K, sentence_L, owner_L)
    if "photo_ndcg_K" in arrays:  # which older evidence has not
        ndcg_K, ndcg_L = (arrays[name].astype(np.float64) for name in ("photo_ndcg_K", "sentence_ndcg_L"))
        ranks = replace(ranks, photo_ndcg_K=ndcg_K, sentence_ndcg_L=ndcg_L)
    return {
        **_under("photo_to_sentence", ranks.photo_to_sentence(index_N)),
        **_under("sentence_to_photo", ranks.sentence_to_photo(index_N)),
    }


def _captions(arrays: Arrays, index_N: IntArray) -> dict[str, float]:
    statistics = {name: array.astype(np.float64, copy=False) for name, array in arrays.items()}
    return CaptionScores((), statistics).figures(index_N)


def _regions(arrays: Arrays, index_N: IntArray) -> dict[str, float]:
    item_N = owned(_integers(arrays["owner_N"]), index_N)
    ours, theirs = (
        _captions({n.removeprefix(by): a for n, a in arrays.items() if n.startswith(by)}, item_N)
        for by in ("region ", "frame ")
    )
    return {**ours, **_under("full_frame_model", theirs)}


def _grounding(arrays: Arrays, index_N: IntArray) -> dict[str, float]:
    flags = {name: array.astype(np.bool_, copy=False) for name, array in arrays.items() if name != "owner_N"}
    categories = {
        name.removeprefix(CATEGORY): flags.pop(name) for name in arrays if name.startswith(CATEGORY)
    }
    return Grounding(_integers(arrays["owner_N"]), flags, categories).figures(index_N)


def _integers(array: NDArray[np.generic]) -> IntArray:
    return array.astype(np.int64, copy=False)


def _under(name: str, figures: Mapping[str, float]) -> dict[str, float]:
    return {f"{name}: {figure}": value for figure, value in figures.items()}


_FIGURES: Mapping[str, Callable[[Arrays, IntArray], dict[str, float]]] = {
    "ranking": _ranking,
    "captions": _captions,
    "regions": _regions,
    "grounding": _grounding,
}
