"""An encoder that works on a Ray cluster: each actor has its own ONNX sessions on one core.

Photographs and bundle must be in folders that all machines share; the Parquet files are written by the one
process that collects the results. Ray repeats the work of a worker that dies.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import cast

import numpy as np

from dvsa import model as models
from dvsa.arrays import Floats
from dvsa.data.photographs import NamedSource
from dvsa.encoding.encoder import encode_some
from dvsa.encoding.values import Encoded, Encoder, Facts, Settings, SupportedCaption
from dvsa.index.cluster import Columns, mapped, shared_folder, sources_of
from dvsa.model import Model
from dvsa.records import Caption

ARRAYS = ("box_GI4", "score_GI", "v_GID")


def encoder(model: Model, settings: Settings, workers: int | None = None) -> Encoder:
    """An encoder that works on the cluster to which `dvsa.index.cluster.connect` has connected.

    Args:
        model: its bundle must be in a folder that all machines share, or be the shipped one.
        settings: what to give of each photograph.
        workers: the number of actors, of one core each; None for one per core of the cluster.

    Raises:
        ValueError: the bundle cannot give what is asked for.
    """
    settings.check(model.bundle)
    arguments = shared_folder(model), asdict(settings)

    def encode(sources: Iterable[NamedSource]) -> Iterator[Encoded]:
        return map(_from_row, mapped(sources, _EncodingActor, arguments, workers))

    return encode


class _EncodingActor:
    """An actor that encodes photographs."""

    def __init__(self, bundle: Path | None, settings: dict[str, object]) -> None:
        self.model = models.load(bundle, threads=1)
        self.settings = Settings(**settings)  # type: ignore[arg-type]

    def __call__(self, batch: Columns) -> Columns:
        row = _to_row(encode_some(self.model, self.settings, sources_of(batch)))
        return {name: np.array([value], object) for name, value in row.items()}


def _to_row(encoded: Encoded) -> dict[str, object]:
    """All photographs of a call as one row of Ray Data."""
    about = {
        "facts": [asdict(facts) for facts in encoded.facts],
        "captions": [asdict(said) for said in encoded.captions],
        "shapes": [getattr(encoded, name).shape for name in ARRAYS],
    }
    return {"about": json.dumps(about), **{name: getattr(encoded, name).tobytes() for name in ARRAYS}}


def _from_row(row: Mapping[str, object]) -> Encoded:
    """The result of a call whose row `_to_row` made."""
    about = json.loads(str(row["about"]))
    arrays: dict[str, Floats] = {
        name: np.frombuffer(cast(bytes, row[name]), np.float32).reshape(shape)
        for name, shape in zip(ARRAYS, about["shapes"], strict=True)
    }
    return Encoded(
        facts=tuple(Facts(**facts) for facts in about["facts"]),
        captions=tuple(_caption(**said) for said in about["captions"]),
        **arrays,
    )


def _caption(caption: dict[str, object], supported: list[bool]) -> SupportedCaption:
    words, logprobs = (tuple(cast("list[object]", caption.pop(name))) for name in ("words", "logprobs"))
    return SupportedCaption(Caption(words=words, logprobs=logprobs, **caption), tuple(supported))  # type: ignore[arg-type]
