"""Words that name things, and the lists and metadata that have nothing else."""

from importlib.resources import files
from pathlib import Path

import pytest

import dvsa
from dvsa.listing import row
from dvsa.text import FUNCTION_WORDS
from dvsa.things import names_thing, same_thing

EXAMPLES = Path(__file__).parents[1] / "examples"

NO_THINGS = """
    one two three several many red blue white large small young old tall wooden asian striped standing sitting
    walking running jumping holding wearing playing looking looks stands sits runs jumps rides catches smiling
    near over through while together outside very quickly front side top middle group pair others
    something someone himself game day night fun left right orange light
"""
THINGS = """
    man woman people child boys dog dogs cat horse bird shirt hat jacket dress pants sunglasses ball guitar
    bike bicycle car bus train street building wall beach snow water grass sand tree trees mountain rocks
    table chair camera sign hand face hair mouth food stage crowd player helmet fence boat
"""


PLURALS = """
    child children  foot feet  goose geese  man men  woman women  person people  tooth teeth  ox oxen
    policeman policemen  snowman snowmen  leaf leaves  knife knives  scarf scarves  loaf loaves
    bookshelf bookshelves  lady ladies  puppy puppies  sky skies  family families  tomato tomatoes
    sandwich sandwiches  box boxes  bench benches  dish dishes  bus buses  dress dresses  lens lenses
    cookie cookies  necktie neckties  horse horses  glove gloves  house houses  shoe shoes  canoe canoes
    toy toys  key keys  ski skis  pizza pizzas  Dog dogs  hot_dog hot_dogs
    wine_glass wine_glasses  police_man police_men
"""
OTHERS = """
    glass glasses  wood woods  short shorts  cloth clothes  ski skies  strip stripes  cap capes  kit kites
    tub tubes  bra brass  dres dress  gras grass  dog hot_dog  hot_dog hot_dogs_stand
    dog_bed dogs  lad ladies  man woman  men women  cat dogs
"""


def pairs(text: str) -> list[list[str]]:
    words = [word.replace("_", " ") for word in text.split()]
    return [words[n : n + 2] for n in range(0, len(words), 2)]


@pytest.mark.parametrize(("one", "other"), pairs(PLURALS))
def test_singular_and_plural_are_one_thing(one: str, other: str) -> None:
    assert same_thing(one, other)
    assert same_thing(other, one)
    assert same_thing(one.upper(), one)


@pytest.mark.parametrize(("one", "other"), pairs(OTHERS))
def test_other_words_are_other_things(one: str, other: str) -> None:
    assert not same_thing(one, other)
    assert not same_thing(other, one)


@pytest.mark.parametrize("word", NO_THINGS.split())
def test_what_names_no_thing(word: str) -> None:
    assert not names_thing(word)


@pytest.mark.parametrize("word", THINGS.split())
def test_what_names_a_thing(word: str) -> None:
    assert names_thing(word)


def test_the_list_has_words_of_the_vocabulary_in_order() -> None:
    listed = (files("dvsa") / "things.txt").read_text("utf-8").splitlines()
    assert listed == sorted(set(listed))
    assert {*listed} <= {*dvsa.load().bundle.vocabulary.words}
    assert not FUNCTION_WORDS.intersection(listed)
    assert 2000 < len(listed) < 3000


@pytest.mark.parametrize("name", ["astronaut", "cat", "photographer"])
def test_lists_and_metadata_name_things_that_are_said(name: str) -> None:
    view = dvsa.load().open(EXAMPLES / f"{name}.jpg")
    described = view.describe(phrases=9)
    said = {word.text for part in (described.caption, *(p.caption for p in described.phrases))
            for word in view.align(part.text).words}  # fmt: skip
    found = tuple(thing.name for thing in described.things)
    assert found
    assert len(found) == len(set(found))
    assert all(names_thing(word) for word in found)
    assert set(found) <= said  # the shipped bundle knows no classes
    assert row("a.jpg", "0" * 64, view, phrases=9).things == found
