"""`dvsa recipes`: the recipes that `dvsa train` takes."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dvsa.cli.options import AsJson
from dvsa.cli.output import print_json, show, table

if TYPE_CHECKING:
    from dvsa.learn.recipes.recipe import Recipe

ShownRecipe = Annotated[
    str | None,
    typer.Argument(metavar="NAME", show_default=False, help="The recipe to print as JSON."),
]


def chosen_recipe(name: str | None, file: Path | None, settings: Sequence[str]) -> "Recipe":
    """The recipe of a name or in a file, with some fields set."""
    from dvsa.learn.recipes.file import read_recipe, with_settings

    if file is not None:
        if name is not None:
            raise ValueError("give the name of a recipe or --recipe FILE, not both")
        return with_settings(read_recipe(file), settings)
    if name is None:
        raise ValueError("name a recipe, such as best, or give --recipe FILE; dvsa recipes lists the names")
    return with_settings(_named(name), settings)


def _named(name: str) -> "Recipe":
    """The recipe of a name."""
    from dvsa.learn.recipes.catalogue import RECIPES
    from dvsa.learn.recipes.parse import nearest

    if name not in RECIPES:
        raise ValueError(f"there is no recipe {name!r}{nearest(name, RECIPES)}")
    return RECIPES[name]()


def recipes(name: ShownRecipe = None, as_json: AsJson = False) -> None:
    """List the recipes, or print one as JSON.

    Example: `dvsa recipes best > my.json`, then edit my.json and train with `--recipe my.json`
    """
    from dvsa.learn.recipes.catalogue import ABOUT, RECIPES

    if name is not None:
        print_json(_named(name).to_json())
        return
    stages = {title: [stage.name for stage in make().stages] for title, make in RECIPES.items()}
    if as_json:
        print_json({title: {"about": ABOUT[title], "stages": stages[title]} for title in RECIPES})
        return
    listed = table("Recipe", "About", "Stages")
    for title in RECIPES:
        listed.add_row(title, ABOUT[title], ", ".join(stages[title]))
    show(listed, "\nNext: dvsa recipes NAME prints all fields of a recipe as JSON")
