/**
 * The chain MRF of dvsa.segments in the browser, so that the slider needs no requests.
 *
 * Word t is assigned to region a_t. The energy is - sum_t dot_TI[t][a_t] - beta * #{t : a_t = a_(t+1)}.
 * Shape letters as in dvsa.records: T words, I regions, N known words. `dot_TI[t][i]` is v_i . s_t.
 */

/**
 * The path of regions a_T with the lowest energy; among equal paths, the first in lexicographic order.
 * @param {ArrayLike<number>[]} dot_TI @param {number} beta from 0 to Infinity @returns {number[]}
 */
export function viterbi(dot_TI, beta) {
  check(dot_TI, beta);
  const T = dot_TI.length;
  // rest_TI[t][i]: the best total of words t to the end, products minus changes, with word t on region i.
  const rest_TI = dot_TI.map((dot_I) => Float64Array.from(dot_I));
  for (let t = T - 2; t >= 0; t -= 1) {
    const change = Math.max(...rest_TI[t + 1]) - beta;
    rest_TI[t].forEach((dot, i) => (rest_TI[t][i] = dot + Math.max(rest_TI[t + 1][i], change)));
  }

  /** @type {number[]} */
  const path_T = [];
  for (let t = 0; t < T; t += 1) {
    const best = argmax(rest_TI[t]);
    const last = path_T[t - 1];
    const stay = t > 0 ? rest_TI[t][last] : -Infinity;
    const change = rest_TI[t][best] - (t > 0 ? beta : 0);
    path_T.push(stay > change || (stay === change && last < best) ? last : best);
  }
  return path_T;
}

/**
 * The probability p_TI of each region for each word, where P(a) is proportional to exp(-energy).
 * @param {ArrayLike<number>[]} dot_TI @param {number} beta from 0 to Infinity @returns {Float64Array[]}
 */
export function marginals(dot_TI, beta) {
  check(dot_TI, beta);
  const before_TI = messages(dot_TI, beta);
  const after_TI = messages(dot_TI.toReversed(), beta).toReversed();
  return dot_TI.map((dot_I, t) => {
    const belief_I = Float64Array.from(dot_I, (dot, i) => dot + before_TI[t][i] + after_TI[t][i]);
    const total = logSum(belief_I);
    return belief_I.map((belief) => Math.exp(belief - total));
  });
}

/**
 * Runs of neighbouring words on the same region: first word, last word (inclusive), region.
 * @param {number[]} path_T @returns {[number, number, number][]}
 */
export function segments(path_T) {
  /** @type {[number, number, number][]} */
  const runs = [];
  path_T.forEach((region, t) => {
    if (t > 0 && region === path_T[t - 1]) runs[runs.length - 1][1] = t;
    else runs.push([t, t, region]);
  });
  return runs;
}

/**
 * For every word, the index of the nearest known word among the known words: itself, or the one before it, or
 * the first one after it. Empty if no word is known.
 * @param {boolean[]} known_T @returns {number[]}
 */
export function nearestKnown(known_T) {
  let n = -1;
  const row_T = known_T.map((known) => Math.max((n += known ? 1 : 0), 0));
  return n < 0 ? [] : row_T;
}

/**
 * The forward messages of the MRF to each word, as logarithms.
 * @param {ArrayLike<number>[]} dot_TI @param {number} beta
 */
function messages(dot_TI, beta) {
  const stay = beta > 0 ? Math.log(-Math.expm1(-beta)) : -Infinity;
  const message_TI = dot_TI.map((dot_I) => new Float64Array(dot_I.length));
  for (let t = 1; t < dot_TI.length; t += 1) {
    const x_I = message_TI[t - 1].map((message, i) => message + dot_TI[t - 1][i]);
    const change = logSum(x_I) - beta;
    x_I.forEach((x, i) => (message_TI[t][i] = logSum([change, x + stay])));
  }
  return message_TI;
}

/** @param {ArrayLike<number>} x_I */
function argmax(x_I) {
  let best = 0;
  for (let i = 1; i < x_I.length; i += 1) if (x_I[i] > x_I[best]) best = i;
  return best;
}

/** log of the sum of exponentials. @param {Float64Array | number[]} x_N */
function logSum(x_N) {
  const top = Math.max(...x_N);
  if (top === -Infinity) return top;
  let sum = 0;
  for (const x of x_N) sum += Math.exp(x - top);
  return top + Math.log(sum);
}

/** @param {ArrayLike<number>[]} dot_TI @param {number} beta */
function check(dot_TI, beta) {
  if (!(beta >= 0)) throw new RangeError(`beta is ${beta}; it must be 0 or more`);
  if (!dot_TI.every((dot_I) => Array.from(dot_I).every(Number.isFinite))) {
    throw new RangeError("the products of words and regions must be finite");
  }
}
