"""Train and judge all rows of the paper's tables on one data set; what is done already is not done again.

    python runs/paper.py DATA OUT [--seeds 3] [--jobs N] [--first N]

DATA is a data set of docs/data.md. OUT gets runs/NAME.SEED (by `dvsa train paper-NAME`), written/ (all
captions, in the COCO results format) and figures/ (a JSON file each, with settings, command, commit and
seconds). Everything is chosen on val and judged on test. METEOR is in the figures where Java is; called again
where it is, the script adds it.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import torch
from paper_training import ABLATION, Job, Training
from provenance import commit, device

from dvsa import evaluation
from dvsa.data import Dataset, Example, load
from dvsa.evaluation import Encoded, Evidence, protocol
from dvsa.evaluation.agreement import agreement
from dvsa.evaluation.inspection import find_regions, region_norms, word_norms, worst_photographs
from dvsa.evaluation.neighbours import best_segments, nearest
from dvsa.evaluation.novelty import Corpus, summary
from dvsa.evaluation.perplexity import perplexity
from dvsa.evaluation.segmentation import collect, segmentation
from dvsa.evaluation.writing import chains, features_of_chains, over_photographs, references_of_chains
from dvsa.learn.nets.vision import GEOMETRY
from dvsa.learn.runs.run import Run, pick_device
from dvsa.learn.ship import torch_bundle as live
from dvsa.learn.tasks.corpus import Photographs, region_features
from dvsa.maxsim import scores as maxsim_scores
from dvsa.metrics import meteor
from dvsa.metrics.captions import score
from dvsa.metrics.figures import Report
from dvsa.metrics.ranking import rank
from dvsa.model import Model
from dvsa.text import words

BEAMS = (1, 3, 5, 7, 10)
BETAS = (0.0, 0.03, 0.1, 0.3, 1.0, 3.0, float("inf"))
"""For the alignment."""
CHOICES = (0.6, 1.0, 1.5, 3.0)
"""Betas of the segments from which the captioner of regions may learn; val decides."""


class Reproduction:
    """All work on one data set, a step at a time."""

    def __init__(self, data: Path, out: Path, seeds: int, jobs: int, first: int | None, custom: bool) -> None:
        self.data: Dataset = load(data)
        self.out, self.seeds, self.custom = out, seeds, custom
        self.training = Training(self.data, out, seeds, jobs)
        self.boxed = self.training.boxed
        self.figures = out / (f"figures-{first}" if first else "figures")
        self.splits = {"test": self.data.split("test")[:first], "val": self.data.split("val")}
        self.test = self.splits["test"]

    def train(self) -> None:
        """Every run; the beta of the segments is chosen in between."""
        self.training.ablation()
        self.training.captioners(self.choose() if self.boxed else None)

    def choose(self) -> float:
        """The beta of the segments whose captioner writes the best phrases of val's regions."""
        self.training.candidates(CHOICES)

        def model(beta: float) -> Model:
            return live.model(Run(self.out / "runs" / Job("region", beta=beta).folder))

        # all candidates look through the same eyes
        seen = cache(lambda: regions_of(model(CHOICES[0]), self.splits["val"]))
        return self.best("beta", CHOICES, lambda beta: said(model(beta), seen(), 7, "region"))

    def best(self, what: str, choices: Sequence[float], write: Callable[[float], list[str]]) -> float:
        """The choice with which the phrases of val's regions have the highest CIDEr."""
        references = references_of_chains(self.splits["val"])
        found: dict[float, float] = {}
        for choice in choices:
            name = f"choice.{what}{choice:g}"
            with self.step(name, "val") as keep:
                if keep is not None:
                    texts = dict(zip(references, write(choice), strict=True))
                    scored = score(references, texts, with_meteor=False)
                    keep(over_photographs(scored, owners(scored.photos)))
            found[choice] = json.loads((self.figures / f"{name}.json").read_text())["CIDEr"]
        return max(found, key=lambda choice: found[choice])

    def folder(self, name: str, seed: int = 0) -> Path:
        return self.out / "runs" / Job(name, seed).folder

    def model(self, name: str, seed: int = 0) -> Model:
        """A run's model, once the protocol has been seen to be kept."""
        model = live.model(Run(self.folder(name, seed)))
        protocol.check(model.bundle, self.data, self.test, allow_custom_split=self.custom)
        return model

    def encoded(self, name: str, seed: int, examples: Sequence[Example]) -> Encoded:
        """A split as a run sees it, from features that all runs on the same regions share."""
        run = Run(self.folder(name, seed))
        net = run.alignment().vision.to(pick_device(None))
        photographs = Photographs(examples, net.size, pick_device(None))
        feature_KIF = region_features(net, photographs, run.recipe.proposer, run.recipe.nms).float()
        with torch.no_grad():
            parts = [net.regions(part).cpu() for part in feature_KIF.split(200)]
        feature_KIF = feature_KIF.cpu()
        box_KI4, one_KI = feature_KIF[..., -GEOMETRY:-1], torch.ones(feature_KIF.shape[:2])
        return Encoded(*(t.numpy() for t in (box_KI4, one_KI, feature_KIF, torch.cat(parts))))

    def rank(self) -> None:
        """The ranking table."""
        for name in ABLATION:
            for seed in range(self.seeds):
                with self.step(f"ranking.{name}.{seed}") as keep:
                    if keep is not None:
                        model, seen = self.model(name, seed), self.encoded(name, seed, self.test)
                        judged = evaluation.ranking(model, self.test, encoded=seen)
                        keep(judged.report, judged.evidence)

    def write(self) -> None:
        """All captions and phrases, as files."""
        # looked at once, and only where something is still to be written
        model, frames = cache(self.model), cache(lambda: self.encoded("", 0, self.test))
        training = self.data.split("train", restval=True)
        references = {example.name: list(example.sentences) for example in self.test}
        for name, kind in (("", "rnn"), ("lstm", "lstm")):
            for beam in BEAMS:
                self.written(
                    f"captions.{kind}.beam{beam}",
                    references,
                    lambda n=name, b=beam: said(model(n), frames().feature_KIF, b),
                )
            with self.step(f"perplexity.{kind}") as keep:
                if keep is not None:
                    keep(perplexity(model(name), self.test, encoded=frames()))

        def neighbours() -> list[str]:
            known = self.encoded("", 0, training).feature_KIF[:, -1, :-GEOMETRY]
            index_K = nearest(frames().feature_KIF[:, -1, :-GEOMETRY], known)
            return [training[k].sentences[0] for k in index_K]

        self.written("captions.nearest", references, neighbours)
        if self.boxed:
            self.write_phrases(training)

    def write_phrases(self, training: Sequence[Example]) -> None:
        """Phrases for the boxes that people drew."""
        references = references_of_chains(self.test)
        model = cache(self.model)
        seen = cache(lambda: regions_of(model(""), self.test))
        seen_val = cache(lambda: regions_of(model(""), self.splits["val"]))

        def phrases_of_val(width: float) -> list[str]:
            return said(model(""), seen_val(), int(width), "region")

        beam = int(self.best("beam", BEAMS, phrases_of_val))

        def neighbours() -> list[str]:
            with torch.no_grad():
                regions = Run(self.folder("")).alignment().vision.regions
                v_ND = regions(torch.from_numpy(seen()[:, :1]))[:, 0].numpy()
            segments = collect(model(""), training, self.encoded("", 0, training).v_KID)
            return [segments.text_N[n] for n in best_segments(v_ND, segments.s_ND)]

        self.written("regions.nearest", references, neighbours)
        self.written("regions.full-frame", references, lambda: said(model(""), seen()[:, :1], beam))
        self.written("regions.region", references, lambda: said(model(""), seen(), beam, "region"))
        self.written("regions.beside", references, lambda: said(model("beside"), seen(), beam, "region"))
        fewer, people = agreement(self.test)
        self.written("regions.people", fewer, lambda: list(people.values()))

    def written(
        self, name: str, references: Mapping[str, Sequence[str]], make: Callable[[], list[str]]
    ) -> None:
        """Write texts once, then score them."""
        path = self.out / "written" / f"{name}.json"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            rows = [{"image_id": i, "caption": c} for i, c in zip(references, make(), strict=True)]
            path.write_text(json.dumps(rows, indent=0))
        figures = self.figures / f"{name}.json"
        if meteor.available() and figures.is_file() and "METEOR needs" in figures.read_text():
            figures.unlink()
        with self.step(name) as keep:
            if keep is not None:
                texts = {row["image_id"]: row["caption"] for row in json.loads(path.read_text())}
                found = score(references, texts)
                if name.startswith("captions."):
                    keep(found.report(), Evidence("captions", found.photos, found.statistics))
                else:
                    keep(over_photographs(found, owners(found.photos)))

    def align(self) -> None:
        """Grounding and segments by beta."""
        if not self.boxed:
            return
        model, seen = self.model("brnn"), self.encoded("brnn", 0, self.test)
        for beta in (None, *BETAS):
            with self.step(f"grounding.{'sum' if beta is None else f'{beta:g}'}") as keep:
                if keep is not None:
                    judged = evaluation.grounding(model, self.test, beta=beta, encoded=seen)
                    keep(judged.report, judged.evidence)
            if beta is not None:
                with self.step(f"segments.{beta:g}") as keep:
                    if keep is not None:
                        keep(segmentation(model, self.test, beta=beta, encoded=seen))

    def analyse(self) -> None:
        """What stands word for word in the training set, lengths of vectors, regions found, failures."""
        training = self.data.split("train", restval=True)
        corpus = Corpus.of(s for e in training for s in e.sentences)
        for path in sorted((self.out / "written").glob("captions.*.json")):
            with self.step(f"novelty.{path.stem.removeprefix('captions.')}") as keep:
                if keep is not None:
                    judged = [corpus.judge(row["caption"]) for row in json.loads(path.read_text())]
                    novel = [n for n in judged if not n.copied][:10]
                    parts = [[[" ".join(p.words), p.times] for p in n.parts] for n in novel]
                    keep({**summary(judged).to_json(), "first novel": parts})
        with self.step("inspection") as keep:
            if keep is not None:
                keep(self.inspect())

    def inspect(self) -> dict[str, object]:
        """Norms, regions found by phrases, and the worst ranks."""
        model, seen = self.model("brnn"), self.encoded("brnn", 0, self.test)
        norms = word_norms(model, [s for e in self.test for s in e.sentences])
        regions = region_norms(seen.v_KID, 10)
        sentences = [(e.name, s) for e in self.test for s in e.sentences]
        S_KL = maxsim_scores(seen.v_KID, *model.word_vectors([words(s) for _, s in sentences]))
        owner_L = np.repeat(np.arange(len(self.test)), [len(e.sentences) for e in self.test])
        worst = worst_photographs(rank(S_KL, owner_L), S_KL, 10)
        phrases = [next((p.text for p in e.phrases if p.boxes), None) for e in self.test[:5]]
        found = {}
        for phrase in filter(None, phrases):
            s_1TD, real_1T = model.word_vectors([words(phrase)])
            hits = find_regions(seen.v_KID, s_1TD[0][real_1T[0]], 5)
            found[phrase] = [[self.test[h.photo].name, h.region, h.value] for h in hits]
        return {
            "longest words": [list(norm) for norm in norms[:40]],
            "shortest words": [list(norm) for norm in norms[:-41:-1]],
            "lengths of regions": regions.quantiles,
            "regions found": found,
            "worst ranks": [
                {"photograph": self.test[f.photo].name, "rank": f.rank, "wrong": sentences[f.wrong][0]}
                for f in worst
            ],
        }

    @contextmanager
    def step(self, name: str, split: str = "test") -> Iterator[Callable[..., None] | None]:
        """Something to keep a report with, and its evidence; None where the figures are there already."""
        path = self.figures / f"{name}.json"
        if path.is_file():
            yield None
            return
        began = time.monotonic()

        def keep(report: Report | dict[str, object], evidence: Evidence | None = None) -> None:
            path.parent.mkdir(parents=True, exist_ok=True)
            facts = {"data": self.data.name, "split": split, "N": len(self.splits[split])}
            facts |= {"commit": commit()}
            facts |= {"command": " ".join(sys.argv), "device": device(), "seconds": time.monotonic() - began}
            if evidence is not None:
                path.with_suffix(".npz").write_bytes(evidence.content())
            values = report.to_json() if isinstance(report, Report) else report
            path.write_text(json.dumps({**values, "facts": facts}, indent=1, allow_nan=False))
            print(name, f"{facts['seconds']:.0f} s", flush=True)

        yield keep


