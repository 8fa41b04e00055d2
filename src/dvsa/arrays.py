"""Types of numpy arrays."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
"""Any floating-point type."""
Floats = NDArray[np.float32]
"""Single precision: what the networks take and give."""
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
