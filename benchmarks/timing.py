"""Times of calls, and how the benchmarks print them."""

import statistics
import time
from collections.abc import Callable


def timed(call: Callable[[], object]) -> float:
    """The milliseconds that one call takes."""
    began = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - began)


def spread(times: list[float]) -> str:
    """The median and the range."""
    return f"{statistics.median(times):.1f} ({min(times):.1f} to {max(times):.1f})"


def percentile_95(times: list[float]) -> float:
    """The time that 95 % of the calls do not exceed."""
    return sorted(times)[int(0.95 * (len(times) - 1))]
