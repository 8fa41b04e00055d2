"""The field's figures with intervals: ranking, captions, grounding; numpy and the standard library only.

Every kind of figure is a function from the indices of chosen photographs to named numbers. It reads saved
per-photograph arrays, so `dvsa.metrics.bootstrap` can resample photographs without scoring anything again.
"""
