"""What ordinary regions look like to a model: the mean and the covariance of their vectors."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from dvsa import half_file
from dvsa.arrays import FloatArray, Floats

BACKGROUND_FILE: Final = "background.npy"


@dataclass(frozen=True, eq=False)
class Background:
    """The mean (D,) and the covariance (D, D) of the vectors of regions of many photographs."""

    mean_D: Floats
    cov_DD: Floats

    @classmethod
    def of(cls, v_ND: FloatArray) -> "Background":
        """The background of N regions.

        >>> background = Background.of(np.array([[1.0, 0.0], [3.0, 0.0]]))
        >>> background.mean_D.tolist(), background.cov_DD.tolist()
        ([2.0, 0.0], [[1.0, 0.0], [0.0, 0.0]])
        """
        mean_D = v_ND.mean(0)
        cov_DD = (v_ND - mean_D).T @ (v_ND - mean_D) / len(v_ND)
        return cls(mean_D.astype(np.float32), cov_DD.astype(np.float32))

    def to_bytes(self) -> bytes:
        """The content of a file: the mean and the rows of the covariance, in half precision.

        >>> len(Background.of(np.eye(4)).to_bytes())
        168
        """
        return half_file.to_bytes(np.vstack([self.mean_D, self.cov_DD]))

    @classmethod
    def parse(cls, content: bytes, embedding: int, source: str) -> "Background":
        """Read what `to_bytes` gives, for vectors of `embedding` numbers.

        Raises:
            ValueError: the content is invalid; the message begins with `source`.

        >>> Background.parse(Background.of(np.eye(4)).to_bytes(), 4, "here").mean_D.tolist()
        [0.25, 0.25, 0.25, 0.25]
        """
        shape, fault = (embedding + 1, embedding), f"is no background of {embedding} numbers"
        rows = half_file.parse(content, source, lambda found: found == shape, fault)
        return cls(rows[0], rows[1:])
