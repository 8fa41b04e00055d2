"""Pretrained sentence encoders: read exactly, checked before the training, kept in run and bundle."""

import json
import shutil
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tokenizers
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import Tensor

from dvsa.bundle import Bundle
from dvsa.data import Dataset
from dvsa.learn.loop.config import TrainConfig
from dvsa.learn.nets.sentence import SentenceConfig, TransformerEncoder, build
from dvsa.learn.recipes.catalogue import RECIPES
from dvsa.learn.recipes.recipe import Recipe
from dvsa.learn.runs.inputs import FitOptions
from dvsa.learn.runs.onnx_file import as_stored
from dvsa.learn.runs.run import Run
from dvsa.learn.runs.sentence_encoder import SentenceEncoder
from dvsa.learn.runs.warm_start import WarmStart
from dvsa.learn.ship.export import export
from dvsa.text import FIRST_WORD, Vocabulary, pad

Fit = Callable[[Recipe, Dataset, Path, FitOptions], None]

LETTERS = "abcdefghijklmnopqrstuvwxyz"
PIECES = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "red", "circle", "##ing", "und"),
    *LETTERS,
    *(f"##{letter}" for letter in LETTERS),
]
WORDS = ("a", "red", "circle", "under", "ring", "été", "naïve", "x1")
VOCABULARY = Vocabulary(WORDS, tuple(range(19, 11, -1)), 9)


def write(folder: Path, *, seed: int = 0, masked: bool = False) -> Path:
    """A tiny BERT with random weights; `masked` for one with the layers of its pretraining."""
    torch.manual_seed(seed)
    config = transformers.BertConfig(
        vocab_size=len(PIECES),
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=40,
        initializer_range=0.4,
    )
    net = transformers.BertForMaskedLM(config) if masked else transformers.BertModel(config)
    net.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(PIECES))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("encoders") / "tiny-bert")


