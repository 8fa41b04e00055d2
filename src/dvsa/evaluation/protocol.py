"""The protocol of the field: a model is not judged on what it has seen, and splits have fixed sizes."""

from collections.abc import Iterator, Sequence

from dvsa.bundle import Bundle
from dvsa.data import Dataset, Example
from dvsa.data.exposure import content_digest, name_digest
from dvsa.evaluation.encoding import Progress, batches
from dvsa.text import words

SIZES = {"flickr8k": (1000,), "flickr30k": (1000, 1014), "coco": (1000, 5000)}
"""Numbers of photographs on which models are judged. Karpathy's val of Flickr30K has 1,014 photographs; of
MSCOCO's 5,000, the first 1,000 are used as well."""


class ProtocolError(ValueError):
    """The figures would be misleading, or could not be compared with published ones; the message says why."""


def check(
    bundle: Bundle,
    dataset: Dataset,
    examples: Sequence[Example],
    *,
    allow_custom_split: bool = False,
    progress: Progress | None = None,
) -> None:
    """Raise ProtocolError unless the figures of the bundle's model on the examples will be meaningful.

    Reads the files of the examples, and those files of the other splits that have the size of one of them.
    Of examples without photographs, features are compared instead.

    Args:
        bundle: the model's.
        dataset: has all splits, which must not overlap.
        examples: the photographs to judge the model on.
        allow_custom_split: whether to accept data sets and numbers of photographs that are not in `SIZES`.
            What the model has seen is still refused.
        progress: is called with the number of photographs compared so far.

    Raises:
        ProtocolError: the number of photographs is not in `SIZES`; a model trained on Flickr30K, which
            contains Flickr8K, is judged on Flickr8K; the splits overlap; the vocabulary has words that only
            sentences of val or test have; the model was trained on a photograph, by name or by content, or
            has read its sentences; a photograph of its val is in another split now; the bundle does not say
            which photographs the model has seen.
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


def caution(bundle: Bundle) -> str | None:
    """What a reader of the figures should know because `check` cannot see it; None if there is nothing."""
    encoder = bundle.manifest.config.get("pretrained_sentence_encoder")
    if not isinstance(encoder, dict):
        return None
    name = f"the sentence encoder {encoder.get('name')} of {bundle.manifest.name}"
    return f"{name} is pretrained, perhaps on these sentences: say so beside the figures"


def _trained_on(bundle: Bundle) -> object:
    """The name of the data set that the bundle's model was trained on."""
    return bundle.manifest.config.get("data")


def _check_size(name: str, photographs: int) -> None:
    """Refuse data sets and numbers of photographs that are not in `SIZES`."""
    sizes = SIZES.get(name)
    if sizes is None:
        raise ProtocolError(
            f"{name} is not one of the data sets with a protocol ({', '.join(SIZES)}): "
            "use --allow-custom-split to judge on it anyway"
        )
    if photographs not in sizes:
        wanted = " or ".join(f"{size:,}" for size in sizes)
        raise ProtocolError(
            f"the protocol judges on {wanted} photographs of {name}, not on {photographs:,}: choose with "
            "--split and --first, or give --allow-custom-split "
            "for figures that cannot be compared with published ones"
        )


def _check_splits(dataset: Dataset) -> None:
    """Refuse splits that share a photograph."""
    overlaps = [problem for problem in dataset.problems if problem.kind == "split overlap"]
    if overlaps:
        raise ProtocolError(
            f"the splits of {dataset.root} overlap: {overlaps[0].name} is {overlaps[0].detail}"
            f"{_more(overlaps)}; correct the lists"
        )


def _check_vocabulary(bundle: Bundle, dataset: Dataset) -> None:
    """Refuse a vocabulary with words that are in sentences of val or test but in none of train."""
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
            f"and test sentences have: train on the training split "
            f"alone, or add the missing training photographs and sentences to {dataset.root}"
        )


def _check_photographs(
    bundle: Bundle, dataset: Dataset, examples: Sequence[Example], progress: Progress | None
) -> None:
    """Refuse photographs that the model has seen, or that are also in another split of the data set."""
    model, seen = bundle.manifest.name, bundle.seen()
    if seen is None:
        raise ProtocolError(
            f"{bundle.folder} does not say which photographs its model has seen; they may be among these: "
            "run dvsa train on its run again, which records them, and export it again"
        )
    names = bundle.read().names
    read = [e for e in examples if name_digest(e.name) in names]
    if read:
        raise ProtocolError(
            f"{model} has read sentences of {read[0].name}{_more(read)}: judge on photographs that it does "
            "not know"
        )
    known = [(seen.names.get(name_digest(e.name)), e, "name") for e in examples]
    _check_unseen(known, model)
    digests = dict(zip(_digests(dataset, examples, progress), examples, strict=True))
    _check_unseen([(seen.contents.get(digest), e, "content") for digest, e in digests.items()], model)

    judged = {example.split for example in examples}
    sizes = {_size(example) for example in examples}  # files of different sizes have different contents
    others = [e for e in dataset.examples if e.split not in judged and _size(e) in sizes]
    for other, digest in zip(others, _digests(dataset, others, progress), strict=True):
        if digest in digests:
            example = digests[digest]
            raise ProtocolError(
                f"the splits of {dataset.root} overlap: {example.name} ({example.split}) and {other.name} "
                f"({other.split}) are the same photograph; remove one of them from the lists"
            )


def _check_unseen(known: Sequence[tuple[str | None, Example, str]], model: str) -> None:
    """Refuse examples that the model has seen in training, or in val unless they are judged as val."""
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


def _digests(dataset: Dataset, examples: Sequence[Example], progress: Progress | None) -> Iterator[str]:
    """The digest of each photograph's content, or of its features."""
    for chunk in batches(examples, 100, "comparing photographs", progress):
        yield from (content_digest(example, dataset.regions) for example in chunk)


def _size(example: Example) -> int | None:
    """The size of the photograph in bytes; None if there are only features."""
    return None if example.source is None else example.source.length


def _more(things: Sequence[object]) -> str:
    """How many things there are beside the first, for messages."""
    return f" (and {len(things) - 1:,} more)" if len(things) > 1 else ""
