"""The encoder of this process gives what a view of each photograph gives."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import dvsa
from dvsa.data.gather import find
from dvsa.encoding import Settings, encoder
from dvsa.encoding.encoder import encode_some, open_photograph
from dvsa.model import Model
from dvsa.photo_formats import FORMATS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model() -> Model:
    return dvsa.load(threads=1)


@pytest.mark.parametrize("regions", ["own", "grid"])
def test_rows_are_those_of_views(model: Model, album: Path, regions: str) -> None:
    sources = find([album])
    parts = list(encoder(model, Settings(regions=regions), workers=2)(sources))
    assert [fact.path for part in parts for fact in part.facts] == [name for name, _ in sources]

    for part in parts:
        good = [fact for fact in part.facts if fact.error is None]
        assert len(good) == len(part.v_GID) == len(part.captions)
        rows = zip(good, part.box_GI4, part.score_GI, part.v_GID, part.captions, strict=True)
        for fact, box_I4, score_I, v_ID, said in rows:
            view = model.open(fact.path, regions=regions)
            assert (fact.width, fact.height) == (view.photo.width, view.photo.height)
            np.testing.assert_allclose(box_I4, view.box_I4, atol=1e-5)
            np.testing.assert_allclose(score_I, view.score_I, atol=1e-5)
            np.testing.assert_allclose(v_ID, view.v_ID, atol=1e-5)

            description = view.describe()
            assert said.caption.text == description.caption.text
            assert said.caption.logprob == pytest.approx(description.caption.logprob, abs=1e-3)
            assert description.alignment is not None
            assert list(said.supported) == [word.supported for word in description.alignment.words]


def test_photographs_that_cannot_be_read_have_no_rows_in_the_arrays(model: Model, album: Path) -> None:
    broken = [named for named in find([album]) if named[0].endswith("broken.png")]
    gone = ("/gone.jpg", replace(broken[0][1], path=Path("/gone.jpg")))
    encoded = encode_some(model, Settings(), [*broken, gone])
    assert [fact.error for fact in encoded.facts] == [
        f"{broken[0][0]}: not a picture in {FORMATS} format",
        "/gone.jpg: No such file or directory",
    ]
    assert (len(encoded.v_GID), encoded.captions) == (0, ())
    assert all(open_photograph(named)[1] is None for named in (*broken, gone))


def test_what_a_bundle_cannot_give_is_refused(model: Model) -> None:
    manifest = model.bundle.manifest
    silent = replace(model, bundle=replace(model.bundle, manifest=replace(manifest, voices={})))
    with pytest.raises(ValueError, match="no captioner of photographs: leave the captions out"):
        encoder(silent)
    blind = replace(model, bundle=replace(model.bundle, manifest=replace(manifest, given_features=99)))
    with pytest.raises(ValueError, match="takes features of regions, not photographs"):
        encoder(blind)
    with pytest.raises(ValueError, match="regions are 'best': choose from own, head, coverage, grid, frame"):
        Settings(regions="best")
    with pytest.raises(ValueError, match="vectors are 'int8': choose from float16, float32"):
        Settings(vectors="int8")  # type: ignore[arg-type]
