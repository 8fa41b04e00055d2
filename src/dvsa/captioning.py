"""Captions from the graphs of a captioner, by beam search or by sampling."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dvsa import beam, text
from dvsa.arrays import Floats, IntArray
from dvsa.fluency import Fluency
from dvsa.graphs import Graphs
from dvsa.manifest import Voice
from dvsa.records import Caption

MAX_LEN = 25
"""Longest caption, in words."""
BANNED = (text.START, text.START_PHRASE)
"""Tokens that a caption never contains."""


@dataclass(frozen=True, eq=False, slots=True)
class CaptionGraphs:
    """The two graphs of a captioner. Its tokens are those of `Bundle.spoken`."""

    graphs: Graphs
    voice: Voice
    fluency: Fluency | None = None
    """What a search or a sampler may say; None allows all words."""

    @property
    def first_token(self) -> int:
        """The token before the first word.

        >>> import dvsa
        >>> dvsa.load().captioner("frame").first_token
        1
        """
        return self.voice.start

    def start(self, feature_BIF: Floats, focus_B: IntArray) -> beam.State:
        """The first state for the regions `focus_B` of B photographs.

        >>> import dvsa
        >>> view = dvsa.load().open("examples/photographer.jpg")
        >>> state = view.model.captioner("frame").start(view.feature_IF[None], np.array([19]))
        >>> {len(array) for array in state}
        {1}
        """
        graph = f"{self.voice.graphs}.start"
        return tuple(self.graphs.run(graph, {"features": feature_BIF, "focus": focus_B}))

    def step(self, token_B: IntArray, state: beam.State) -> tuple[Floats, beam.State]:
        """Log-probabilities (B, V) of the next word after `token_B`, and the next state.

        >>> import dvsa
        >>> view = dvsa.load().open("examples/photographer.jpg")
        >>> captioner = view.model.captioner("frame")
        >>> state = captioner.start(view.feature_IF[None], np.array([19]))
        >>> logp_BV, state = captioner.step(np.array([captioner.first_token]), state)
        >>> view.model.bundle.spoken.decode([int(logp_BV[0].argmax())])
        ['a']
        """
        graph = f"{self.voice.graphs}.step"
        names = self.graphs.inputs(graph)
        logp_BV, *after = self.graphs.run(graph, dict(zip(names, (token_B, *state), strict=True)))
        return logp_BV, tuple(after)  # type: ignore[return-value]


Sampler = Callable[[CaptionGraphs, beam.State], list[beam.Hypothesis]]
"""Draws one caption for each row of a captioner's first state."""


def search(
    captioner: CaptionGraphs, state: beam.State, *, width: int, length_power: float
) -> list[list[beam.Hypothesis]]:
    """The captions that beam search finds for each item, the best first; `width` 1 is greedy search.

    >>> import dvsa
    >>> model = dvsa.load()
    >>> view = model.open("examples/photographer.jpg")
    >>> captioner = model.captioner("frame")
    >>> state = captioner.start(view.feature_IF[None], np.array([19]))
    >>> (found,) = search(captioner, state, width=3, length_power=1.0)
    >>> " ".join(model.bundle.spoken.decode(found[0].tokens))
    'a man in a black shirt is sitting on a cellphone'
    """
    return beam.beam_search(
        *_with_rules(captioner, state),
        start=captioner.first_token,
        end=text.END,
        min_len=1,
        max_len=MAX_LEN,
        banned=BANNED,
        width=width,
        length_power=length_power,
    )


def sampler(temperature: float = 1.0, top_p: float = 1.0, seed: int = 0) -> Sampler:
    """A function that draws captions at a temperature, by default from the whole distribution of words.

    If `top_p` is below 1, words are drawn from the smallest set of most likely words that together have this
    probability.

    >>> import dvsa
    >>> view = dvsa.load().open("examples/photographer.jpg")
    >>> (caption,) = view.captions(sampler=dvsa.sampler(temperature=0.5, seed=1))
    >>> caption.text
    'a man in a black shirt is sitting on a cellphone'
    """

    def draw(captioner: CaptionGraphs, state: beam.State) -> list[beam.Hypothesis]:
        return beam.sample(
            *_with_rules(captioner, state),
            start=captioner.first_token,
            end=text.END,
            min_len=1,
            max_len=MAX_LEN,
            banned=BANNED,
            temperature=temperature,
            top_p=top_p,
            rng=np.random.default_rng(seed),
        )

    return draw


def _with_rules(captioner: CaptionGraphs, state: beam.State) -> tuple[beam.Step, beam.State]:
    """The steps of a captioner, -inf for words that its rules forbid; the last part of the state was said."""
    if captioner.fluency is None:
        return captioner.step, state
    fluency = captioner.fluency

    def step(token_B: IntArray, state: beam.State) -> tuple[Floats, beam.State]:
        logp_BV, after = captioner.step(token_B, state[:-1])
        said_BT = np.column_stack([state[-1], token_B])
        np.putmask(logp_BV, ~fluency.allowed(said_BT, MAX_LEN), -np.inf)
        return logp_BV, (*after, said_BT)

    return step, (*state, np.zeros((len(state[0]), 0), np.int64))


def to_caption(hypothesis: beam.Hypothesis, vocabulary: text.Vocabulary) -> Caption:
    """The caption that a search or a sampler has found.

    >>> vocabulary = text.Vocabulary(("a", "dog"), (7, 2), 5)
    >>> to_caption(beam.Hypothesis((3, 4), (-0.5, -1.5, -0.25)), vocabulary)
    Caption(text='a dog', logprob=-2.25, words=('a', 'dog'), logprobs=(-0.5, -1.5, -0.25))
    """
    words = tuple(vocabulary.decode(hypothesis.tokens))
    logprobs = tuple(float(logp) for logp in hypothesis.logps)
    return Caption(" ".join(words), float(hypothesis.logp), words, logprobs)
