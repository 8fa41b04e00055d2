"""Choose the hyper-parameters of the paper's recipes on val, one after the other.

    python runs/paper_search.py DATA OUT [--seconds 400]

Each parameter in turn is tried at each of its values, with the best values so far for all others. The value
with the best goal on val is kept. OUT/search.json gets every trial. The test split is never used.
"""

import json
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import script
import torch

from dvsa.data import load
from dvsa.learn.loop.trainer import train
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.recipes import paper
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.tasks.alignment import AlignmentStage, AlignmentTask
from dvsa.learn.tasks.captions import CaptionStage, CaptionTask
from dvsa.learn.tasks.corpus import Corpus
from dvsa.learn.tasks.proposals import ProposalStage, ProposalTask
from dvsa.learn.tasks.stage import BOXES
from dvsa.text import Vocabulary, words

Choice = dict[str, Any]
"""A value for each parameter."""
SEARCHES: dict[str, dict[str, tuple[object, ...]]] = {
    "alignment": {
        "lr": (2e-4, 1e-4, 4e-4),
        "dropout": (0.5, 0.3, 0.7),
        "words": (0.0, 0.1),
        "embedding": (1600, 1000),
        "hidden": (600, 300),
        "weight_decay": (0.0, 1e-4),
    },
    "rnn": {"lr": (4e-4, 2e-4, 1e-3), "dropout": (0.4, 0.3, 0.5), "schedule": ("cosine", "constant")},
    "lstm": {"lr": (1e-3, 4e-4), "dropout": (0.5, 0.3), "schedule": ("cosine", "constant")},
}
"""`dropout` is the dropout of features, `words` that of the sentence encoder."""
EPOCHS = {"alignment": 20, "rnn": 10, "lstm": 10}


def main() -> None:
    """Search for each part within the given time."""
    parser = script.parser(__doc__, "data", "out")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--only", choices=SEARCHES)
    args = parser.parse_args()

    deadline = time.monotonic() + args.seconds
    setup = Setup(args.data, args.out)
    trials: list[object] = []
    for what in [args.only] if args.only else SEARCHES:
        trials += search(setup, what, deadline)
    script.keep(args.out / "search.json", trials)


def search(setup: "Setup", what: str, deadline: float) -> list[dict[str, object]]:
    """All trials of one part, until `time.monotonic()` reaches the deadline."""
    best: Choice = {name: values[0] for name, values in SEARCHES[what].items()}
    goals: dict[str, float] = {}
    trials = []

    for name, values in SEARCHES[what].items():
        for value in values:
            choice = best | {name: value}
            key = json.dumps(choice)
            if key in goals or time.monotonic() > deadline:
                continue
            began = time.monotonic()
            epoch: float | str
            try:
                goals[key], epoch = setup.judge(what, choice)
            except ValueError as error:  # the training diverged
                goals[key], epoch = -1e9, str(error)
            seconds = round(time.monotonic() - began, 1)
            trials.append({"part": what, **choice, "val": goals[key], "epoch": epoch, "seconds": seconds})
            print(trials[-1], flush=True)
        if goals:
            best = json.loads(max(goals, key=goals.__getitem__))

    print(what, "chosen:", best, flush=True)
    return trials


class Setup:
    """The data, and a proposal head that is trained once and shared by all trials."""

    def __init__(self, data: Path, out: Path) -> None:
        dataset, self.out = load(data), out
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        training, val = dataset.split("train", restval=True), dataset.split("val")
        recipe = paper.alignment()

        # Vocabulary, corpus and anchors, as in a run.
        self.vocabulary = Vocabulary.build(
            (words(s) for e in training for s in e.sentences), recipe.min_count
        )

        model = self.model(recipe, pretrained=True)
        self.corpus = Corpus(training, val, self.vocabulary, model.vision.size, self.device, quiet=True)
        model.vision.set_anchors(self.corpus.anchors(recipe.vision.anchors))

        # The weights on which the proposed boxes depend.
        stage = recipe.stages[0]
        assert isinstance(stage, ProposalStage)
        task = ProposalTask(stage, model.to(self.device), self.corpus)
        weights = train(task, stage.train, out / "regions", self.device, quiet=True).state_dict()
        self.base = {name: t.clone() for name, t in weights.items() if name.startswith(BOXES)}

    def model(self, recipe: Recipe, pretrained: bool = False) -> JointModel:
        """An untrained network of a recipe."""
        torch.manual_seed(0)
        return JointModel(recipe.vision, recipe.sentence, len(self.vocabulary), None, None, pretrained)

    def judge(self, what: str, choice: Choice) -> tuple[float, float]:
        """Train with a choice; returns the best goal on val and its epoch."""
        folder = self.out / "trial"
        shutil.rmtree(folder, ignore_errors=True)

        # The recipe with the choice.
        recipe = paper.alignment()
        own = {key: choice[key] for key in ("lr", "schedule", "weight_decay") if key in choice}
        if what == "alignment":
            width = choice["embedding"]
            recipe = replace(
                recipe,
                vision=replace(recipe.vision, embedding=width, dropout=choice["dropout"]),
                sentence=replace(
                    recipe.sentence, embedding=width, hidden=choice["hidden"], dropout=choice["words"]
                ),
            )

        # A new network behind the shared proposal head.
        model = self.model(recipe)
        model.load_state_dict(model.state_dict() | self.base)
        model.to(self.device).eval()

        # Train, and find the best evaluation in the log.
        stage = recipe.stages[-1] if what == "alignment" else paper.captions(what)
        cfg = replace(stage.train, epochs=EPOCHS[what], **own)
        if isinstance(stage, CaptionStage):
            captioner = replace(stage.captioner, dropout=choice["dropout"])
            writing = CaptionTask(replace(stage, captioner=captioner), model, self.corpus)
            train(writing, cfg, folder, self.device, quiet=True)
            goal = writing.goal
        else:
            assert isinstance(stage, AlignmentStage)
            aligning = AlignmentTask(stage, model, self.corpus)
            train(aligning, cfg, folder, self.device, quiet=True)
            goal = aligning.goal

        lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
        top = max(lines, key=lambda line: line[goal])
        return top[goal], top["epoch"]


if __name__ == "__main__":
    main()
