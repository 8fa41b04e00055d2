"""A pretrained sentence encoder from a folder in the layout of Hugging Face.

The folder has `config.json`, `model.safetensors`, and the tokenizer's `tokenizer.json` or `vocab.txt`.
Pickles and code in it are never read, and nothing is fetched from a network.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dvsa.learn.nets.sentence import TransformerEncoder
from dvsa.learn.nets.transformer import NO_PIECE, POOLER, TransformerConfig, first_position, library
from dvsa.text import FIRST_WORD, Vocabulary

CONFIG, WEIGHTS, TOKENIZERS = "config.json", "model.safetensors", ("tokenizer.json", "vocab.txt")
UNUSED = ("_name_or_path", "auto_map", "transformers_version")
"""Fields of `config.json` that say nothing about the architecture."""
TOGETHER = 20
"""Words that are tokenized together, to check that no word changes the pieces of another."""


class Tokenizer(NamedTuple):
    """What divides sentences into pieces."""

    pieces: Callable[[str, bool], list[int]]
    """The pieces of a sentence, with those at its ends if the second argument is true."""
    unknown: int
    """The piece that stands for what it does not know."""
    size: int
    """How many pieces it has."""


class Pieces(NamedTuple):
    """How a tokenizer divides words."""

    begin: int
    """The piece before the first word of a sentence."""
    end: int
    """The piece after the last word."""
    of_words: list[list[int]]
    """The pieces of each word, at least one."""
    unknown: int
    """How many words have a piece that stands for what the tokenizer does not know."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SentenceEncoder:
    """A pretrained transformer, and how it reads the words of a vocabulary."""

    name: str
    """The folder's name."""
    sha256: str
    """Of the file of weights, in hexadecimal."""
    config: TransformerConfig
    weights: Mapping[str, Tensor]
    pieces_VP: Tensor
    words: int
    """How many words the vocabulary has."""
    unknown: int
    """How many of them have a piece that the tokenizer does not know."""

    @classmethod
    def open(cls, folder: Path, vocabulary: Vocabulary) -> "SentenceEncoder":
        """Read the encoder in a folder.

        Raises:
            OSError: a file cannot be read.
            ValueError: transformers is not installed; a file is missing or damaged; the family is not in
                `dvsa.learn.nets.transformer`; or the pieces of a word depend on other words.
        """
        architecture = _architecture(folder)
        with _named(folder):
            first_position(architecture)
            tokenizer = _tokenizer(folder)
            pieces = _pieces(tokenizer, vocabulary.words)
            most = max(map(len, pieces.of_words))
            config = TransformerConfig(
                architecture=architecture, begin=pieces.begin, end=pieces.end, pieces=most
            )
            weights = _weights(folder, count=tokenizer.size)

        # The table of pieces; END, START and START_PHRASE have none.
        rows = [*[[]] * FIRST_WORD, *pieces.of_words]
        pieces_VP = torch.tensor([[*own, *[NO_PIECE] * (most - len(own))] for own in rows])
        with (folder / WEIGHTS).open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return cls(
            name=folder.resolve().name,
            sha256=sha256,
            config=config,
            weights=weights,
            pieces_VP=pieces_VP,
            words=len(vocabulary.words),
            unknown=pieces.unknown,
        )

    def fill(self, encoder: nn.Module) -> None:
        """Give the weights and the pieces to an encoder of the kind `transformer`."""
        if isinstance(encoder, TransformerEncoder):
            encoder.reader.fill(self.weights, self.pieces_VP)

    @property
    def facts(self) -> Mapping[str, str | int]:
        """What a run's `config.json` says about it."""
        known = self.words - self.unknown
        pieces = hashlib.sha256(self.pieces_VP.numpy().tobytes()).hexdigest()
        return {
            "name": self.name,
            "sha256": self.sha256,
            "pieces_sha256": pieces,
            "found": known,
            "words": self.words,
        }

    def __str__(self) -> str:
        known = f"{self.words - self.unknown:,} of the vocabulary's {self.words:,} words"
        return (
            f"the pretrained sentence encoder {self.name} knows {known}; "
            "no evaluation can check whether it was trained on sentences of val or test"
        )


