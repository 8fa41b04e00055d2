"""How long a photograph takes when regions are described by the maps, by crops, or by both.

    python benchmarks/region_input.py [PHOTO] [--runs 10] [--backbone efficientnet_lite2]

The networks are untrained, which changes no time, and are run by ONNX Runtime as in any bundle. The ways are
measured in turn, so that a change of the machine's speed affects all of them. Prints the median and the range
of each time in milliseconds, and the ratio of the medians to that of the map.
"""

import json
import statistics
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from common import facts, parser
from timing import spread, timed

from dvsa.bundle import Bundle
from dvsa.data.exposure import PHOTOS_FILE
from dvsa.learn.loop import checkpoint
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.nets.vision_config import DESCRIBED_BY
from dvsa.learn.recipes import paper
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.run import CONFIG, VOCABULARY, Run
from dvsa.learn.ship.export import export
from dvsa.model import Model
from dvsa.text import Vocabulary


def main() -> None:
    """Measure and print."""
    options = parser(__doc__)
    options.add_argument("photo", nargs="?", default="examples/photographer.jpg")
    options.add_argument("--runs", type=int, default=10)
    options.add_argument("--backbone", default="efficientnet_lite2")
    args = options.parse_args()

    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        models = {}
        for both_ways in (False, True):
            for way in DESCRIBED_BY:
                recipe = paper.alignment(described_by=way)
                vision = replace(recipe.vision, backbone=args.backbone, both_ways=both_ways)
                name = f"{way}, both ways" if both_ways else way
                models[name] = untrained(replace(recipe, vision=vision), Path(folder) / name)

        # The first call loads the graphs.
        times: dict[str, list[float]] = {name: [] for name in models}
        for n in range(args.runs + 1):
            for name, model in models.items():
                took = timed(partial(model.open, args.photo))
                if n:
                    times[name].append(took)

    medians = {name: statistics.median(own) for name, own in times.items()}
    for name, own in times.items():
        print(f"{name:18} {spread(own):>26}  {medians[name] / medians['map']:.1f}")
    print(json.dumps({"open_ms": medians, "facts": facts(began, backbone=args.backbone)}))


def untrained(recipe: Recipe, folder: Path) -> Model:
    """The model of a recipe before its first training step, from an exported bundle."""
    vocabulary = Vocabulary(("a", "black", "dog", "runs"), (9, 9, 9, 9), 9)
    run = folder / "run"
    run.mkdir(parents=True)
    (run / PHOTOS_FILE).write_text("")
    (run / CONFIG).write_text(json.dumps({"recipe": recipe.to_json(), "data": "none"}))
    vocabulary.save(run / VOCABULARY)

    torch.manual_seed(0)
    weights = JointModel(recipe.vision, recipe.sentence, len(vocabulary), pretrained=False).state_dict()
    for stage in recipe.stages:
        checkpoint.save(run / stage.name / "best.safetensors", weights, {})
    return Model(Bundle.open(export(Run(run), folder / "bundle")))


if __name__ == "__main__":
    main()
