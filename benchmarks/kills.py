"""Processes that are killed while they write an index, for integrity.py and a test: nothing is lost."""

import hashlib
import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

import dvsa
from dvsa.data.photographs import NamedSource
from dvsa.index import Entry, Index, Photograph, SearchError
from dvsa.index.encode import Skipped
from dvsa.index.values import content_id

D = 256

LASTS = {"create": 0.02, "append": 0.02, "remove": 0.02, "compact": 0.04, "sync": 0.04}
"""Steps of a writer, and the longest time in seconds from the beginning of one to a kill."""


def entry(n: int) -> Entry:
    """A made-up photograph."""
    rng = np.random.default_rng(n)
    name = hashlib.sha256(str(n).encode()).hexdigest()
    photograph = Photograph(id=name, path=f"/{n}.jpg", file=f"/{n}.jpg", fields={"trip": "x"})
    return Entry(photograph, np.zeros((1, 4), np.float32), rng.standard_normal((1, D)).astype(np.float16))


def killed(folder: Path, step: str, count: int, model: dvsa.Model) -> Counter[str]:
    """The outcomes of processes that are killed in one step of their work."""
    outcomes, chance = Counter[str](), random.Random(3)
    for n in range(count):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(album_of(folder), ignore_errors=True)
        said = life(folder, model, step, chance)
        lost = "lost"
        try:
            try:
                index = Index.open(folder, model)
            except SearchError:
                # It died before there was an index: what it left is no obstacle.
                index = Index.create(folder, model)
            ids = index.ids()
            kept = {k for k in range(1000) if entry(k).photograph.id in ids} if ids else set()
            if said <= kept and not index.verify():
                index.append([entry(5000 + n)])
                lost = "kept" if said else "died early"
                if said and step == "sync" and not follows(index, album_of(folder)):
                    lost = "wrong"
        except Exception as error:
            print(repr(error)[:300])
        outcomes[lost] += 1
    return outcomes


def life(folder: Path, model: dvsa.Model, step: str, chance: random.Random) -> set[int]:
    """Run a writer until it is killed in a step; the photographs that it said were there and not removed.

    The step is the first `create`, or a random one of the others. The kill comes at a random time from its
    beginning on.
    """
    heard, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(heard)
        (follow if step == "sync" else write)(folder, model, told)
        os._exit(0)
    os.close(told)

    words, left = [], 0 if step == "create" else chance.randrange(10)
    with os.fdopen(heard) as lines:
        for line in lines:
            words.append(line)
            if line == f"?{step}\n":
                if left == 0:
                    time.sleep(chance.uniform(0, LASTS[step]))
                    os.kill(child, signal.SIGKILL)
                left -= 1
    os.waitpid(child, 0)
    return {int(w[1:]) for w in words if w[0] == "+"} - {int(w[1:]) for w in words if w[0] == "-"}


def say(told: int, line: str) -> None:
    """Tell the parent process a line."""
    os.write(told, f"{line}\n".encode())


def write(folder: Path, model: dvsa.Model, told: int) -> None:
    """Create an index, append, remove and compact; tell each step before it, and what is there after it."""
    tell = partial(say, told)
    tell("?create")
    index = Index.create(folder, model)
    for n in range(0, 1000, 2):
        tell("?append")
        index.append([entry(n), entry(n + 1)])
        tell(f"+{n}\n+{n + 1}")
        if n % 6 == 4:
            tell(f"-{n}")  # perhaps
            tell("?remove")
            index.remove([entry(n).photograph.id])
            tell("?compact")
            index.compact()


def album_of(index: Path) -> Path:
    """The folder with the files that an index follows."""
    return index.with_name(f"{index.name}-album")


def follow(folder: Path, model: dvsa.Model, told: int) -> None:
    """Synchronise an index with a folder that changes; tell each step before it, and what is there after it.

    The content of each file is the number of its photograph.
    """
    tell, album, chance = partial(say, told), album_of(folder), random.Random(4)
    album.mkdir()
    index = Index.create(folder, model)
    for first in range(0, 1000, 5):
        there = sorted(album.iterdir())
        for path in chance.sample(there, min(len(there), 4)):
            path.rename(album / f"{first}-{path.stem}.jpg"[-60:])
        there = sorted(album.iterdir())
        for path in chance.sample(there, min(len(there), 3)):
            tell(f"-{path.read_text()}")  # perhaps
            path.unlink()
        for n in range(first, first + 5):
            (album / f"{n}.jpg").write_text(str(n))
        shutil.copy(album / f"{first}.jpg", album / f"{first}-copy.jpg")

        tell("?sync")
        index.sync([album], encode=made_up)
        tell("\n".join(f"+{path.read_text()}" for path in album.iterdir()))


def made_up(
    sources: Iterable[NamedSource], known: Container[str], fields: Mapping[str, str]
) -> Iterator[Entry | Skipped]:
    """The entries of files that contain a number."""
    for path, source in sources:
        content = source.read()
        photograph = Photograph(id=content_id(content), path=path, file=path, size=len(content))
        if photograph.id in known:
            yield Skipped(path, None, photograph.id)
        else:
            yield replace(entry(int(content)), photograph=photograph)


def follows(index: Index, album: Path) -> bool:
    """Whether an index has exactly the photographs of a folder, at their paths, after it is synchronised."""
    index.sync([album], encode=made_up)
    wanted = {str(path): content_id(path.read_bytes()) for path in album.iterdir()}
    photographs = [e.photograph for e in index.entries() if e.photograph.path.startswith(str(album))]
    found = [(place.path, photograph.id) for photograph in photographs for place in photograph.places]
    return sorted(found) == sorted(wanted.items()) and not index.verify()
