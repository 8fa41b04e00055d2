"""Configurations from JSON: dataclasses from the objects of their fields."""

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, TypeVar, get_args, get_origin, get_type_hints

from dvsa.learn.loop.checkpoint import JsonValue

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Made = TypeVar("Made")


def parse(make: type[Made], raw: JsonValue, **ready: object) -> Made:
    """A dataclass from the JSON object of its fields; nested dataclasses and tuples are made too.

    Args:
        make: the dataclass.
        raw: its fields as JSON.
        ready: fields that are made already; they replace those of `raw`.

    Raises:
        ValueError: a field is unknown, missing or invalid.
    """
    if not isinstance(raw, Mapping):
        raise ValueError(f"{raw!r:.60} is not a JSON object with the fields of {make.__name__}")
    hints = get_type_hints(make)
    values = {key: _value(hints.get(key), value) for key, value in raw.items() if key not in ready}
    try:
        return make(**values, **ready)
    except TypeError as error:  # an unknown, missing or wrong field
        raise ValueError(str(error)) from error


def _value(hint: object, value: JsonValue) -> object:
    optional = [kind for kind in get_args(hint) if is_dataclass(kind)]  # of `Made | None`
    kind = optional[0] if optional and value is not None else hint
    if isinstance(kind, type) and is_dataclass(kind):
        return parse(kind, value)
    return tuple(value) if get_origin(hint) is tuple and isinstance(value, list) else value


def to_json(value: "DataclassInstance") -> dict[str, JsonValue]:
    """The fields of a dataclass as JSON values; tuples become lists."""
    fields: dict[str, JsonValue] = json.loads(json.dumps(asdict(value)))
    return fields
