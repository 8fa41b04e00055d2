"""For `runs/paper.py`: ranking, alignment by beta, what captions copy, and what the vectors contain."""

import json
from collections.abc import Callable

import numpy as np
from paper_study import Study

from dvsa import evaluation, maxsim
from dvsa.evaluation import Judged
from dvsa.evaluation.inspection import find_regions, region_norms, word_norms, worst_photographs
from dvsa.evaluation.novelty import TrainingText, novelty
from dvsa.evaluation.segmentation import segmentation
from dvsa.metrics.ranking import rank
from dvsa.text import words

DESCRIBED = ("brnn-map", "brnn-both", "brnn")
"""Rows of the ablation that differ in what describes their regions."""
BETAS = (0.0, 0.03, 0.1, 0.3, 1.0, 3.0, float("inf"))
"""Of the MRF."""


def judge_row(study: Study, kind: str, judge: Callable[..., Judged], name: str) -> None:
    """An evaluation of a row of the ablation, with every seed."""
    for seed in range(study.seeds):
        with study.step(f"{kind}.{name}.{seed}") as keep:
            if keep is not None:
                model, encoded = study.model(name, seed), study.encoded(name, seed, study.test)
                judged = judge(model, study.test, encoded=encoded)
                keep(judged.report, judged.evidence)


def rank_row(study: Study, name: str) -> None:
    """The ranking of a row of the ablation."""
    judge_row(study, "ranking", evaluation.ranking, name)


def align_all(study: Study) -> None:
    """Grounding, by what describes the regions and by beta, and the boundaries of segments."""
    if not study.boxed:
        return
    for name in DESCRIBED:
        judge_row(study, "located", evaluation.grounding, name)

    # The MRF of the first seed.
    model, encoded = study.model("brnn"), study.encoded("brnn", 0, study.test)
    for beta in (None, *BETAS):
        with study.step(f"grounding.{'sum' if beta is None else f'{beta:g}'}") as keep:
            if keep is not None:
                judged = evaluation.grounding(model, study.test, beta=beta, encoded=encoded)
                keep(judged.report, judged.evidence)
    for beta in BETAS:
        with study.step(f"segments.{beta:g}") as keep:
            if keep is not None:
                keep(segmentation(model, study.test, beta=beta, encoded=encoded))


def analyse(study: Study) -> None:
    """Which captions are copies of training sentences, and what the vectors contain."""
    training = study.data.split("train", restval=True)
    text = TrainingText.of(sentence for example in training for sentence in example.sentences)

    for path in sorted((study.out / "written").glob("captions.*.json")):
        with study.step(f"novelty.{path.stem.removeprefix('captions.')}") as keep:
            if keep is not None:
                judged = [text.judge(row["caption"]) for row in json.loads(path.read_text())]
                novel = [caption for caption in judged if not caption.copied][:10]
                parts = [[[" ".join(part.words), part.times] for part in c.fragments] for c in novel]
                keep({**novelty(judged).to_json(), "first novel": parts})

    with study.step("inspection") as keep:
        if keep is not None:
            keep(inspect(study))


def inspect(study: Study) -> dict[str, object]:
    """Lengths of vectors, regions found by phrases, worst ranks, and a sentence of each photograph."""
    model, encoded = study.model("brnn"), study.encoded("brnn", 0, study.test)
    sentences = [(example.name, sentence) for example in study.test for sentence in example.sentences]
    norms = word_norms(model, [sentence for _, sentence in sentences])
    regions = region_norms(encoded.v_KID, 10)

    S_KL = maxsim.scores(encoded.v_KID, *model.word_vectors([words(s) for _, s in sentences]))
    owner_L = np.repeat(np.arange(len(study.test)), [len(e.sentences) for e in study.test])
    worst = [
        {"photograph": study.test[f.photo].name, "rank": f.rank, "wrong": sentences[f.wrong][0]}
        for f in worst_photographs(rank(S_KL, owner_L), S_KL, 10)
    ]

    found: dict[str, list[list[object]]] = {}
    phrases = [next((p.text for p in e.phrases if p.boxes), None) for e in study.test[:5]]
    for phrase in filter(None, phrases):
        s_1TD, real_1T = model.word_vectors([words(phrase)])
        best = find_regions(encoded.v_KID, s_1TD[0][real_1T[0]], 5)
        found[phrase] = [[study.test[r.photo].name, r.region, r.value] for r in best]

    named = {row[key] for row in worst for key in ("photograph", "wrong")}
    named |= {row[0] for rows in found.values() for row in rows}
    return {
        "longest words": [list(norm) for norm in norms[:40]],
        "shortest words": [list(norm) for norm in norms[:-41:-1]],
        "lengths of regions": regions.quantiles,
        "regions found": found,
        "worst ranks": worst,
        "sentences": {e.name: e.sentences[0] for e in study.test if e.name in named},
    }
