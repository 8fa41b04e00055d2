import hashlib
from collections.abc import Callable

import numpy as np
import pytest

from dvsa.index import Entry, Photograph

Make = Callable[..., Entry]
D = 256


@pytest.fixture(scope="session")
def make() -> Make:
    """Entries with made-up vectors: one number, one entry."""

    def entry(
        n: int,
        regions: int | None = None,
        fields: dict[str, str] | None = None,
        taken: str | None = None,
        vectors: int | None = None,
    ) -> Entry:
        rng = np.random.default_rng(n if vectors is None else vectors)
        count = int(rng.integers(1, 8)) if regions is None else regions
        v_ID = (rng.standard_normal((count, D)) / D**0.5).astype(np.float16)
        path = f"/photographs/{n % 3}/{n}.jpg"
        digest = hashlib.sha256(str(n).encode()).hexdigest()
        photograph = Photograph(id=digest, path=path, file=path, taken=taken, fields=fields or {})
        return Entry(photograph, rng.random((count, 4)).astype(np.float32), v_ID)

    return entry
