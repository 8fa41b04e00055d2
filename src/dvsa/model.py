"""The model as one uses it: open a photograph once, then ask about it as often as one likes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dvsa import beam, boxes, maxsim, text
from dvsa.bundle import Bundle
from dvsa.evidence import lay, located
from dvsa.photo import Photo, read, squash
from dvsa.records import Alignment, Caption, Description, Phrase, Region
from dvsa.regions import choose, with_frame

Floats = NDArray[np.float32]
Subject = Literal["frame", "region"]

MAX_WORDS = 500
"""Longest sentence that is aligned; more is surely not a sentence."""
MAX_LEN = 25
"""Longest caption, in words."""


def load(bundle: str | Path | None = None, *, threads: int = 0) -> "Model":
    """The shipped model, or the one in the folder `bundle`; raises BundleError where that is damaged."""
    return Model(Bundle.open(None if bundle is None else Path(bundle), threads=threads))


@dataclass(frozen=True)
class Model:
    """A trained model. It holds no state of any photograph, so threads may share it."""

    bundle: Bundle

    def open(
        self, photo: str | Path | bytes | Photo, *, regions: str | Path | NDArray[np.floating] = "head"
    ) -> "View":
        """Look at a photograph.

        Args:
            photo: a file, the bytes of one, or a decoded photograph.
            regions: `head` for the bundle's own proposals, `grid` for a fixed list, a JSON file of boxes in
                pixels of the original, or boxes (N, 4) in fractions of it; the frame is added as the last.

        Raises:
            PhotoError: the photograph cannot be read.
            ValueError: the boxes are no boxes.
        """
        if not isinstance(photo, Photo):
            photo = read(Path(photo) if isinstance(photo, str) else photo)
        fine, coarse, score_BN, box_BN4 = self.look(squash(photo, self.bundle.manifest["size"])[None])
        proposer, box_I4, score_I = self._regions(photo, regions, score_BN[0], box_BN4[0])
        feature_BIF, v_BID = self.encode(fine, coarse, box_I4[None])
        return View(self, photo, proposer, box_I4, score_I, feature_BIF[0], v_BID[0])

    def _regions(
        self, photo: Photo, regions: str | Path | NDArray[np.floating], score_N: Floats, box_N4: Floats
    ) -> tuple[str, Floats, Floats]:
        if isinstance(regions, str) and regions == "head":
            return self.bundle.manifest["proposer"], *self.propose(score_N, box_N4)
        if isinstance(regions, str) and regions == "grid":
            return "grid", *with_frame(boxes.grid())
        if isinstance(regions, str | Path):
            given_I4 = boxes.read_boxes(Path(regions), photo.width, photo.height)
        else:
            given_I4 = np.asarray(regions, dtype=np.float64).reshape(-1, 4)
            if not (np.isfinite(given_I4).all() and (given_I4[:, :2] < given_I4[:, 2:]).all()):
                raise ValueError("boxes must be (N, 4): x0 < x1 and y0 < y1, in fractions of the photograph")
        return "given", *with_frame(given_I4)

    def look(self, pixels_BHWC: NDArray[np.uint8]) -> tuple[Floats, Floats, Floats, Floats]:
        """Fine and coarse feature maps, and scores (B, N) and boxes (B, N, 4) of candidates."""
        fine, coarse, score_BN, box_BN4 = self.bundle.run("look", {"pixels": pixels_BHWC})
        return fine, coarse, score_BN, box_BN4  # type: ignore[return-value]

    def propose(self, score_N: Floats, box_N4: Floats) -> tuple[Floats, Floats]:
        """The bundle's own regions of one photograph, the frame last: boxes (20, 4), scores (20,)."""
        manifest = self.bundle.manifest
        return choose(manifest["proposer"], score_N, box_N4, threshold=manifest["nms"])

    def encode(self, fine: Floats, coarse: Floats, box_BI4: Floats) -> tuple[Floats, Floats]:
        """Features (B, I, F) for the captioners, and region vectors v (B, I, D) for the score."""
        feature_BIF, v_BID = self.bundle.run("encode", {"fine": fine, "coarse": coarse, "boxes": box_BI4})
        return feature_BIF, v_BID  # type: ignore[return-value]

    def word_vectors(self, sentences: Sequence[Sequence[str]]) -> tuple[Floats, NDArray[np.bool_]]:
        """Vectors s (L, T, D) of the known words of tokenised sentences, and where there is one (L, T)."""
        ids_LT, real_LT = text.pad([self.bundle.vocabulary.encode(s) for s in sentences])
        if not ids_LT.size:
            return np.zeros((*ids_LT.shape, self.bundle.manifest["embedding"]), np.float32), real_LT
        (s_LTD,) = self.bundle.run("sentence", {"ids": ids_LT, "real": real_LT})
        return s_LTD, real_LT  # type: ignore[return-value]

    def write(
        self,
        feature_BIF: Floats,
        focus_B: NDArray[np.int64],
        *,
        subject: Subject = "frame",
        width: int | None = None,
        length_power: float | None = None,
        v_BID: Floats | None = None,
        sampler: "Sampler | None" = None,
    ) -> list[list[Caption]]:
        """Captions of B photographs, or of one region each, the best first.

        Args:
            feature_BIF: features of their regions.
            focus_B: the region to speak of; the last is the frame.
            subject: which captioner speaks.
            width: of the beam; 1 is greedy; the bundle's own choice where it is None.
            length_power: a log-probability is divided by its length to this power before captions are
                compared; the bundle's own choice where it is None.
            v_BID: vectors of all regions; where they are given, what the search found is reranked as the
                bundle says: by how well the whole photograph bears it out, beside how likely it is.
            sampler: draw one caption each by this instead of searching.

        Raises:
            ValueError: the bundle has no captioner for `subject`.
        """
        manifest = self.bundle.manifest
        voice = manifest["voices"].get(subject)
        if voice is None:
            raise ValueError(f"bundle {manifest['name']} has no captioner for a {subject}: use another one")
        width = manifest["beam"] if width is None else width
        power = manifest["length_power"] if length_power is None else length_power
        names = self.bundle.inputs(f"{voice['graphs']}.step")

        def step(token_B: NDArray[np.int64], state: beam.State) -> tuple[Floats, beam.State]:
            logp_BV, *after = self.bundle.run(
                f"{voice['graphs']}.step", dict(zip(names, (token_B, *state), strict=True))
            )
            return logp_BV, tuple(after)  # type: ignore[return-value]

        state = tuple(
            self.bundle.run(f"{voice['graphs']}.start", {"features": feature_BIF, "focus": focus_B})
        )
        banned = (text.START, text.START_PHRASE)
        if sampler is not None:
            found = [[h] for h in sampler(step, state, voice["start"], banned)]
        else:
            found = beam.beam_search(
                step, state, start=voice["start"], end=text.END, min_len=1, max_len=MAX_LEN, banned=banned,
                width=width, length_power=power,
            )  # fmt: skip
        written = [[self._caption(h) for h in hypotheses] for hypotheses in found]
        if v_BID is None or sampler is not None or not self.bundle.rerank:
            return written
        return [self._reranked(captions, v_ID, power) for captions, v_ID in zip(written, v_BID, strict=True)]

    def _reranked(self, captions: Sequence[Caption], v_ID: Floats, power: float) -> list[Caption]:
        """By log-probability over length ** power plus `rerank` S_kl (paper, eq. 8), highest first."""
        s_NTD, real_NT = self.word_vectors([caption.words for caption in captions])
        likely_N = np.array([c.logprob / len(c.logprobs) ** power for c in captions])
        value_N = likely_N + self.bundle.rerank * maxsim.scores(v_ID[None], s_NTD, real_NT)[0]
        return [captions[n] for n in np.argsort(-value_N, kind="stable")]

    def _caption(self, hypothesis: beam.Hypothesis) -> Caption:
        said = tuple(self.bundle.vocabulary.decode(hypothesis.tokens))
        return Caption(
            " ".join(said), float(hypothesis.logp), said, tuple(float(p) for p in hypothesis.logps)
        )


