"""Caption scores of a split: BLEU, ROUGE-L, CIDEr and METEOR with the names and definitions of pycocoevalcap.

`score` does the slow work once and keeps counts for each photograph; figures, intervals and comparisons of
two systems are sums over them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from dvsa.metrics.bleu import bleu, bleu_statistics
from dvsa.metrics.bootstrap import FloatArray, IntArray, estimate
from dvsa.metrics.cider import cider
from dvsa.metrics.meteor import meteor, meteor_statistics
from dvsa.metrics.ptb import tokenise
from dvsa.metrics.rouge import rouge_l


@dataclass(frozen=True, slots=True)
class CaptionScores:
    """What the scorers counted for each of K photographs."""

    photos: tuple[str, ...]
    statistics: Mapping[str, FloatArray]
    """`BLEU` (K × 10), `ROUGE-L` (K), `CIDEr` (K) and, where the jar ran, `METEOR` (K × 23): all that the
    figures need, so save these with `photos` to compare systems later."""
    meteor_note: str = ""
    """Which METEOR was used, or why there is none."""

    def figures(self, index_N: IntArray) -> dict[str, float]:
        """Every figure × 100 for the photographs at `index_N`; no `METEOR` where the jar did not run.

        The literature has both variants of BLEU: `BLEU-1` with the brevity penalty, `BLEU-1 no BP` without.
        CIDEr keeps the document frequencies of the whole split.
        """
        bleu_sum = self.statistics["BLEU"][index_N].sum(axis=0)
        values = {
            f"BLEU-{order}{mark}": value
            for mark, brevity_penalty in (("", True), (" no BP", False))
            for order, value in enumerate(bleu(bleu_sum, brevity_penalty=brevity_penalty), start=1)
        }
        values["ROUGE-L"] = float(self.statistics["ROUGE-L"][index_N].mean())
        values["CIDEr"] = float(self.statistics["CIDEr"][index_N].mean())
        if "METEOR" in self.statistics:
            values["METEOR"] = meteor(self.statistics["METEOR"][index_N].sum(axis=0))
        return {name: 100 * value for name, value in values.items()}

    def report(self, *, resamples: int = 1000, seed: int = 0) -> dict[str, object]:
        """The figures of the split, their intervals under `ci95`, and the `settings` behind them.

        `METEOR` is None where the jar did not run; the settings then say why.
        """
        settings = {
            "tokeniser": "PTB, lower case, no punctuation",
            "photos": len(self.photos),
            "meteor": self.meteor_note,
            "version": version("dvsa"),
        }
        return {
            "METEOR": None,
            **estimate(self.figures, len(self.photos), resamples=resamples, seed=seed),
            "settings": settings,
        }


def score(
    references: Mapping[str, Sequence[str]], hypotheses: Mapping[str, str], *, with_meteor: bool = True
) -> CaptionScores:
    """Score one sentence for each photograph against its references; both are plain text by photograph.

    An empty hypothesis scores 0. `with_meteor=False` spares the 10 seconds that the jar takes to start.
    Raises ValueError when a photograph has no hypothesis, no references, or references without a word.
    """
    if not references:
        raise ValueError("there are no photographs to score; give references by photograph")
    unpaired = references.keys() ^ hypotheses.keys()
    if unpaired:
        photo = min(unpaired)
        lacking = "hypothesis" if photo in references else "references"
        raise ValueError(f"photograph {photo!r} has no {lacking}; give both for the same photographs")
    references_K = [_tokenised(photo, sentences) for photo, sentences in references.items()]
    hypotheses_K = [tokenise(hypotheses[photo]) for photo in references]
    statistics = {
        "BLEU": bleu_statistics(references_K, hypotheses_K),
        "ROUGE-L": rouge_l(references_K, hypotheses_K),
        "CIDEr": cider(references_K, hypotheses_K),
    }
    meteor_note = "METEOR was not asked for"
    if with_meteor:
        counts_K23, meteor_note = meteor_statistics(references_K, hypotheses_K)
        if counts_K23 is not None:
            statistics["METEOR"] = counts_K23
    return CaptionScores(tuple(references), statistics, meteor_note)


def _tokenised(photo: str, sentences: Sequence[str]) -> list[list[str]]:
    if isinstance(sentences, str):
        raise ValueError(f"the references of photograph {photo!r} are one string; give a list of sentences")
    tokenised = [tokenise(sentence) for sentence in sentences]
    if not any(tokenised):
        raise ValueError(f"photograph {photo!r} has no reference with a word in it; give at least one")
    return tokenised
