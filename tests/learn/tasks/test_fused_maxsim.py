"""MaxSim and its gradient against a reference in numpy: by the kernels, by one table, and by blocks of it.

Without a GPU, Triton's interpreter runs the kernels. Most inputs are small integers. All ways compute these
exactly, and there are many ties.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from dvsa.learn.tasks import fused_maxsim, objective
from dvsa.learn.tasks.fused_maxsim import Tile, Tiles

pytest.importorskip("triton", reason="the kernels need Triton, which comes with torch for GPUs")

MaxSim = Callable[[Tensor, Tensor, Tensor], Tensor]
Sizes = tuple[int, int, int, int, int]
Array = npt.NDArray[Any]

ON_GPU = torch.cuda.is_available()
DEVICE = "cuda" if ON_GPU else "cpu"
NARROW = Tiles(*(Tile(16, 16, 4, 2),) * 3, Tile(16, 32, 4, 2))
"""Tiles that the interpreter runs in little time."""

SIZES = [
    (1, 1, 1, 1, 1),  # K, I, L, T, D
    (3, 4, 5, 6, 7),
    (32, 20, 16, 4, 16),  # whole tiles
    (33, 7, 17, 5, 33),
    (2, 1, 40, 12, 20),
    (40, 5, 2, 3, 300),
]


@pytest.fixture(scope="module", autouse=True)
def interpreter() -> Iterator[None]:
    """Triton reads this variable when it first sees a kernel."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(fused_maxsim.SWITCH, raising=False)
        if not ON_GPU:
            patch.setenv("TRITON_INTERPRET", "1")
        yield


@pytest.fixture
def kernels() -> MaxSim:
    def maxsim(v_KID: Tensor, s_LTD: Tensor, real_LT: Tensor) -> Tensor:
        return fused_maxsim.maxsim(v_KID, s_LTD, real_LT, None if ON_GPU else NARROW)

    return maxsim


@pytest.fixture(params=["kernels", "table", "blocks"])
def maxsim(request: pytest.FixtureRequest, kernels: MaxSim, monkeypatch: pytest.MonkeyPatch) -> MaxSim:
    """Each of the ways to compute the scores."""
    if request.param == "kernels":
        return kernels
    monkeypatch.setattr(fused_maxsim, "FEWEST", 1 << 60)
    if request.param == "blocks":
        monkeypatch.setattr(objective, "TABLE", 100)
    return objective.maxsim


def reference(v_KID: Array, s_LTD: Array, real_LT: Array, g_KL: Array) -> tuple[Array, Array, Array]:
    """The scores, and the gradients of regions and words where `g_KL` is that of the scores."""
    dot_KLTI = np.einsum("kid,ltd->klti", v_KID, s_LTD, optimize=True)
    best_KLTI = dot_KLTI.argmax(3)[..., None] == np.arange(v_KID.shape[1])  # the first of equal regions
    g_KLTI = best_KLTI * real_LT[..., None] * g_KL[..., None, None]
    return (
        (dot_KLTI.max(3) * real_LT).sum(2),
        np.einsum("klti,ltd->kid", g_KLTI, s_LTD, optimize=True),
        np.einsum("klti,kid->ltd", g_KLTI, v_KID, optimize=True),
    )


def integers(sizes: Sizes, seed: int) -> tuple[Array, Array, Array, Array]:
    """Regions, words, a mask and a gradient. Sentences have no word, one, or any number of words."""
    K, I, L, T, D = sizes  # noqa: E741
    random = np.random.default_rng(seed)
    v_KID, s_LTD, g_KL = (
        random.integers(-3, 4, shape).astype(float) for shape in ((K, I, D), (L, T, D), (K, L))
    )
    words_L = random.choice([0, 1, *range(T + 1), T], L)
    return v_KID, s_LTD, np.arange(T) < words_L[:, None], g_KL


def computed(
    maxsim: MaxSim, v_KID: Array, s_LTD: Array, real_LT: Array, g_KL: Array, dtype: torch.dtype
) -> tuple[Tensor, Tensor, Tensor]:
    """The scores and the two gradients, on the CPU."""
    v, s, real, g = (torch.from_numpy(array).to(DEVICE) for array in (v_KID, s_LTD, real_LT, g_KL))
    v, s = (x.to(dtype).requires_grad_() for x in (v, s))
    S_KL = maxsim(v, s, real)
    S_KL.backward(g.to(S_KL.dtype))  # type: ignore[no-untyped-call]
    assert v.grad is not None
    assert s.grad is not None
    return S_KL.detach().cpu(), v.grad.cpu(), s.grad.cpu()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("sizes", SIZES)
