"""Caption scores of a split: BLEU, ROUGE-L, CIDEr and METEOR with the names and definitions of pycocoevalcap.

`dvsa.metrics.added` adds SPICE and CLIPScore, if somebody has what they need.

`score` does the slow work once and keeps counts for each photograph. Figures, intervals and comparisons of
two systems are computed from sums of these counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from dvsa.arrays import Doubles, IntArray
from dvsa.metrics.bootstrap import estimate
from dvsa.metrics.caption_metrics import CAPTION_METRICS
from dvsa.metrics.figures import Figure, Report, Setting, signature
from dvsa.metrics.meteor import meteor, meteor_statistics
from dvsa.metrics.ptb import tokenise
from dvsa.version import VERSION

T = TypeVar("T")

ADDED = ("SPICE", "CLIPScore", "RefCLIPScore")
"""Metrics that need what this package does not have."""
FEW_PHOTOS = 20
"""Below this number of photographs, CIDEr's weights of words say little."""


@dataclass(frozen=True, slots=True)
class CaptionScores:
    """What the scorers counted for each of K photographs."""

    photos: tuple[str, ...]
    statistics: Mapping[str, Doubles]
    """One array of K rows for each of `CAPTION_METRICS` and, if the METEOR jar ran, `METEOR` (K × 23); one of
    K values for each of `ADDED` that was computed. The figures need nothing else, so save these with `photos`
    to compare systems later."""
    meteor_note: str = ""
    """Which METEOR was used, or why METEOR is missing."""
    references: tuple[int, int] | None = None
    """The fewest and the most references of a photograph."""
    details: Mapping[str, Mapping[str, Setting]] = field(default_factory=dict)
    """What the signatures of added metrics say."""

    def with_metric(self, name: str, score_K: Doubles, **details: Setting) -> "CaptionScores":
        """The same with one of the metrics in `ADDED`; its figure is the mean over photographs.

        Args:
            name: of the metric.
            score_K: the score of each photograph, in [0, 1] or as the field has it.
            details: what makes the figure comparable, for its signature.

        Raises:
            ValueError: the metric is unknown, or there is not a score for each photograph.

        >>> import numpy as np
        >>> scores = score({"1.jpg": ["a dog runs"]}, {"1.jpg": "a dog"}, with_meteor=False)
        >>> scores.with_metric("SPICE", np.array([0.25])).figures(np.array([0]))["SPICE"]
        25.0
        """
        if name not in ADDED:
            raise ValueError(f"the metric {name!r} cannot be added: choose {', '.join(ADDED)}")
        if score_K.shape != (len(self.photos),):
            raise ValueError(f"{len(self.photos)} photographs need as many scores; got {score_K.shape}")
        return replace(
            self,
            statistics={**self.statistics, name: score_K},
            details={**self.details, name: details},
        )

    def figures(self, index_N: IntArray) -> dict[str, float]:
        """Every figure × 100 for the photographs at `index_N`; no `METEOR` if the jar did not run.

        `BLEU-1` has the brevity penalty, `BLEU-1 no BP` has none. CIDEr keeps the document frequencies of the
        whole split.

        >>> import numpy as np
        >>> scores = score({"1.jpg": ["a dog runs"]}, {"1.jpg": "a dog"}, with_meteor=False)
        >>> round(scores.figures(np.array([0]))["BLEU-1 no BP"], 1)
        100.0
        """
        values: dict[str, float] = {}
        for name, metric in CAPTION_METRICS.items():
            values |= metric.figures(self.statistics[name][index_N])
        if "METEOR" in self.statistics:
            values["METEOR"] = meteor(self.statistics["METEOR"][index_N].sum(axis=0))
        for name in ADDED:
            if name in self.statistics:
                values[name] = float(self.statistics[name][index_N].mean())

        return {name: 100 * value for name, value in values.items()}

    def report(self, *, resamples: int = 1000, seed: int = 0) -> Report:
        """The figures of the split with their intervals over photographs, and the settings.

        >>> scores = score({"1.jpg": ["a dog runs"]}, {"1.jpg": "a dog"}, with_meteor=False)
        >>> print(scores.report(resamples=10).figures["BLEU-1"])
        60.7 [60.7, 60.7]
        """
        return self.report_of(estimate(self.figures, len(self.photos), resamples=resamples, seed=seed))

    def report_of(self, figures: Mapping[str, Figure]) -> Report:
        """A report of these figures with the settings of the scorers.

        `METEOR` is missing if the jar did not run; the settings then say why.

        >>> scores = score({"1.jpg": ["a dog runs"]}, {"1.jpg": "a dog"}, with_meteor=False)
        >>> report = scores.report_of({"BLEU-1": Figure(60.7)})
        >>> print(report.figures["METEOR"], report.settings["meteor"])
        missing METEOR was not asked for
        """
        settings: dict[str, Setting] = {
            "tokeniser": "PTB, lower case, no punctuation",
            "photos": len(self.photos),
            "meteor": self.meteor_note,
            "version": VERSION,
            **({"cider": self.caution} if self.caution else {}),
        }
        report = Report({"METEOR": Figure(None), **figures}, settings=settings)
        return replace(report, signatures=self._signatures())

    @property
    def caution(self) -> str:
        """Why CIDEr means little here; empty if it does not.

        >>> score({"1.jpg": ["a dog runs"]}, {"1.jpg": "a dog"}, with_meteor=False).caution
        'CIDEr is 0 for one photograph: every word is then in every photograph and has no weight'
        """
        count = len(self.photos)
        if count == 1:
            return "CIDEr is 0 for one photograph: every word is then in every photograph and has no weight"
        if count < FEW_PHOTOS:
            return (
                f"CIDEr over {count} photographs means little: it weighs words by how many photographs have "
                f"them, so give at least {FEW_PHOTOS}, and compare only over the same photographs"
            )
        return ""

    def _signatures(self) -> dict[str, str]:
        """What makes the figures of each metric comparable."""
        shared: dict[str, Setting] = {"tok": "ptb", "case": "lower", "punct": "dropped"}
        if self.references is not None:
            fewest, most = self.references
            shared["refs"] = fewest if fewest == most else f"{fewest}-{most}"
        shared |= {"photos": len(self.photos), "version": VERSION}

        own: dict[str, dict[str, Setting]] = {
            "BLEU": {"smooth": "none", "length": "closest"},
            "ROUGE-L": {"beta": 1.2},
            "CIDEr": {"variant": "D", "sigma": 6, "idf": "these references"},
            "METEOR": {"jar": "1.5"},
        }
        own |= {name: dict(details) for name, details in self.details.items()}
        computed = [name for name in own if name in self.statistics]
        return {name: signature(name, **{**own[name], **shared, **own[name]}) for name in computed}


