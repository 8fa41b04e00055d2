"""What the scripts in runs/ and benchmarks/ share: parsing arguments, and saying how figures were made."""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from dvsa.files import write


def parser(doc: str | None, *paths: str) -> argparse.ArgumentParser:
    """A parser whose help is the docstring of the script; `paths` are its positional arguments."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    for path in paths:
        made.add_argument(path, type=Path)
    return made


def facts(began: float, **about: object) -> dict[str, object]:
    """How figures were made: `about`, such as data, split and seed; commit, command, device and seconds.

    Args:
        began: `time.monotonic()` at the start of the work.
        about: what else there is to say.
    """
    made = {"commit": commit(), "command": " ".join(sys.argv), "device": device()}
    return {**about, **made, "seconds": time.monotonic() - began}


def commit() -> str:
    """The commit that runs, or the variable COMMIT if there is no repository."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    here = Path(__file__).parent
    found = subprocess.run(command, capture_output=True, text=True, check=False, cwd=here).stdout
    return found.strip() or os.environ.get("COMMIT", "")


def device() -> str:
    """The GPU of a script that has imported torch, if there is one; otherwise the number of CPU threads."""
    torch = sys.modules.get("torch")
    if torch is None:
        return f"{os.cpu_count()} CPU threads"
    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    return f"{torch.get_num_threads()} CPU threads"


def keep(path: Path, values: Mapping[str, object] | Sequence[object]) -> None:
    """Write JSON; the file replaces an older one atomically. A missing folder is created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, json.dumps(values, indent=1, allow_nan=False).encode())
