"""`~` is the user's home in every path that a command is given, however the shell wrote it."""

import os
import re
from collections.abc import Callable
from functools import wraps
from inspect import signature
from pathlib import Path
from typing import get_args

from typer.models import ParameterInfo

_PATHS = re.compile("FOLDER|FILE|PATH|PHOTO|PREFIX|BUNDLE|INDEX")
"""Metavars of texts that may be paths."""


def at_home(command: Callable[..., None]) -> Callable[..., None]:
    """A command that gets its paths with `~` replaced, as in `--out=~/x`, where shells do not replace it.

    A name such as `~holiday` stays as it is unless there is a user of this name.
    """
    parameters = signature(command).parameters.items()
    texts = {name for name, parameter in parameters if _is_path(parameter.annotation)}

    @wraps(command)
    def called(**given: object) -> None:
        command(**{name: _expanded(value, name in texts) for name, value in given.items()})

    return called


def _is_path(annotation: object) -> bool:
    """Whether the texts of a parameter may be paths, by its metavar."""
    infos = [info for info in get_args(annotation) if isinstance(info, ParameterInfo)]
    return any(_PATHS.search(str(info.metavar)) for info in infos if info.metavar)


def _expanded(value: object, is_path: bool) -> object:
    """A value with `~` replaced in its paths."""
    if isinstance(value, Path):
        return Path(os.path.expanduser(value))
    if isinstance(value, str):
        return os.path.expanduser(value) if is_path else value
    if isinstance(value, list | tuple):
        return type(value)(_expanded(item, is_path) for item in value)
    return value
