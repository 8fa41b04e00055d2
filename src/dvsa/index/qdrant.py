"""Photographs in a Qdrant server: the same scores, ties and explanations as an `Index`.

There are two collections. NAME has a point for each photograph: all its vectors as one multi-vector,
compared by MaxSim of dot products. It has no HNSW graph, because it only ranks candidates. NAME-regions has a
point for each region, with Qdrant's usual graph. It finds the candidates: photographs with one of the best
regions for any word.
"""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice

import numpy as np
from qdrant_client import QdrantClient
from qdrant_client import models as q

from dvsa.index import explain
from dvsa.index.query import Query
from dvsa.index.values import Entry, Hit, Photograph

PHOTOS_PER_REQUEST = 64
"""Photographs that are sent in one request."""


class QdrantIndex:
    """Photographs in two collections of a Qdrant server. The vectors must all come from one bundle."""

    def __init__(self, client: QdrantClient, name: str, embedding: int) -> None:
        """Use the collections NAME and NAME-regions; missing ones are made.

        Args:
            client: connected to a server, or in local mode.
            name: the name of the collections.
            embedding: the size of a vector: `model.bundle.manifest.embedding`.
        """
        self.client, self.photographs, self.regions = client, name, f"{name}-regions"
        # The multi-vectors of photographs need no graph (m=0): they only rank candidates.
        single = q.VectorParams(size=embedding, distance=q.Distance.DOT, datatype=q.Datatype.FLOAT16)
        maxsim = q.MultiVectorConfig(comparator=q.MultiVectorComparator.MAX_SIM)
        several = single.model_copy(
            update={"multivector_config": maxsim, "hnsw_config": q.HnswConfigDiff(m=0)}
        )
        for collection, vectors in ((self.photographs, several), (self.regions, single)):
            if not client.collection_exists(collection):
                client.create_collection(collection, vectors_config=vectors)

    def __len__(self) -> int:
        """The number of photographs."""
        return self.client.count(self.photographs, exact=True).count

    def add(self, entries: Iterable[Entry]) -> None:
        """Add photographs; each replaces a photograph with the same identifier.

        A point's payload is the `Photograph` with its boxes.
        """
        rest = iter(entries)
        while some := list(islice(rest, PHOTOS_PER_REQUEST)):
            self._delete_regions([entry.photograph.id for entry in some])
            self.client.upsert(self.regions, [point for entry in some for point in _regions(entry)])
            self.client.upsert(self.photographs, [_photograph(entry) for entry in some])

    def remove(self, identifiers: Iterable[str]) -> None:
        """Remove photographs; unknown identifiers are ignored."""
        names = list(identifiers)
        self.client.delete(self.photographs, q.PointIdsList(points=[_point(name) for name in names]))
        self._delete_regions(names)

    def search(
        self, query: Query, k: int = 10, where: q.Filter | None = None, *, candidates: int | None = 200
    ) -> list[Hit]:
        """The photographs with the highest MaxSim scores; ties are ordered by identifier.

        Args:
            query: what to look for.
            k: the number of photographs.
            where: a filter of Qdrant on the payload of photographs, such as on `fields.trip`.
            candidates: regions that are looked up for each word; None scores all photographs (exact).

        Raises:
            ValueError: k is less than 1.
        """
        if k < 1:
            raise ValueError(f"k is {k}: ask for at least 1 photograph")
        if query.without:
            raise ValueError("Qdrant cannot search without something: use an index of dvsa")
        condition = where
        if candidates is not None:
            near = q.HasIdCondition(has_id=self._candidates(query, candidates))
            condition = q.Filter(must=[near, *([where] if where else [])])

        found = self.client.query_points(
            self.photographs, query=query.s_ND.tolist(), limit=k, query_filter=condition, with_vectors=True
        ).points

        hits = []
        for point in found:
            facts = dict(point.payload or {})
            box_I4 = np.array(facts.pop("boxes"), np.float32)
            v_ID = np.array(point.vector, np.float32)
            hits.append(explain.hit(query, float(point.score), Photograph.of_facts(facts), box_I4, v_ID))
        return sorted(hits, key=lambda hit: (-hit.score, hit.photograph.id))

    def _candidates(self, query: Query, count: int) -> list[q.ExtendedPointId]:
        """The photographs of the `count` best regions for each word."""
        asked = [q.QueryRequest(query=s_D.tolist(), limit=count, with_payload=True) for s_D in query.s_ND]
        answers = self.client.query_batch_points(self.regions, requests=asked)
        names = {(point.payload or {})["photograph"] for answer in answers for point in answer.points}
        return [_point(name) for name in sorted(names)]

    def _delete_regions(self, names: list[str]) -> None:
        of_photographs = q.FieldCondition(key="photograph", match=q.MatchAny(any=names))
        self.client.delete(self.regions, q.FilterSelector(filter=q.Filter(must=[of_photographs])))


def _point(name: str) -> str:
    """The point's identifier in Qdrant: half of the photograph's identifier, as a UUID."""
    return str(uuid.UUID(name[:32]))


def _photograph(entry: Entry) -> q.PointStruct:
    return q.PointStruct(
        id=_point(entry.photograph.id),
        vector=entry.v_ID.astype(np.float16).astype(np.float32).tolist(),
        payload={**asdict(entry.photograph), "boxes": entry.box_I4.tolist()},
    )


def _regions(entry: Entry) -> Iterator[q.PointStruct]:
    for i, v_D in enumerate(entry.v_ID.astype(np.float16).astype(np.float32)):
        name = str(uuid.uuid5(uuid.UUID(entry.photograph.id[:32]), str(i)))
        yield q.PointStruct(id=name, vector=v_D.tolist(), payload={"photograph": entry.photograph.id})
