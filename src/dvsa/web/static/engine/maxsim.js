/** The score of a photograph and a sentence: every word goes to its best region; as dvsa.maxsim. */

import { dot } from "./arrays.js";

/**
 * The products v_i . s_t of words (outer) and regions.
 * @param {readonly ArrayLike<number>[]} v_I @param {readonly ArrayLike<number>[]} s_T
 */
export const products = (v_I, s_T) => s_T.map((s_D) => Float32Array.from(v_I, (v_D) => dot(v_D, s_D)));

/** @param {ArrayLike<number>} x_N */
export function largest(x_N) {
  let most = -Infinity;
  for (let n = 0; n < x_N.length; n += 1) if (x_N[n] > most) most = x_N[n];
  return most;
}

/**
 * The score; 0 for a sentence without words.
 * @param {readonly ArrayLike<number>[]} v_I vectors of the regions @param {readonly ArrayLike<number>[]} s_T of words
 */
export const score = (v_I, s_T) => products(v_I, s_T).reduce((sum, dot_I) => sum + largest(dot_I), 0);

/**
 * The score of DeFrag (2014): the sum over words and regions of max(0, v_i . s_t).
 * @param {readonly ArrayLike<number>[]} v_I @param {readonly ArrayLike<number>[]} s_T
 */
export const defrag = (v_I, s_T) =>
  products(v_I, s_T).reduce((sum, dot_I) => sum + dot_I.reduce((all, x) => all + Math.max(x, 0), 0), 0);
