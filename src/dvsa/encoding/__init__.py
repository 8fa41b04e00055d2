"""Encoding in bulk: regions, vectors and captions of any number of photographs, as Parquet files.

    from dvsa.encoding.bulk import write

    write(["~/photographs"], "encoded", dvsa.load(threads=1))

An encoder turns photographs into regions and vectors. There is one for this process, one for a Ray cluster,
and `dvsa.learn.ship.fast_encoder` has one for a GPU. `bulk.write` writes what any of them gives; it needs
pyarrow.
"""

from dvsa.encoding.encoder import encoder
from dvsa.encoding.values import Encoded, Facts, Settings, SupportedCaption

__all__ = ["Encoded", "Facts", "Settings", "SupportedCaption", "encoder"]
