"""The things that a view shows: classes that the backbone knows, and nouns of captions and phrases."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from dvsa.arrays import FloatArray
from dvsa.records import Caption, Thing
from dvsa.seeing import Group, Meaning, evidence, said, seen
from dvsa.things import names_thing

if TYPE_CHECKING:
    from dvsa.model.view import View

CLASSES: Final = "classes"
"""The graph from features to the probabilities of classes."""
WORTH: Final = 0.05
"""Groups of classes that no region reaches this probability with are not looked at."""


def things(view: "View", captions: Sequence[Caption]) -> tuple[Thing, ...]:
    """What a photograph shows, by the classes of its regions and the words of its captions and phrases."""
    return said([*_of_classes(view), *_of_words(view, captions)])


def candidates(view: "View") -> Iterator[tuple[Group, int, FloatArray]]:
    """Groups of classes that may be seen, each with its best region and the evidence for it."""
    model = view.model
    (p_1IC,) = model.bundle.graphs.run(CLASSES, {"features": view.feature_IF[None]})
    p_IC = p_1IC[0].astype(float)
    cosine_IG = model.names.cosines(view.v_ID)
    for g, group in enumerate(model.names.groups):
        p_I = p_IC[:, sorted(group.classes)].sum(axis=1)
        if p_I.max() >= WORTH:
            yield group, int(p_I.argmax()), evidence(group, p_IC, float(cosine_IG[:, g].max()))


def _of_classes(view: "View") -> Iterator[Meaning]:
    manifest = view.model.bundle.manifest
    if manifest.things and f"{CLASSES}.onnx" in manifest.files:
        for group, region, evidence_6 in candidates(view):
            yield seen(group, region, evidence_6, manifest.things)


def _of_words(view: "View", captions: Iterable[Caption]) -> Iterator[Meaning]:
    """Nouns with a region that supports them; without a calibration their probability is 1."""
    for text in dict.fromkeys(caption.text for caption in captions if caption.words):
        for word in view.align(text).words:
            if word.supported and word.region is not None and names_thing(word.text):
                probability = 1.0 if word.probability is None else word.probability
                meant = view.model.names.meant.get(word.text, frozenset())
                yield Meaning(Thing(word.text, word.region, probability), meant, everyday=True)
