"""How much the shipped model forgets when it is trained on other photographs, with and without replay.

    python runs/forgetting.py DATA OUT [--seeds 3] [--replayed 300]

DATA is Flickr8K. The model is continued (`--init shipped`) on 300 generated scenes; only the alignment is
trained. Before and after, its mean recall is measured on the first 200 photographs of Flickr8K's validation
split, and on 60 scenes. OUT/forgetting.json has all figures.
"""

import statistics
import time
from collections.abc import Sequence
from dataclasses import replace

import torch
from script import facts, keep, parser

from dvsa.data import Dataset, Example, load, toy
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.runs.adapted import adapted
from dvsa.learn.runs.inputs import FitOptions, Inputs
from dvsa.learn.tasks import replay as replays
from dvsa.learn.tasks.alignment import AlignmentStage, AlignmentTask
from dvsa.learn.tasks.context import Context
from dvsa.learn.tasks.corpus import Corpus
from dvsa.learn.tasks.replay import Replay

OLD_VAL = 200
SCENES = {"train": 300, "val": 60, "test": 1}


def main() -> None:
    made = parser(__doc__, "data", "out")
    made.add_argument("--seeds", type=int, default=3)
    made.add_argument("--replayed", type=int, nargs="*", default=[300, 600])
    asked, began = made.parse_args(), time.monotonic()

    # Old photographs and new ones, in one vocabulary.
    old, scenes = load(asked.data), asked.out / "scenes"
    new = load(scenes if scenes.is_dir() else toy.write(scenes, **SCENES))
    inputs = Inputs.open(new, FitOptions(init="shipped"), RECIPES["best"]().min_count)
    assert inputs.warm_start is not None
    recipe, _ = adapted(RECIPES["best"](), inputs)
    stages = [stage for stage in recipe.stages if isinstance(stage, AlignmentStage)]
    model = inputs.warm_start.joint_model(inputs.vocabulary)
    cpu = torch.device("cpu")
    corpus = Corpus(inputs.training, inputs.val, inputs.vocabulary, model.vision.size, cpu)

    # The figures before, and after a training with each amount of replay.
    judge = Judge(old, inputs, model, stages[-1])
    rows = [{"replayed": None, "seed": None, "old": judge(model), "new": evaluate(stages[-1], model, corpus)}]
    print(rows[0], flush=True)
    for seed in range(asked.seeds):
        for count in (0, *asked.replayed):
            replay = drawn(model, old.split("train"), stages[-1], count)
            trained = inputs.warm_start.joint_model(inputs.vocabulary)
            for stage in stages:
                folder = asked.out / f"{count}-{seed}"
                context = Context(corpus=corpus, seed=seed, folder=folder, replay=replay)
                trained = stage.run(trained, context)
            figures = {"old": judge(trained), "new": evaluate(stages[-1], trained, corpus)}
            size = 0 if replay is None else len(replay.content())
            rows.append({"replayed": count, "seed": seed, **figures, "bytes": size})
            print(rows[-1], flush=True)
            about = facts(began, split="val", photographs=OLD_VAL, scenes=SCENES, share=replays.SHARE)
            keep(asked.out / "forgetting.json", {"rows": rows, **about})
    show(rows)


class Judge:
    """The mean recall on old photographs."""

    def __init__(self, old: Dataset, inputs: Inputs, model: JointModel, stage: AlignmentStage) -> None:
        val = old.split("val")[:OLD_VAL]
        size, cpu = model.vision.size, torch.device("cpu")
        self.corpus = Corpus(val[:1], val, inputs.vocabulary, size, cpu)
        self.stage = stage

    def __call__(self, model: JointModel) -> float:
        return evaluate(self.stage, model, self.corpus)


@torch.no_grad()
def evaluate(stage: AlignmentStage, model: JointModel, corpus: Corpus) -> float:
    """The mean recall on the validation split of a corpus."""
    task = AlignmentTask(replace(stage, grounding=0.0), model.eval(), corpus)
    return task.evaluate(model)["mean recall"]


def drawn(model: JointModel, examples: Sequence[Example], stage: AlignmentStage, count: int) -> Replay | None:
    """What is replayed: features of `count` photographs that the model has learned from."""
    if not count:
        return None
    return Replay.of(model.vision, examples, stage.proposer, stage.nms, count=count)


def show(rows: list[dict[str, float | None]]) -> None:
    """The mean and the standard deviation over seeds, and the share of the old mean recall that is kept."""
    before = rows[0]["old"] or 0.0
    for count in dict.fromkeys(row["replayed"] for row in rows[1:]):
        old, new = (
            [row[name] or 0.0 for row in rows[1:] if row["replayed"] == count] for name in ("old", "new")
        )
        spread = statistics.stdev(old) if len(old) > 1 else 0.0
        mean = statistics.mean(old)
        kept = f"{100 * mean / before:.1f} % kept"
        print(f"{count} replayed: old {mean:.1f} ± {spread:.1f} ({kept}), new {statistics.mean(new):.1f}")


if __name__ == "__main__":
    main()
