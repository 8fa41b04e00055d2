"""Many clients at once: each gets its own answers, there are no errors, and no photographs leak."""

import asyncio
import gc
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dvsa.web.photo_cache import OpenPhoto

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "web_clients.py"
CLIENTS, SECONDS = 50, 6


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmarks_web_clients", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def held() -> int:
    gc.collect()
    return sum(type(thing) is OpenPhoto for thing in gc.get_objects())


@pytest.mark.slow
def test_fifty_clients_get_the_same_responses_as_one(listen: Any) -> None:
    before = held()
    port = listen(workers=2, waiting=8, max_photographs=60)
    found = asyncio.run(script().load(f"http://127.0.0.1:{port}", CLIENTS, SECONDS))
    assert {*found.statuses} == {"200", "201", "429"}
    assert found.wrong == 0
    assert found.visits >= CLIENTS
    assert held() - before <= 60
    assert found.growth < 40
