"""How the model reranks captions and chooses regions."""

import os
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dvsa.bundle import Bundle
from dvsa.manifest import BundleManifest
from dvsa.model import Model, View
from dvsa.regions import PROPOSERS

PHOTOGRAPHS = sorted((Path(__file__).parent.parent / "examples").glob("*.jpg"))


def seen(photo: Path, rerank: float) -> View:
    bundle = Bundle.open()
    changed = replace(bundle.manifest, rerank=rerank, length_power=0.8)
    return Model(replace(bundle, manifest=changed)).open(photo)


@pytest.mark.slow
@pytest.mark.parametrize("photo", PHOTOGRAPHS, ids=lambda photo: photo.stem)
def test_captions_are_compared_by_log_probability_and_alignment(photo: Path) -> None:
    by_likelihood = seen(photo, 0.0)
    found = by_likelihood.captions(6)
    likely = {c.text: c.logprob / len(c.logprobs) ** 0.8 for c in found}
    assert [c.text for c in found] == sorted(likely, key=lambda text: -likely[text])
    for rerank in (0.2, 50.0):
        worth = {text: likely[text] + rerank * by_likelihood.score(text) for text in likely}
        view = seen(photo, rerank)
        assert [c.text for c in view.captions(6)] == sorted(worth, key=lambda text: -worth[text])
        assert view.caption(6).text == max(worth, key=lambda text: worth[text])
        assert view.phrases(2, 3) == by_likelihood.phrases(2, 3)  # phrases of regions are not reranked


def test_bundles_without_rerank_sort_by_log_probability() -> None:
    bundle = Bundle.open()
    silent = {key: value for key, value in bundle.manifest.to_json().items() if key != "rerank"}
    model = Model(replace(bundle, manifest=BundleManifest.from_json(silent)))
    assert model.bundle.manifest.rerank == 0
    power = bundle.manifest.length_power
    found = [c.logprob / len(c.logprobs) ** power for c in model.open(PHOTOGRAPHS[0]).captions(3)]
    assert found == sorted(found, reverse=True)


def test_regions_are_chosen_by_any_proposer() -> None:
    model, photo = Model(Bundle.open()), PHOTOGRAPHS[0]
    own = model.open(photo)
    views = {name: model.open(photo, regions=name) for name in PROPOSERS}
    assert {name: view.proposer for name, view in views.items()} == {name: name for name in PROPOSERS}
    assert own.proposer == model.bundle.manifest.proposer == "coverage"
    assert [name for name, view in views.items() if np.array_equal(view.box_I4, own.box_I4)] == ["coverage"]
    assert [len(view.box_I4) for view in views.values()] == [20, 20, 20, 1]
    assert views["frame"].describe().phrases == ()


@pytest.mark.parametrize("regions", ["best", "boxes.json", Path("boxes.json")])
def test_an_unknown_proposer_or_a_missing_file_is_refused(regions: str | Path) -> None:
    message = rf"'{regions}' is neither a proposer \(own, head, coverage, grid, frame\) nor an existing file"
    with pytest.raises(ValueError, match=message):
        Model(Bundle.open()).open(PHOTOGRAPHS[0], regions=regions)


def test_boxes_are_read_from_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "boxes"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("[[0, 0, 100, 100]]",))
    writer.start()
    view = Model(Bundle.open()).open(PHOTOGRAPHS[0], regions=pipe)
    writer.join()
    assert view.regions[0].pixels == (0, 0, 100, 100)


def test_a_phrase_of_a_very_long_sentence_is_located() -> None:
    view = Model(Bundle.open()).open(PHOTOGRAPHS[0])
    assert view.locate("dog " * 501, first=500, last=500) in view.regions


def test_too_many_boxes_and_boxes_that_vanish_are_refused(tmp_path: Path) -> None:
    model = Model(Bundle.open())
    one, path = [0.1, 0.1, 0.2, 0.2], tmp_path / "boxes.json"
    with pytest.raises(ValueError, match=r"^256 boxes are too many: give 255 or fewer"):
        model.open(PHOTOGRAPHS[0], regions=np.array([one] * 256))
    path.write_text(str([[1, 1, 50, 50]] * 256))
    with pytest.raises(ValueError, match=r"boxes\.json: 256 boxes are too many"):
        model.open(PHOTOGRAPHS[0], regions=path)
    path.write_text("[" + " " * 2**20)
    with pytest.raises(ValueError, match=r"boxes\.json: it has more than 1,048,576 bytes"):
        model.open(PHOTOGRAPHS[0], regions=path)
    for box in ([0.5, 0, 0.5 + 1e-12, 1], [0, 0, 1e-60, 1], [0, 0, 1e300, 1]):
        with pytest.raises(ValueError, match="x0 < x1 and y0 < y1 in single precision"):
            model.open(PHOTOGRAPHS[0], regions=np.array([box]))
    assert len(model.open(PHOTOGRAPHS[0], regions=np.array([one] * 255)).regions) == 256
