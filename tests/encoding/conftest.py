"""Encoded photographs with made-up numbers, and photographs to encode."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from dvsa.ahead import chunks
from dvsa.data import Source, toy
from dvsa.data.photographs import NamedSource
from dvsa.encoding import Encoded, Facts, Settings, SupportedCaption
from dvsa.encoding.values import Encoder
from dvsa.records import Caption

REGIONS, D = 3, 256


def made_up(sources: Iterable[NamedSource], settings: Settings) -> Encoded:
    """The result for some photographs: each name that contains `broken` cannot be read."""
    names = [name for name, _ in sources]
    facts = tuple(
        Facts(name, error=f"{name}: damaged") if "broken" in name else Facts(name, 10 + n, 20 + n)
        for n, name in enumerate(names)
    )
    good = [name for name in names if "broken" not in name]
    rng = np.random.default_rng([len(name) for name in good])
    box, score, v = (rng.random((len(good), REGIONS, *rest)).astype(np.float32) for rest in ((4,), (), (D,)))
    said = tuple(
        SupportedCaption(Caption(f"of {Path(name).stem}", -1.5, ("of", "it"), (-1.0, -0.5)), (True, False))
        for name in good
    )
    return Encoded(facts, box, score, v, said if settings.captions else ())


@pytest.fixture(scope="session")
def invent() -> Callable[[Sequence[str], Settings], Encoded]:
    """Makes up the result for photographs with some names."""
    return lambda names, settings: made_up([(name, Source(Path(name))) for name in names], settings)


@pytest.fixture(scope="session")
def fake() -> Callable[[Settings, int], Encoder]:
    """An encoder that gives made-up numbers, some photographs at a time."""

    def make(settings: Settings, size: int) -> Encoder:
        def encode(sources: Iterable[NamedSource]) -> Iterator[Encoded]:
            return (made_up(chunk, settings) for chunk in chunks(sources, size))

        return encode

    return make


@pytest.fixture(scope="session")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven scenes, one of them under another name, and a file that cannot be read."""
    folder = toy.write(tmp_path_factory.mktemp("album"), train=0, val=7, test=0) / "images"
    (folder / "broken.png").write_bytes(b"no photograph")
    return folder
