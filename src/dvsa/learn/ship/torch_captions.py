"""Captions of many photographs at once, written and chosen on a GPU."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from dvsa.arrays import Floats
from dvsa.captioning import BANNED, MAX_LEN
from dvsa.encoding import SupportedCaption
from dvsa.encoding.encoder import supported
from dvsa.learn.nets.beam import Beams, beam_search
from dvsa.learn.nets.captioner import Captioner
from dvsa.learn.nets.fluency import FluencyRules
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.runs.bundle_networks import BundleNetworks
from dvsa.manifest import BundleManifest
from dvsa.records import Caption
from dvsa.sentence import Sentence
from dvsa.text import END, FIRST_WORD, Vocabulary


class Written(NamedTuple):
    """The caption of each of B photographs."""

    token_BT: Tensor
    """Its words; END fills up."""
    logp_BT: Tensor
    """The log-probability of each token; 0 after the first END."""
    steps_B: Tensor
    """The number of tokens, the first END included."""
    s_BTD: Tensor
    """The vectors of its words."""


@dataclass(frozen=True)
class TorchCaptions:
    """The captioner of whole photographs and the sentence encoder of a bundle, on a device."""

    captioner: Captioner
    sentence: nn.Module
    spoken: Vocabulary
    """The captioner's words."""
    id_V: Tensor
    """The ids of the captioner's tokens for the sentence encoder."""
    manifest: BundleManifest
    rules: FluencyRules | None

    @classmethod
    def of(cls, networks: BundleNetworks, joint: JointModel, device: torch.device) -> "TorchCaptions":
        """The networks of a bundle on a device; `joint` is its joint model."""
        bundle = networks.bundle
        name = bundle.manifest.voices["frame"].graphs
        cfg = {stage.name: stage.captioner for stage in networks.recipe.writing_stages}[name]
        captioner = networks.captioner(name, cfg, bundle.spoken, joint.vision.features)
        assert captioner is not None
        ids = [*range(FIRST_WORD), *bundle.vocabulary.encode(bundle.spoken.words)]
        return cls(
            captioner.eval().requires_grad_(False).to(device),
            joint.sentence.eval().requires_grad_(False).to(device),
            bundle.spoken,
            torch.tensor(ids, device=device),
            bundle.manifest,
            None if bundle.fluency is None else FluencyRules.of(bundle.fluency, device),
        )

    @torch.no_grad()
    def write(self, feature_BIF: Tensor, v_BID: Tensor) -> Written:
        """The best caption of each photograph, as `Model.write` chooses it.

        Args:
            feature_BIF: features of the regions, for the captioner.
            v_BID: vectors of the regions, for the alignment score.
        """
        beams = beam_search(
            self.captioner,
            feature_BIF,
            torch.full((len(v_BID),), v_BID.shape[1] - 1, device=v_BID.device),
            start=self.manifest.voices["frame"].start,
            end=END,
            width=self.manifest.beam,
            max_len=MAX_LEN,
            min_len=1,
            length_power=self.manifest.length_power,
            banned=BANNED,
            rules=self.rules,
        )
        best_B = self._values(beams, v_BID).argmax(1)

        # The best of each, with the vectors of its words, which say what is supported.
        each_B = torch.arange(len(best_B), device=best_B.device)
        token_BT, logp_BT, steps_B = (
            part[each_B, best_B] for part in (beams.token_BWT, beams.logp_BWT, beams.steps_BW)
        )
        return Written(token_BT, logp_BT, steps_B.long(), self.sentence(self.id_V[token_BT], token_BT != END))

    def _values(self, beams: Beams, v_BID: Tensor) -> Tensor:
        """What hypotheses are compared by: see `Model.write`."""
        value_BW = beams.total_BW / beams.steps_BW**self.manifest.length_power
        if not self.manifest.rerank:
            return value_BW
        token_BWT = beams.token_BWT
        real_BWT = token_BWT != END
        s_XTD = self.sentence(self.id_V[token_BWT].flatten(0, 1), real_BWT.flatten(0, 1))
        dot_BWTI = torch.einsum("bwtd,bid->bwti", s_XTD.unflatten(0, token_BWT.shape[:2]), v_BID)
        return value_BW + self.manifest.rerank * (dot_BWTI.amax(-1) * real_BWT).sum(-1)

    def records(self, written: Written, v_BID: Floats) -> tuple[SupportedCaption, ...]:
        """The captions as records, from tensors on the CPU and the vectors of the regions."""
        return tuple(
            self._record(self.spoken.decode(tokens), logps[:steps], s_TD.numpy(), v_ID)
            for tokens, logps, steps, s_TD, v_ID in zip(
                *(part.tolist() for part in written[:3]), written.s_BTD, v_BID, strict=True
            )
        )

    def _record(
        self, said: Sequence[str], logps: Sequence[float], s_TD: Floats, v_ID: Floats
    ) -> SupportedCaption:
        words, text = tuple(said), " ".join(said)
        sentence = Sentence(text, words, np.ones(len(words), np.bool_), s_TD[: len(words)])
        caption = Caption(text, sum(logps), words, tuple(logps))
        return SupportedCaption(caption, supported(sentence, v_ID, self.manifest.evidence))