def _architecture(folder: Path) -> dict[str, object]:
    """The content of `config.json`; raises ValueError unless all other files are there, too."""
    if not (folder / WEIGHTS).is_file():
        raise ValueError(
            f"{folder} has no {WEIGHTS}: give a folder of a sentence encoder in the layout of Hugging Face "
            "(weights in pickles such as pytorch_model.bin are not read)"
        )
    if not any((folder / name).is_file() for name in TOKENIZERS):
        raise ValueError(f"{folder} has no tokenizer: it needs {' or '.join(TOKENIZERS)}")
    try:
        content = json.loads((folder / CONFIG).read_bytes())
    except ValueError as error:
        raise ValueError(f"{folder / CONFIG} is damaged ({error}): fetch it again") from error
    if not isinstance(content, dict):
        raise ValueError(f"{folder / CONFIG} is not the configuration of a transformer")
    return {key: value for key, value in content.items() if key not in UNUSED}


def _tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer in a folder."""
    with library() as transformers:
        read = transformers.AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    if read.unk_token_id is None:
        raise ValueError("its tokenizer has no piece for what it does not know")

    def pieces(sentence: str, whole: bool) -> list[int]:
        return list(read(sentence, add_special_tokens=whole, truncation=False)["input_ids"])

    return Tokenizer(pieces, read.unk_token_id, len(read))


def _pieces(tokenizer: Tokenizer, words: Sequence[str]) -> Pieces:
    """How the words are divided; raises ValueError if that depends on the words around them."""
    ends = tokenizer.pieces("", True)
    if len(ends) != 2:
        raise ValueError("its tokenizer does not put one piece before a sentence and one behind it")

    # Every word alone, and some words together.
    alone = [tokenizer.pieces(word, False) for word in words]
    for n in range(0, len(words), TOGETHER):
        together = tokenizer.pieces(" ".join(words[n : n + TOGETHER]), True)
        if together != [ends[0], *chain(*alone[n : n + TOGETHER]), ends[1]]:
            raise ValueError(
                "its tokenizer divides a word in another way if other words are beside it: "
                "give an encoder with WordPiece, such as BERT or MiniLM"
            )

    of_words = [own or [tokenizer.unknown] for own in alone]
    unknown = sum(tokenizer.unknown in own for own in of_words)
    return Pieces(begin=ends[0], end=ends[1], of_words=of_words, unknown=unknown)


def _weights(folder: Path, count: int) -> dict[str, Tensor]:
    """The weights, in single precision; raises ValueError if some are missing or cannot be used.

    `count` is how many pieces the tokenizer has.
    """
    with library() as transformers:
        net, report = transformers.AutoModel.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # they are refused below, by name
            dtype=torch.float32,
            output_loading_info=True,
        )

    # The transformer must have all of its weights and no others; the layers of its pretraining are left out.
    wrong = [*report["missing_keys"], *(name for name, *_ in report["mismatched_keys"])]
    wrong += [name.removeprefix(f"{net.base_model_prefix}.") for name in report["unexpected_keys"]]
    parts = tuple(name for name, _ in net.named_children() if name != POOLER)
    wrong = [name for name in wrong if name.startswith(parts)]
    if wrong:
        raise ValueError(f"{WEIGHTS} does not fit {CONFIG}: see the weight {min(wrong)}")

    own: dict[str, Tensor] = net.state_dict()
    weights = {name: weight for name, weight in own.items() if not name.startswith(f"{POOLER}.")}
    if not all(weight.isfinite().all() for weight in weights.values()):
        raise ValueError(f"{WEIGHTS} has weights that are not finite")
    if count > net.config.vocab_size:
        raise ValueError(
            f"its tokenizer has {count:,} pieces and its weights {net.config.vocab_size:,}: "
            "they are not of the same encoder"
        )
    return weights


@contextmanager
def _named(folder: Path) -> Iterator[None]:
    """Turn every error into a ValueError of one line that names the folder."""
    try:
        yield
    except Exception as error:  # transformers raises exceptions of many kinds for damaged files
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ValueError(f"the sentence encoder {folder} cannot be used: {reason}") from error
