"""One index on many machines, with Ray: actors encode photographs, and actors search its segments.

The index is the same as on one machine, in a folder that all machines share: a laptop reads what a cluster
writes, and the other way round. Ray repeats the work of a worker that dies.

    add      Ray Data gives photographs to actors, each with its own ONNX session. Their vectors come back, in
             the photographs' order, to the one process that writes segments.
    search   Each actor maps its share of the segments and returns its best k; the best k of all are returned.
"""

import json
import logging
import re
import socket
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, Self, cast

import numpy as np
import ray
import ray.data
from numpy.typing import NDArray

from dvsa import model as models
from dvsa.bundle import shipped
from dvsa.data.dataset import Source
from dvsa.data.photographs import NamedSource
from dvsa.decode import Decoder
from dvsa.index.encode import Encoder, Skipped
from dvsa.index.encode import encoder as local_encoder
from dvsa.index.index import Index
from dvsa.index.order import ordered
from dvsa.index.plan import Accepted, Plan
from dvsa.index.query import Query
from dvsa.index.values import Entry, Filter, Hit, Photograph, SearchError
from dvsa.model import Model

PHOTOS_PER_CALL: Final = 16
"""Photographs that an actor encodes in one call."""

Columns = dict[str, NDArray[np.generic]]


def connect(address: str = "local") -> None:
    """Join a Ray cluster, or start one on this machine (`local`); raises SearchError if that fails."""
    try:
        if place := re.fullmatch(r"([\w.-]+):(\d+)", address):  # fail early: Ray itself would try for minutes
            socket.create_connection((place[1], int(place[2])), timeout=10).close()
        ray.init(address, ignore_reinit_error=True, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ValueError) as error:
        raise SearchError(f"there is no Ray cluster at {address}: {error}") from error


def encoder(model: Model, workers: int | None = None) -> Encoder:
    """An encoder that works on the connected cluster, for `Index.add`.

    Args:
        model: its bundle must be in a folder that all machines share, or be the shipped one.
        workers: the number of actors, of one core each; None for one per core of the cluster.
    """
    bundle = shared_folder(model)

    def encode(
        sources: Iterable[NamedSource], known: Container[str], fields: Mapping[str, str]
    ) -> Iterator[Entry | Skipped]:
        return map(_from_row, mapped(sources, _EncodingActor, (bundle, known, dict(fields)), workers))

    return encode


def mapped(
    sources: Iterable[NamedSource],
    actor: type[Callable[[Columns], Columns]],
    arguments: tuple[object, ...],
    workers: int | None = None,
) -> Iterator[Mapping[str, object]]:
    """What actors on the connected cluster make of photographs, in the order of the photographs.

    Args:
        sources: the photographs.
        actor: a class whose objects are called with some of the photographs, and give columns of rows;
            `sources_of` reads what they are called with.
        arguments: for the actors' constructor.
        workers: the number of actors, of one core each; None for one per core of the cluster.
    """
    # Results must come back in the order of the photographs, without Ray's messages.
    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)

    # As JSON, because a path may have characters that are not UTF-8.
    rows = [
        {"source": json.dumps([path, str(source.path), source.offset, source.size, source.changed])}
        for path, source in sources
    ]
    blocks = max(1, len(rows) // PHOTOS_PER_CALL)
    made = ray.data.from_items(rows, override_num_blocks=blocks).map_batches(
        actor,
        fn_constructor_args=arguments,
        batch_size=PHOTOS_PER_CALL,
        compute=ray.data.ActorPoolStrategy(size=min(workers or _cores(), blocks)),
        num_cpus=1,
    )
    return iter(made.iter_rows())


def sources_of(batch: Columns) -> list[NamedSource]:
    """The photographs with which an actor of `mapped` is called."""
    return [(path, Source(Path(file), *rest)) for path, file, *rest in map(json.loads, batch["source"])]


def shared_folder(model: Model) -> Path | None:
    """The folder of a model's bundle on every machine; None for the shipped one, whose place may differ."""
    return None if model.bundle.folder == shipped() else model.bundle.folder.absolute()


def _cores() -> int:
    return max(int(ray.cluster_resources().get("CPU", 1)), 1)  # type: ignore[no-untyped-call]


class _EncodingActor:
    """An actor that encodes photographs."""

    def __init__(self, bundle: Path | None, known: Container[str], fields: dict[str, str]) -> None:
        self.encode = local_encoder(models.load(bundle, threads=1), Decoder().read, workers=1)
        self.known, self.fields = known, fields

    def __call__(self, batch: Columns) -> Columns:
        rows = [_to_row(item) for item in self.encode(sources_of(batch), self.known, self.fields)]
        return {name: np.array([row[name] for row in rows], object) for name in rows[0]}


def _to_row(item: Entry | Skipped) -> dict[str, object]:
    """An item as a row of Ray Data; a skipped photograph has no boxes."""
    if isinstance(item, Skipped):
        return {"facts": json.dumps(asdict(item)), "boxes": b"", "vectors": b""}
    return {
        "facts": json.dumps(asdict(item.photograph)),
        "boxes": item.box_I4.astype(np.float32).tobytes(),
        "vectors": item.v_ID.astype(np.float16).tobytes(),
    }


def _from_row(row: Mapping[str, object]) -> Entry | Skipped:
    """The item of a row that `_to_row` made."""
    facts = json.loads(str(row["facts"]))
    if not row["boxes"]:
        return Skipped(**facts)
    box_I4 = np.frombuffer(cast(bytes, row["boxes"]), np.float32).reshape(-1, 4)
    v_ID = np.frombuffer(cast(bytes, row["vectors"]), np.float16).reshape(len(box_I4), -1)
    return Entry(Photograph.of_facts(facts), box_I4, v_ID)


class Shards:
    """The segments of an index, shared out to several actors."""

    def __init__(self, index: Index, actors: int | None = None) -> None:
        """Start actors on the connected cluster; by default one per core or per segment, if that is fewer."""
        count = actors or max(1, min(_cores(), index.stats().segments))
        actor: Any = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=-1)(_SearchActor)
        self.actors = [actor.remote(index.folder.absolute(), n, count) for n in range(count)]

    def search(
        self,
        query: Query,
        k: int | None = None,
        where: Filter | None = None,
        *,
        pruned: bool = False,
        order: str = "score",
        grouped: bool = True,
    ) -> list[Hit]:
        """Like `Index.search`, on the index as it was when the actors were started."""
        shared, plan = ray.put(query), Plan.of(query, k, grouped)
        while True:
            parts = ray.get([actor.weigh.remote(shared, plan, where, pruned) for actor in self.actors])
            seen = sum(count for count, _ in parts)
            accepted = [item for _, items in parts for item in items]
            accepted.sort(key=lambda item: (-item.score, item.photograph.id))
            hits = plan.hits(query, accepted[: plan.weighed])
            if len(hits) == plan.k or plan.cut or seen < plan.weighed:
                return ordered(hits, order)
            plan = plan.wider()

    def __enter__(self) -> Self:
        """Return the shards themselves."""
        return self

    def __exit__(self, *error: object) -> None:
        """Stop the actors."""
        for actor in self.actors:
            ray.kill(actor)


class _SearchActor:
    """An actor that searches a share of the segments."""

    def __init__(self, folder: Path, first: int, step: int) -> None:
        self.index = Index.open(folder, share=slice(first, None, step))

    def weigh(
        self, query: Query, plan: Plan, where: Filter | None, pruned: bool
    ) -> tuple[int, list[Accepted]]:
        """How many photographs were looked at, and those of them that are accepted."""
        return self.index.weigh(query, plan, where, pruned=pruned)
