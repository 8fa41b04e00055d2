"""Layout of a graph in layers: an order within each layer with few crossings, and places without overlap."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from statistics import fmean

Bend = tuple[str, str, int]
"""Where an arrow passes a floor: its two ends, and the floor."""
Node = str | Bend

SWEEPS = 40
BEND_WIDTH = 7


def chains(floor: Mapping[str, int], arrows: Sequence[tuple[str, str]]) -> list[list[Node]]:
    """Each arrow as a chain of nodes, one on each floor from its upper to its lower end."""
    return [
        [upper, *((upper, lower, f) for f in range(floor[upper] - 1, floor[lower], -1)), lower]
        for upper, lower in arrows
    ]


def arrange(
    floor: Mapping[str, int], paths: Sequence[Sequence[Node]], sizes: Mapping[str, float], width: float
) -> dict[Node, float]:
    """The horizontal centre of every node, between 0 and `width`."""
    rows: dict[int, list[Node]] = defaultdict(list)
    for name in floor:
        rows[floor[name]].append(name)
    above: dict[Node, list[Node]] = defaultdict(list)
    below: dict[Node, list[Node]] = defaultdict(list)
    for path in paths:
        for node in path[1:-1]:
            rows[node[2] if isinstance(node, tuple) else floor[node]].append(node)
        for upper, lower in pairwise(path):
            above[lower].append(upper)
            below[upper].append(lower)

    def size(node: Node) -> float:
        return sizes[node] if isinstance(node, str) else BEND_WIDTH

    stretch = max(width / max(sum(map(size, row)) for row in rows.values()), 1)

    # Move each node to the middle of its neighbours: first only the order, then the places.
    place = {node: (i + 0.5) / len(row) * width for row in rows.values() for i, node in enumerate(row)}
    for sweep in range(2 * SWEEPS):
        near = above if sweep % 2 else below
        for f in sorted(rows, reverse=sweep % 2 == 1):
            row = rows[f]
            if sweep >= SWEEPS:
                near = {node: [*above[node], *below[node]] for node in row}
            wish = {node: fmean(place[n] for n in near[node]) if near[node] else place[node] for node in row}
            if sweep < SWEEPS:
                row.sort(key=wish.__getitem__)
            taken = [stretch * size(node) for node in row]
            place.update(zip(row, apart([wish[node] for node in row], taken, width), strict=True))
    return place


def apart(wishes: Sequence[float], sizes: Sequence[float], width: float) -> list[float]:
    """Places as near to the wishes as possible, in the same order, that leave each its size."""
    start = [sizes[0] / 2, *((a + b) / 2 for a, b in pairwise(sizes))]
    offsets = list(accumulate(start))
    spare = max(width - sum(sizes), 0)

    # Pool neighbours whose wishes overlap: each pool is placed at the mean of its wishes.
    pools: list[list[float]] = []
    for wish, offset in zip(wishes, offsets, strict=True):
        pools.append([wish - offset])
        while len(pools) > 1 and fmean(pools[-2]) >= fmean(pools[-1]):
            last = pools.pop()
            pools[-1] += last
    shifts = [min(max(fmean(pool), 0), spare) for pool in pools for _ in pool]
    return [shift + offset for shift, offset in zip(shifts, offsets, strict=True)]
