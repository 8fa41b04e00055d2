"""The helpers of runs/script.py, for the scripts in this folder."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "runs"))

from script import facts, keep, parser

__all__ = ["facts", "keep", "parser"]
