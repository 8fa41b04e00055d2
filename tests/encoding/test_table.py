"""Tables hold what was encoded, in order, with a row for each photograph."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa.encoding import Encoded, Settings
from dvsa.encoding.table import schema, table

Invent = Callable[[Sequence[str], Settings], Encoded]
EMPTY = ("boxes", "scores", "vectors", "caption", "caption_logprob", "caption_supported")


@given(st.lists(st.sampled_from(["good", "broken"]), min_size=1, max_size=9), st.booleans(), st.booleans())
def test_rows_are_the_photographs_in_order(
    invent: Invent, kinds: list[str], captions: bool, single: bool
) -> None:
    settings = Settings(captions=captions, vectors="float32" if single else "float16")
    names = [f"/album/{kind}{n}.jpg" for n, kind in enumerate(kinds)]
    encoded = invent(names, settings)
    made = table(encoded, schema(settings, 256))
    assert made.schema == schema(settings, 256)
    made.validate(full=True)

    good = 0
    for n, row in enumerate(made.to_pylist()):
        fact = encoded.facts[n]
        assert (row["path"], row["error"]) == (fact.path, fact.error)
        assert (row["width"], row["height"]) == (fact.width, fact.height)
        if fact.error is not None:
            assert all(row[name] is None for name in EMPTY if name in row)
            continue

        np.testing.assert_array_equal(np.float32(row["boxes"]), encoded.box_GI4[good])
        np.testing.assert_array_equal(np.float32(row["scores"]), encoded.score_GI[good])
        half = encoded.v_GID[good].astype(np.float32 if single else np.float16)
        np.testing.assert_array_equal(np.array(row["vectors"]), half)
        assert ("caption" in row) == captions
        if captions:
            said = encoded.captions[good]
            assert (row["caption"], row["caption_logprob"]) == (said.caption.text, said.caption.logprob)
            assert row["caption_supported"] == list(said.supported)
        good += 1
    assert good == len(encoded.v_GID)


@pytest.mark.parametrize("vectors", ["float16", "float32"])
def test_a_file_gives_back_arrays(invent: Invent, tmp_path: Path, vectors: str) -> None:
    """As docs/encoding.md reads it."""
    settings = Settings(vectors=vectors)  # type: ignore[arg-type]
    encoded = invent(["/a.jpg", "/broken.jpg", "/b.jpg"], settings)
    pq.write_table(table(encoded, schema(settings, 256)), tmp_path / "part.parquet")

    rows = pq.read_table(tmp_path / "part.parquet")
    rows = rows.filter(rows["error"].is_null())
    v_KID = rows["vectors"].combine_chunks().flatten().flatten().to_numpy().reshape(len(rows), -1, 256)
    assert v_KID.dtype == vectors
    np.testing.assert_array_equal(v_KID, encoded.v_GID.astype(vectors))


def test_names_that_are_not_utf8_are_written_with_escapes(invent: Invent) -> None:
    name = b"/album/dog\xff broken.jpg".decode(errors="surrogateescape")
    (row,) = table(invent([name], Settings()), schema(Settings(), 256)).to_pylist()
    assert row["path"] == "/album/dog\\xff broken.jpg"
    assert row["error"] == "/album/dog\\xff broken.jpg: damaged"
