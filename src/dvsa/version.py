"""The version of this package."""

VERSION = "0.1.0"
"""Also for `pyproject.toml`, so that it is known where the package is not installed."""
