"""A Ray cluster gives the rows of one process."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import dvsa
from dvsa.data.gather import find
from dvsa.encoding import Encoded, Settings, encoder

pytest.importorskip("ray", reason="Ray is an extra: pip install 'dvsa[ray]'")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Ray's warnings are not ours


@pytest.fixture(scope="module")
def local_cluster() -> Iterator[None]:
    import ray

    from dvsa.index.cluster import connect

    connect("local")
    yield
    ray.shutdown()


@pytest.mark.parametrize("captions", [False, True])
def test_a_cluster_gives_the_rows_of_one_process(local_cluster: None, album: Path, captions: bool) -> None:
    from dvsa.encoding import cluster

    model, settings = dvsa.load(threads=1), Settings(captions=captions)
    sources = find([album])
    found = list(cluster.encoder(model, settings, workers=2)(sources))
    wanted = list(encoder(model, settings, workers=1)(sources))
    assert facts(found) == facts(wanted)
    for name in ("box_GI4", "score_GI", "v_GID"):
        ours, theirs = (np.concatenate([getattr(part, name) for part in parts]) for parts in (found, wanted))
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, atol=1e-5)

    said = [[caption for part in parts for caption in part.captions] for parts in (found, wanted)]
    assert len(said[0]) == (7 if captions else 0)
    for our, their in zip(*said, strict=True):
        assert (our.caption.words, our.supported) == (their.caption.words, their.supported)
        assert our.caption.logprobs == pytest.approx(their.caption.logprobs, abs=1e-4)


def facts(parts: list[Encoded]) -> list[object]:
    return [fact for part in parts for fact in part.facts]
