"""Types of numpy arrays."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
"""Any floating-point type."""
Floats = NDArray[np.float32]
"""Single precision: what the networks take and give."""
Doubles = NDArray[np.float64]
"""Double precision: what metrics count and sum."""
IntArray = NDArray[np.int64]
"""Indices, identifiers and counts."""
BoolArray = NDArray[np.bool_]
"""Masks."""
