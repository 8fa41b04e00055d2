"""Encoding in bulk: the networks in torch against the graphs of the same bundle."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dvsa.bundle import Bundle
from dvsa.data import toy
from dvsa.data.gather import find
from dvsa.data.photographs import NamedSource
from dvsa.encoding import Encoded, Settings, encoder
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.runs.run import Run
from dvsa.learn.ship.torch_encoder import (
    Precision,
    Regions,
    Squares,
    TorchEncoder,
    TorchOptions,
    gathered,
    tuned,
)
from dvsa.manifest import Crops
from dvsa.model import Model

EXAMPLES = Path(__file__).parents[3] / "examples"
CPU = torch.device("cpu")
ARRAYS = ("box_GI4", "score_GI", "v_GID")


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[NamedSource]:
    """Photographs, scenes, and one that cannot be read."""
    folder = tmp_path_factory.mktemp("album")
    scenes = toy.write(folder / "toy", train=0, val=2, test=0) / "images"
    (scenes / "broken.jpg").write_bytes(b"no photograph")
    return find([EXAMPLES, scenes])


def joined(parts: list[Encoded]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([getattr(part, name) for part in parts]) for name in ARRAYS}


def assert_agree(
    found: list[Encoded],
    wanted: list[Encoded],
    tolerance: float,
    least: float = 1.0,
    *,
    captions: bool = True,
) -> None:
    """Assert that all photographs have the same facts, and a share of at least `least` the same rows.

    The last bit of a score can decide which regions are chosen.
    """
    ours, theirs = joined(found), joined(wanted)
    assert [fact for part in found for fact in part.facts] == [fact for part in wanted for fact in part.facts]
    same_G = np.abs(ours["box_GI4"] - theirs["box_GI4"]).max((1, 2)) < tolerance
    assert same_G.mean() >= least
    for name in ARRAYS:
        assert ours[name].dtype == theirs[name].dtype == np.float32
        np.testing.assert_allclose(ours[name][same_G], theirs[name][same_G], atol=tolerance, err_msg=name)

    said = [[caption for part in parts for caption in part.captions] for parts in (found, wanted)]
    for g, (our, their) in enumerate(zip(*said, strict=True)):
        if captions and same_G[g]:
            assert (our.caption.words, our.supported) == (their.caption.words, their.supported)
            assert our.caption.text == their.caption.text
            np.testing.assert_allclose(our.caption.logprobs, their.caption.logprobs, atol=tolerance)
            assert our.caption.logprob == pytest.approx(their.caption.logprob, abs=tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("regions", ["own", "head", "grid", "frame"])
def test_the_shipped_bundle_gives_the_same_rows_in_torch(sources: list[NamedSource], regions: str) -> None:
    bundle = Bundle.open(threads=1)
    settings = Settings(regions=regions, captions=regions == "own")
    wanted = list(encoder(Model(bundle), settings, workers=1)(sources))
    found = list(TorchEncoder(bundle, settings, CPU, TorchOptions(batch=2, workers=2))(sources))
    assert sum(len(part.facts) for part in found) == len(sources)
    assert [len(part.captions) for part in found] == [
        len(part.v_GID) if settings.captions else 0 for part in found
    ]
    assert_agree(found, wanted, 1e-4, least=0.5 if regions in ("own", "head") else 1.0)


def test_every_kind_of_bundle_gives_the_same_rows_in_torch(
    exported: tuple[Run, Bundle], sources: list[NamedSource]
) -> None:
    run, bundle = exported
    trained = run.config["data"] != "none"
    # Candidates of untrained proposals are all alike, and their captioners choose among equal words.
    settings = Settings(regions="own" if trained else "grid", captions=trained)
    wanted = list(encoder(Model(bundle), settings, workers=1)(sources[:3]))
    found = list(TorchEncoder(bundle, settings, CPU, TorchOptions(batch=2))(sources[:3]))
    # Pillow and torch cut crops that differ by a grey level.
    assert_agree(found, wanted, 1e-2, least=0.5 if trained else 1.0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize(("precision", "tolerance"), [("single", 1e-3), ("half", 1e-2)])
def test_a_gpu_gives_the_rows_of_a_cpu(
    sources: list[NamedSource], precision: Precision, tolerance: float
) -> None:
    bundle, gpu = Bundle.open(threads=1), torch.device("cuda")
    options = TorchOptions(precision=precision, batch=4, workers=2)
    for regions in ("grid", "own"):
        settings = Settings(regions=regions)
        wanted = list(encoder(Model(bundle), settings)(sources))
        found = list(TorchEncoder(bundle, settings, gpu, options)(sources))
        exact = regions == "grid"
        assert_agree(found, wanted, tolerance, least=1.0 if exact else 0.0, captions=False)


def test_what_torch_cannot_do_in_bulk_is_refused(sources: list[NamedSource]) -> None:
    bundle = Bundle.open()
    whole = replace(bundle.manifest, crops=Crops(size=224, context=0.0, full_resolution=True))
    with pytest.raises(ValueError, match=r"cuts its crops from whole photographs.*--device cpu"):
        TorchEncoder(replace(bundle, manifest=whole), Settings(), CPU)
    silent = replace(bundle, manifest=replace(bundle.manifest, voices={}))
    with pytest.raises(ValueError, match="has no captioner of photographs"):
        TorchEncoder(silent, Settings(), CPU)
    with pytest.raises(ValueError, match="the precision is 'double': choose from half, single"):
        TorchOptions(precision="double")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a batch cannot have 0 photographs"):
        TorchOptions(batch=0)


def test_numbers_beyond_half_precision_are_found(sources: list[NamedSource]) -> None:
    torch_encoder = TorchEncoder(Bundle.open(), Settings(regions="frame", captions=False), CPU)
    torch_encoder.regions.vision.regions.affine.bias.data[0] = torch.inf
    with pytest.raises(ValueError, match="too large for half precision: give --precision single"):
        list(torch_encoder(sources[:1]))


def test_the_settings_of_cudnn_are_restored() -> None:
    cudnn = torch.backends.cudnn
    before = cudnn.benchmark, cudnn.allow_tf32
    with tuned():
        assert (cudnn.benchmark, cudnn.allow_tf32) == (True, False)
    assert (cudnn.benchmark, cudnn.allow_tf32) == before


def test_parts_are_gathered_to_batches_in_order() -> None:
    counts = [2, 0, 1, 2, 0, 2, 2, 1]
    parts = [Squares((), np.full((count, 1, 1, 3), n, np.uint8)) for n, count in enumerate(counts)]
    batches = list(gathered(iter(parts), 4))
    assert [part for batch in batches for part in batch] == parts
    assert [sum(len(part.pixels_GHWC) for part in batch) for batch in batches] == [3, 4, 3]
    assert list(gathered([], 4)) == []


@pytest.mark.parametrize("proposer", ["coverage", "head"])
def test_a_compiler_sees_the_network_as_one_graph(model: JointModel, proposer: str) -> None:
    """With `fullgraph` torch refuses what it cannot compile; its backend `eager` runs the graph as it is."""
    regions = Regions(model.vision, proposer, 0.5, half=False)
    pixels = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    compiled = torch.compile(regions, backend="eager", fullgraph=True, dynamic=False)
    for found, wanted in zip(compiled(pixels), regions(pixels), strict=True):
        assert torch.equal(found, wanted)
