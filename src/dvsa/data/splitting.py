"""New splits of a data set, which do not depend on the order of its lists."""

import hashlib
from collections import defaultdict
from dataclasses import replace

from dvsa.data.dataset import DataError, Dataset, Example
from dvsa.data.exposure import content_digest


def split_anew(dataset: Dataset, *, val: float, test: float, seed: int = 0) -> Dataset:
    """The data set with new splits; photographs with the same bytes are in one split.

    Args:
        dataset: a data set; its own splits are forgotten.
        val: the number of photographs in `val`; below 1, their share.
        test: the same for `test`.
        seed: another seed gives other splits.

    Raises:
        DataError: nothing would be left to train on, or a split would be empty.
        OSError: a photograph cannot be read.
    """
    # All photographs of one content stand together, in an order that only the seed and the contents decide.
    groups: defaultdict[str, list[Example]] = defaultdict(list)
    for example in dataset.examples:
        groups[content_digest(example, dataset.regions)].append(example)
    order = sorted(groups, key=lambda digest: hashlib.sha256(f"{seed} {digest}".encode()).digest())

    total = len(dataset.examples)
    wanted = {name: round(n * total) if n < 1 else round(n) for name, n in (("val", val), ("test", test))}
    if min(val, test) < 0 or sum(wanted.values()) >= total:
        raise DataError(
            f"val and test take {sum(wanted.values())} of {total} photographs: leave some to train on"
        )

    splits: dict[str, str] = {}
    for name, count in wanted.items():
        taken = 0
        while taken < count and order:
            digest = order.pop()
            splits[digest] = name
            taken += len(groups[digest])
        if not taken and (val if name == "val" else test) > 0:
            raise DataError(f"{total} photographs are too few for the split {name}: ask for a larger share")
    if not order:
        raise DataError(
            "no photograph is left to train on: too many are equal, or val and test are too large"
        )

    place = {e.name: splits.get(digest, "train") for digest, group in groups.items() for e in group}
    examples = tuple(replace(example, split=place[example.name]) for example in dataset.examples)
    return replace(dataset, examples=examples, split_by_name=False)
