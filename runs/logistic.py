"""Logistic regression, for the scripts that measure probabilities."""

import numpy as np

from dvsa.arrays import BoolArray, FloatArray

ROUNDS = 50


def fitted(x_ND: FloatArray, right_N: BoolArray, weight_N: FloatArray, ridge_D: FloatArray) -> FloatArray:
    """The weights w that maximise the log-likelihood of sigmoid(x . w) minus half of ridge . w^2.

    Newton's method. `weight_N` says how much each example counts.
    """
    w_D = np.zeros(x_ND.shape[1])
    for _ in range(ROUNDS):
        p_N = 1 / (1 + np.exp(-x_ND @ w_D))
        gradient_D = x_ND.T @ (weight_N * (right_N - p_N)) - ridge_D * w_D
        curvature_DD = (x_ND * (weight_N * p_N * (1 - p_N))[:, None]).T @ x_ND + np.diag(ridge_D)
        w_D += np.linalg.solve(curvature_DD, gradient_D)
    return w_D
