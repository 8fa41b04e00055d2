"""Captions of photographs and phrases of regions for `runs/paper.py`: written once, then scored."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial

import numpy as np
import script
import torch
from numpy.typing import NDArray
from paper_study import Study, owners
from paper_training import Job

from dvsa.data import Example
from dvsa.evaluation import Evidence
from dvsa.evaluation.agreement import agreement
from dvsa.evaluation.neighbours import best_segments, nearest
from dvsa.evaluation.perplexity import perplexity
from dvsa.evaluation.segmentation import collect
from dvsa.evaluation.writing import chains, features_of_chains, over_photographs, references_of_chains
from dvsa.learn.nets.vision_config import GEOMETRY
from dvsa.learn.runs.run import Run
from dvsa.learn.ship.torch_bundle import torch_model
from dvsa.metrics import meteor
from dvsa.metrics.captions import score
from dvsa.model import Model
from dvsa.records import Subject

Floats = NDArray[np.float32]

BEAMS = (1, 3, 5, 7, 10)
POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Powers of the length by which the log-probability of a phrase may be divided; val decides."""
BEAM, POWER = 7, 0.5
"""The beam of captions, and with the power that of phrases until val has decided."""
BETAS = (0.6, 0.8, 1.0, 1.5)
"""Betas of the segments on which the captioner of regions may be trained; val decides."""


def choose_beta(study: Study) -> float:
    """The beta of the segments whose captioner writes the best phrases of val's regions."""
    study.training.candidates(BETAS)

    def model(beta: float) -> Model:
        return torch_model(Run(study.out / "runs" / Job("region", beta=beta).folder))

    # All candidates have the same vision network, so its features are computed once.
    seen = cache(lambda: regions_of(model(BETAS[0]), study.splits["val"]))
    return study.best("beta", BETAS, lambda beta: texts_of(model(beta), seen(), BEAM, "region", POWER))


def write_captions(study: Study) -> None:
    """Captions of both captioners at each beam, and of the nearest training photograph."""
    # Cached: computed once, and only if a text is still missing.
    model, frames = cache(study.model), cache(lambda: study.encoded("", 0, study.test))
    training = study.data.split("train", restval=True)
    references = {example.name: list(example.sentences) for example in study.test}

    def captions_of(name: str, beam: int) -> list[str]:
        return texts_of(model(name), frames().feature_KIF, beam)

    for name, kind in (("", "rnn"), ("lstm", "lstm")):
        for beam in BEAMS:
            score_once(
                study,
                f"captions.{kind}.beam{beam}",
                references,
                partial(captions_of, name, beam),
            )
        with study.step(f"perplexity.{kind}") as keep:
            if keep is not None:
                keep(perplexity(model(name), study.test, encoded=frames()))

    def nearest_captions() -> list[str]:
        known_NF = study.encoded("", 0, training).feature_KIF[:, -1, :-GEOMETRY]
        index_K = nearest(frames().feature_KIF[:, -1, :-GEOMETRY], known_NF)
        return [training[k].sentences[0] for k in index_K]

    score_once(study, "captions.nearest", references, nearest_captions)

    # The paper's captioner with the other seeds.
    for seed in range(1, study.seeds):
        write = partial(captions_by_seed, study, seed)
        score_once(study, f"seeds.captions.{seed}", references, write)


def write_phrases(study: Study) -> None:
    """Phrases for the true boxes by every system, after the choice of beam and length power on val.

    Nothing is written if the data set has no boxes.
    """
    if not study.boxed:
        return
    training, references = study.data.split("train", restval=True), references_of_chains(study.test)
    model = cache(study.model)
    seen = cache(lambda: regions_of(model(""), study.test))
    seen_val = cache(lambda: regions_of(model(""), study.splits["val"]))

    def phrases_of_val(width: float, power: float = POWER) -> list[str]:
        return texts_of(model(""), seen_val(), int(width), "region", power)

    beam = int(study.best("beam", BEAMS, phrases_of_val))
    power = study.best("power", POWERS, lambda power: phrases_of_val(beam, power))

    def nearest_segments() -> list[str]:
        with torch.no_grad():
            regions = study.run("").joint_model().vision.regions
            v_ND = regions(torch.from_numpy(seen()[:, :1]))[:, 0].numpy()
        segments = collect(model(""), training, study.encoded("", 0, training).v_KID)
        return [segments.text_N[n] for n in best_segments(v_ND, segments.s_ND)]

    # All models have the same backbone, so they see the regions alike.
    def phrases_by_seed(seed: int) -> list[str]:
        return texts_of(study.model("", seed), seen(), beam, "region", power)

    systems: dict[str, Callable[[], list[str]]] = {
        "nearest": nearest_segments,
        "full-frame": lambda: texts_of(model(""), seen()[:, :1], beam, power=power),
        "region": lambda: texts_of(model(""), seen(), beam, "region", power),
        "beside": lambda: texts_of(model("beside"), seen(), beam, "region", power),
    }
    for name, write in systems.items():
        score_once(study, f"regions.{name}", references, write)
    for seed in range(1, study.seeds):
        score_once(study, f"seeds.regions.{seed}", references, partial(phrases_by_seed, seed))
    fewer, people = agreement(study.test)
    score_once(study, "regions.people", fewer, lambda: list(people.values()))


def captions_by_seed(study: Study, seed: int) -> list[str]:
    """Captions by the paper's captioner with a seed."""
    return texts_of(study.model("", seed), study.encoded("", seed, study.test).feature_KIF, BEAM)


def score_once(
    study: Study, name: str, references: Mapping[str, Sequence[str]], write: Callable[[], list[str]]
) -> None:
    """Write texts unless they exist, then score them unless that is done."""
    path = study.out / "written" / f"{name}.json"
    if not path.is_file():
        rows = [{"image_id": i, "caption": c} for i, c in zip(references, write(), strict=True)]
        script.keep(path, rows)

    # Figures without METEOR are made again as soon as Java is installed.
    figures = study.figures / f"{name}.json"
    if meteor.available() and figures.is_file() and "METEOR needs" in figures.read_text():
        figures.unlink()

    with study.step(name) as keep:
        if keep is not None:
            texts = {row["image_id"]: row["caption"] for row in json.loads(path.read_text())}
            scores = score(references, texts)
            if "regions." in name:
                keep(over_photographs(scores, owners(scores.photos)))
            else:
                keep(scores.report(), Evidence("captions", scores.photos, scores.statistics))


def regions_of(model: Model, examples: Sequence[Example]) -> Floats:
    """Features of the true boxes, each followed by the features of the whole frame (N, 2, F)."""
    return np.concatenate(list(features_of_chains(model, [e for e in examples if chains(e)], None)))


def texts_of(
    model: Model, feature_NIF: Floats, beam: int, subject: Subject = "frame", power: float = 0.0
) -> list[str]:
    """The best sentence for the frame, or for the first region, of each of N photographs."""
    focus_N = np.full(len(feature_NIF), feature_NIF.shape[1] - 1 if subject == "frame" else 0)
    parts = [slice(n, n + 100) for n in range(0, len(feature_NIF), 100)]
    return [
        captions[0].text
        for part in parts
        for captions in model.write(
            feature_NIF[part], focus_N[part], subject=subject, width=beam, length_power=power
        )
    ]
