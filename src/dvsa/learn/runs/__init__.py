"""Runs: a recipe trained on data, in a folder."""
