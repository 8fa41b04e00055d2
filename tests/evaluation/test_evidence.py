"""Evidence gives the figures of any photographs, also after it is saved; evidence of two systems compares."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa.arrays import Doubles, IntArray
from dvsa.evaluation import Evidence, compare
from dvsa.evaluation.comparison import kept
from dvsa.metrics.bleu import bleu
from dvsa.metrics.caption_metrics import CAPTION_METRICS
from dvsa.metrics.figures import Figure

PHOTOS = 6
OTHERS = {n: m for n, m in CAPTION_METRICS.items() if n not in ("BLEU", "ROUGE-L", "CIDEr")}
OWNER_N = np.array([0, 0, 1, 2, 2, 2, 3, 4, 5])
"""The photographs of nine things."""


def evidence(task: str, seed: int) -> Evidence:
    """Evidence of a task with random counts."""
    rng = np.random.default_rng(seed)

    def captions(count: int) -> dict[str, Doubles]:
        matched_N4 = np.sort(rng.integers(9, size=(count, 4)))[:, ::-1]
        length_N2, of_N4 = rng.integers(1, 20, (count, 2)), matched_N4 + rng.integers(1, 5, (count, 1))
        tokens = [["a", "dog"]]
        return {
            name: metric.statistics([tokens] * count, tokens * count) for name, metric in OTHERS.items()
        } | {
            "BLEU": np.hstack([length_N2, matched_N4, of_N4]).astype(float),
            "ROUGE-L": rng.random(count),
            "CIDEr": 10 * rng.random(count),
        }

    ranks = {
        "photo_rank_K": rng.integers(1, 20, PHOTOS),
        "sentence_rank_L": rng.integers(1, 20, len(OWNER_N)),
        "owner_N": OWNER_N,
        "photo_ndcg_K": rng.random(PHOTOS),
        "sentence_ndcg_L": rng.random(len(OWNER_N)),
    }
    found = {name: rng.random(len(OWNER_N)) < 0.5 for name in ("R@1 IoU0.5", "pointing")}
    first_N = np.isin(np.arange(len(OWNER_N)), np.unique(OWNER_N, return_index=True)[1])
    kinds = {"category people": OWNER_N < 9, "category scene": first_N | (rng.random(len(OWNER_N)) < 0.5)}
    parts = {f"{by} {name}": array for by in ("region", "frame") for name, array in captions(9).items()}
    arrays: dict[str, Mapping[str, np.ndarray]] = {
        "ranking": ranks,
        "captions": captions(PHOTOS),
        "regions": {"owner_N": OWNER_N, **parts},
        "grounding": {"owner_N": OWNER_N, **found, **kinds},
    }
    return Evidence(task, tuple(f"é{n}.jpg" for n in range(PHOTOS)), arrays[task])


def literal(evidence: Evidence, index_N: IntArray) -> dict[str, float]:
    """The figures, computed one photograph and one thing at a time."""
    arrays = evidence.arrays
    things = [n for k in index_N for n in range(len(OWNER_N)) if OWNER_N[n] == k]

    def recall(ranks: list[int]) -> dict[str, float]:
        shares = {f"R@{k}": 100 * sum(rank <= k for rank in ranks) / len(ranks) for k in (1, 5, 10)}
        return {**shares, "Med r": float(np.median(ranks))}

    def captions(statistics: Mapping[str, np.ndarray], items: list[int]) -> dict[str, float]:
        total = [sum(float(statistics["BLEU"][n, c]) for n in items) for c in range(10)]
        figures = {}
        for mark, penalty in (("", True), (" no BP", False)):
            for order, value in enumerate(bleu(np.array(total), brevity_penalty=penalty), 1):
                figures[f"BLEU-{order}{mark}"] = 100 * value
        for name in ("ROUGE-L", "CIDEr"):
            figures[name] = 100 * sum(float(statistics[name][n]) for n in items) / len(items)
        for name, metric in OTHERS.items():
            others = metric.figures(np.array([statistics[name][n] for n in items]))
            figures |= {figure: 100 * value for figure, value in others.items()}
        return figures

    if evidence.task == "ranking":
        photo = recall([int(arrays["photo_rank_K"][k]) for k in index_N])
        sentence = recall([int(arrays["sentence_rank_L"][n]) for n in things])
        photo["NDCG@25"] = 100 * sum(float(arrays["photo_ndcg_K"][k]) for k in index_N) / len(index_N)
        sentence["NDCG@25"] = 100 * sum(float(arrays["sentence_ndcg_L"][n]) for n in things) / len(things)
        return {f"photo_to_sentence: {n}": v for n, v in photo.items()} | {
            f"sentence_to_photo: {n}": v for n, v in sentence.items()
        }
    if evidence.task == "captions":
        return captions(arrays, list(index_N))
    if evidence.task == "regions":
        of = {
            by: captions({n[len(by) + 1 :]: a for n, a in arrays.items() if n.startswith(by)}, things)
            for by in ("region", "frame")
        }
        return of["region"] | {f"full_frame_model: {n}": v for n, v in of["frame"].items()}
    flags = [name for name in arrays if name != "owner_N" and not name.startswith("category ")]
    groups = {"": things} | {
        f"{kind}: ": [n for n in things if arrays[kind][n]] for kind in arrays if kind.startswith("category ")
    }
    return {
        f"{kind}{name}": 100 * sum(bool(arrays[name][n]) for n in own) / len(own) if own else np.nan
        for kind, own in groups.items()
        for name in flags
    }


tasks = pytest.mark.parametrize("task", ["ranking", "captions", "regions", "grounding"])


@tasks
@given(index=st.lists(st.integers(0, PHOTOS - 1), min_size=1), seed=st.integers(0, 99))
def test_figures_are_those_of_one_thing_at_a_time(task: str, index: list[int], seed: int) -> None:
    made, index_N = evidence(task, seed), np.array(index)
    assert made.figures(index_N) == pytest.approx(literal(made, index_N), nan_ok=True)


@tasks
def test_evidence_is_read_as_it_was_written(task: str, tmp_path: Path) -> None:
    made, path = evidence(task, 0), tmp_path / "a.npz"
    path.write_bytes(made.content())
    found = Evidence.read(path)
    assert (found.task, found.photos) == (made.task, made.photos)
    assert found.arrays.keys() == made.arrays.keys()
    for name, array in made.arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array)
    assert made.content() == found.content()


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path, made = tmp_path / "a.npz", evidence("ranking", 0)
    sound = made.content()

    owner_N = {"owner_N": OWNER_N + 3}
    bad = {
        "empty": b"",
        "text": b"figures",
        "cut": sound[:-30],
        "short": Evidence("ranking", made.photos, {"owner_N": OWNER_N}).content(),
        "owners": Evidence("ranking", made.photos, {**made.arrays, **owner_N}).content(),
        "other": Evidence("speed", made.photos, made.arrays).content(),
    }

    for content in bad.values():
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"a\.npz has no evidence"):
            Evidence.read(path)

    # An .npy file under the name of an .npz file, and no file.
    np.save(tmp_path / "a", np.arange(3))
    path.write_bytes((tmp_path / "a.npy").read_bytes())
    with pytest.raises(ValueError, match=r"a\.npz has no evidence"):
        Evidence.read(path)
    with pytest.raises(FileNotFoundError):
        Evidence.read(tmp_path / "none.npz")


def test_a_flipped_byte_changes_nothing_or_is_noticed(tmp_path: Path) -> None:
    path, made = tmp_path / "a.npz", evidence("captions", 0)
    sound, everyone_K, noticed = made.content(), np.arange(PHOTOS), 0
    for n in range(len(sound)):
        path.write_bytes(sound[:n] + bytes([sound[n] ^ 255]) + sound[n + 1 :])
        try:
            assert Evidence.read(path).figures(everyone_K) == made.figures(everyone_K)
        except ValueError as error:
            noticed += "a.npz has no evidence" in str(error)
    assert noticed > len(sound) / 2


@tasks
def test_a_system_does_not_differ_from_itself(task: str) -> None:
    found = compare(evidence(task, 1), evidence(task, 1), resamples=50).differences
    assert found.keys() == literal(evidence(task, 1), np.arange(PHOTOS)).keys()
    for row in found.values():
        assert (row.a, row.gap, row.real) == (row.b, Figure(0, 0, 0), False)


@tasks
def test_differences_are_those_of_a_literal_bootstrap(task: str) -> None:
    a, b = evidence(task, 2), evidence(task, 3)
    report = compare(a, b, resamples=40, seed=7)
    generator = np.random.default_rng(7)
    draws = [generator.integers(PHOTOS, size=PHOTOS) for _ in range(40)]
    assert report.photos == PHOTOS
    ours, theirs = (literal(system, np.arange(PHOTOS)) for system in (a, b))
    assert report.differences.keys() == ours.keys()
    verdicts = set()
    for name, row in report.differences.items():
        gaps = sorted(literal(a, index_N)[name] - literal(b, index_N)[name] for index_N in draws)
        # The 2.5th percentile of 40 values lies at 0.975 of the way from the first to the second.
        low = gaps[0] + 0.975 * (gaps[1] - gaps[0])
        high = gaps[-1] - 0.975 * (gaps[-1] - gaps[-2])
        assert [row.a, row.b, row.gap.value] == pytest.approx(
            [ours[name], theirs[name], ours[name] - theirs[name]]
        )
        assert row.gap.ends == pytest.approx([low, high])
        assert row.real == (low > 0 or high < 0)
        verdicts.add(row.real)
    assert False in verdicts


def test_a_difference_that_every_photograph_shows_is_real() -> None:
    good, poor = ({"owner_N": OWNER_N, "pointing": np.full(9, right)} for right in (True, False))
    photos = evidence("grounding", 0).photos
    for a, b, gap in ((good, poor, 100), (poor, good, -100)):
        report = compare(Evidence("grounding", photos, a), Evidence("grounding", photos, b), resamples=20)
        pointing = report.differences["pointing"]
        assert (pointing.gap.value, pointing.real) == (gap, True)


@pytest.mark.parametrize(
    ("photos", "line"),
    [
        (("é0.jpg", "é1.jpg", "x.jpg", "y.jpg"), "photograph 3 is é2.jpg in one and x.jpg in the other"),
        (("é0.jpg", "é1.jpg"), "photograph 3 is é2.jpg in one and none in the other"),
        ((*(f"é{n}.jpg" for n in range(6)), "z.jpg"), "photograph 7 is none in one and z.jpg in the other"),
    ],
)
def test_evidence_of_different_photographs_is_not_compared(photos: tuple[str, ...], line: str) -> None:
    ours = evidence("captions", 0)
    with pytest.raises(ValueError, match=line):
        compare(ours, Evidence("captions", photos, ours.arrays))


def test_kept_evidence_is_found_in_a_folder_and_in_a_run(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"{tmp_path} has no evaluations"):
        kept(tmp_path)
    (tmp_path / "ranking.val.npz").touch()
    (tmp_path / "ranking.val.json").touch()
    assert kept(tmp_path) == {"ranking.val": tmp_path / "ranking.val.npz"}
    run = tmp_path / "evaluation"
    run.mkdir()
    (run / "captions.test.1000.npz").touch()
    assert kept(tmp_path) == {"captions.test.1000": run / "captions.test.1000.npz"}
