"""A process that is interrupted while it writes an index: `writer.py kill|step|full|read-only INDEX`.

Photographs are acknowledged through a pipe, so that what was said before a death is not lost.
"""

import errno
import hashlib
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

import dvsa
from dvsa.index import Entry, Index, Photograph, changes, sketch

D = 256


def entry(n: int) -> Entry:
    digest = hashlib.sha256(str(n).encode()).hexdigest()
    v_ID = np.full((1 + n % 3, D), n % 7, np.float16)
    return Entry(Photograph(id=digest, path=f"/{n}.jpg", file=f"/{n}.jpg"), np.zeros((1 + n % 3, 4)), v_ID)


def work(folder: Path, first: int, tell: int) -> NoReturn:
    """Add photographs three at a time, remove every fifth, compact sometimes, and report each change."""
    index = Index.open(folder)
    n = first
    while True:
        index.append([entry(n + i) for i in range(3)])
        os.write(tell, "".join(f"+{n + i}\n" for i in range(3)).encode())
        if n % 5 == 0:
            index.remove([entry(n).photograph.id])
            os.write(tell, f"-{n}\n".encode())
        if n % 7 == 0:
            index.compact()
        n += 3


def check(folder: Path, wanted: set[int], begun: set[int]) -> set[int]:
    """Check that all acknowledged photographs are there, and no others except those being written."""
    index = Index.open(folder)
    assert index.verify() == []
    there = index.ids()
    present = {n for n in wanted | begun if entry(n).photograph.id in there}
    assert len(present) == len(there), "there is what nobody added"
    assert wanted - present <= begun, f"lost {sorted(wanted - present - begun)}"
    for segment in index._segments:
        for row in np.flatnonzero(segment.alive_K).tolist():
            n = int(segment.photograph(row).path[1:-4])
            assert entry(n).photograph.id == segment.id(row)
            np.testing.assert_array_equal(segment.vectors(row), entry(n).v_ID)
    return present


def life(
    folder: Path, wanted: set[int], first: int, death: float | None, step: int | None
) -> tuple[set[int], int, bool]:
    """Run one writer until it dies; returns the photographs, the next number, and if work was cut."""
    heard, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(heard)
        if step is not None:
            die_before(step)
        try:
            work(folder, first, told)
        finally:
            os._exit(3)
    os.close(told)
    if death is not None:
        time.sleep(death)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(heard) as lines:
        said = [line.strip() for line in lines]
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the writer ended by itself"
    following = first
    for line in said:
        n = int(line[1:])
        wanted = wanted | {n} if line[0] == "+" else wanted - {n}
        following = max(following, n + 1)
    # Perhaps it was adding the next three, or removing the first of the last three.
    begun = {following, following + 1, following + 2, following - 3}
    present = check(folder, wanted, begun)
    return present, following + 3, present != wanted or bool(list(folder.glob("*.partial")))


def die_before(step: int) -> None:
    """Make this process kill itself before its step-th sync, replacement or deletion of a file."""
    left = [step]

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def count(*arguments: object, **options: object) -> object:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)

        return count

    for home, name in ((os, "fsync"), (Path, "replace"), (Path, "unlink")):
        setattr(home, name, counted(getattr(home, name)))


def fill(folder: Path) -> None:
    """Add photographs until the disk is full."""
    index, kept = Index.create(folder, dvsa.load()), 0
    full = None
    while full is None:
        try:
            index.append([entry(kept)])
            kept += 1
        except OSError as error:
            full = error.errno

    assert full == errno.ENOSPC
    assert kept > 10
    assert len(index) == kept
    assert index.verify() == []
    index = Index.open(folder)
    assert index.ids() == {entry(n).photograph.id for n in range(kept)}
    assert len(index.search(np.ones((1, D)), 5)) == 5


def only_read(folder: Path) -> None:
    """Read a read-only index of two photographs."""
    index = Index.open(folder)
    with pytest.raises(OSError, match="Read-only file system"):
        index.append([entry(3)])
    assert len(index.search(np.ones((1, D)))) == len(index) == 2
    assert index.verify() == []


def main() -> None:
    how, folder = sys.argv[1], Path(sys.argv[2])
    if how in ("full", "read-only"):
        fill(folder) if how == "full" else only_read(folder)
        return

    for module, name, value in ((changes, "SEGMENT_SIZE", 20), (sketch, "STEP", 6)):
        setattr(module, name, value)
    Index.create(folder, dvsa.load()).close()
    wanted: set[int] = set()
    first, interrupted = 0, 0

    if how == "kill":
        chance = random.Random(0)
        for _ in range(100):
            wanted, first, cut = life(folder, wanted, first, chance.uniform(0.001, 0.04), None)
            interrupted += cut
        print(100, first, interrupted)
    else:
        for step in range(60):
            wanted, first, _ = life(folder, wanted, first, None, step)
        print(60)


if __name__ == "__main__":
    main()