def regions_of(model: Model, examples: Sequence[Example]) -> np.ndarray:
    """Features of the boxes that people drew, each with the whole frame's behind it (N, 2, F)."""
    return np.concatenate(list(features_of_chains(model, [e for e in examples if chains(e)], None)))


def said(model: Model, feature_NIF: np.ndarray, beam: int, subject: str = "frame") -> list[str]:
    """The likeliest sentence for the frame, or for the first region, of each of N photographs."""
    focus_N = np.full(len(feature_NIF), feature_NIF.shape[1] - 1 if subject == "frame" else 0)
    parts = [slice(n, n + 100) for n in range(0, len(feature_NIF), 100)]
    return [
        captions[0].text
        for part in parts
        for captions in model.write(feature_NIF[part], focus_N[part], subject=subject, width=beam)  # type: ignore[arg-type]
    ]


def owners(items: Sequence[str]) -> np.ndarray:
    """The photograph of each item `PHOTOGRAPH#CHAIN`, counted from 0 in the order of the items."""
    names = [item.rpartition("#")[0] for item in items]
    place = {name: k for k, name in enumerate(dict.fromkeys(names))}
    return np.array([place[name] for name in names])


def main() -> None:
    """All steps, one after the other."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    at_once = 4 if torch.cuda.is_available() else 1  # a run alone keeps a large GPU busy a fifth of the time
    parser.add_argument("--jobs", type=int, default=at_once, help="train so many runs at a time")
    parser.add_argument("--first", type=int, help="judge the first N photographs of test only")
    parser.add_argument(
        "--allow-custom-split", action="store_true", help="judge on any number of photographs"
    )
    parser.add_argument("--only", choices=("train", "rank", "write", "align", "analyse"))
    args = parser.parse_args()
    work = Reproduction(args.data, args.out, args.seeds, args.jobs, args.first, args.allow_custom_split)
    for step in [args.only] if args.only else ["train", "rank", "write", "align", "analyse"]:
        getattr(work, step)()


if __name__ == "__main__":
    main()
