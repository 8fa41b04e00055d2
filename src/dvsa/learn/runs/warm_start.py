"""Training that begins where a bundle is: on photographs of one's own, in minutes, on a CPU.

A bundle's graphs hold all weights under the names that they have in the networks. Its batch norms are gone:
their work is done by the convolutions before them, so the trunk stays as it is, and the heads learn on.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from dvsa.bundle import Bundle
from dvsa.learn.loop.trainer import Net
from dvsa.learn.nets import captioner
from dvsa.learn.nets.backbone import fold_batch_norms
from dvsa.learn.nets.captioner import Captioner
from dvsa.learn.recipes.recipe import Recipe, Stage, recipe_from_json
from dvsa.learn.tasks.alignment import AlignmentModel, AlignmentOptions
from dvsa.learn.tasks.captions import CaptionOptions
from dvsa.learn.tasks.paraphrase import ParaphraseOptions
from dvsa.text import FIRST_WORD, Vocabulary

SHIPPED = "shipped"
"""Stands for the bundle that comes with the package."""
GENTLY = 0.3
"""Factor on the learning rates of a recipe where its stages learn on."""
STEPS = 10
"""Steps that an epoch has at least, by smaller batches, where there are few photographs."""
SMALLEST = 10
"""Photographs, or sentences, of the smallest batch."""
HEADS = {"vision.regions.": 1.0, "sentence.": 1.0}
"""Learning-rate factors of what learns on."""
OF_WORDS = ("words.weight", "bias_V", "oh.weight", "oh.bias")
"""How the names of weights end that have a row for each word."""


class Initial:
    """The networks of a bundle, for a vocabulary that may have grown."""

    def __init__(self, where: str) -> None:
        """Open the `shipped` bundle or that of a folder.

        Raises:
            BundleError: there is none, or it is damaged.
            ValueError: it is of an earlier version.
        """
        self.bundle = Bundle.open(None if where == SHIPPED else Path(where))
        if self.bundle.seen() is None:
            raise ValueError(
                f"{self.bundle.folder} does not say which photographs it has seen: export its run again"
            )
        config = self.bundle.manifest.training["config"]
        self.recipe = recipe_from_json(config.get("recipe") if isinstance(config, dict) else None)

    def adapted(self, recipe: Recipe, *, photographs: int, boxed: bool) -> Recipe:
        """What of a recipe learns on: its stages on features that stay, gently.

        Args:
            recipe: with networks of the bundle's sizes.
            photographs: that there are to learn from.
            boxed: whether the data has boxes of phrases, without which no stage learns from them.

        Raises:
            ValueError: the networks are others than the bundle's.
        """
        if (recipe.vision, recipe.sentence) != (self.recipe.vision, self.recipe.sentence):
            raise ValueError(
                f"bundle {self.bundle.manifest.name} has other networks than the recipe {recipe.name}: "
                f"train {self.recipe.name}, which made it"
            )
        stages: list[Stage] = []
        for stage in recipe.stages:
            aligned = any(isinstance(s.task, AlignmentOptions) for s in stages)
            if not _is_over(stage, boxed, aligned):
                stages.append(_on_heads(stage, photographs, boxed))
        return replace(recipe, stages=tuple(stages))

    def alignment(self, vocabulary: Vocabulary) -> AlignmentModel:
        """The network of photographs and sentences."""
        net = AlignmentModel(self.recipe.vision, self.recipe.sentence, len(vocabulary), pretrained=False)
        fold_batch_norms(net.eval())
        known = self._weights("look") | self._weights("encode")
        known |= {f"sentence.{name}": weight for name, weight in self._weights("sentence").items()}
        return self._filled(net, known, vocabulary)

    def captioner(self, stage: Stage, vocabulary: Vocabulary, features: int) -> Captioner | None:
        """The network that a stage of that name made, to learn on; None where there is none just so."""
        theirs = {s.name: s.captioner for s in self.recipe.stages}
        heirs = {s.task.after: s.name for s in self.recipe.stages if isinstance(s.task, CaptionOptions)}
        name = heirs.get(stage.name, stage.name)  # a stage that another went on from left no graph
        if stage.captioner is None or theirs.get(name) != stage.captioner:
            return None
        net = captioner.build(stage.captioner, features, captioner.log_frequencies(vocabulary))
        known = self._weights(f"{name}.start") | self._weights(f"{name}.step")
        known = {name.removeprefix("captioner."): weight for name, weight in known.items()}
        return self._filled(net, known, vocabulary)

    def append(self, file: str, path: Path) -> None:
        """Add what a file of the bundle says, such as what was seen, to one at `path`."""
        if (self.bundle.folder / file).is_file():
            with path.open("ab") as whole:
                whole.write((self.bundle.folder / file).read_bytes())

    def _weights(self, name: str) -> dict[str, Tensor]:
        """All weights of a graph by name, in single precision."""
        graph = onnx.load(str(self.bundle.folder / f"{name}.onnx")).graph
        found = {
            tensor.name.removesuffix(".half"): torch.from_numpy(
                numpy_helper.to_array(tensor).astype(np.float32)
            )
            for tensor in graph.initializer
        }
        for node in graph.node:  # of equal weights, such as those of norms that learnt nothing, one is stored
            if node.op_type == "Identity" and node.input[0] in found:
                found[node.output[0]] = found[node.input[0]]
        return found

    def _filled(self, net: Net, known: dict[str, Tensor], vocabulary: Vocabulary) -> Net:
        own = net.state_dict()
        idle = {
            f"{name}.{key}"
            for name, part in net.named_modules()
            if isinstance(part, nn.BatchNorm2d)
            for key in part.state_dict()
        }
        missing = [name for name in own if name not in known and name not in idle]
        if missing:
            raise ValueError(
                f"{self.bundle.folder} has no weight named {missing[0]}, as bundles of an earlier version: "
                "export its run again"
            )
        for name, weight in known.items():
            if name not in own:
                continue  # the graph may hold more than weights
            own[name] = self._by_word(own[name], weight, vocabulary) if name.endswith(OF_WORDS) else weight
        net.load_state_dict(own)
        return net

    def _by_word(self, fresh_VN: Tensor, weight_VN: Tensor, vocabulary: Vocabulary) -> Tensor:
        """The rows of the bundle's words at their places in another vocabulary; new words stay fresh."""
        rows_VN = fresh_VN.clone()
        rows_VN[:FIRST_WORD] = weight_VN[:FIRST_WORD]
        places = [(vocabulary.id(word), n) for n, word in enumerate(self.bundle.vocabulary.words, FIRST_WORD)]
        now, before = zip(*[(at, n) for at, n in places if at is not None], strict=True)
        rows_VN[list(now)] = weight_VN[list(before)]
        return rows_VN