Sampler = Callable[[beam.Step, beam.State, int, Sequence[int]], list[beam.Hypothesis]]


def sampler(temperature: float = 1.0, top_p: float = 1.0, seed: int = 0) -> Sampler:
    """Draws captions at a temperature from the likeliest words that together have probability `top_p`."""

    def draw(step: beam.Step, state: beam.State, start: int, banned: Sequence[int]) -> list[beam.Hypothesis]:
        rng = np.random.default_rng(seed)
        return beam.sample(
            step, state, start=start, end=text.END, min_len=1, max_len=MAX_LEN, banned=banned,
            temperature=temperature, top_p=top_p, rng=rng,
        )  # fmt: skip

    return draw


@dataclass(frozen=True, eq=False)
class View:
    """One photograph as the model sees it. Frozen: no question about it can disturb another."""

    model: Model
    photo: Photo
    proposer: str
    box_I4: Floats
    """In fractions of width and height; the last is the frame."""
    score_I: Floats
    feature_IF: Floats
    v_ID: Floats

    @property
    def regions(self) -> tuple[Region, ...]:
        """The regions in the order that they were chosen in, the whole frame last."""
        width, height = self.photo.width, self.photo.height
        return tuple(
            Region(i, tuple(map(float, box_4)), boxes.to_pixels(box_4, width, height), float(score))  # type: ignore[arg-type]
            for i, (box_4, score) in enumerate(zip(self.box_I4, self.score_I, strict=True))
        )

    def captions(self, beam: int | None = None, *, sampler: Sampler | None = None) -> list[Caption]:
        """Sentences for the whole photograph, the best first: as many as the beam is wide."""
        frame_B = np.array([len(self.box_I4) - 1])
        return self.model.write(
            self.feature_IF[None], frame_B, width=beam, v_BID=self.v_ID[None], sampler=sampler
        )[0]

    def caption(self, beam: int | None = None) -> Caption:
        """The best sentence for the whole photograph."""
        return self.captions(beam)[0]

    def phrases(self, count: int = 5, beam: int | None = None) -> tuple[Phrase, ...]:
        """Phrases for the `count` best regions; those that overlap a better one by an IoU of 0.5 give way."""
        best = boxes.nms(self.box_I4[:-1], self.score_I[:-1], threshold=0.5, keep=count)
        if not len(best):
            return ()
        feature_BIF = np.repeat(self.feature_IF[None], len(best), axis=0)
        written = self.model.write(feature_BIF, best.astype(np.int64), subject="region", width=beam)
        regions = self.regions
        return tuple(Phrase(regions[i], captions[0]) for i, captions in zip(best, written, strict=True))

    def align(self, sentence: str, beta: float | None = None) -> Alignment:
        """Which region each word speaks of, and the segments that the MRF makes of them.

        Args:
            sentence: any text; case and punctuation do not count.
            beta: the wish for long segments: 0 leaves every word to itself, infinity puts all on one region;
                the bundle's own choice where it is None.

        Raises:
            ValueError: a sentence without words or of more than 500; a beta that is negative or not a number.
        """
        beta = self.model.bundle.manifest["beta"] if beta is None else float(beta)
        tokens = text.words(sentence)
        if not tokens:
            raise ValueError(f"the sentence {sentence!r} has no words: give at least one")
        if len(tokens) > MAX_WORDS:
            raise ValueError(f"the sentence has {len(tokens)} words: give at most {MAX_WORDS}")
        known_T = np.array([t in self.model.bundle.vocabulary for t in tokens])
        s_LTD, _ = self.model.word_vectors([tokens])
        return lay(
            sentence, tokens, known_T, s_LTD[0], self.v_ID, beta=beta, support=self.model.bundle.support
        )

    def locate(self, sentence: str, first: int = 0, last: int | None = None) -> Region:
        """Where a phrase is: the words `first` to `last` of a sentence, or all of it.

        The region that has the highest expected IoU with the right one, where the bundle knows how likely
        each is; else the one with the largest sum of v_i . s_t. The other words count as context.

        Raises:
            ValueError: there are no such words, or none that the model knows.
        """
        tokens = text.words(sentence)
        phrase = tokens[first:] if last is None else tokens[first : last + 1]
        if first < 0 or not phrase or (last is not None and last >= len(tokens)):
            raise ValueError(f"{sentence!r} has no words {first} to {last}: it has {len(tokens)}, from 0 on")
        known = [n for n, token in enumerate(tokens) if token in self.model.bundle.vocabulary]
        own = [row for row, n in enumerate(known) if first <= n < first + len(phrase)]
        if not own:
            raise ValueError(f"no word of {' '.join(phrase)!r} is known to the model: use other words")
        s_TD = self.model.word_vectors([tokens])[0][0]
        return self.regions[located(s_TD[own], self.v_ID, self.box_I4, self.model.bundle.sharpness)]

    def score(self, sentence: str) -> float:
        """S_kl of this photograph and a sentence; higher is a better match."""
        s_LTD, real_LT = self.model.word_vectors([text.words(sentence)])
        return float(maxsim.scores(self.v_ID[None], s_LTD, real_LT)[0, 0])

    def describe(
        self, sentence: str | None = None, *, beta: float | None = None, phrases: int = 5
    ) -> Description:
        """Everything at once: caption, phrases, and the alignment of `sentence`, or of the caption itself."""
        caption = self.caption()
        wanted = sentence if sentence is not None else caption.text
        return Description(
            photo=self.photo.name, width=self.photo.width, height=self.photo.height, proposer=self.proposer,
            caption=caption, regions=self.regions, phrases=self.phrases(phrases),
            alignment=None if sentence is None and not text.words(wanted) else self.align(wanted, beta),
        )  # fmt: skip
