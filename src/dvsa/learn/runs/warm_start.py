"""Warm start: training that continues a bundle on new photographs, in minutes, on a CPU.

Batch norms were folded into the convolutions before them, so the backbone stays as it is and only the heads
are trained.
"""

from dataclasses import replace
from typing import cast

from dvsa.bundle import REPLAY_FILE
from dvsa.learn.loop.checkpoint import JsonValue
from dvsa.learn.recipes.adapt import FIXED, on_fixed_boxes, on_frozen_proposals, on_given_features
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.bundle_networks import BundleNetworks
from dvsa.learn.runs.bundle_weights import open_bundle
from dvsa.learn.tasks.replay import Replay
from dvsa.learn.tasks.stage import Stage, WarmData


class WarmStart(BundleNetworks):
    """The networks of a bundle, to be trained further."""

    def __init__(self, where: str) -> None:
        """Open the `shipped` bundle or the one in a folder.

        Raises:
            BundleError: the bundle is missing or damaged.
            ValueError: the bundle is of an earlier version.
        """
        super().__init__(open_bundle(where))
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
    def replay(self) -> Replay | None:
        """What the bundle carries so that its training is not forgotten; None if it carries nothing.

        Raises:
            ValueError: it is invalid.
        """
        content = self.bundle.content(REPLAY_FILE)
        return None if content is None else Replay.parse(content, str(self.bundle.folder / REPLAY_FILE))

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
