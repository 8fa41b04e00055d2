"""Several jobs at a time."""

from collections.abc import Callable
from types import ModuleType

import pytest


@pytest.mark.parametrize(
    ("visible", "of_clients"), [(None, None), ("", None), ("0", "0"), ("3", "0"), ("2,0,7", "0,1,2")]
)
def test_clients_of_a_shared_gpu_count_from_zero(
    script: Callable[[str], ModuleType], visible: str | None, of_clients: str | None
) -> None:
    environment = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    wanted = {} if of_clients is None else {"CUDA_VISIBLE_DEVICES": of_clients}
    assert script("jobs")._renumbered(environment) == wanted
