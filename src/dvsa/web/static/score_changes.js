/** How the score changes when words of the sentence are replaced, added or removed. */

import { el, number, signed } from "./dom.js";
import { evidence } from "./evidence.js";

/** @typedef {import("./api.js").Word} Word @typedef {import("./api.js").Alignment} Alignment */

/** The most changes that are listed; with more, it is a different sentence. */
const MAX_LISTED = 3;

/**
 * Pairs of a removed word and the word added in its place, by the longest common subsequence; null for none.
 * @param {Word[]} before_S @param {Word[]} after_T @returns {[Word | null, Word | null][]}
 */
export function changedWords(before_S, after_T) {
  const same = (/** @type {number} */ s, /** @type {number} */ t) => before_S[s].text === after_T[t].text;
  const [S, T] = [before_S.length, after_T.length];

  // common[s][t]: the length of the longest common subsequence of before_S from s and after_T from t.
  const common = Array.from({ length: S + 1 }, () => new Uint16Array(T + 1));
  for (let s = S - 1; s >= 0; s -= 1) {
    for (let t = T - 1; t >= 0; t -= 1) {
      common[s][t] = same(s, t) ? common[s + 1][t + 1] + 1 : Math.max(common[s + 1][t], common[s][t + 1]);
    }
  }

  /** @type {[Word | null, Word | null][]} */
  const found = [];
  let [s, t] = [0, 0];
  while (s < S || t < T) {
    const [removed, added] = [[], []];
    while ((s < S || t < T) && !(s < S && t < T && same(s, t))) {
      if (t === T || (s < S && common[s + 1][t] >= common[s][t + 1])) removed.push(before_S[s++]);
      else added.push(after_T[t++]);
    }
    for (let k = 0; k < Math.max(removed.length, added.length); k += 1) {
      found.push([removed[k] ?? null, added[k] ?? null]);
    }
    [s, t] = [s + 1, t + 1];
  }
  return found;
}

/** @param {Alignment | null} before @param {Alignment | null} after @returns {HTMLElement[]} lines of a list */
export function scoreChanges(before, after) {
  const differ = before && after ? changedWords(before.words, after.words) : [];
  return differ.length > MAX_LISTED ? [] : differ.map(([removed, added]) => el("li", {}, ...line(removed, added)));
}

/** The change in numbers. @param {Alignment | null} before @param {Alignment} after */
export function changeInNumbers(before, after) {
  if (!before || !changedWords(before.words, after.words).length) return "";
  return ` It was ${number(before.score)} before: ${signed(after.score - before.score)}.`;
}

/** @param {Word | null} removed @param {Word | null} added */
function line(removed, added) {
  const shown = (/** @type {Word} */ word) => evidence(word) || (word.supported ? "supported" : "no support");
  if (removed && added) {
    const both = el("b", {}, `${shown(removed)} → ${shown(added)}`);
    return [el("s", {}, removed.text), " → ", el("em", {}, added.text), ": ", both];
  }
  if (added) return [el("em", {}, added.text), " added: ", el("b", {}, shown(added))];
  return [el("s", {}, removed.text), " removed: ", el("b", {}, shown(removed))];
}
