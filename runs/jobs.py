"""Work on several things at a time that do not depend on one another."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from tempfile import TemporaryDirectory
from typing import TypeVar

T = TypeVar("T")


def at_once(jobs: int, work: Callable[[T], None], things: Iterable[T]) -> None:
    """Work on all things: in `jobs` processes, or one after the other in this process if `jobs` is 1."""
    if jobs == 1:
        for thing in things:
            work(thing)
        return
    with _shared_gpu(), ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        list(pool.map(work, things))


@contextmanager
def _shared_gpu() -> Iterator[None]:
    """Let the kernels of new processes run side by side on the GPU, if NVIDIA's MPS works here.

    Without it the processes take turns, and small kernels leave most of the GPU idle.
    """
    control, pipe = shutil.which("nvidia-cuda-mps-control"), "CUDA_MPS_PIPE_DIRECTORY"
    if control is None or pipe in os.environ:
        yield
        return

    with TemporaryDirectory() as folder:
        of_server = {pipe: folder, "CUDA_MPS_LOG_DIRECTORY": folder}
        of_clients = of_server | _renumbered(os.environ)
        before = {name: os.environ.get(name) for name in of_clients}
        started = subprocess.run([control, "-d"], env=os.environ | of_server, check=False)
        try:
            use = [sys.executable, "-c", "import torch; torch.zeros(1).cuda()"]
            if started.returncode == 0 and not subprocess.run(use, env=os.environ | of_clients).returncode:
                os.environ |= of_clients
            yield
        finally:
            subprocess.run([control], input=b"quit\n", env=os.environ | of_server, check=False)
            for name, value in before.items():
                os.environ.pop(name, None)
                os.environ |= {} if value is None else {name: value}


def _renumbered(environment: Mapping[str, str]) -> dict[str, str]:
    """The GPUs that a server of some GPUs alone shows to its clients: it counts them from 0."""
    name = "CUDA_VISIBLE_DEVICES"
    count = len([part for part in environment.get(name, "").split(",") if part])
    return {name: ",".join(map(str, range(count)))} if count else {}
