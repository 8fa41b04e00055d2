"""Whole configurations of runs, by name."""
