"""Sketches: 32 bytes for each region, with which a pruned search selects candidate photographs.

The vectors of a segment lie close to a few directions. A sketch therefore keeps the components of each vector
along the 32 principal directions (of the second moments, not centred, so that dot products are preserved), in
8 bits each. That is a sixteenth of the 512 bytes of float16, and MaxSim over sketches ranks nearly as well.

Codes are stored region by region, (I, K, 32), so that the maximum over regions works on whole rows of
photographs. A photograph with fewer regions repeats its last one, which does not change the maximum.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import numkong
import numpy as np
from numpy.typing import NDArray

from dvsa import files
from dvsa.arrays import Floats

WIDTH: Final = 32
"""Numbers in the sketch of a region."""

SAMPLE: Final = 50_000
"""Regions from which the directions are computed."""

STEP: Final = 1024
"""Once this many photographs of a segment lack a sketch, the segment gets a new one."""

PHOTOS_PER_SKETCH_BLOCK: Final = 4096
"""Photographs that are scanned at once: few enough that the products stay in cache."""


def file_names(name: str, count: int) -> tuple[str, str]:
    """The files of a segment's sketch of its first `count` photographs."""
    return f"{name}.{count}.codes.npy", f"{name}.{count}.basis.npy"


def write(folder: Path, name: str, v_XD: NDArray[np.float16], first_K: NDArray[np.int64]) -> None:
    """Write the sketch of a segment, and wait until it is on disk.

    Args:
        folder: the folder of the files.
        name: of the segment.
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

    codes, basis = file_names(name, len(first_K) - 1)
    for file_name, array in ((codes, code_IKJ), (basis, u_DJ / np.float32(scale))):
        with (folder / file_name).open("wb") as file:
            np.save(file, array)
            file.flush()
            files.sync(file.fileno())
    files.sync_folder(folder)


class Sketch:
    """The sketch of the first photographs of a segment."""

    def __init__(self, folder: Path, name: str, count: int) -> None:
        """Map the files into memory; raises OSError or ValueError if they are missing or damaged."""
        codes, basis = file_names(name, count)
        self.code_IKJ: NDArray[np.int8] = np.asarray(np.load(folder / codes, mmap_mode="r"))
        self.basis_DJ: Floats = np.load(folder / basis)

    def __len__(self) -> int:
        """The number of photographs."""
        return len(self.code_IKJ[0])

    def score_jobs(self, s_ND: Floats, score_K: Floats) -> Iterator[Callable[[], None]]:
        """Functions that each write the rough MaxSim scores of one block of photographs into `score_K`."""
        s_NJ = s_ND @ self.basis_DJ
        scale = 127 / max(float(np.abs(s_NJ).max()), 1e-30)
        packed = numkong.dots_pack(np.rint(s_NJ * scale).astype(np.int8))

        def score(block: slice) -> None:
            best_KN = np.asarray(numkong.dots_packed(self.code_IKJ[0, block], packed))
            for code_KJ in self.code_IKJ[1:, block]:
                np.maximum(best_KN, np.asarray(numkong.dots_packed(code_KJ, packed)), out=best_KN)
            score_K[block] = best_KN.sum(axis=1) / scale

        for start in range(0, len(self), PHOTOS_PER_SKETCH_BLOCK):
            yield partial(score, slice(start, min(start + PHOTOS_PER_SKETCH_BLOCK, len(self))))
