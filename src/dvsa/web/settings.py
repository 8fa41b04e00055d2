"""The limits of the service, and who may use it."""

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_POSITIVE = (
    "max_bytes",
    "max_pixels",
    "max_photographs",
    "keep_seconds",
    "workers",
    "patience_seconds",
    "timeout_seconds",
    "header_seconds",
    "connections",
    "failures",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The limits of one process, and who may use it; raises ValueError if a value is invalid."""

    max_bytes: int = 20 * 2**20
    """The largest upload: the file, and the few hundred bytes of its form."""
    max_pixels: int = 64_000_000
    """The largest photograph, by its header. `dvsa.photo` also limits the memory for decoding."""
    max_photographs: int = 256
    """Open photographs in memory, about 0.5 MB each; beyond that, the least recently used is removed."""
    keep_seconds: float = 3600.0
    """An open photograph expires if it is not used for this time."""
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    """Requests that run at the same time. One for each core is best if the model uses one thread."""
    waiting: int = 32
    """Requests that may wait for a worker, including uploads that are still arriving; more are refused."""
    patience_seconds: float = 10.0
    """Requests are refused if they would probably wait longer than this for a worker."""
    timeout_seconds: float = 30.0
    """From the first byte of a request to the first byte of its response."""
    header_seconds: float = 10.0
    """From the start of a connection, or the end of a response, to the end of the next header."""
    connections: int = 512
    """Connections at the same time; beyond that, the one that has been silent longest is closed."""
    failures: int = 60
    """Failed requests of one address in a minute that are answered at once; further ones wait."""
    hosts: tuple[str, ...] = ()
    """Host names of the service, in addition to the loopback's: the address that it listens at.
    `0.0.0.0` and `::` allow every address, but no name."""
    allow_origins: tuple[str, ...] = ()
    """Other sites that may use the service, such as `https://photographs.example`; implies their hosts."""

    search_paths: bool = False
    """Whether searches may filter by path: whoever searches can then try out what folders are called."""

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}: it must be above 0")
        if self.waiting < 0:
            raise ValueError(f"waiting is {self.waiting}: it must be 0 or more")

        for origin in self.allow_origins:
            parts = urlsplit(origin)
            if parts.scheme not in ("http", "https") or origin != f"{parts.scheme}://{parts.netloc.lower()}":
                raise ValueError(
                    f"the origin {origin!r} is invalid: give one such as https://photographs.example"
                )
