/** Captions from the graphs of a captioner, by beam search or by sampling; as dvsa.captioning. */

import { integers, numbers, rowsOf } from "./arrays.js";
import { beamSearch, randomNumbers, sample } from "./beam.js";
import { END, START, START_PHRASE } from "./text.js";

/**
 * @typedef {import("./arrays.js").Tensor} Tensor
 * @typedef {import("./beam.js").State} State
 * @typedef {import("./beam.js").Step} Step
 * @typedef {{text: string, logprob: number, words: string[], logprobs: number[]}} Caption
 */

/** Longest caption, in words. */
export const MAX_LEN = 25;
/** Tokens that a caption never contains. */
const BANNED = [START, START_PHRASE];

/** The two graphs of a captioner. */
export class Captioner {
  /**
   * @param {import("./graphs.js").Graphs} graphs @param {import("./manifest.js").Voice} voice
   * @param {import("./fluency.js").Fluency | null} fluency what may be said; null allows all words
   */
  constructor(graphs, voice, fluency) {
    this.graphs = graphs;
    this.voice = voice;
    this.fluency = fluency;
  }

  /** The first state for regions of photographs. @param {Tensor} feature_BIF @param {number[]} focus_B */
  start(feature_BIF, focus_B) {
    const focus = integers(focus_B, [focus_B.length]);
    return this.graphs.run(`${this.voice.graphs}.start`, { features: feature_BIF, focus });
  }

  /** Log-probabilities of the next word, and the next state. @type {Step} */
  step = async (token_B, state) => {
    const graph = `${this.voice.graphs}.step`;
    const given = [integers(token_B, [token_B.length]), ...state];
    const names = await this.graphs.inputs(graph);
    const [logp, ...after] = await this.graphs.run(graph, Object.fromEntries(names.map((name, n) => [name, given[n]])));
    return { logp, state: after };
  };

  /**
   * The captions that beam search finds for each item, the best first.
   * @param {State} state @param {number} width @param {number} lengthPower
   */
  search(state, width, lengthPower) {
    const [step, first] = this.withRules(state);
    return beamSearch(step, first, { ...this.limits, width, lengthPower });
  }

  /** One caption for each item. @param {State} state @param {number} temperature @param {number} seed */
  draw(state, temperature, seed) {
    const [step, first] = this.withRules(state);
    return sample(step, first, { ...this.limits, temperature, random: randomNumbers(seed) });
  }

  get limits() {
    return { start: this.voice.start, end: END, minLen: 1, maxLen: MAX_LEN, banned: BANNED };
  }

  /** Steps with -Infinity for words that the rules forbid; the last part of the state was said. @param {State} state
   * @returns {[Step, State]} */
  withRules(state) {
    const { fluency } = this;
    if (!fluency) return [this.step, state];

    /** @type {Step} */
    const step = async (token_B, before) => {
      const taken = await this.step(token_B, before.slice(0, -1));
      const said = withTokens(/** @type {Tensor} */ (before.at(-1)), token_B);
      const said_BT = /** @type {Int32Array} */ (said.data);
      const T = said.dims[1];
      rowsOf(numbers(taken.logp), taken.logp.dims[1]).forEach((logp_V, b) => {
        const allowed_V = fluency.allowed(said_BT.subarray(b * T, (b + 1) * T), MAX_LEN);
        for (let v = 0; v < logp_V.length; v += 1) if (!allowed_V[v]) logp_V[v] = -Infinity;
      });
      return { logp: taken.logp, state: [...taken.state, said] };
    };
    return [step, [...state, { type: "int32", data: new Int32Array(0), dims: [state[0].dims[0], 0] }]];
  }
}

/**
 * What has been said, with one more token in each row.
 * @param {Tensor} said @param {number[]} token_B @returns {Tensor}
 */
function withTokens({ data, dims: [B, T] }, token_B) {
  const longer = new Int32Array(B * (T + 1));
  token_B.forEach((token, b) => {
    longer.set(/** @type {Int32Array} */ (data).subarray(b * T, (b + 1) * T), b * (T + 1));
    longer[b * (T + 1) + T] = token;
  });
  return { type: "int32", data: longer, dims: [B, T + 1] };
}

/** The caption that a search or a sampler has found. @param {import("./beam.js").Hypothesis} hypothesis
 * @param {import("./text.js").Vocabulary} vocabulary @returns {Caption} */
export function toCaption({ tokens, logps }, vocabulary) {
  const words = vocabulary.decode(tokens);
  return { text: words.join(" "), logprob: logps.reduce((sum, logp) => sum + logp, 0), words, logprobs: logps };
}
