"""Sketches: 32 bytes for each region, with which a pruned search selects candidate photographs.

The vectors of a segment lie close to a few directions. A sketch therefore keeps the components of each vector
along the 32 principal directions (of the second moments, not centred, so that dot products are preserved), in
8 bits each. That is a sixteenth of the 512 bytes of float16, and MaxSim over sketches ranks nearly as well.

Codes are stored region by region, (I, K, 32), so that the maximum over regions works on whole rows of
photographs. A photograph with fewer regions repeats its last one, which does not change the maximum.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import numkong
import numpy as np
from numpy.typing import NDArray

from dvsa import files
from dvsa.arrays import Floats
from dvsa.index.checked_file import CheckedFile, Extent
from dvsa.index.index_manifest import SKETCH_WIDTH, SegmentRecord
from dvsa.index.values import SearchError

WIDTH: Final = SKETCH_WIDTH

SAMPLE: Final = 50_000
"""Regions from which the directions are computed."""

STEP: Final = 1024
"""Once this many photographs of a segment lack a sketch, the segment gets a new one."""

PHOTOS_PER_SKETCH_BLOCK: Final = 4096
"""Photographs that are scanned at once: few enough that the products stay in cache."""


def write(
    folder: Path, record: SegmentRecord, v_XD: NDArray[np.float16], first_K: NDArray[np.int64]
) -> SegmentRecord:
    """Write the sketch of a segment, wait until it is on disk, and return the new record.

    Args:
        folder: the folder of the files.
        record: of the segment.
        v_XD: the regions of all photographs, one photograph after another.
        first_K: where each photograph's regions begin, and one past the last region.
    """
    # The principal directions of a sample of the regions.
    sample_XD = v_XD[:: len(v_XD) // SAMPLE + 1].astype(np.float32)
    u_DJ = np.linalg.eigh(sample_XD.T @ sample_XD).eigenvectors[:, ::-1][:, :WIDTH]

    # Each region's components along them, scaled to 8 bits.
    along_XJ = np.concatenate([part.astype(np.float32) @ u_DJ for part in np.array_split(v_XD, 64)])
    scale = 127 / max(float(np.abs(along_XJ).max()), 1e-30)
    most = int(np.diff(first_K).max())
    region_IK = np.minimum(first_K[:-1] + np.arange(most)[:, None], first_K[1:] - 1)
    code_IKJ = np.rint(along_XJ * scale).astype(np.int8)[region_IK]

    contents = {"codes": code_IKJ.tobytes(), "basis": (u_DJ / np.float32(scale)).astype(np.float32).tobytes()}
    sketched = replace(record, sketched=len(first_K) - 1)
    for part, content in contents.items():
        files.write(folder / sketched.file_name(part), content)
    extents = {part: Extent().extended(content) for part, content in contents.items()}
    return replace(sketched, files={**record.files, **extents})


class Sketch:
    """The sketch of the first photographs of a segment."""

    def __init__(self, codes: CheckedFile, basis: CheckedFile, count: int) -> None:
        """Use the files of the sketch of `count` photographs."""
        self._codes, self._basis = codes, basis
        self._code_IKJ: NDArray[np.int8] = codes.content.view(np.int8).reshape(-1, count, WIDTH)

    def __len__(self) -> int:
        """The number of photographs."""
        return len(self._code_IKJ[0])

    def score_jobs(self, s_ND: Floats, score_K: Floats) -> Iterator[Callable[[], None]]:
        """Functions that each write the rough MaxSim scores of one block of photographs into `score_K`."""
        self._basis.check()
        with np.errstate(over="ignore", invalid="ignore"):
            s_NJ: Floats = s_ND @ self._basis.content.view(np.float32).reshape(-1, WIDTH)
        if not np.isfinite(s_NJ).all():
            raise SearchError(f"{self._basis.path} is damaged: compact the index")
        scale = 127 / max(float(np.abs(s_NJ).max()), 1e-30)
        packed = numkong.dots_pack(np.rint(s_NJ * scale).astype(np.int8))

        def score(block: slice) -> None:
            best_KN = np.asarray(numkong.dots_packed(self._block(0, block), packed))
            for i in range(1, len(self._code_IKJ)):
                np.maximum(
                    best_KN, np.asarray(numkong.dots_packed(self._block(i, block), packed)), out=best_KN
                )
            score_K[block] = best_KN.sum(axis=1) / scale

        for start in range(0, len(self), PHOTOS_PER_SKETCH_BLOCK):
            yield partial(score, slice(start, min(start + PHOTOS_PER_SKETCH_BLOCK, len(self))))

    def _block(self, i: int, block: slice) -> NDArray[np.int8]:
        """The codes of region i of a block of photographs."""
        first = i * len(self)
        self._codes.check((first + block.start) * WIDTH, (first + block.stop) * WIDTH)
        return self._code_IKJ[i, block]
