"""Caption scores of a split: BLEU, ROUGE-L, CIDEr and METEOR with the names and definitions of pycocoevalcap.

`score` does the slow work once and keeps counts for each photograph. Figures, intervals and comparisons of
two systems are computed from sums of these counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dvsa.arrays import Doubles, IntArray
from dvsa.metrics.bootstrap import estimate
from dvsa.metrics.caption_metrics import CAPTION_METRICS
from dvsa.metrics.figures import Figure, Report, Setting
from dvsa.metrics.meteor import meteor, meteor_statistics
from dvsa.metrics.ptb import tokenise
from dvsa.version import VERSION


@dataclass(frozen=True, slots=True)
class CaptionScores:
    """What the scorers counted for each of K photographs."""

    photos: tuple[str, ...]
    statistics: Mapping[str, Doubles]
    """One array of K rows for each of `CAPTION_METRICS` and, if the METEOR jar ran, `METEOR` (K × 23). The
    figures need nothing else, so save these with `photos` to compare systems later."""
    meteor_note: str = ""
    """Which METEOR was used, or why METEOR is missing."""

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
        }
        return Report({"METEOR": Figure(None), **figures}, settings=settings)


def score(
    references: Mapping[str, Sequence[str]], hypotheses: Mapping[str, str], *, with_meteor: bool = True
) -> CaptionScores:
    """Score one sentence for each photograph against its references; both are plain text by photograph.

    An empty hypothesis scores 0. `with_meteor=False` saves the 10 seconds that the jar takes to start.

    Raises:
        ValueError: a photograph has no hypothesis, no references, or no reference with a word.

    >>> references = {"1.jpg": ["a dog runs", "the dog"], "2.jpg": ["a cat sits"]}
    >>> scores = score(references, {"1.jpg": "a dog runs", "2.jpg": "a cat"}, with_meteor=False)
    >>> print(scores.report().figures["BLEU-1"])
    81.9 [60.7, 100.0]
    """
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

    return CaptionScores(tuple(references), statistics, meteor_note)


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