def test_scores_and_gradients_equal_the_reference(maxsim: MaxSim, sizes: Sizes, dtype: torch.dtype) -> None:
    drawn = integers(sizes, seed=sum(sizes))
    wanted = [torch.from_numpy(array) for array in reference(*drawn)]
    found = computed(maxsim, *drawn, dtype)
    assert [x.dtype for x in found] == [torch.float32, dtype, dtype]
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other.to(one.dtype), rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_numbers_of_every_size_are_rounded_once(kernels: MaxSim, dtype: torch.dtype) -> None:
    random = np.random.default_rng(0)
    v_KID, s_LTD = random.normal(size=(20, 6, 40)), 1e-4 * random.normal(size=(18, 5, 40))
    real_LT, g_KL = random.random((18, 5)) < 0.7, np.exp(random.normal(-12, 4, (20, 18)))
    rounded = [torch.from_numpy(x).to(dtype).double().numpy() for x in (v_KID, s_LTD)]

    # An error of 2**-11 for each factor, relative to the largest element.
    found = computed(kernels, v_KID, s_LTD, real_LT, g_KL, dtype)
    wanted = reference(rounded[0], rounded[1], real_LT, g_KL)
    for one, other in zip(found, wanted, strict=True):
        largest = float(np.abs(other).max())
        bound = largest * (2**-8 if one.dtype == torch.bfloat16 else 2**-10)
        torch.testing.assert_close(one.double(), torch.from_numpy(other), rtol=0, atol=bound)


@pytest.mark.parametrize("sizes", SIZES)
def test_a_mask_may_have_gaps(maxsim: MaxSim, sizes: Sizes) -> None:
    v_KID, s_LTD, real_LT, g_KL = integers(sizes, seed=1)
    drawn = v_KID, s_LTD, np.random.default_rng(2).permuted(real_LT, axis=1), g_KL
    for one, other in zip(computed(maxsim, *drawn, torch.float32), reference(*drawn), strict=True):
        torch.testing.assert_close(one, torch.from_numpy(other).float(), rtol=0, atol=0)


@pytest.mark.parametrize("filling", [1e30, np.nan])
def test_padding_takes_no_part(kernels: MaxSim, filling: float) -> None:
    v_KID, s_LTD, real_LT, g_KL = integers((5, 3, 9, 4, 8), seed=3)
    wanted = reference(v_KID, s_LTD, real_LT, g_KL)
    s_LTD[~real_LT.astype(bool)] = filling
    found = computed(kernels, v_KID, s_LTD, real_LT, g_KL, torch.float32)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, torch.from_numpy(other).float(), rtol=0, atol=0)


@pytest.mark.parametrize("shift", [-100, -20, 20, 60])
def test_powers_of_two_change_no_bit(kernels: MaxSim, shift: int) -> None:
    v_KID, s_LTD, real_LT, g_KL = integers((5, 3, 9, 4, 8), seed=4)
    plain = computed(kernels, v_KID, s_LTD, real_LT, g_KL, torch.float32)
    scaled = computed(kernels, v_KID * 2.0**shift, s_LTD, real_LT, g_KL * 2.0**-shift, torch.float32)
    for one, other, factor in zip(scaled, plain, (shift, -shift, 0), strict=True):
        torch.testing.assert_close(one, other * 2.0**factor, rtol=0, atol=0)


@pytest.mark.parametrize("partial", [1, 1 << 12, 1 << 40])
def test_parts_sum_to_the_same_scores(kernels: MaxSim, partial: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused_maxsim, "PARTIAL", partial)
    drawn = integers((20, 3, 20, 9, 8), seed=5)
    for one, other in zip(computed(kernels, *drawn, torch.float32), reference(*drawn), strict=True):
        torch.testing.assert_close(one, torch.from_numpy(other).float(), rtol=0, atol=0)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_gives_no_score(kernels: MaxSim, bad: float) -> None:
    v_KID, s_LTD, _, g_KL = integers((5, 3, 9, 4, 8), seed=6)
    v_KID[2, 1, 3] = bad
    S_KL, _, _ = computed(kernels, v_KID, s_LTD, np.ones((9, 4), bool), g_KL, torch.float32)
    assert S_KL[2].isnan().all()


