"""Names that were taught: which words of a sentence they are, and what becomes of the others."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dvsa
from dvsa.arrays import Floats
from dvsa.model import Model
from dvsa.sentence import Sentence
from dvsa.taught import MAX_NAME, Taught
from dvsa.text import Vocabulary

D = 3
NAMES = st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(" ".join), unique=True)


def vector(n: float) -> Floats:
    return np.full(D, n, np.float32)


def taught(*names: str) -> Taught:
    return Taught({name: vector(n) for n, name in enumerate(names, 1)})


@given(NAMES, st.lists(st.sampled_from("abcd"), max_size=8))
def test_names_are_found_from_the_left_the_longest_first(names: list[str], words: list[str]) -> None:
    wanted, rest = [], list(words)
    while rest:
        fits = [name for name in names if rest[: len(name.split())] == name.split()]
        best = max(fits, key=lambda name: len(name.split()), default=rest[0])
        wanted.append(best)
        rest = rest[len(best.split()) :]
    assert taught(*names).joined(words) == wanted


@given(NAMES, st.lists(st.sampled_from("abcd"), max_size=8))
def test_a_sentence_has_the_vectors_of_its_names_and_keeps_the_others(
    names: list[str], words: list[str]
) -> None:
    found, vocabulary = taught(*names), Vocabulary(("d",), (1,), 1)
    joined = tuple(found.joined(words))
    s_ND = -np.arange(1, joined.count("d") * D + 1, dtype=np.float32).reshape(-1, D)
    told = found.known(Sentence.of(" ".join(words), joined, vocabulary, s_ND))
    assert told.words == joined
    assert told.known_T.tolist() == [word in {*names, "d"} for word in joined]
    for word, s_D in zip(joined, told.s_TD, strict=True):
        if word in found.vectors:
            np.testing.assert_array_equal(s_D, found.vectors[word])
    np.testing.assert_array_equal(told.s_TD[[word == "d" for word in joined]], s_ND)


def test_the_name_is_as_sentences_are_read() -> None:
    vocabulary = Vocabulary(("a", "our", "boat"), (3, 2, 1), 3)
    found = (
        Taught().with_name("  OUR Boat!", vector(1), vocabulary).with_name("Zoë's cup", vector(2), vocabulary)
    )
    assert [*found.vectors] == ["our boat", "zoës cup"]
    assert [*found.without("Our boat").vectors] == ["zoës cup"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "is no name: give 1 to 10 words"),
        ("...", "is no name"),
        ("the", "is no name"),
        ("In the", "not only words such as 'the'"),
        ("x " * (MAX_NAME + 1), "is no name: give 1 to 10 words"),
        ("Boat", "the model knows the word 'boat' already: give another name, such as 'our boat'"),
        ("My  boat", "'my boat' was taught already: forget it first"),
    ],
)
def test_a_name_that_cannot_be_taught_is_refused(name: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        taught("my boat").with_name(name, vector(1), Vocabulary(("boat",), (1,), 1))


def test_an_unknown_name_cannot_be_forgotten() -> None:
    with pytest.raises(ValueError, match="'her boat' was not taught: the names are my boat, our boat"):
        taught("my boat", "our boat").without("her boat")


@given(NAMES)
def test_the_names_come_back(names: list[str]) -> None:
    found = Taught.parse(taught(*names).to_bytes(), D, "here")
    assert [*found.vectors] == names
    for name, s_D in found.vectors.items():
        np.testing.assert_array_equal(s_D, taught(*names).vectors[name])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        json.dumps({"a": [1.0]}).encode(),
        json.dumps({"a": [1.0, 2.0, "3"]}).encode(),
        json.dumps({"a": [1.0, 2.0, True]}).encode(),
        b'{"a": [1.0, 2.0, NaN]}',
        b'{"a": [1.0, 2.0, 1e39]}',
        json.dumps({"A boat": [1.0, 2.0, 3.0]}).encode(),
        json.dumps({"": [1.0, 2.0, 3.0]}).encode(),
        json.dumps({f"name{n}": [] for n in range(10_001)}).encode(),
    ],
)
def test_another_file_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"^here"):
        Taught.parse(content, D, "here")


@pytest.fixture
def model() -> Model:
    model = dvsa.load(threads=1)
    width = model.bundle.manifest.embedding
    model.bundle.__dict__["taught"] = Taught({"our boat": np.ones(width, np.float32)})
    return model


def test_a_model_reads_its_names_and_the_other_words_without_them(model: Model) -> None:
    read, plain = model.read("A dog sits in our boat zyzzyva"), dvsa.load().read("a dog sits in")
    assert read.words == ("a", "dog", "sits", "in", "our boat", "zyzzyva")
    assert read.known_T.tolist() == [True, True, True, True, True, False]
    assert [*read.nearest] == ["zyzzyva"]
    np.testing.assert_allclose(read.s_ND[:4], plain.s_ND, rtol=1e-5, atol=1e-5)
    assert (read.s_ND[4] == 1).all()


def test_everything_that_asks_a_photograph_knows_the_names(model: Model) -> None:
    view = model.open("examples/cat.jpg")
    best = view.v_ID.sum(axis=1).argmax()
    assert view.align("our boat").words[0].region == best
    assert view.score("our boat") == pytest.approx(float(view.v_ID.sum(axis=1).max()), rel=1e-5)
    assert view.locate("our boat").index in range(len(view.regions))
