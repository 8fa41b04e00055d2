"""A run on disk: its configuration and its networks, opened to be used or exported."""

import json
from pathlib import Path

import torch

from dvsa.bundle import SPOKEN_FILE
from dvsa.learn.loop import checkpoint
from dvsa.learn.loop.checkpoint import JsonValue
from dvsa.learn.loop.state import Net
from dvsa.learn.nets import captioner
from dvsa.learn.nets.backbones.folding import fold_batch_norms
from dvsa.learn.nets.captioner import Captioner
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.recipes.recipe import Recipe, recipe_from_json
from dvsa.learn.tasks.stage import Stage
from dvsa.records import Subject
from dvsa.text import FIRST_WORD, Vocabulary

CONFIG = "config.json"
VOCABULARY = "vocabulary.tsv"


def read_config(folder: Path) -> dict[str, JsonValue]:
    """The run's `config.json`.

    Raises:
        ValueError: the folder has no run, or its configuration is damaged.
    """
    path = folder / CONFIG
    try:
        config: JsonValue = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise ValueError(f"{folder} has no run: it has no {CONFIG}") from error
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}): train again in another folder") from error
    if not isinstance(config, dict):
        raise ValueError(f"{path} is not a run's configuration: train again in another folder")
    return config


def recipe_of(config: dict[str, JsonValue], folder: Path) -> Recipe:
    """The recipe in the configuration of a run, which an earlier version of this package may have written.

    Raises:
        ValueError: the recipe does not fit this version; the message names the file.
    """
    try:
        return recipe_from_json(config.get("recipe"))
    except ValueError as error:
        raise ValueError(f"{folder / CONFIG} does not fit this version of dvsa: {error}") from error


class Run:
    """A recipe trained on data."""

    def __init__(self, folder: Path, *, finished: bool = True) -> None:
        """Open the run in a folder.

        Args:
            folder: of the run.
            finished: whether all of its stages must be finished.

        Raises:
            ValueError: the folder has no run, or an unfinished one that should be finished.
        """
        self.folder = folder
        self.config = read_config(folder)
        self.recipe = recipe_of(self.config, folder)
        self.vocabulary = Vocabulary.load(folder / VOCABULARY)
        spoken = folder / SPOKEN_FILE
        self.spoken = Vocabulary.load(spoken) if spoken.is_file() else self.vocabulary
        self.facts = {
            stage.name: checkpoint.load(self.best(stage.name))[1]
            for stage in self.recipe.stages
            if finished or self.has(stage)
        }

    @property
    def said(self) -> list[int]:
        """The tokens that captions use, by their ids in the vocabulary."""
        return [*range(FIRST_WORD), *self.vocabulary.encode(self.spoken.words)]

    def best(self, stage: str) -> Path:
        """The best checkpoint of a stage."""
        return self.folder / stage / "best.safetensors"

    def has(self, stage: Stage) -> bool:
        """Whether a stage is finished. A reused stage has no log."""
        log, best = self.folder / stage.name / "log.jsonl", self.best(stage.name)
        if not (log.is_file() and best.is_file()):
            return best.is_file()
        lines: list[dict[str, float]] = [json.loads(line) for line in log.read_text().splitlines()]
        best_step = checkpoint.load(best)[1]["step"]
        assert isinstance(best_step, int)
        since_best = sum(line["step"] > best_step for line in lines)
        return stage.train.ended(lines[-1]["epoch"], since_best)

    def joint_model(self) -> JointModel:
        """The joint model after the last stage that changes it."""
        stage = self.recipe.joint_stages[-1]
        model = JointModel(self.recipe.vision, self.recipe.sentence, len(self.vocabulary), pretrained=False)
        if "init" in self.config:  # a bundle has no batch norms
            fold_batch_norms(model.eval())
        return _filled(model, self.best(stage.name))

    def captioners(self) -> dict[Subject, tuple[str, Captioner]]:
        """For `frame` and `region`, the stage that last learned to describe it, and its network."""
        found: dict[Subject, tuple[str, Captioner]] = {}
        features = self.joint_model().vision.features
        for stage in self.recipe.writing_stages:
            net = captioner.build(stage.captioner, features, torch.zeros(len(self.vocabulary)))
            net = _filled(net, self.best(stage.name))
            found |= dict.fromkeys(stage.writes_of, (stage.name, net))
        return found


def _filled(net: Net, path: Path) -> Net:
    net.load_state_dict(checkpoint.load(path)[0])
    return net.eval()
