"""Data sets: Flickr8K, Flickr30K, MSCOCO, the toy set and a user's own photographs, in one form."""

from dvsa.data.check import HARMLESS, DataReport, RegionsReport, SplitCounts, check
from dvsa.data.dataset import DataError, Dataset, Example, GroundedPhrase, Problem, Source
from dvsa.data.given_regions import GivenRegions, RegionCounts, RegionsOfPhotograph, load_regions
from dvsa.data.given_regions.padded import PaddedRegions, padded
from dvsa.data.loading import load
from dvsa.data.subset import Subset

__all__ = [
    "HARMLESS",
    "DataError",
    "DataReport",
    "Dataset",
    "Example",
    "GivenRegions",
    "GroundedPhrase",
    "PaddedRegions",
    "Problem",
    "RegionCounts",
    "RegionsOfPhotograph",
    "RegionsReport",
    "Source",
    "SplitCounts",
    "Subset",
    "check",
    "load",
    "load_regions",
    "padded",
]
