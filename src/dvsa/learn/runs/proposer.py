"""Proposals from a finished bundle, for data without phrase boxes.

Its proposal head knows no classes: it has learned which boxes people describe. Backbone and head stay frozen,
and become a part of the new model.
"""

from pathlib import Path
from typing import cast

from dvsa.hub import Address
from dvsa.learn.loop.checkpoint import JsonValue
from dvsa.learn.nets.look import FrozenProposer
from dvsa.learn.nets.vision_config import ProposerConfig
from dvsa.learn.recipes.adapt import FIXED
from dvsa.learn.recipes.recipe import recipe_from_json
from dvsa.learn.runs.bundle_weights import SHIPPED, check_complete, open_bundle, weights

TRAINED = "trained"
"""A proposal head that the run trains."""


class BundleProposer:
    """The network of a bundle that proposes boxes."""

    def __init__(self, where: str) -> None:
        """Open the `shipped` bundle or the one in a folder.

        Raises:
            BundleError: the bundle is missing or damaged.
            ValueError: the bundle has no trained proposals, or is of an earlier version.
        """
        if where != SHIPPED and not Path(where).is_dir() and Address.parse(where) is None:
            known = ", ".join((TRAINED, SHIPPED, *FIXED))
            raise ValueError(f"--proposer {where}: give one of {known}, or the folder of a bundle")
        self.bundle = open_bundle(where)
        recipe = recipe_from_json(cast(JsonValue, self.bundle.manifest.config.get("recipe")))
        if recipe.vision.given_features:
            raise ValueError(
                f"bundle {where} takes features of regions and proposes none: take another bundle"
            )
        if recipe.proposer in FIXED:
            raise ValueError(f"bundle {where} has fixed boxes ({recipe.proposer}): take another bundle")
        self.vision = recipe.vision

    @property
    def config(self) -> ProposerConfig:
        """The configuration of the network; if it has its boxes from another bundle, that bundle's."""
        vision = self.vision
        return vision.proposer or ProposerConfig(
            bundle=self.bundle.manifest.name,
            digest=self.bundle.digest,
            backbone=vision.backbone,
            anchors=vision.anchors,
            proposal_width=vision.proposal_width,
            both_ways=vision.both_ways,
        )

    def fill(self, net: FrozenProposer) -> None:
        """Load the bundle's weights into the network."""
        prefix = "vision." if self.vision.proposer is None else "vision.proposer."
        known = {name.removeprefix(prefix): t for name, t in weights(self.bundle, "look").items()}
        check_complete(net, known, self.bundle)
        net.load_state_dict({name: known.get(name, t) for name, t in net.state_dict().items()})
