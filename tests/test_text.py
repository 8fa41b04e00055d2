import gzip
import json
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dvsa.text import END, FIRST_WORD, START, START_PHRASE, Vocabulary, pad, words


def spelled_out(text: str) -> list[str]:
    """The rules of `words`, character by character."""
    composed = unicodedata.normalize("NFC", text.lower())
    letters = [*composed, " "]
    tokens = [""]
    for n, letter in enumerate(letters):
        before, after = "".join(letters[:n][-2:]).rjust(2), composed[n + 1 : n + 5].ljust(4)
        mark = unicodedata.category(letter) in ("Mn", "Mc")
        if letter.isalnum() or (mark and tokens[-1] and "VARIATION" not in unicodedata.name(letter, "")):
            tokens[-1] += letter
        elif letter == "-" and "-" in (before[1], after[0]):
            tokens.append("")
        elif inside(letter, before, after) or invisible(letter) or mark:
            pass
        else:
            tokens.append("")
    return [token for token in tokens if token]


def inside(letter: str, before: str, after: str) -> bool:
    """Whether punctuation is a part of the word around it."""
    if letter == ".":
        single = (
            not before[0].isalnum() and before[1].isalpha() and not after[1].isalnum() and after[0].isalpha()
        )
        return single or (before[1].isdecimal() and after[0].isdecimal())
    if letter == ",":
        return before[1].isdecimal() and all(c.isdecimal() for c in after[:3]) and not after[3].isdecimal()
    return letter in "'’‘ʼ＇`´′-‐‑－"


def invisible(letter: str) -> bool:
    kind = unicodedata.category(letter)
    return kind == "Me" or (kind == "Cf" and letter != "\u200b")


LETTERS = "aé1.,'-–— \u0301\u0941काß猫_\u200d\u200b\ufe0f❤b2Z/\xad"


@given(st.one_of(st.text(), st.text(LETTERS)))
@settings(max_examples=1000)
def test_words_agrees_with_its_rules_character_by_character(text: str) -> None:
    assert words(text) == spelled_out(text)


@given(st.text(LETTERS))
def test_words_are_the_same_in_every_composition(text: str) -> None:
    expected = words(text)
    assert words(unicodedata.normalize("NFD", text)) == words(unicodedata.normalize("NFC", text)) == expected
    assert words(" ".join(expected)) == expected
    assert all(any(letter.isalnum() for letter in word) for word in expected)


