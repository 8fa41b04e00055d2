"""The field's figures with intervals: ranking, captions, grounding, segments; numpy and the standard library.

Every kind of figure is computed from saved arrays with one entry for each photograph, by a function from the
indices of photographs to named numbers. So `dvsa.metrics.bootstrap` can resample photographs without scoring
anything again.
"""
