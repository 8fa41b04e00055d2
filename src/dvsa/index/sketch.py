"""Sketches: regions in 32 bytes each, by which a pruned search finds the photographs worth a closer look.

The vectors of a segment's regions lie close to few directions, so a sketch keeps their parts along the 32
principal ones (of the second moments, without centring, so that products stay products), in 8 bits. Against
512 bytes of float16 a region that is a sixteenth to read, and MaxSim over it ranks nearly as well.

Codes lie region by region, (I, K, 32), so that the maximum over regions runs over whole rows of photographs.
Photographs with fewer regions than others repeat their last one, which changes no maximum.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import numkong
import numpy as np
from numpy.typing import NDArray

from dvsa import files

WIDTH: Final = 32
"""Numbers that stand for a region."""

SAMPLE: Final = 50_000
"""Regions from which the directions are learnt."""

STEP: Final = 1024
"""Photographs without a sketch that a segment may have before it gets a new one."""

BLOCK: Final = 4096
"""Photographs that are scanned at once: small enough that the products stay in cache."""

Floats = NDArray[np.float32]


def names(name: str, count: int) -> tuple[str, str]:
    """The files of a segment's sketch."""
    return f"{name}.{count}.codes.npy", f"{name}.{count}.basis.npy"


def write(folder: Path, name: str, v_XD: NDArray[np.float16], first_K: NDArray[np.int64]) -> None:
    """Sketch photographs, and wait until that is on disk.

    Args:
        folder: where the files go.
        name: of the segment.
        v_XD: all regions, a photograph after the other.
        first_K: where each photograph's regions begin; one more at the end.
    """
    some = v_XD[:: len(v_XD) // SAMPLE + 1].astype(np.float32)
    u_DJ = np.linalg.eigh(some.T @ some).eigenvectors[:, ::-1][:, :WIDTH]
    along_XJ = np.concatenate([part.astype(np.float32) @ u_DJ for part in np.array_split(v_XD, 64)])
    scale = 127 / max(float(np.abs(along_XJ).max()), 1e-30)
    most = int(np.diff(first_K).max())
    region_IK = np.minimum(first_K[:-1] + np.arange(most)[:, None], first_K[1:] - 1)
    code_IKJ = np.rint(along_XJ * scale).astype(np.int8)[region_IK]
    codes, basis = names(name, len(first_K) - 1)
    for file_name, array in ((codes, code_IKJ), (basis, u_DJ / np.float32(scale))):
        with (folder / file_name).open("wb") as file:
            np.save(file, array)
            file.flush()
            files.sync(file.fileno())
    files.sync_folder(folder)


class Sketch:
    """The sketch of the first photographs of a segment."""

    def __init__(self, folder: Path, name: str, count: int) -> None:
        """Map the files; raises OSError or ValueError where they are missing or damaged."""
        codes, basis = names(name, count)
        self.code_IKJ: NDArray[np.int8] = np.asarray(np.load(folder / codes, mmap_mode="r"))
        self.basis_DJ: Floats = np.load(folder / basis)

    def __len__(self) -> int:
        """The number of photographs."""
        return len(self.code_IKJ[0])

    def score(self, s_ND: Floats, score_K: Floats) -> Iterator[Callable[[], None]]:
        """Calls that write rough MaxSim scores with vectors (N, D) into `score_K`, a block each."""
        s_NJ = s_ND @ self.basis_DJ
        scale = 127 / max(float(np.abs(s_NJ).max()), 1e-30)
        packed = numkong.dots_pack(np.rint(s_NJ * scale).astype(np.int8))

        def work(block: slice) -> None:
            best_KN = np.asarray(numkong.dots_packed(self.code_IKJ[0, block], packed))
            for code_KJ in self.code_IKJ[1:, block]:
                np.maximum(best_KN, np.asarray(numkong.dots_packed(code_KJ, packed)), out=best_KN)
            score_K[block] = best_KN.sum(axis=1) / scale

        for start in range(0, len(self), BLOCK):
            yield partial(work, slice(start, min(start + BLOCK, len(self))))
