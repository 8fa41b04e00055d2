/**
 * Rules for captions that read as people write: which word may follow, and where they may end; as dvsa.fluency.
 */

import { EngineError } from "./arrays.js";
import { parseNpy } from "./npy.js";
import { END, FIRST_WORD, FUNCTION_WORDS } from "./text.js";

/** @typedef {import("./text.js").Vocabulary} Vocabulary */

/** With fewer pairs, three words in a row that nobody has written are no sign of bad English. */
const RICH = 10_000;
/** The number of words to an end if there is none. */
const NEVER = 2 ** 31 - 1;

/** The pairs (N) of tokens that may be neighbours, and the tokens (R) that may follow each pair. */
export class Fluency {
  /**
   * @param {Int32Array} start_V1 where the pairs of each first token start; then N
   * @param {Int32Array} second_N the second token of each pair, in order
   * @param {Int32Array} start_N1 where the triples of each pair start; then R
   * @param {Int32Array} third_R the last token of each triple; END means that a caption may end there
   * @param {boolean[]} content_V which tokens come at most once
   */
  constructor(start_V1, second_N, start_N1, third_R, content_V) {
    this.start_V1 = start_V1;
    this.second_N = second_N;
    this.start_N1 = start_N1;
    this.third_R = third_R;
    this.content_V = content_V;
    this.ends_N = Uint8Array.from(second_N, (_, n) => {
      const first = start_N1[n];
      return Number(first < start_N1[n + 1] && third_R[first] === END);
    });
    this.steps_V = this.stepsToEnd();
  }

  /** How many words, at least, are between each token and an end after it. */
  stepsToEnd() {
    const V = this.content_V.length;
    const steps_V = new Float64Array(V).fill(NEVER);
    const pairs = (/** @type {(first: number, n: number) => void} */ use) => {
      for (let first = 0; first < V; first += 1) {
        for (let n = this.start_V1[first]; n < this.start_V1[first + 1]; n += 1) use(first, n);
      }
    };
    pairs((first, n) => {
      if (this.ends_N[n]) steps_V[first] = 1;
    });

    // In each round, the tokens whose ways are one word longer.
    for (let steps = 1, found = true; found; steps += 1) {
      /** @type {number[]} */
      const longer = [];
      pairs((first, n) => {
        if (steps_V[first] === NEVER && steps_V[this.second_N[n]] === steps) longer.push(first);
      });
      for (const first of longer) steps_V[first] = steps + 1;
      found = longer.length > 0;
    }
    return steps_V;
  }

  /** The position of a pair, or of the first one after it. @param {number} first @param {number} second */
  pair(first, second) {
    let [low, high] = [this.start_V1[first], this.start_V1[first + 1]];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.second_N[middle] < second) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * Which tokens may follow what has been said.
   * @param {ArrayLike<number>} said_T tokens that these rules allowed, after START or START_PHRASE
   * @param {number} maxLen the most words that a caption may have @returns {Uint8Array} 1 for allowed tokens
   */
  allowed(said_T, maxLen) {
    const [V, said] = [this.content_V.length, said_T.length - 1];
    const last = said_T[said];

    // Words that make a pair with the last one, if a caption can end after them, or in time.
    const paired_V = new Uint8Array(V);
    for (let n = this.start_V1[last]; n < this.start_V1[last + 1]; n += 1) {
      const second = this.second_N[n];
      if (this.ends_N[n] || this.steps_V[second] < maxLen - said) paired_V[second] = 1;
    }

    // Content words come once, unless nothing else is left.
    const pair = said ? this.pair(said_T[said - 1], last) : -1;
    const ends = pair >= 0 && this.ends_N[pair] === 1;
    let allowed_V = paired_V.slice();
    for (const token of Array.from(said_T)) if (this.content_V[token]) allowed_V[token] = 0;
    if (!ends && !allowed_V.includes(1)) allowed_V = paired_V;

    // Likewise, what people have written after the last two words.
    if (pair >= 0 && this.second_N.length >= RICH) {
      const written_V = new Uint8Array(V);
      for (let r = this.start_N1[pair]; r < this.start_N1[pair + 1]; r += 1) {
        written_V[this.third_R[r]] = allowed_V[this.third_R[r]];
      }
      if (written_V.includes(1)) allowed_V = written_V;
    }
    allowed_V[END] = Number(ends);
    return allowed_V;
  }
}

/** Which tokens are content words; none if the most frequent word is not English. @param {Vocabulary} vocabulary */
export function contentWords({ words }) {
  const english = FUNCTION_WORDS.has(words[0]);
  return [...Array.from({ length: FIRST_WORD }, () => false), ...words.map((w) => english && !FUNCTION_WORDS.has(w))];
}

/**
 * Reads the content of fluency.npy.
 * @param {Uint8Array} content @param {Vocabulary} vocabulary @param {string} source
 */
export function parseFluency(content, vocabulary, source) {
  const row = parseNpy(content, source).data;
  const starts = (/** @type {Float64Array} */ sizes) => {
    let sum = 0;
    return Int32Array.from([0, ...sizes.map((size) => (sum += size))]);
  };
  const V = vocabulary.size;
  const start_V1 = starts(row.subarray(0, V));
  const N = start_V1[V];
  const start_N1 = starts(row.subarray(V + N, V + 2 * N));
  const [second_N, third_R] = [row.subarray(V, V + N), row.subarray(V + 2 * N)].map((part) => Int32Array.from(part));

  const isToken = (/** @type {number} */ token) => token < V;
  if (third_R.length !== start_N1[N] || start_N1.length !== N + 1 || ![...second_N, ...third_R].every(isToken)) {
    throw new EngineError(`${source} has no rules for captions in the bundle's words: export the bundle again`);
  }
  return new Fluency(start_V1, second_N, start_N1, third_R, contentWords(vocabulary));
}
