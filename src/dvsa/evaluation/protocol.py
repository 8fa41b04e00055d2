"""The protocol of the field, kept: what a model has seen is not judged on, and splits have their sizes."""

from collections.abc import Iterator, Sequence

from dvsa.bundle import Bundle
from dvsa.data import Dataset, Example
from dvsa.data.exposure import content_digest, name_digest
from dvsa.evaluation.encoding import Progress, chunks
from dvsa.text import words

SIZES = {"flickr8k": (1000,), "flickr30k": (1000, 1014), "coco": (1000, 5000)}
"""Photographs in a split that is judged. Karpathy's val of Flickr30K has 1,014; of MSCOCO's 5,000 the first
1,000 are judged too."""


class ProtocolError(ValueError):
    """Figures of this model on these photographs would mislead or compare with none; says why."""


def check(
    bundle: Bundle,
    dataset: Dataset,
    examples: Sequence[Example],
    *,
    allow_custom_split: bool = False,
    progress: Progress | None = None,
) -> None:
    """Refuse to judge the model of a bundle on examples of a data set unless the figures will mean something.

    Reads the examples' files, and of the other splits those that are as large as one of them.

    Args:
        bundle: the model's.
        dataset: all splits, which must not overlap.
        examples: the photographs that are to be judged.
        allow_custom_split: whether other data sets and numbers of photographs than `SIZES` has will do. What
            the model has seen is refused all the same.
        progress: is told how many photographs have been compared.

    Raises:
        ProtocolError: another number of photographs; a model trained on Flickr30K, which holds Flickr8K, on
            Flickr8K; splits that overlap; words that the vocabulary can only have from val or test; a
            photograph whose sentences were read, or that was trained on, or chosen on and now is in another
            split than val, by its name or its content; a bundle that does not say what was.
        OSError: a photograph cannot be read.
    """
    if not allow_custom_split:
        _check_size(dataset.name, len(examples))
    trained_on = _trained_on(bundle)
    if (trained_on, dataset.name) == ("flickr30k", "flickr8k"):
        raise ProtocolError(
            f"{bundle.manifest.name} was trained on flickr30k, whose training split holds the test "
            "photographs of flickr8k: judge it on flickr30k"
        )
    _check_splits(dataset)
    if trained_on == dataset.name:
        _check_vocabulary(bundle, dataset)
    _check_photographs(bundle, dataset, examples, progress)


def _trained_on(bundle: Bundle) -> object:
    """The name of the data set that the bundle's model was trained on."""
    return bundle.manifest.config.get("data")


def _check_size(name: str, photographs: int) -> None:
    sizes = SIZES.get(name)
    if sizes is None:
        raise ProtocolError(
            f"{name} is none of the data sets that have a protocol ({', '.join(SIZES)}): "
            "--allow-custom-split judges on it all the same"
        )
    if photographs not in sizes:
        wanted = " or ".join(f"{size:,}" for size in sizes)
        raise ProtocolError(
            f"the protocol judges on {wanted} photographs of {name}, not on {photographs:,}: choose with "
            "--split and --first, or give --allow-custom-split for figures that compare with no others"
        )


def _check_splits(dataset: Dataset) -> None:
    overlaps = [problem for problem in dataset.problems if problem.kind == "split overlap"]
    if overlaps:
        raise ProtocolError(
            f"the splits of {dataset.root} overlap: {overlaps[0].name} is {overlaps[0].detail}"
            f"{_more(overlaps)}; correct the lists"
        )


def _check_vocabulary(bundle: Bundle, dataset: Dataset) -> None:
    """Refuse words that the sentences of val and test have and those of train have not."""
    spoken: dict[bool, set[str]] = {True: set(), False: set()}
    for example in dataset.examples:
        training = example.split in ("train", "restval")
        spoken[training].update(word for sentence in example.sentences for word in words(sentence))
    untaught = spoken[False] - spoken[True] - bundle.read().words
    leaked = [word for word in bundle.vocabulary.words if word in untaught]
    if leaked:
        some = ", ".join(map(repr, leaked[:3]))
        raise ProtocolError(
            f"the vocabulary of {bundle.manifest.name} holds {some}{_more(leaked[2:])}, which only val "
            f"and test sentences have: train on the training split alone, or complete it in {dataset.root}"
        )


def _check_photographs(
    bundle: Bundle, dataset: Dataset, examples: Sequence[Example], progress: Progress | None
) -> None:
    """Refuse photographs that the model has seen, and such as another split of the data set has too."""
    model, seen = bundle.manifest.name, bundle.seen()
    if seen is None:
        raise ProtocolError(
            f"{bundle.folder} does not say which photographs its model has seen; they may be among these: "
            "give its run to dvsa train once more, which writes them down, and export it again"
        )
    names = bundle.read().names
    read = [e for e in examples if name_digest(e.name) in names]
    if read:
        raise ProtocolError(
            f"{model} has read sentences of {read[0].name}{_more(read)}: judge on photographs of which it "
            "knows nothing"
        )
    known = [(seen.names.get(name_digest(e.name)), e, "name") for e in examples]
    _check_unseen(known, model)
    digests = dict(zip(_digests(examples, progress), examples, strict=True))
    _check_unseen([(seen.contents.get(digest), e, "content") for digest, e in digests.items()], model)

    judged = {example.split for example in examples}
    sizes = {_size(example) for example in examples}  # what has another size has another content
    others = [e for e in dataset.examples if e.split not in judged and _size(e) in sizes]
    for other, digest in zip(others, _digests(others, progress), strict=True):
        if digest in digests:
            example = digests[digest]
            raise ProtocolError(
                f"the splits of {dataset.root} overlap: {example.name} ({example.split}) and {other.name} "
                f"({other.split}) are one photograph; take one of them out of the lists"
            )


def _check_unseen(known: Sequence[tuple[str | None, Example, str]], model: str) -> None:
    """Refuse examples that come with the split in which the model saw them, but its own val as val."""
    leaks = [
        (split, example, means)
        for split, example, means in known
        if split == "train" or (split == "val" and example.split != "val")
    ]
    if leaks:
        split, example, means = leaks[0]
        raise ProtocolError(
            f"{example.name}{_more(leaks)} was in the training of {model} (split {split}), known by its "
            f"{means}: judge on photographs that the model has not seen"
        )


def _digests(examples: Sequence[Example], progress: Progress | None) -> Iterator[str]:
    for chunk in chunks(examples, 100, "comparing photographs", progress):
        yield from map(content_digest, chunk)


def _size(example: Example) -> int:
    """Of the photograph's file in bytes."""
    source = example.source
    return source.path.stat().st_size - source.offset if source.size is None else source.size


def _more(things: Sequence[object]) -> str:
    return f" (and {len(things) - 1:,} more)" if len(things) > 1 else ""
