"""The networks of a bundle as PyTorch modules, built by its recipe, with the weights of its graphs."""

from typing import cast

from torch import Tensor

from dvsa.bundle import Bundle
from dvsa.learn.loop.checkpoint import JsonValue
from dvsa.learn.loop.state import Net
from dvsa.learn.nets import captioner
from dvsa.learn.nets.backbones.folding import fold_batch_norms
from dvsa.learn.nets.captioner import ROW_PER_WORD, Captioner, CaptionerConfig
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.nets.vision import Vision
from dvsa.learn.recipes.recipe import recipe_from_json
from dvsa.learn.runs.bundle_weights import check_complete, weights
from dvsa.text import FIRST_WORD, Vocabulary


class BundleNetworks:
    """The networks of a bundle, for its own vocabulary or one that has grown.

    A bundle's graphs hold all weights under the names that they have in the networks. Batch norms stay folded
    into the convolutions before them.
    """

    def __init__(self, bundle: Bundle) -> None:
        """Read how the networks are built.

        Raises:
            ValueError: the bundle does not say it, or an earlier version made it.
        """
        self.bundle = bundle
        self.recipe = recipe_from_json(cast(JsonValue, bundle.manifest.config.get("recipe")))

    def joint_model(self, vocabulary: Vocabulary) -> JointModel:
        """The network of photographs and sentences."""
        net = JointModel(self.recipe.vision, self.recipe.sentence, len(vocabulary), pretrained=False)
        fold_batch_norms(net.eval())
        known = self._weights_of_vision()
        known |= {f"sentence.{name}": weight for name, weight in weights(self.bundle, "sentence").items()}
        return self._filled(net, known, vocabulary, self.bundle.vocabulary)

    def vision(self) -> Vision:
        """The network of photographs alone."""
        net = Vision(self.recipe.vision, pretrained=False)
        fold_batch_norms(net.eval())
        known = {name.removeprefix("vision."): weight for name, weight in self._weights_of_vision().items()}
        return self._filled(net, known, self.bundle.vocabulary, self.bundle.vocabulary)

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
        return self._filled(net, known, vocabulary, self.bundle.spoken)

    def _weights_of_vision(self) -> dict[str, Tensor]:
        known: dict[str, Tensor] = {}
        for graph in ("look", "crop", "encode"):
            known |= weights(self.bundle, graph)
        return known

    def _filled(self, net: Net, known: dict[str, Tensor], vocabulary: Vocabulary, before: Vocabulary) -> Net:
        """Load the bundle's weights, which are for the words `before`, into a network for a vocabulary.

        Folded batch norms keep their initial weights.
        """
        check_complete(net, known, self.bundle)
        own = net.state_dict()
        for name, weight in known.items():
            if name not in own:
                continue  # the graph may hold more than weights
            own[name] = (
                self._by_word(own[name], weight, vocabulary, before)
                if name.endswith(ROW_PER_WORD)
                else weight
            )
        net.load_state_dict(own)
        return net

    def _by_word(
        self, fresh_VN: Tensor, weight_VN: Tensor, vocabulary: Vocabulary, before: Vocabulary
    ) -> Tensor:
        """The rows of the words `before` by their new ids; words that are new keep their own rows.

        Words that the bundle knows but does not say begin as unlikely as the least likely one.
        """
        rows_VN = fresh_VN.clone()
        if fresh_VN.ndim == 1:
            unsaid = {*self.bundle.vocabulary.words}.difference(before.words)
            rows_VN[[n for n, word in enumerate(vocabulary.words, FIRST_WORD) if word in unsaid]] = weight_VN[
                FIRST_WORD:
            ].min()
        rows_VN[:FIRST_WORD] = weight_VN[:FIRST_WORD]
        places = [(vocabulary.id(word), n) for n, word in enumerate(before.words, FIRST_WORD)]
        now, old = zip(*[(at, n) for at, n in places if at is not None], strict=True)
        rows_VN[list(now)] = weight_VN[list(old)]
        return rows_VN