def words_by_transformers(folder: Path, sentence: str) -> Tensor:
    """The means (T, H) of the last states over the pieces of each word of a whole sentence."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    inputs = tokenizer(sentence, return_tensors="pt")
    with torch.no_grad():
        h_NH = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32)(**inputs)[0][0]
    owner_N = inputs.word_ids(0)
    places = [[n for n, t in enumerate(owner_N) if t == word] for word in range(len(sentence.split()))]
    return torch.stack([h_NH[own].mean(0) for own in places])


def tokenizer_json(folder: Path) -> None:
    transformers.AutoTokenizer.from_pretrained(folder).save_pretrained(folder)
    (folder / "vocab.txt").unlink(missing_ok=True)


def half(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    save_file({name: t.half() for name, t in tensors.items()}, folder / "model.safetensors", {"format": "pt"})


def custom_code(folder: Path) -> None:
    """Code that a careless reader would run."""
    change_config(folder, auto_map={"AutoModel": "mine.Mine", "AutoTokenizer": ["mine.Mine", None]})
    (folder / "mine.py").write_text("raise SystemExit('this must not run')")


def change_config(folder: Path, **fields: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


@pytest.mark.parametrize("form", ["vocab.txt", tokenizer_json, half, "masked", custom_code])
def test_words_are_read_as_in_the_whole_sentence(
    tmp_path: Path, form: Callable[[Path], None] | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path / "encoder", masked=form == "masked")
    if not isinstance(form, str):
        form(folder)

    def offline(*_: object) -> None:
        raise AssertionError("it uses the network")

    monkeypatch.setattr(socket.socket, "connect", offline)
    read = SentenceEncoder.open(folder, VOCABULARY)
    assert read.facts["found"] == 7  # "x1" has a piece that the tokenizer does not know
    assert "knows 7 of the vocabulary's 8 words" in str(read)

    encoder = build(SentenceConfig(kind="transformer", transformer=read.config), len(VOCABULARY))
    assert isinstance(encoder, TransformerEncoder)
    read.fill(encoder)
    sentences = ["a red circle under a ring", "été", "x1 naïve circle", "ring ring"]
    h_LTH = encoder.reader(
        *(torch.from_numpy(x) for x in pad([VOCABULARY.encode(s.split()) for s in sentences]))
    )
    for h_TH, sentence in zip(h_LTH, sentences, strict=True):
        wanted_TH = words_by_transformers(folder, sentence)
        torch.testing.assert_close(h_TH[: len(wanted_TH)], wanted_TH)


# Folders that cannot be used


def only_a_pickle(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def no_tokenizer(folder: Path) -> None:
    (folder / "vocab.txt").unlink()


def damaged_config(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": ')


def no_config(folder: Path) -> None:
    (folder / "config.json").write_text("[]")


def other_family(folder: Path) -> None:
    change_config(folder, model_type="gpt2")


def cut_weights(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])


def empty_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")


def missing_weight(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    del tensors["encoder.layer.1.output.dense.weight"]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def unknown_weight(folder: Path) -> None:
    """Of a kind of BERT that transformers does not know any more; without it, the states would be others."""
    tensors = load_file(folder / "model.safetensors")
    tensors["encoder.layer.0.attention.self.distance_embedding.weight"] = torch.zeros(79, 8)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def other_shape(folder: Path) -> None:
    change_config(folder, intermediate_size=32)


def not_finite(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    tensors["embeddings.LayerNorm.bias"][3] = torch.nan
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def byte_level(folder: Path) -> None:
    """As in GPT-2 and RoBERTa: a word has other pieces at the beginning of a sentence than after a space."""
    pieces = {
        piece: n for n, piece in enumerate(("[UNK]", "[CLS]", "[SEP]", "Ġ", *LETTERS, "Ã", "¯", "©", "1"))
    }
    made = tokenizers.Tokenizer(tokenizers.models.BPE(pieces, [], unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.post_processor = tokenizers.processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    made.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def more_pieces_than_weights(folder: Path) -> None:
    (folder / "vocab.txt").write_text(
        "\n".join(PIECES[:5] + [f"[unused{n}]" for n in range(99)] + PIECES[5:])
    )


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (shutil.rmtree, "has no model.safetensors"),
        (only_a_pickle, r"has no model.safetensors: .*pickles such as pytorch_model\.bin are not read"),
        (no_tokenizer, "has no tokenizer: it needs tokenizer.json or vocab.txt"),
        (damaged_config, r"config\.json is damaged"),
        (no_config, "is not the configuration of a transformer"),
        (other_family, "family 'gpt2' cannot be read, only bert,"),
        (cut_weights, "cannot be used: "),
        (empty_weights, "cannot be used: "),
        (missing_weight, "does not fit config.json: see the weight encoder.layer.1.output.dense.weight"),
        (other_shape, "does not fit config.json: see the weight encoder.layer.0.intermediate.dense.bias"),
        (unknown_weight, "does not fit config.json: see the weight encoder.layer.0.attention.self.distance"),
        (not_finite, "not finite"),
        (byte_level, "divides a word in another way if other words are beside it"),
        (more_pieces_than_weights, r"its tokenizer has \d+ pieces and its weights \d+"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_folder_that_cannot_be_used_is_named(
    folder: Path, tmp_path: Path, damage: Callable[[Path], None], reason: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    damage(copy)
    with pytest.raises(ValueError, match=reason) as caught:
        SentenceEncoder.open(copy, VOCABULARY)
    assert str(copy) in str(caught.value)
    assert "\n" not in str(caught.value)


# Runs and bundles


@pytest.fixture(scope="module")
def short() -> Recipe:
    """The toy recipe with one epoch of every stage."""
    toy = RECIPES["toy"]()
    return replace(toy, stages=tuple(replace(s, train=TrainConfig(epochs=1, batch=12)) for s in toy.stages))


@pytest.fixture(scope="module")
def trained(
    folder: Path,
    short: Recipe,
    tiny: Dataset,
    cpu: FitOptions,
    fit_without_curves: Fit,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A run whose encoder's folder is gone."""
    out = tmp_path_factory.mktemp("with-encoder")
    copy, said = out / "tiny-bert", list[str]()
    shutil.copytree(folder, copy)
    fit_without_curves(short, tiny, out / "run", replace(cpu, sentence_encoder=copy, tell=said.append))
    assert said[0].startswith("the pretrained sentence encoder tiny-bert knows ")
    shutil.rmtree(copy)
    return out / "run"


