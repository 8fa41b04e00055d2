"""What the service allows."""

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Limits of one process, and who may call it; raises ValueError where they make no sense."""

    max_bytes: int = 20 * 2**20
    """Of an upload: the file, and the few hundred bytes that a form puts around it."""
    max_pixels: int = 64_000_000
    """Of an uploaded photograph, by its header; what decoding may hold is limited by `dvsa.photo` besides."""
    max_photographs: int = 256
    """Photographs in memory, at some 0.5 MB each; the one that was longest not asked about makes room."""
    keep_seconds: float = 3600.0
    """After so long without a question a photograph is forgotten."""
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    """Questions that are worked on at once; with a model of one thread, one for each core is best."""
    waiting: int = 32
    """Questions that may wait for a worker, uploads that are still coming in among them; more are refused."""
    timeout_seconds: float = 30.0
    """From the first byte of a request to the first byte of its answer."""
    hosts: tuple[str, ...] = ()
    """Names, beside those of the machine itself, by which the service may be called: what it is bound to.
    `0.0.0.0` and `::` stand for every address, but for no name."""
    allow_origins: tuple[str, ...] = ()
    """Other sites whose pages may ask, such as `https://photographs.example`; their hosts are `hosts` too."""

    def __post_init__(self) -> None:
        for name in (
            "max_bytes",
            "max_pixels",
            "max_photographs",
            "keep_seconds",
            "workers",
            "timeout_seconds",
        ):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}: it must be above 0")
        if self.waiting < 0:
            raise ValueError(f"waiting is {self.waiting}: it must be 0 or more")
        for origin in self.allow_origins:
            parts = urlsplit(origin)
            if parts.scheme not in ("http", "https") or origin != f"{parts.scheme}://{parts.netloc.lower()}":
                raise ValueError(
                    f"the origin {origin!r} is none: give one such as https://photographs.example"
                )
