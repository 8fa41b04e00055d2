"""Words for what the backbone's classifier knows: regions learn to be found by the names of their classes.

The classifier says of each region how probable each of ImageNet's 1,000 classes is. The names of the classes
are phrases, and the softmax of a region over these phrases learns the classifier's probabilities (Frome et
al., 2013, learn the likeliest name). A class is also called what it has in common with others, such as "dog".
Each step draws one name for each class, and classes of one name add up.

Few photographs show an espresso. So some regions are pushed towards a random class c: their features x become
x / 2 + r w_c / |w_c|^2, not below 0, where w_c are the classifier's weights of the class, and r is random.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dvsa.arrays import IntArray
from dvsa.classes import CLASSES, names
from dvsa.learn.loop.transfer import on_device
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.tasks.phrases import SHARPNESS
from dvsa.text import Vocabulary, pad

NAMED = 512
"""The most regions of a batch that learn names."""
PUSH = (8.0, 20.0)
"""The range of r."""
COMMON = 0.3
"""The probability that a name of several classes is tried; it is used if no other one has any of them."""


def vocabulary() -> Vocabulary:
    """The words of all names, each counted once."""
    return Vocabulary.build([sorted({word for name in names() for word in name.words})], min_count=1)


class Classifier(NamedTuple):
    """The last layer of a network that knows ImageNet's classes."""

    weight_CF: Tensor
    bias_C: Tensor


class Called(NamedTuple):
    """One name for each class, and the regions that learn from it, on the device."""

    ids_NT: Tensor
    real_NT: Tensor
    """The names; rows that are not used have no word."""
    name_C: Tensor
    """The name of each class."""
    region_R: Tensor
    """Which regions of the batch learn, counted over all photographs."""
    push_KI: Tensor
    """The class to which each region is pushed; -1 for none."""
    strength_KI: Tensor
    """How far."""


class Naming:
    """Draws names, and computes the loss."""

    def __init__(self, words: Vocabulary, classifier: Classifier, pushed: float) -> None:
        """Prepare the names in the words of a vocabulary.

        Args:
            words: the vocabulary.
            classifier: of the backbone.
            pushed: the share of regions that are pushed.

        Raises:
            ValueError: a class has no name of known words.
        """
        self.classifier, self.pushed = classifier, pushed

        # The different names as rows of ids; what each class and each group of classes is called.
        rows: dict[tuple[int, ...], int] = {}
        own: list[list[int]] = [[] for _ in range(CLASSES)]
        self.common: list[tuple[int, IntArray]] = []
        for name in names():
            ids = tuple(words.encode(name.words))
            if len(ids) == len(name.words):
                row = rows.setdefault(ids, len(rows))
                if len(name.classes) == 1:
                    own[name.classes[0]].append(row)
                else:
                    self.common.append((row, np.array(name.classes)))
        nameless = [c for c, found in enumerate(own) if not found]
        if nameless:
            raise ValueError(f"no name of class {nameless[0]} is known: add the words of all names")

        self.ids_NT, self.real_NT = map(torch.from_numpy, pad(list(rows)))
        self.count_C = torch.tensor([len(found) for found in own])
        self.own_CN = torch.from_numpy(pad(own)[0])

    def drawn(self, photographs: int, regions: int, device: torch.device) -> Called:
        """Names and regions for a step, drawn anew with torch's generator."""
        used_N, name_C = np.unique(self._rows(), return_inverse=True)
        ids_NT = torch.zeros(CLASSES, self.ids_NT.shape[1], dtype=torch.long)
        real_NT = torch.zeros(ids_NT.shape, dtype=torch.bool)
        ids_NT[: len(used_N)], real_NT[: len(used_N)] = self.ids_NT[used_N], self.real_NT[used_N]

        push_KI = torch.randint(CLASSES, (photographs, regions))
        push_KI[torch.rand(photographs, regions) >= self.pushed] = -1
        low, high = PUSH
        strength_KI = low + (high - low) * torch.rand(photographs, regions)
        region_R = torch.randperm(photographs * regions)[:NAMED]
        parts = (ids_NT, real_NT, torch.from_numpy(name_C), region_R, push_KI, strength_KI)
        return Called(*(on_device(part, device) for part in parts))

    def _rows(self) -> IntArray:
        """One name for each class, as a row of `ids_NT`."""
        nth_C = (torch.rand(CLASSES) * self.count_C).long()
        row_C: IntArray = self.own_CN[torch.arange(CLASSES), nth_C].numpy()
        taken_C = np.zeros(CLASSES, bool)
        use = torch.rand(len(self.common)) < COMMON
        for k in torch.randperm(len(self.common))[use].tolist():
            row, classes = self.common[k]
            if not taken_C[classes].any():
                row_C[classes], taken_C[classes] = row, True
        return row_C

    def push(self, feature_KIF: Tensor, called: Called) -> Tensor:
        """The features of regions, some of them pushed; the classifier reads the first of them."""
        weight_CF = self.classifier.weight_CF
        width = weight_CF.shape[1]
        toward_CF = weight_CF / weight_CF.square().sum(1, keepdim=True)
        seen_KIF = feature_KIF[..., :width]
        pushed_KIF = seen_KIF / 2 + called.strength_KI[..., None] * toward_CF[called.push_KI.clamp(min=0)]
        seen_KIF = torch.where((called.push_KI >= 0)[..., None], pushed_KIF.clamp(min=0), seen_KIF)
        return torch.cat([seen_KIF, feature_KIF[..., width:]], -1)

    def loss(self, feature_KIF: Tensor, v_KID: Tensor, s_NTD: Tensor, called: Called) -> Tensor:
        """Cross-entropy of regions' softmax over the names, with the classifier's probabilities.

        Args:
            feature_KIF: features of regions, as `push` gives them.
            v_KID: their vectors.
            s_NTD: word vectors of the names.
            called: what was drawn.
        """
        v_RD = v_KID.flatten(0, 1)[called.region_R]
        x_RF = feature_KIF.flatten(0, 1)[called.region_R]
        with torch.no_grad():
            weight_CF, bias_C = self.classifier
            p_RC = functional.linear(x_RF[:, : weight_CF.shape[1]], weight_CF, bias_C).softmax(1)
            p_RN = torch.zeros_like(p_RC).index_add_(1, called.name_C, p_RC)

        name_ND = functional.normalize((s_NTD * called.real_NT[..., None]).sum(1), dim=-1)
        logit_RN = SHARPNESS * functional.normalize(v_RD, dim=-1) @ name_ND.T
        logit_RN = logit_RN.masked_fill(~called.real_NT.any(1), -1e4)
        return -(p_RN * logit_RN.log_softmax(1)).sum(1).mean()


def of_model(model: JointModel, words: Vocabulary, pushed: float, device: torch.device) -> Naming:
    """The names that a model learns from its backbone's classifier.

    Raises:
        ValueError: the backbone has no such classifier, or a class has no name of known words.
    """
    found = model.vision.backbone.imagenet_classifier()
    if found is None:
        name = model.vision.cfg.backbone
        raise ValueError(f"the backbone {name} does not know ImageNet's classes: set `naming` to 0")
    return Naming(words, Classifier(*(tensor.to(device) for tensor in found)), pushed)