def test_a_run_opens_without_the_folder(trained: Path, folder: Path) -> None:
    run = Run(trained)
    encoder = run.joint_model().sentence
    assert isinstance(encoder, TransformerEncoder)
    read = SentenceEncoder.open(folder, run.vocabulary)
    assert run.config["pretrained_sentence_encoder"] == read.facts
    assert torch.equal(encoder.reader.pieces_VP, read.pieces_VP)
    own = encoder.reader.net.state_dict()
    assert own.keys() == read.weights.keys()
    assert all(torch.equal(own[name], weight) for name, weight in read.weights.items())


@torch.no_grad()
def test_the_bundles_word_vectors_equal_the_runs(trained: Path, tmp_path: Path) -> None:
    run = Run(trained)
    bundle = Bundle.open(export(run, tmp_path / "bundle"), threads=1)
    assert "sentence encoder tiny-bert were trained elsewhere" in (bundle.folder / "LICENCE.txt").read_text()
    assert bundle.manifest.config["pretrained_sentence_encoder"] == run.config["pretrained_sentence_encoder"]
    encoder, rng = as_stored(run.joint_model()).sentence, np.random.default_rng(1)
    for lengths in ([1], [3, 0, 7], [12, 1], [500, 20]):
        ids_LT, real_LT = pad([rng.integers(FIRST_WORD, len(run.vocabulary), n).tolist() for n in lengths])
        (found_LTD,) = bundle.graphs.run("sentence", {"ids": ids_LT, "real": real_LT})
        wanted_LTD = encoder(torch.from_numpy(ids_LT), torch.from_numpy(real_LT)).numpy()
        assert np.abs(found_LTD - wanted_LTD).max() < 1e-3

    with pytest.raises(ValueError, match="which a warm start cannot continue"):
        WarmStart(str(bundle.folder))


def test_another_encoder_is_another_run(
    trained: Path, short: Recipe, tiny: Dataset, cpu: FitOptions, fit_without_curves: Fit, tmp_path: Path
) -> None:
    """Also where it has the same architecture: stages are reused only with the same weights."""
    copy, alone = tmp_path / "run", replace(short, stages=short.stages[:2])
    shutil.copytree(trained, copy)
    options = replace(cpu, sentence_encoder=write(tmp_path / "other", seed=1))
    with pytest.raises(ValueError, match=r"\(its config.json has another pretrained_sentence_encoder\)"):
        fit_without_curves(short, tiny, copy, options)

    # Other pieces with the same weights, too.
    swapped = write(tmp_path / "swapped" / "tiny-bert")
    text = (swapped / "vocab.txt").read_text()
    (swapped / "vocab.txt").write_text(text.replace("red\ncircle\n", "circle\nred\n"))
    with pytest.raises(ValueError, match=r"\(its config.json has another pretrained_sentence_encoder\)"):
        fit_without_curves(short, tiny, copy, replace(cpu, sentence_encoder=swapped))

    fit_without_curves(alone, tiny, tmp_path / "reusing", replace(options, earlier=trained))
    assert not (tmp_path / "reusing" / "regions" / "last.safetensors").exists()
    assert (tmp_path / "reusing" / "align" / "last.safetensors").is_file()


def test_options_that_exclude_each_other() -> None:
    with pytest.raises(
        ValueError, match="continues the sentence encoder of its bundle: leave out --sentence-en"
    ):
        FitOptions(sentence_encoder=Path("encoder"), init="shipped")
    with pytest.raises(ValueError, match="has its own word vectors: leave out --word-vectors"):
        FitOptions(sentence_encoder=Path("encoder"), word_vectors=Path("vectors.txt"))
