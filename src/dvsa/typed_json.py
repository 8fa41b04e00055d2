"""JSON from files that others wrote: every field is checked for its type and its range when it is read.

One parser for the manifests of bundles and indexes. Errors are one line: they name the file, the field, what
was expected and what to do.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

LARGEST: Final = 2**53
"""The largest whole number that every reader of JSON keeps exactly."""


class TwiceError(ValueError):
    """A key is twice in an object."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the key {key!r:.60} is twice in one object")
        self.key = key


def parse(content: bytes | str, *, finite: bool = True) -> object:
    """The value of a JSON document; raises ValueError for everything that is not one.

    An object must not have a key twice, of which `json` would silently keep the last. NaN and infinity are
    not JSON; with `finite=False` they are accepted.

    >>> parse('{"size": 224}')
    {'size': 224}
    >>> parse('{"size": 1, "size": 2}')
    Traceback (most recent call last):
    dvsa.typed_json.TwiceError: the key 'size' is twice in one object
    """
    try:
        value: object = json.loads(
            content, object_pairs_hook=_once, parse_constant=_no_number if finite else float
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    record = dict(pairs)
    if len(record) < len(pairs):
        ((key, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise TwiceError(key)
    return record


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is not a finite number")


@dataclass(frozen=True, slots=True)
class JsonObject:
    """A JSON object whose fields are read one by one.

    >>> found = JsonObject({"size": 224, "name": "a"}, "manifest.json", ValueError, "make it again")
    >>> found.whole("size", low=1, high=4096)
    224
    >>> found.whole("name")
    Traceback (most recent call last):
    ValueError: manifest.json: name is 'a'; expected a whole number, 0 or more: make it again
    """

    content: Mapping[str, object]
    source: str
    """The file, for errors."""
    error: type[ValueError]
    """The errors to raise."""
    remedy: str
    """What the user can do."""
    path: str = ""
    """Prefix of the names of its fields in errors, such as `voices.frame.`."""

    def __contains__(self, name: str) -> bool:
        """Whether the object has a field."""
        return name in self.content

    def text(self, name: str, pattern: str = "[^\0-\x1f\x7f-\x9f]{0,1000}", what: str = "a string") -> str:
        """A string that matches a regular expression; by default a line without control characters."""
        value = self._value(name)
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise self.invalid(name, what)
        return value

    def whole(self, name: str, default: int | None = None, *, low: int = 0, high: int = LARGEST) -> int:
        """A whole number from `low` to `high`; `default` if there is no such field."""
        if default is not None and name not in self.content:
            return default
        value = self._value(name)
        if type(value) is not int or not low <= value <= high:
            raise self.invalid(name, f"a whole number{_range(low, high, LARGEST)}")
        return value

    def number(
        self, name: str, default: float | None = None, *, low: float = -math.inf, high: float = math.inf
    ) -> float:
        """A finite number from `low` to `high`; `default` if there is no such field."""
        if default is not None and name not in self.content:
            return default
        value = self._value(name)
        if (type(value) is not int and type(value) is not float) or not _is_finite(value):
            raise self.invalid(name, f"a finite number{_range(low, high, math.inf)}")
        if not low <= value <= high:
            raise self.invalid(name, f"a finite number{_range(low, high, math.inf)}")
        return value

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self._value(name)
        if not isinstance(value, bool):
            raise self.invalid(name, "true or false")
        return value

    def one_of(self, name: str, allowed: Sequence[str]) -> str:
        """One of some strings."""
        value = self._value(name)
        if not isinstance(value, str) or value not in allowed:
            raise self.invalid(name, f"one of {', '.join(allowed)}")
        return value

    def items(self, name: str) -> list[object]:
        """A list, whose values are not checked."""
        value = self._value(name)
        if not isinstance(value, list):
            raise self.invalid(name, "a list")
        return value

    def record(self, name: str) -> "JsonObject":
        """An object."""
        return self._inner(name, self._value(name))

    def records(self, name: str) -> dict[str, "JsonObject"]:
        """An object of objects."""
        record = self.record(name)
        return {key: record.record(key) for key in record.content}

    def list_of_records(self, name: str) -> list["JsonObject"]:
        """A list of objects."""
        return [self._inner(f"{name}.{n}", item) for n, item in enumerate(self.items(name))]

    def only(self, *names: str) -> None:
        """Raise an error if there are other fields."""
        for name in self.content:
            if name not in names:
                raise self.error(
                    f"{self.source} has an unknown field {self.path + name!r:.60}: {self.remedy}"
                )

    def invalid(self, name: str, expected: str) -> ValueError:
        """The error that a field has another value than expected."""
        value = f"{self.content[name]!r:.60}"
        return self.error(f"{self.source}: {self._full(name)} is {value}; expected {expected}: {self.remedy}")

    def _value(self, name: str) -> object:
        if name not in self.content:
            raise self.error(f"{self.source} lacks {self._full(name)}: {self.remedy}")
        return self.content[name]

    def _inner(self, name: str, value: object) -> "JsonObject":
        if not isinstance(value, dict):
            raise self.error(
                f"{self.source}: {self._full(name)} is {value!r:.60}; expected a JSON object: {self.remedy}"
            )
        return JsonObject(value, self.source, self.error, self.remedy, f"{self._full(name)}.")

    def _full(self, name: str) -> str:
        """The name of a field with those of the objects around it, on one line."""
        return f"{self.path}{name if name.isprintable() else repr(name)}"


def _is_finite(value: int | float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number of hundreds of digits
        return False


def _range(low: float, high: float, unbounded: float) -> str:
    """The words for a range; `unbounded` is the `high` that is no limit."""
    if high != unbounded:
        return f" from {low:,} to {high:,}"
    return "" if low == -math.inf else f", {low} or more"
