"""All recipes by name."""

from collections.abc import Callable
from dataclasses import replace

from dvsa.learn.recipes import modern, paper
from dvsa.learn.recipes.recipe import Recipe

RECIPES: dict[str, Callable[[], Recipe]] = {
    "best": modern.best,
    "modern": modern.modern,
    "toy": modern.toy,
    "paper": paper.paper,
    "paper-regions": paper.regions,
    "paper-frame": lambda: replace(paper.alignment(proposer="frame"), name="paper-frame"),
    "paper-frame-map": lambda: replace(
        paper.alignment(proposer="frame", described_by="map"), name="paper-frame-map"
    ),
    "paper-defrag": lambda: replace(paper.alignment(score="defrag"), name="paper-defrag"),
    "paper-bag": lambda: paper.alignment("bag"),
    "paper-rnn": lambda: paper.alignment("rnn"),
    "paper-brnn": paper.alignment,
    "paper-brnn-map": lambda: replace(paper.alignment(described_by="map"), name="paper-brnn-map"),
    "paper-brnn-both": lambda: replace(paper.alignment(described_by="both"), name="paper-brnn-both"),
    "paper-lstm": paper.lstm,
    "paper-region": paper.region,
    "paper-beside": paper.beside,
}
"""The names that `dvsa train` takes.

All of the paper's recipes share their proposal stage, and those with a BRNN their alignment, with one seed.
"""
