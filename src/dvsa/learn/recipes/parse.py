"""Configurations from JSON: dataclasses from the objects of their fields."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, TypeVar, cast, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from dvsa.learn.loop.checkpoint import JsonValue

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Made = TypeVar("Made", bound="DataclassInstance")
STRICT = ConfigDict(strict=True, allow_inf_nan=False)
"""No text in place of a number, no number in place of a truth value, and only finite numbers."""


def parse(make: type[Made], raw: JsonValue, where: str = "", **ready: object) -> Made:
    """A dataclass from the JSON object of its fields; nested dataclasses and tuples are made too.

    Args:
        make: the dataclass.
        raw: its fields as JSON.
        where: the dotted name of the object, for messages.
        ready: fields that are made already; they replace those of `raw`.

    Raises:
        ValueError: a field is unknown, missing or invalid; the message names it.
    """
    title = where or make.__name__
    if not isinstance(raw, Mapping):
        raise ValueError(f"{title}: {raw!r:.60} is not a JSON object with the fields of {make.__name__}")

    # Every field of the object is known, and every field without a default is there.
    known = {field.name: field for field in fields(make) if field.init}
    for key in raw:
        if key not in known:
            raise ValueError(f"{title} has no field {key!r}{nearest(key, known)}")
    for key, field in known.items():
        if key not in raw and key not in ready and field.default is field.default_factory is MISSING:
            raise ValueError(f"{title}: the field {key!r} is missing")

    hints = get_type_hints(make)
    prefix = f"{where}." if where else ""
    values = {
        key: _value(hints[key], value, f"{prefix}{key}") for key, value in raw.items() if key not in ready
    }
    try:
        return make(**values, **ready)
    except ValueError as error:
        raise ValueError(f"{title}: {error}") from error


def nearest(name: str, known: Iterable[str], advice: str = "") -> str:
    """What to write in place of an unknown name, or else advice, as the end of a message."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    return f": did you mean {close[0]!r}?" if close else f": {advice or 'choose from ' + ', '.join(names)}"


def _value(hint: object, value: JsonValue, where: str) -> object:
    """The value of a field, checked against its type."""
    optional = [kind for kind in get_args(hint) if is_dataclass(kind)]  # of `Made | None`
    kind = optional[0] if optional and value is not None else hint
    if isinstance(kind, type) and is_dataclass(kind):
        return parse(kind, value, where)

    given = tuple(value) if get_origin(hint) is tuple and isinstance(value, list) else value
    try:
        checked: object = TypeAdapter(cast("type[object]", hint), config=STRICT).validate_python(given)
    except ValidationError as error:
        raise ValueError(f"{where}: {error.errors()[0]['msg']}, not {value!r:.60}") from error
    return checked


def to_json(value: "DataclassInstance") -> dict[str, JsonValue]:
    """The fields of a dataclass as JSON values; tuples become lists."""
    made: dict[str, JsonValue] = json.loads(json.dumps(asdict(value)))
    return made
