"""Search photographs by sentence or by photograph: an index on disk, and queries to it.

from dvsa.index import Index

with Index.create("holiday.index") as index:
    index.add(["~/photographs"])
    for hit in index.search("two dogs play in the snow"):
        print(hit.score, hit.photograph.path)
"""

from dvsa.index.answer import UnrecordedWarning
from dvsa.index.changes import verify
from dvsa.index.index import Index
from dvsa.index.query import Query
from dvsa.index.values import Added, Entry, Filter, Hit, Photograph, SearchError, Stats

__all__ = [
    "Added",
    "Entry",
    "Filter",
    "Hit",
    "Index",
    "Photograph",
    "Query",
    "SearchError",
    "Stats",
    "UnrecordedWarning",
    "verify",
]
