"""What ordinary regions look like to a model: the mean and the covariance of their vectors."""

import io
from dataclasses import dataclass
from typing import Final

import numpy as np

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
        stream = io.BytesIO()
        np.save(stream, np.vstack([self.mean_D, self.cov_DD]).astype("<f2"), allow_pickle=False)
        return stream.getvalue()

    @classmethod
    def parse(cls, content: bytes, embedding: int, source: str) -> "Background":
        """Read what `to_bytes` gives, for vectors of `embedding` numbers.

        Raises:
            ValueError: the content is invalid; the message begins with `source`.

        >>> Background.parse(Background.of(np.eye(4)).to_bytes(), 4, "here").mean_D.tolist()
        [0.25, 0.25, 0.25, 0.25]
        """
        try:
            rows = np.load(io.BytesIO(content), allow_pickle=False)
        except (ValueError, EOFError, OSError) as error:
            raise ValueError(f"{source} cannot be read ({error}): export the bundle again") from error
        shape = (embedding + 1, embedding)
        if not isinstance(rows, np.ndarray) or rows.dtype.str != "<f2" or rows.shape != shape:
            raise ValueError(f"{source} is no background of {embedding} numbers: export the bundle again")
        if not np.isfinite(rows).all():
            raise ValueError(f"{source} has numbers that are not finite: export the bundle again")
        return cls(rows[0].astype(np.float32), rows[1:].astype(np.float32))
