"""Recipes from files, and recipes with some fields set by their dotted names."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from dvsa.learn.loop.checkpoint import JsonValue
from dvsa.learn.recipes.parse import nearest
from dvsa.learn.recipes.recipe import Recipe, recipe_from_json

Fields = dict[str, JsonValue]
"""A JSON object."""


def read_recipe(path: Path) -> Recipe:
    """The recipe in a JSON file, such as `dvsa recipes NAME` prints.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not a recipe; the message names the file and the field.
    """
    try:
        return recipe_from_json(json.loads(path.read_text("utf-8")))
    except RecursionError:
        raise ValueError(f"{path}: the JSON is nested too deeply for a recipe") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def with_settings(recipe: Recipe, settings: Sequence[str]) -> Recipe:
    """The recipe with fields set by texts such as `vision.embedding=512`.

    A name begins with a field of the recipe (`beam`, `vision.dropout`), with a stage (`align.train.epochs`),
    or with a field of stages, which is set in every stage that has it (`train.epochs`). A value is JSON, or a
    text if it is no JSON.

    Raises:
        ValueError: a text is no setting, a name is unknown, or a value does not fit.

    >>> from dvsa.learn.recipes.modern import toy
    >>> with_settings(toy(), ["align.train.epochs=5", "beam=7"]).beam
    7
    """
    raw = recipe.to_json()
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not (name and equals):
            raise ValueError(f"--set {setting}: write NAME=VALUE, such as train.epochs=5")
        for holder, key in _places(raw, name):
            holder[key] = _parsed(text)
    return recipe_from_json(raw)


def _parsed(text: str) -> JsonValue:
    """A JSON value, or the text itself."""
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value


def _places(raw: Fields, name: str) -> list[tuple[Fields, str]]:
    """The objects that have the field with a dotted name, each with the field's last name."""
    first, *rest = name.removeprefix("stages.").split(".")
    stages = stages_of(raw)
    if first in stages and rest:
        starts, path = [stages[first]], rest
    elif first in raw and first != "stages":
        starts, path = [raw], [first, *rest]
    else:
        starts, path = [stage for stage in stages.values() if first in stage], [first, *rest]

    found = [place for start in starts if (place := _place(start, path)) is not None]
    if not found or first == "kind":
        advice = nearest(name, _names(raw), "dvsa recipes prints all fields of a recipe")
        raise ValueError(f"--set {name}: the recipe {raw['name']} has no such field{advice}")
    return found


def _place(start: Fields, path: Sequence[str]) -> tuple[Fields, str] | None:
    """The object that has the last field of a path, with the field's name; None if there is none."""
    *outer, last = path
    holder = start
    for key in outer:
        inner = holder.get(key)
        if not isinstance(inner, dict):
            return None
        holder = inner
    return (holder, last) if last in holder else None


def stages_of(raw: Fields) -> dict[str, Fields]:
    """The stages of a recipe's JSON by name."""
    stages = raw["stages"]
    assert isinstance(stages, list)
    return {str(stage["name"]): stage for stage in stages if isinstance(stage, dict)}


def dotted(values: Mapping[str, JsonValue], prefix: str = "") -> Iterator[tuple[str, JsonValue]]:
    """All fields by their dotted names, objects and the fields in them."""
    for key, value in values.items():
        yield prefix + key, value
        if isinstance(value, dict):
            yield from dotted(value, f"{prefix}{key}.")


def _names(raw: Fields) -> set[str]:
    """The dotted names of all fields, with and without the names of their stages."""
    stages = stages_of(raw)
    own = {key: value for key, value in raw.items() if key != "stages"}
    found = [*dotted(own), *dotted(stages), *(field for stage in stages.values() for field in dotted(stage))]
    inside_lr = ".lr."  # its keys are names of weights
    return {name for name, _ in found if inside_lr not in f".{name}"} - {"kind", *stages}
