"""All recipes by name."""

from collections.abc import Callable
from dataclasses import replace

from dvsa.learn.recipes import modern, paper
from dvsa.learn.recipes.recipe import Recipe

RECIPES: dict[str, Callable[[], Recipe]] = {
    "best": modern.best,
    "modern": modern.modern,
    "large": modern.large,
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

ABOUT = {
    "best": "the most accurate recipe, which made the shipped bundle",
    "modern": "a tuned backbone, a GRU and attending LSTMs; reads no extra sentences",
    "large": "like best, for more than 100,000 photographs: larger vectors and batches, fewer epochs",
    "toy": "coloured shapes, in under two minutes on two cores",
    "paper": "the paper: alignment, and an RNN each for photographs and regions",
    "paper-regions": "the proposal head alone, which the paper's other recipes reuse",
    "paper-frame": "the paper's alignment of whole photographs",
    "paper-frame-map": "the same, described by feature maps",
    "paper-defrag": "the paper's alignment with the score of DeFrag",
    "paper-bag": "the paper's alignment with a bag of words",
    "paper-rnn": "the paper's alignment with an RNN from left to right",
    "paper-brnn": "the paper's alignment",
    "paper-brnn-map": "the same, with regions described by feature maps",
    "paper-brnn-both": "the same, with regions described by crops and feature maps",
    "paper-lstm": "captions of photographs by an LSTM",
    "paper-region": "phrases of regions by an RNN",
    "paper-beside": "phrases of regions by an RNN that also sees the whole photograph",
}
"""What each recipe is, for people who choose one."""
