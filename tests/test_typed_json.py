"""JSON of strangers: whatever it holds, the result is a value of the asked type or one line."""

import json
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dvsa.typed_json import JsonObject, parse

Check = Callable[[], bool]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def refused(check: Check) -> bool:
    """Whether a check raises an error of one line."""
    try:
        check()
    except ValueError as error:
        line = str(error)
        return line.startswith("here") and len(line.splitlines()) == 1
    return False


@settings(max_examples=300, deadline=None, derandomize=True)
@given(value=VALUES)
def test_every_value_has_the_asked_type_or_is_refused_in_one_line(value: object) -> None:
    found = JsonObject({"a": value}, "here", ValueError, "make it again")
    checks: list[Check] = [
        lambda: isinstance(found.text("a"), str),
        lambda: type(found.whole("a", high=9)) is int and 0 <= found.whole("a", high=9) <= 9,
        lambda: -1e300 <= found.number("a", low=-1e300, high=1e300) <= 1e300,
        lambda: isinstance(found.flag("a"), bool),
        lambda: found.one_of("a", ["x"]) == "x",
        lambda: all(isinstance(item.content, dict) for item in found.list_of_records("a")),
        lambda: all(isinstance(item.content, dict) for item in found.records("a").values()),
    ]
    for check in checks:
        assert refused(check) or check()


@settings(max_examples=300, deadline=None, derandomize=True)
@given(content=st.binary(max_size=50) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_every_content_is_parsed_or_refused(content: bytes) -> None:
    with suppress(ValueError):
        parse(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a": [{"b": 1, "b": 2}]}', "key 'b' is twice"),
        (b"-Infinity", "-Infinity is not a finite number"),
        (b"1" * 10_000, "."),
    ],
)
def test_what_json_would_take_silently_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(content)


def test_fields_that_are_not_known_can_be_refused() -> None:
    with pytest.raises(ValueError, match=r"here has an unknown field 'b': make it again"):
        JsonObject({"a": 1, "b": 2}, "here", ValueError, "make it again").only("a")