def score(
    references: Mapping[str, Sequence[str]] | Mapping[int, Sequence[str]],
    hypotheses: Mapping[str, str] | Mapping[int, str],
    *,
    with_meteor: bool = True,
) -> CaptionScores:
    """Score one sentence for each photograph against its references; both are plain text by photograph.

    A photograph's key may be a string or a number: 42 and "42" are the same.

    An empty hypothesis scores 0. `with_meteor=False` saves the 10 seconds that the jar takes to start.

    Raises:
        ValueError: a photograph has no hypothesis, no references, or no reference with a word.

    >>> references = {"1.jpg": ["a dog runs", "the dog"], "2.jpg": ["a cat sits"]}
    >>> scores = score(references, {"1.jpg": "a dog runs", "2.jpg": "a cat"}, with_meteor=False)
    >>> print(scores.report().figures["BLEU-1"])
    81.9 [60.7, 100.0]
    """
    references = _by_name(references)
    hypotheses = _by_name(hypotheses)
    _check_pairs(references, hypotheses)
    references_K = [_tokenised(photo, sentences) for photo, sentences in references.items()]
    hypotheses_K = [tokenise(hypotheses[photo]) for photo in references]

    statistics = {
        name: metric.statistics(references_K, hypotheses_K) for name, metric in CAPTION_METRICS.items()
    }
    meteor_note = "METEOR was not asked for"
    if with_meteor:
        counts_K23, meteor_note = meteor_statistics(references_K, hypotheses_K)
        if counts_K23 is not None:
            statistics["METEOR"] = counts_K23

    counts = [len(sentences) for sentences in references.values()]
    return CaptionScores(tuple(references), statistics, meteor_note, (min(counts), max(counts)))


def _by_name(values: Mapping[str, T] | Mapping[int, T]) -> dict[str, T]:
    """The values by strings; raises ValueError if two keys become the same."""
    named = {str(photo): value for photo, value in values.items()}
    if len(named) < len(values):
        raise ValueError("a photograph is there twice, under a number and under a string: keep one of them")
    return named


def _check_pairs(references: Mapping[str, Sequence[str]], hypotheses: Mapping[str, str]) -> None:
    """Raise ValueError unless both are for the same photographs, and there is one."""
    if not references:
        raise ValueError("there are no photographs to score; give references by photograph")
    unpaired = references.keys() ^ hypotheses.keys()
    if unpaired:
        photo = min(unpaired)
        lacking = "hypothesis" if photo in references else "references"
        raise ValueError(f"photograph {photo!r} has no {lacking}; give both for the same photographs")


def _tokenised(photo: str, sentences: Sequence[str]) -> list[list[str]]:
    """The tokens of a photograph's references."""
    if isinstance(sentences, str):
        raise ValueError(f"the references of photograph {photo!r} are one string; give a list of sentences")
    tokenised = [tokenise(sentence) for sentence in sentences]
    if not any(tokenised):
        raise ValueError(f"photograph {photo!r} has no reference with a word in it; give at least one")
    return tokenised
