"""Scores of photographs with sentences, and the losses on them: pure functions of tensors."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from dvsa.learn.loop import processes
from dvsa.learn.loop.order import chunks
from dvsa.learn.tasks import fused_maxsim

OverRegions = Callable[[Tensor], Tensor]
"""From products of words with regions (N, K, I) to a score for each word and photograph (N, K)."""

TABLE = 1 << 28
"""The most products of words with regions in memory at once: 1 GiB in single precision."""


def maxsim(v_KID: Tensor, s_LTD: Tensor, real_LT: Tensor) -> Tensor:
    """S_kl = sum over words t of max over regions i of v_i . s_t, (K, L) (paper, eq. 8).

    Vectors in half precision have scores in single precision. Of equal regions, the first gets the gradient.
    """
    if fused_maxsim.serves(v_KID, s_LTD):
        return fused_maxsim.maxsim(v_KID, s_LTD, real_LT)
    if v_KID.dtype.itemsize < 4:
        v_KID, s_LTD = v_KID.float(), s_LTD.float()
    return _over_words(lambda dot_NKI: dot_NKI.max(2).values, v_KID, s_LTD, real_LT)


def defrag(v_KID: Tensor, s_LTD: Tensor, real_LT: Tensor) -> Tensor:
    """S_kl = sum over words t and regions i of max(0, v_i . s_t), (K, L) (paper, eq. 7; Karpathy 2014)."""
    return _over_words(lambda dot_NKI: dot_NKI.clamp(min=0).sum(2), v_KID, s_LTD, real_LT)


def _over_words(over_regions: OverRegions, v_KID: Tensor, s_LTD: Tensor, real_LT: Tensor) -> Tensor:
    """Sum `over_regions` of each real word's products with all regions, over the words of each sentence.

    Many sentences are scored in blocks. The gradient computes the products of a block again.
    """
    summed = of_all_places if real_LT.is_cuda else of_real_words
    (K, I, _), (L, T) = v_KID.shape, real_LT.shape  # noqa: E741
    if K * I * L * T <= TABLE:
        return summed(over_regions, v_KID, s_LTD, real_LT)
    blocks = [
        checkpoint(summed, over_regions, v_KID, s_LTD[block], real_LT[block], use_reentrant=False)
        for block in chunks(L, max(1, TABLE // (K * I * T)))
    ]
    return torch.cat(blocks, 1)


def of_real_words(over_regions: OverRegions, v_KID: Tensor, s_LTD: Tensor, real_LT: Tensor) -> Tensor:
    """Padding, about half of all places in a batch, takes no part in the products."""
    score_NK = over_regions(torch.einsum("nd,kid->nki", s_LTD[real_LT], v_KID))
    score_LTK = score_NK.new_zeros(*real_LT.shape, len(v_KID))
    score_LTK[real_LT] = score_NK  # not index_add, whose order of summation varies on a GPU
    return score_LTK.sum(1).T


def of_all_places(over_regions: OverRegions, v_KID: Tensor, s_LTD: Tensor, real_LT: Tensor) -> Tensor:
    """Padding takes part and is set to 0: to find the real words, the host would wait for the GPU."""
    score_NK = over_regions(torch.einsum("nd,kid->nki", s_LTD.flatten(0, 1), v_KID))
    score_LTK = score_NK.reshape(*real_LT.shape, len(v_KID)) * real_LT[..., None]
    return score_LTK.sum(1).T


SCORES = {"maxsim": maxsim, "defrag": defrag}


def max_margin(S_KL: Tensor, owner_L: Tensor, margin: float = 1.0) -> Tensor:
    """The paper's structured loss (eq. 9): the mean over true pairs (k, l) of

        sum over l' of max(0, S_kl' - S_kl + margin) + sum over k' of max(0, S_k'l - S_kl + margin)

    where `owner_L[l]` is the photograph of sentence l. Another sentence of the same photograph is never
    wrong. With one sentence for each photograph this is the paper's sum without the constant 2 * margin of
    each pair (l' = l and k' = k), divided by the number of pairs. Without the division, clipping at 5 would
    change nearly every element of the gradient.
    """
    true_L = S_KL.gather(0, owner_L[None])[0]
    mine_KL = owner_L[None] == torch.arange(len(S_KL), device=S_KL.device)[:, None]
    wrong_photo_KL = (S_KL - true_L + margin).clamp(min=0).masked_fill(mine_KL, 0)
    rivals_LL = S_KL[owner_L]  # row l: the scores of l's photograph with every sentence
    wrong_sentence_LL = (rivals_LL - true_L[:, None] + margin).clamp(min=0).masked_fill(mine_KL[owner_L], 0)
    return (wrong_photo_KL.sum() + wrong_sentence_LL.sum()) / len(owner_L)


def info_nce(S_KL: Tensor, owner_L: Tensor) -> Tensor:
    """Softmax cross-entropy in both directions (van den Oord et al., 2018); a scalar.

    Sentence to photograph: -log softmax over k of S_kl. Photograph to sentence: the same over l, without the
    other sentences of that photograph, since they are not wrong. The scores are the logits: the sentence
    encoder contains the temperature.
    """
    mine_KL = owner_L[None] == torch.arange(len(S_KL), device=S_KL.device)[:, None]
    true_L = S_KL.gather(0, owner_L[None])[0]
    to_photo = (S_KL.logsumexp(0) - true_L).mean()
    wrong_K = S_KL.masked_fill(mine_KL, -torch.inf).logsumexp(1)
    to_sentence = (torch.logaddexp(wrong_K[owner_L], true_L) - true_L).mean()
    return (to_photo + to_sentence) / 2


def grounding(dot_PI: Tensor, iou_PI: Tensor) -> Tensor:
    """Supervised: cross-entropy of each phrase's softmax over regions with the boxes that people drew; a
    scalar.

    The target spreads over the regions with an IoU of at least 0.5, in proportion to the IoU. Phrases that no
    region covers are left out of the mean.

    Args:
        dot_PI: the score of each phrase with each region, as logits.
        iou_PI: the IoU of each region with the phrase's true box.
    """
    target_PI = iou_PI * (iou_PI >= 0.5)
    covered_P1 = target_PI.sum(1, keepdim=True)
    loss_P = -(target_PI / covered_P1.clamp(min=0.5) * dot_PI.log_softmax(1)).sum(1)
    return processes.own_part(loss_P.sum(), processes.total((covered_P1 > 0).sum()).clamp(min=1))


LOSSES = {"max_margin": max_margin, "info_nce": info_nce}