def test_gradients_of_one_side_alone_and_none_without_gradients(kernels: MaxSim) -> None:
    drawn = integers((5, 3, 9, 4, 8), seed=7)
    S_KL, grad_KID, grad_LTD = computed(kernels, *drawn, torch.float32)
    v, s, real, g = (torch.from_numpy(array).to(DEVICE) for array in drawn)
    v, s = v.float(), s.float()
    for leaf, wanted in ((v, grad_KID), (s, grad_LTD)):
        leaf.requires_grad_()
        (found,) = torch.autograd.grad(kernels(v, s, real), leaf, g.float())
        torch.testing.assert_close(found.cpu(), wanted, rtol=0, atol=0)
        leaf.requires_grad_(False)
    assert not kernels(v, s, real).requires_grad
    torch.testing.assert_close(kernels(v, s, real).cpu(), S_KL, rtol=0, atol=0)


class Largest(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records the bytes of the largest tensor that an operation makes."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = 0

    def __torch_dispatch__(
        self, func: Any, types: object, args: tuple[object, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> object:
        made = func(*args, **(kwargs or {}))
        for x in made if isinstance(made, tuple | list) else [made]:
            if isinstance(x, Tensor):
                self.bytes = max(self.bytes, x.nbytes)
        return made


@pytest.mark.parametrize("way", ["kernels", "blocks", "table"])
def test_the_table_of_products_is_never_made(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    K, I, L, T, D = 16, 16, 96, 3, 8  # noqa: E741
    monkeypatch.setattr(fused_maxsim, "FEWEST", 1 << 60)
    monkeypatch.setattr(objective, "TABLE", 10 * K * I * T if way == "blocks" else 1 << 60)
    v_KID, s_LTD, _, g_KL = integers((K, I, L, T, D), seed=8)
    drawn = v_KID, s_LTD, np.ones((L, T), bool), g_KL
    with Largest() as largest:
        kernels = partial(fused_maxsim.maxsim, tiles=NARROW)
        computed(kernels if way == "kernels" else objective.maxsim, *drawn, torch.float32)
    if way == "table":  # this is what the others avoid
        assert largest.bytes >= 4 * K * I * L * T
    else:
        assert largest.bytes < K * I * L * T


def test_the_cpu_and_small_problems_need_no_kernels() -> None:
    assert not fused_maxsim.serves(torch.zeros(1000, 20, 256), torch.zeros(5000, 12, 256, device="meta"))
    assert not fused_maxsim.serves(torch.zeros(8, 20, 256, device=DEVICE), torch.zeros(8, 12, 256))


@pytest.mark.skipif(not ON_GPU, reason="only a GPU can run ahead of the host")
def test_the_host_never_waits_for_the_gpu(kernels: MaxSim) -> None:
    drawn = [torch.from_numpy(array).to(DEVICE) for array in integers((70, 20, 200, 9, 64), seed=9)]
    v, s = (x.float().requires_grad_() for x in drawn[:2])
    for mode in ("default", "error"):  # Triton compiles in the first pass
        torch.cuda.set_sync_debug_mode(mode)
        try:
            kernels(v, s, drawn[2]).backward(drawn[3].float())  # type: ignore[no-untyped-call]
        finally:
            torch.cuda.set_sync_debug_mode("default")


@pytest.mark.skipif(not ON_GPU, reason="the interpreter would take hours")
@pytest.mark.parametrize(
    "sizes", [(300, 20, 1500, 16, 256), (257, 36, 640, 21, 300), (130, 20, 1600, 9, 1024)]
)
def test_large_problems_on_a_gpu(sizes: Sizes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused_maxsim, "FEWEST", 1)
    drawn = integers(sizes, seed=10)
    v, s = (torch.from_numpy(x).to(DEVICE, torch.bfloat16) for x in drawn[:2])
    assert fused_maxsim.serves(v, s)
    found = computed(objective.maxsim, *drawn, torch.bfloat16)
    again = computed(objective.maxsim, *drawn, torch.bfloat16)
    wanted = [torch.from_numpy(array) for array in reference(*drawn)]
    for one, other, repeated in zip(found, wanted, again, strict=True):
        torch.testing.assert_close(one, other.to(one.dtype), rtol=0, atol=0)
        assert torch.equal(one, repeated)
