"""Figures of ranking for the log of a training."""

import numpy as np

from dvsa.metrics import ranking


def recalls(S_KL: np.ndarray, owner_L: np.ndarray) -> dict[str, float]:
    """R@1, R@5 and R@10 in both directions under short names, with their mean."""
    ranks = ranking.rank(S_KL, owner_L)
    sides = {"p2s": ranking.summary(ranks.photo_rank_K), "s2p": ranking.summary(ranks.sentence_rank_L)}
    figures = {
        f"{side} {k}": v for side, summary in sides.items() for k, v in summary.items() if k != "Med r"
    }
    return {"mean recall": float(np.mean(list(figures.values()))), **figures}
