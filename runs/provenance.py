"""What a figure was made with: the commit and the machine."""

import os
import subprocess
from pathlib import Path

import torch


def commit() -> str:
    """The commit that runs; COMMIT says it where there is no repository."""
    asked = ["git", "rev-parse", "--short", "HEAD"]
    here = Path(__file__).parent
    found = subprocess.run(asked, capture_output=True, text=True, check=False, cwd=here).stdout
    return found.strip() or os.environ.get("COMMIT", "")


def device() -> str:
    """What computes."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{torch.get_num_threads()} CPU threads"
