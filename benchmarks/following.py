"""How long an index takes to follow a folder, beyond the encoding of what is new in it.

    python benchmarks/following.py [--photographs 100000] [--out following.json]

A folder gets made-up photographs, of which no network computes anything: their vectors are random, with 20
regions each. It is indexed, synchronised unchanged, synchronised after 1 % of the files have changed, after
1 % have been moved and 1 % deleted, and after the folder was renamed, so that every file is read again.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from common import facts, keep, parser

import dvsa
from dvsa.data.photographs import NamedSource
from dvsa.index import Added, Entry, Index, Photograph
from dvsa.index.encode import Skipped
from dvsa.index.values import content_id

REGIONS, D = 20, 256
PER_FOLDER = 1000
BYTES = 20_000
"""Of each file."""


def main() -> int:
    """Measure, print and write JSON; returns the exit code."""
    options = parser(__doc__)
    options.add_argument("--photographs", type=int, default=100_000)
    options.add_argument("--out", type=Path)
    args = options.parse_args()

    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="dvsa-following-") as folder:
        seconds = measured(args, Path(folder))
    for name, value in seconds.items():
        print(f"{name}: {value:.1f} s")
    if args.out:
        keep(args.out, {"seconds": seconds, "photographs": args.photographs, "facts": facts(began, seed=0)})
    return 0


def measured(args: argparse.Namespace, folder: Path) -> dict[str, float]:
    """The seconds of each step."""
    album, chance = folder / "album", random.Random(0)
    for n in range(args.photographs):
        write(album, n, n)
    time.sleep(3)  # files of the last two seconds are always read again
    index = Index.create(folder / "index", dvsa.load())  # passed over in `folder`
    some = args.photographs // 100
    seconds: dict[str, float] = {}

    def sync(name: str, wanted: Callable[[Added], bool], place: Path = album) -> None:
        started = time.perf_counter()
        outcome = index.sync([place], encode=made_up)
        seconds[name] = time.perf_counter() - started
        assert wanted(outcome), (name, outcome)

    sync("first", lambda done: done.added == args.photographs)
    sync("unchanged", lambda done: done.known == args.photographs)

    for n in chance.sample(range(args.photographs), some):
        write(album, n, args.photographs + n)
    time.sleep(3)
    sync("1 % changed", lambda done: done.changed == some)

    picked = chance.sample(range(args.photographs), 2 * some)
    for n in picked[:some]:
        path_of(album, n).rename(album / f"moved-{n}.jpg")
    for n in picked[some:]:
        path_of(album, n).unlink()
    sync("1 % moved, 1 % deleted", lambda done: (done.moved, done.vanished) == (some, some))

    album.rename(folder / "renamed")
    sync("all moved", lambda done: done.moved == args.photographs - some, folder)
    return seconds


def path_of(album: Path, n: int) -> Path:
    """The file of a number."""
    return album / f"{n // PER_FOLDER:04}" / f"{n}.jpg"


def write(album: Path, n: int, content: int) -> None:
    """Write a file with a made-up content."""
    path = path_of(album, n)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\xff\xd8\xff" + content.to_bytes(8, "big") + bytes(BYTES))


def made_up(
    sources: Iterable[NamedSource], known: Container[str], fields: Mapping[str, str]
) -> Iterator[Entry | Skipped]:
    """The entries of made-up photographs."""
    chance = np.random.default_rng(0)
    box_I4 = np.tile(np.array([0, 0, 1, 1], np.float32), (REGIONS, 1))
    v_ID = chance.standard_normal((REGIONS, D)).astype(np.float16)
    for path, source in sources:
        content = source.read()
        name = content_id(content)
        if name in known:
            yield Skipped(path, None, name)
        else:
            yield Entry(Photograph(id=name, path=path, file=path, size=len(content)), box_I4, v_ID)


if __name__ == "__main__":
    sys.exit(main())