def _is_over(stage: Stage, boxed: bool, aligned: bool) -> bool:
    """Whether a stage has nothing to learn any more.

    It reads, or finds regions; or it comes after another alignment, to change the trunk or to learn
    from boxes which are not there; or it is self-critical, which takes long without a GPU.
    """
    task = stage.task
    if isinstance(task, CaptionOptions):
        return task.samples > 0
    if isinstance(task, AlignmentOptions):
        return stage.proposals_only or (aligned and (task.live or (task.grounding > 0 and not boxed)))
    return isinstance(task, ParaphraseOptions)


def _on_heads(stage: Stage, photographs: int, boxed: bool) -> Stage:
    """The same with a lower rate, on features that stay as they are, from what is there."""
    cfg = stage.train
    batch = min(cfg.batch, max(SMALLEST, photographs // STEPS))
    warmup = min(cfg.warmup, cfg.epochs)  # a tenth of the steps, where an epoch has just STEPS
    task = stage.task
    if isinstance(task, AlignmentOptions):
        task = replace(task, grounding=task.grounding if boxed else 0.0)
        task = replace(task, lr=HEADS, flip=False) if task.live else task
    return replace(stage, task=task, train=replace(cfg, batch=batch, warmup=warmup, lr=GENTLY * cfg.lr))
