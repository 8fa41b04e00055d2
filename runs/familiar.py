"""How many photographs are unlike all that a bundle has learned from: those of val, and those from outside.

    python runs/familiar.py DATA WILD OUT [--bundle FOLDER] [--count 2000]

DATA is what the bundle has learned from. WILD has the photographs of runs/wild.toml; their half `choose` is
used. If the bundle does not say what familiar photographs look like (`dvsa export --background`), this is
measured on COUNT photographs of the training split, and the limit on as many of val.

OUT/familiar.json has the share of each set beyond the limit, and beyond other limits; how often a photograph
from outside is farther than one of val (`area under the curve`); and the distance of every photograph from
outside, 1 at the limit.
"""

import json
import time
from pathlib import Path

import numpy as np
import script
from wild_list import read

from dvsa.arrays import FloatArray
from dvsa.bundle import Bundle
from dvsa.data import load
from dvsa.familiar import Known, frame_features, known, limit
from dvsa.learn.ship.seen import FAMILIAR, features
from dvsa.model import Model

SHARES = (0.01, 0.02, 0.025, 0.03, 0.05)
"""Shares of val that other limits would call unfamiliar."""


def beyond(distance_N: FloatArray) -> dict[str, float]:
    """How many photographs are beyond the limit, in percent."""
    return {"photographs": len(distance_N), "beyond the limit": 100 * float((distance_N > 1).mean())}


def main() -> None:
    """Measure, and print the shares."""
    parser = script.parser(__doc__, "data", "wild", "out")
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--count", type=int, default=FAMILIAR)
    args = parser.parse_args()

    # What familiar photographs look like.
    began = time.monotonic()
    data, model = load(args.data), Model(Bundle.open(args.bundle))
    val_NF = features(model, data.split("val"), args.count)
    own = model.bundle.familiar
    if own is None:
        told = known(features(model, data.split("train", restval=True), args.count), val_NF)
    else:
        told = Known(own, model.bundle.manifest.familiar)

    # The photographs from outside.
    chosen = [wild for wild in read() if wild.half == "choose" and (args.wild / wild.file).is_file()]
    outside_NF = np.concatenate(
        [frame_features(model.open(args.wild / wild.file).feature_IF[None]) for wild in chosen]
    )
    val_N, outside_N = (told.familiar.distances(x_NF) / told.limit for x_NF in (val_NF, outside_NF))

    found = {
        "limit": told.limit,
        "bytes": len(told.familiar.to_bytes()),
        "val": beyond(val_N),
        "outside": beyond(outside_N),
        "outside beyond other limits": {
            f"{share:.1%} of val": 100 * float((outside_N > limit(val_N, share)).mean()) for share in SHARES
        },
        "area under the curve": float((outside_N[:, None] > val_N).mean()),
        "distances": {wild.name: float(far) for wild, far in zip(chosen, outside_N, strict=True)},
        "facts": script.facts(began, data=data.name, bundle=model.bundle.manifest.name),
    }
    script.keep(args.out / "familiar.json", found)
    print(json.dumps({name: value for name, value in found.items() if name != "distances"}, indent=1))


if __name__ == "__main__":
    main()
