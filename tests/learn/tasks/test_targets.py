"""What captioners learn to write: segments that the MRF finds, and people's phrases."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dvsa.boxes import iou
from dvsa.learn.nets.joint import JointModel
from dvsa.learn.nets.vision_config import GEOMETRY
from dvsa.learn.tasks.corpus import Corpus
from dvsa.learn.tasks.features import region_features
from dvsa.learn.tasks.rows_ahead import whole
from dvsa.learn.tasks.targets import CaptionTarget, Targets, of_boxes, of_segments, with_content
from dvsa.segments import segments, viterbi
from dvsa.text import FIRST_WORD, FUNCTION_WORDS, START, START_PHRASE, Vocabulary


@pytest.mark.parametrize("beta", [0.0, 0.3])
def test_targets_of_regions_are_the_segments_of_each_sentence(
    model: JointModel, corpus: Corpus, beta: float
) -> None:
    feature_KIF = whole(region_features(model.vision, corpus.val, "head", 0.5))
    found = [*of_segments(model, feature_KIF, corpus.val_ids, corpus, beta)]

    # Each sentence alone, without padding.
    wanted = []
    with torch.no_grad():
        for k, sentences in enumerate(corpus.val_ids):
            v_ID = model.vision.regions(feature_KIF[k][None].float())[0]
            for ids in sentences:
                s_TD = model.sentence(*corpus.padded([ids]))[0]
                for first, last, region in segments(viterbi((s_TD @ v_ID.T).numpy(), beta)):
                    wanted.append(CaptionTarget(k, region, START_PHRASE, tuple(ids[first : last + 1])))
    assert found == wanted
    all_words = [word for sentences in corpus.val_ids for sentence in sentences for word in sentence]
    assert [word for target in found for word in target.words] == all_words


def test_sentences_without_known_words_have_no_targets(model: JointModel, corpus: Corpus) -> None:
    feature_KIF = whole(region_features(model.vision, corpus.val, "head", 0.5))
    assert [*of_segments(model, feature_KIF[:2], [[[], []], []], corpus, 1.0)] == []
    (target,) = of_segments(model, feature_KIF[:1], [[[], [7]]], corpus, 1.0)
    assert target.words == (7,)


def test_segments_of_function_words_are_left_out() -> None:
    vocabulary = Vocabulary.build([["a", "dog", "on", "in"]], 1)
    ids = {word: FIRST_WORD + n for n, word in enumerate(vocabulary.words)}
    phrases = [("on", "a"), ("a", "dog"), ("in",), ("dog",)]
    targets = [CaptionTarget(0, 0, START_PHRASE, tuple(ids[word] for word in words)) for words in phrases]
    assert [*with_content(targets, vocabulary)] == [targets[1], targets[3]]
    assert {"on", "a", "in"} <= FUNCTION_WORDS


def test_a_phrase_belongs_to_the_region_with_the_highest_iou(model: JointModel, corpus: Corpus) -> None:
    feature_KIF = whole(region_features(model.vision, corpus.val, "head", 0.5))
    found = [*of_boxes(feature_KIF, corpus.val_ids, corpus.val_phrases)]

    wanted, phrases = [], 0
    for k, (sentences, boxed) in enumerate(zip(corpus.val_ids, corpus.val_phrases, strict=True)):
        box_I4 = feature_KIF[k, :, -GEOMETRY:-1].float().numpy()
        for sentence, targets in zip(sentences, boxed, strict=True):
            phrases += len(targets)
            for phrase in targets:
                (iou_I,) = iou(np.array([phrase.box]), box_I4)
                if iou_I.max() >= 0.5:
                    words = tuple(sentence[t] for t in phrase.places)
                    wanted.append(CaptionTarget(k, int(iou_I.argmax()), START_PHRASE, words))

    assert found == wanted
    assert 0 < len(found) < phrases


@given(
    st.lists(
        st.builds(
            CaptionTarget,
            st.integers(0, 10**6),
            st.integers(0, 255),
            st.sampled_from([START, START_PHRASE]),
            st.lists(st.integers(0, 10**5), max_size=4).map(tuple),
        ),
        max_size=6,
    ),
    st.slices(6),
)
def test_targets_in_flat_arrays_come_back(targets: list[CaptionTarget], part: slice) -> None:
    found = Targets(iter(targets))
    assert len(found) == len(targets)
    assert [*found] == targets
    assert found[part] == targets[part]
