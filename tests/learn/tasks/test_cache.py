"""The cache of arrays: where it is, when it is used, and what an interruption leaves."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
import torch

from dvsa.learn.nets import backbones
from dvsa.learn.nets.backbones import small, weights
from dvsa.learn.tasks.cache import cache_dir, cached, source_code


def test_the_environment_says_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DVSA_CACHE", str(tmp_path / "mine"))
    assert cache_dir() == tmp_path / "mine"
    monkeypatch.delenv("DVSA_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_dir() == tmp_path / "dvsa"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_dir() == tmp_path / ".cache" / "dvsa"


def test_an_array_is_computed_once_for_a_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DVSA_CACHE", str(tmp_path))
    computed = []

    def fill(array: np.ndarray) -> None:
        computed.append(array.shape)
        array[:] = 7

    first = cached(b"a", (2, 3), "uint8", fill)
    np.testing.assert_array_equal(cached(b"a", (2, 3), "uint8", fill), first)
    cached(b"b", (2, 3), "uint8", fill)
    assert len(computed) == 2
    torch.from_numpy(first).fill_(9)  # changes the array, not the file
    assert cached(b"a", (2, 3), "uint8", fill).max() == 7
    assert {oct(p.stat().st_mode & 0o444) for p in tmp_path.glob("*.npy")} == {"0o444"}


def test_an_interruption_leaves_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DVSA_CACHE", str(tmp_path))

    def fill(array: np.ndarray) -> None:
        array[0] = 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached(b"a", (2, 3), "uint8", fill)
    assert {path.suffix for path in tmp_path.iterdir()} == {".lock"}


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:30], lambda b: b"", lambda b: b"text" * 9])
@pytest.mark.parametrize("other", [False, True])
def test_a_file_that_is_not_the_array_is_computed_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, damage: Callable[[bytes], bytes], other: bool
) -> None:
    monkeypatch.setenv("DVSA_CACHE", str(tmp_path))
    wanted = np.arange(6, dtype=np.uint8).reshape(2, 3)

    def fill(array: np.ndarray) -> None:
        array[:] = wanted

    cached(b"a", (2, 3), "uint8", fill)
    (path,) = tmp_path.glob("*.npy")
    if other:
        np.save(path, wanted[:, :2])
    else:
        path.write_bytes(damage(path.read_bytes()))
    np.testing.assert_array_equal(cached(b"a", (2, 3), "uint8", fill), wanted)
    np.testing.assert_array_equal(np.load(path), wanted)


def test_an_array_that_several_need_at_once_is_computed_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DVSA_CACHE", str(tmp_path))
    computed, all_ask = [], Barrier(3)

    def fill(array: np.ndarray) -> None:
        computed.append(1)
        time.sleep(0.2)
        array[:] = 7

    def ask(_: int) -> int:
        all_ask.wait()
        return int(cached(b"a", (2, 3), "uint8", fill).min())

    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(ask, range(3))) == [7, 7, 7]
    assert len(computed) == 1


def test_the_source_of_a_package_is_that_of_all_its_modules() -> None:
    whole = source_code(backbones)
    for module in (backbones, small, weights):
        assert Path(module.__file__ or "").read_text("utf-8") in whole
    assert source_code(small, weights) == source_code(small) + source_code(weights)
    assert source_code(small) == Path(small.__file__).read_text("utf-8")
