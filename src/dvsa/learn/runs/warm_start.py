"""Warm start: training that continues a bundle on new photographs, in minutes, on a CPU.

A bundle's graphs hold all weights under the names that they have in the networks. Batch norms were folded
into the convolutions before them, so the backbone stays as it is and only the heads are trained.
"""

from dataclasses import replace
from typing import cast

from torch import Tensor

from dvsa.learn.loop.checkpoint import JsonValue
from dvsa.learn.loop.state import Net
from dvsa.learn.nets import captioner
from dvsa.learn.nets.backbones.folding import fold_batch_norms
from dvsa.learn.nets.captioner import Captioner, CaptionerConfig
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.recipes.adapt import FIXED, on_fixed_boxes, on_frozen_proposals, on_given_features
from dvsa.learn.recipes.recipe import Recipe, recipe_from_json
from dvsa.learn.runs.bundle_weights import check_complete, open_bundle, weights
from dvsa.learn.tasks.stage import Stage, WarmData
from dvsa.text import FIRST_WORD, Vocabulary

ROW_PER_WORD = ("words.weight", "bias_V", "oh.weight", "oh.bias")
"""Suffixes of the names of weights that have a row for each word."""


class WarmStart:
    """The networks of a bundle, for a vocabulary that may have grown."""

    def __init__(self, where: str) -> None:
        """Open the `shipped` bundle or the one in a folder.

        Raises:
            BundleError: the bundle is missing or damaged.
            ValueError: the bundle is of an earlier version.
        """
        self.bundle = open_bundle(where)
        self.recipe = recipe_from_json(cast(JsonValue, self.bundle.manifest.config.get("recipe")))
        if self.recipe.sentence.transformer is not None:
            raise ValueError(
                f"bundle {self.bundle.manifest.name} has a pretrained sentence encoder, which a warm start "
                "cannot continue: train without --init, and with --sentence-encoder"
            )

    def adapted(self, recipe: Recipe, data: WarmData, given_features: int = 0) -> Recipe:
        """The recipe for a warm start: the bundle's backbone, fewer stages, lower learning rates.

        Args:
            recipe: what was asked for.
            data: what there is to learn from.
            given_features: width of the features of regions in the data; 0 for photographs.

        Raises:
            ValueError: the recipe has other networks than the bundle, or the bundle cannot take the data.
        """
        own = self.recipe.vision
        if own.given_features != given_features:
            takes, has = (
                f"features of regions of width {width}" if width else "photographs"
                for width in (own.given_features, given_features)
            )
            raise ValueError(f"bundle {self.bundle.manifest.name} takes {takes}, and the data has {has}")
        recipe = recipe.with_eye(
            backbone=own.backbone, described_by=own.described_by, full_resolution=own.full_resolution
        )
        recipe = self._on_own_boxes(recipe)
        if (recipe.vision, recipe.sentence) != (self.recipe.vision, self.recipe.sentence):
            raise ValueError(
                f"bundle {self.bundle.manifest.name} has other networks than the recipe {recipe.name}: "
                f"train {self.recipe.name}, which made it"
            )
        stages: list[Stage] = []
        for stage in recipe.stages:
            warm = stage.warm(data, stages)
            if warm is not None:
                stages.append(warm)
        return replace(recipe, stages=tuple(stages))

    @property
    def backbone_weights(self) -> JsonValue:
        """The file of the backbone's first weights, as in the `config.json` of the bundle's run."""
        return cast(JsonValue, self.bundle.manifest.config.get("backbone_weights"))

    def _on_own_boxes(self, recipe: Recipe) -> Recipe:
        """The recipe on the boxes of the bundle, which may be given, come from another bundle or be fixed."""
        own = self.recipe.vision
        if own.given_features:
            return on_given_features(recipe, own.given_features, boxed=own.geometry).recipe
        if self.recipe.proposer in FIXED:
            return on_fixed_boxes(recipe, self.recipe.proposer).recipe
        if self.recipe.vision.proposer is not None:
            return on_frozen_proposals(recipe, self.recipe.vision.proposer).recipe
        return recipe

    def joint_model(self, vocabulary: Vocabulary) -> JointModel:
        """The network of photographs and sentences."""
        net = JointModel(self.recipe.vision, self.recipe.sentence, len(vocabulary), pretrained=False)
        fold_batch_norms(net.eval())
        known: dict[str, Tensor] = {}
        for graph in ("look", "crop", "encode"):
            known |= weights(self.bundle, graph)
        known |= {f"sentence.{name}": weight for name, weight in weights(self.bundle, "sentence").items()}
        return self._filled(net, known, vocabulary)

    def captioner(
        self, stage: str, cfg: CaptionerConfig, vocabulary: Vocabulary, features: int
    ) -> Captioner | None:
        """The network that a stage of this name trained; None if the bundle has none with these options."""
        # A stage whose captioner was continued by another stage has no graph of its own.
        writing = self.recipe.writing_stages
        continued_by = {s.after: s.name for s in writing if s.after}
        name = continued_by.get(stage, stage)
        if {s.name: s.captioner for s in writing}.get(name) != cfg:
            return None

        net = captioner.build(cfg, features, captioner.log_frequencies(vocabulary))
        known = weights(self.bundle, f"{name}.start") | weights(self.bundle, f"{name}.step")
        known = {key.removeprefix("captioner."): weight for key, weight in known.items()}
        return self._filled(net, known, vocabulary)

    def _filled(self, net: Net, known: dict[str, Tensor], vocabulary: Vocabulary) -> Net:
        """Load the bundle's weights into a network. Folded batch norms keep their initial weights."""
        check_complete(net, known, self.bundle)
        own = net.state_dict()
        for name, weight in known.items():
            if name not in own:
                continue  # the graph may hold more than weights
            own[name] = (
                self._by_word(own[name], weight, vocabulary) if name.endswith(ROW_PER_WORD) else weight
            )
        net.load_state_dict(own)
        return net

    def _by_word(self, fresh_VN: Tensor, weight_VN: Tensor, vocabulary: Vocabulary) -> Tensor:
        """The rows of the bundle's words by their new ids; words that are new keep their own rows."""
        rows_VN = fresh_VN.clone()
        rows_VN[:FIRST_WORD] = weight_VN[:FIRST_WORD]
        places = [(vocabulary.id(word), n) for n, word in enumerate(self.bundle.vocabulary.words, FIRST_WORD)]
        now, before = zip(*[(at, n) for at, n in places if at is not None], strict=True)
        rows_VN[list(now)] = weight_VN[list(before)]
        return rows_VN
