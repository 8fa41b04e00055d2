"""Work on several things at a time that do not depend on one another."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
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
        variables = {pipe: folder, "CUDA_MPS_LOG_DIRECTORY": folder}
        started = subprocess.run([control, "-d"], env=os.environ | variables, check=False)
        try:
            use = [sys.executable, "-c", "import torch; torch.zeros(1).cuda()"]
            if started.returncode == 0 and not subprocess.run(use, env=os.environ | variables).returncode:
                os.environ |= variables
            yield
        finally:
            subprocess.run([control], input=b"quit\n", env=os.environ | variables, check=False)
            for name in variables:
                os.environ.pop(name, None)
