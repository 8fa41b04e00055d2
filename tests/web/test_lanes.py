"""A picture that takes long waits in its own lane; the others pass."""

import asyncio
import time

import pytest

from dvsa.decode import Decoder, TookTooLongError
from dvsa.photo import Photo, TooLargeError
from dvsa.web.lanes import SLOW_PLACES, DecodingLanes
from dvsa.web.worker_pool import BusyError


def test_long_pictures_do_not_make_the_others_wait(picture: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    lanes = DecodingLanes(1)
    real = Decoder.read

    def read(self: Decoder, content: bytes, name: str, *, most_pixels: int | None = None) -> Photo:
        if content != b"long":
            return real(self, content, name, most_pixels=most_pixels)
        if self is lanes._quick:
            raise TookTooLongError("a")
        time.sleep(0.3)
        raise TooLargeError("too large")

    monkeypatch.setattr(Decoder, "read", read)

    async def all_at_once() -> tuple[list[object], float]:
        async with lanes.running(), lanes.running():
            return await crowd()

    async def crowd() -> tuple[list[object], float]:
        await lanes.read(picture, "a")
        long = [asyncio.create_task(lanes.read(b"long", "b")) for _ in range(SLOW_PLACES + 2)]
        await asyncio.sleep(0.05)
        began = time.monotonic()
        assert (await lanes.read(picture, "c")).width == 512
        took = time.monotonic() - began
        found = await asyncio.gather(*long, return_exceptions=True)
        assert lanes._taken == 0
        return [*map(type, found)], took

    for _ in range(2):  # a service may be started again
        found, took = asyncio.run(all_at_once())
    assert sorted(map(str, found)) == sorted(map(str, [TooLargeError] * SLOW_PLACES + [BusyError] * 2))
    assert took < 0.3 * SLOW_PLACES
    assert lanes.alive() == 0