@pytest.mark.parametrize(
    "mark", [*',;:!?/|&+=*()[]{}<>"“”«»…–—·•\\~#', "--", "、", "。", "，", "\u200b", "❤️", "_"]
)
def test_punctuation_without_spaces_separates_words(mark: str) -> None:
    assert words(f"a dog{mark}cat.The end") == ["a", "dog", "cat", "the", "end"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A dog's t-shirt , REALLY .", ["a", "dogs", "tshirt", "really"]),
        ("Zwei Männer, 3\u00a0Hunde_!", ["zwei", "männer", "3", "hunde"]),
        ("running—fast, 3,000 people in the U.S.", ["running", "fast", "3000", "people", "in", "the", "us"]),
        ("कल कला काली", ["कल", "कला", "काली"]),
        ("Mu\u0308ller M\u00fcller", ["müller", "müller"]),
        ("... -- _", []),
        ("", []),
    ],
)
def test_words_by_example(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_words_of_flickr8k_are_the_tokens_of_the_karpathy_json(flickr8k_dir: Path) -> None:
    """The authors' own tokens, and their count of words: 2,538 with END.

    In 5 of 40,000 sentences punctuation without spaces joins the authors' tokens, as in `statefarm.com`.
    """
    images = json.loads(gzip.decompress((flickr8k_dir / "dataset_flickr8k.json.gz").read_bytes()))["images"]
    sentences = [sentence for image in images for sentence in image["sentences"]]
    others = [s for s in sentences if words(s["raw"]) != s["tokens"]]
    assert len(others) == 5
    assert all("".join(words(s["raw"])) == "".join(s["tokens"]) for s in others)
    train = [words(s["raw"]) for image in images if image["split"] == "train" for s in image["sentences"]]
    vocabulary = Vocabulary.build(train)
    assert vocabulary.sentences == 30_000
    assert len(vocabulary.words) + 1 == 2538


sentences = st.lists(st.lists(st.sampled_from(["a", "b", "c", "dog", "é", "#sentences", "end"]), max_size=6))


@given(sentences, st.integers(1, 4))
def test_build_sorts_by_decreasing_count_then_alphabetically(tokens: list[list[str]], min_count: int) -> None:
    vocabulary = Vocabulary.build(iter(tokens), min_count)
    seen = Counter(word for sentence in tokens for word in sentence)
    kept = [word for word in seen if seen[word] >= min_count]
    assert list(vocabulary.words) == sorted(kept, key=lambda word: (-seen[word], word))
    assert list(vocabulary.counts) == [seen[word] for word in vocabulary.words]
    assert vocabulary.sentences == len(tokens)
    assert len(vocabulary) == FIRST_WORD + len(kept)
    assert vocabulary.counts_V().tolist() == [len(tokens), 0, 0, *vocabulary.counts]


@given(sentences)
def test_decode_inverts_encode_for_known_words(tokens: list[list[str]]) -> None:
    vocabulary = Vocabulary.build(tokens, min_count=2)
    for sentence in tokens:
        ids = vocabulary.encode(sentence)
        assert vocabulary.decode(ids) == [word for word in sentence if word in vocabulary]
        assert all(vocabulary.id(word) in ids for word in sentence if word in vocabulary)
        assert all(vocabulary.id(word) is None for word in sentence if word not in vocabulary)
        assert vocabulary.decode([START, *ids, END, 9999]) == vocabulary.decode([START_PHRASE, *ids])


@pytest.mark.parametrize("bad", [-1, 4])
def test_decode_refuses_invalid_ids(bad: int) -> None:
    with pytest.raises(ValueError, match="ids are 0 to 3"):
        Vocabulary(("dog",), (5,), 5).decode([3, bad])


@given(sentences)
def test_load_inverts_save(tmp_path_factory: pytest.TempPathFactory, tokens: list[list[str]]) -> None:
    vocabulary = Vocabulary.build(tokens, min_count=1)
    path = tmp_path_factory.mktemp("vocabulary") / "words.tsv"
    vocabulary.save(path)
    assert Vocabulary.load(path) == vocabulary


def test_save_writes_plain_lines(tmp_path: Path) -> None:
    path = tmp_path / "words.tsv"
    Vocabulary(("dog", "é"), (7, 5), 9).save(path)
    assert path.read_bytes() == "#sentences\t9\ndog\t7\né\t5\n".encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the first line must be '#sentences'"),
        (b"dog\t7\n", "the first line must be '#sentences'"),
        (b"#sentences\t9\ndog\n", "line 2 is 'dog'; expected a word, a tab and a count"),
        (b"#sentences\t9\ndog\t-7\n", "line 2 .*expected a word"),
        (b"#sentences\t9\ndog\t\xc2\xb2\n", "line 2 .*expected a word"),
        (b"#sentences\t9\ndog\t0\n", "'dog' has the count 0"),
        (b"#sentences\t9\n\t7\n", "'' is empty or contains white space"),
        (b"#sentences\t9\na dog\t7\n", "'a dog' is empty or contains white space"),
        (b"#sentences\t9\ndog\t7\ncat\t8\n", "'cat' follows 'dog'; sort"),
        (b"#sentences\t9\ndog\t7\ncat\t7\n", "'cat' follows 'dog'; sort"),
        (b"#sentences\t9\ndog\t7\ncat\t6\ndog\t5\n", "1 words appear twice"),
        (b"#sentences\t9\n\xff\t7\n", "not UTF-8"),
    ],
)
def test_load_names_the_file_and_the_error(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "words.tsv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        Vocabulary.load(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_load_of_a_missing_file_is_an_os_error() -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Vocabulary.load(Path("nowhere.tsv"))


def test_a_vocabulary_needs_a_count_for_each_word() -> None:
    with pytest.raises(ValueError, match="2 words but 1 counts"):
        Vocabulary(("a", "b"), (1,), 1)
    with pytest.raises(ValueError, match="must not be negative"):
        Vocabulary((), (), -1)


@given(st.lists(st.lists(st.integers(0, 50), max_size=5), max_size=5))
def test_pad_keeps_the_words_of_each_sentence(ids: list[list[int]]) -> None:
    ids_LT, real_LT = pad(ids)
    assert ids_LT.dtype == np.int64
    assert ids_LT.shape == real_LT.shape == (len(ids), max(map(len, ids), default=0))
    assert [row[real].tolist() for row, real in zip(ids_LT, real_LT, strict=True)] == ids
    assert (ids_LT[~real_LT] == END).all()


@given(sentences, sentences)
def test_joined_vocabularies_have_the_words_of_both(one: list[list[str]], other: list[list[str]]) -> None:
    a, b = Vocabulary.build(one, 1), Vocabulary.build(other, 1)
    assert a.joined(b) == b.joined(a) == Vocabulary.build([*one, *other], 1)
