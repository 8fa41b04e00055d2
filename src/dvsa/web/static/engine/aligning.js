/** A sentence on the regions of a photograph: the regions of words and of phrases; as dvsa.aligning. */

import { nearestKnown, segments, viterbi } from "../segments.js";
import { argmax, dot, length } from "./arrays.js";
import { expectedIou } from "./boxes.js";
import { largest, products } from "./maxsim.js";
import { FUNCTION_WORDS } from "./text.js";

/**
 * @typedef {{threshold: number, slope: number}} Support the match above which a region supports a word, and how fast
 *   the probability changes with the match; a slope of 0 means that it is not known
 * @typedef {import("../api.js").Word} Word
 * @typedef {import("../api.js").Segment} Segment
 * @typedef {import("./sentence.js").Sentence} Sentence
 * @typedef {{sentence: string, beta: number, score: number, words: Word[], segments: Segment[],
 *   scores: number[][]}} Aligned
 */

/** sigmoid(slope (match - threshold)); null without a calibration. @param {Support} support @param {number} match */
export const probability = ({ threshold, slope }, match) =>
  slope ? 0.5 + 0.5 * Math.tanh(0.5 * slope * (match - threshold)) : null;

/**
 * Aligns a sentence with the regions of a photograph.
 * @param {Sentence} sentence with at least one word @param {readonly Float32Array[]} v_I vectors of the regions
 * @param {number} beta from 0 to Infinity @param {Support} support @returns {Aligned}
 */
export function align(sentence, v_I, beta, support) {
  const { words, known_T } = sentence;
  const dot_NI = products(v_I, sentence.s_N);
  let n = 0;
  const dot_TI = known_T.map((known) => (known ? dot_NI[n++] : new Float32Array(v_I.length)));
  return {
    sentence: sentence.text,
    beta,
    score: dot_TI.reduce((sum, dot_I) => sum + largest(dot_I), 0),
    words: wordsOnRegions(sentence, dot_TI, support),
    segments: spans(words, known_T, dot_TI, beta),
    scores: dot_TI.map((dot_I) => [...dot_I]),
  };
}

/**
 * The words of a sentence, each with its best region. Function words are always supported, unknown words never.
 * @param {Sentence} sentence @param {readonly Float32Array[]} dot_TI @param {Support} support @returns {Word[]}
 */
export function wordsOnRegions({ words, known_T, s_N }, dot_TI, support) {
  let n = 0;
  return words.map((text, t) => {
    const known = known_T[t];
    const long = known ? length(s_N[n++]) : 1;
    const best = largest(dot_TI[t]);
    const isFunction = FUNCTION_WORDS.has(text);
    return {
      text,
      known,
      region: known ? argmax(dot_TI[t]) : null,
      score: best,
      supported: isFunction || (known && best > support.threshold * long),
      probability: known && !isFunction ? probability(support, best / Math.max(long, 1e-9)) : null,
    };
  });
}

/**
 * The segments of a sentence, with their words and scores; none if no word is known.
 * @param {readonly string[]} words @param {readonly boolean[]} known_T @param {readonly Float32Array[]} dot_TI
 * @param {number} beta @returns {Segment[]}
 */
export function spans(words, known_T, dot_TI, beta) {
  const path_N = viterbi(dot_TI.filter((_, t) => known_T[t]), beta);
  const region_T = nearestKnown([...known_T]).map((n) => path_N[n]);
  return segments(region_T).map(([first, last, region]) => ({
    first,
    last,
    text: words.slice(first, last + 1).join(" "),
    region,
    score: dot_TI.slice(first, last + 1).reduce((sum, dot_I) => sum + dot_I[region], 0),
  }));
}

/**
 * The region where a phrase is: the one with the highest expected IoU with the right one, or, if `sharpness` is 0,
 * the one with the highest product.
 * @param {readonly Float32Array[]} s_N vectors of the known words of the phrase @param {readonly Float32Array[]} v_I
 * @param {readonly import("./boxes.js").Box[]} box_I @param {number} sharpness factor of the softmax over regions
 */
export function locate(s_N, v_I, box_I, sharpness) {
  const s_D = v_I[0].map((_, d) => s_N.reduce((sum, word) => sum + word[d], 0));
  const dot_I = v_I.map((v_D) => dot(v_D, s_D));
  if (!sharpness) return argmax(dot_I);

  const logit_I = dot_I.map((x) => (sharpness * x) / Math.max(length(s_D), 1e-9));
  const weight_I = logit_I.map((x) => Math.exp(x - largest(logit_I)));
  const total = weight_I.reduce((sum, weight) => sum + weight, 0);
  return argmax(expectedIou(box_I, weight_I.map((weight) => weight / total)));
}
