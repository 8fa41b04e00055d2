/** What another word changes: the words of two alignments side by side. */

import { el, number, signed } from "./dom.js";

/** @typedef {import("./api.js").Word} Word @typedef {import("./api.js").Alignment} Alignment */

/** Changed words that are listed; where there are more, it is another sentence. */
const LISTED = 3;

/**
 * Pairs of words that differ, by the longest common subsequence: the one that goes and the one that comes in
 * its place; null for none.
 * @param {Word[]} before_S @param {Word[]} after_T @returns {[Word | null, Word | null][]}
 */
export function pairs(before_S, after_T) {
  const same = (/** @type {number} */ s, /** @type {number} */ t) => before_S[s].text === after_T[t].text;
  const [S, T] = [before_S.length, after_T.length];
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
    const [gone, come] = [[], []];
    while ((s < S || t < T) && !(s < S && t < T && same(s, t))) {
      if (t === T || (s < S && common[s + 1][t] >= common[s][t + 1])) gone.push(before_S[s++]);
      else come.push(after_T[t++]);
    }
    for (let k = 0; k < Math.max(gone.length, come.length); k += 1) found.push([gone[k] ?? null, come[k] ?? null]);
    [s, t] = [s + 1, t + 1];
  }
  return found;
}

/** @param {Alignment | null} before @param {Alignment | null} after @returns {HTMLElement[]} lines of a list */
export function changes(before, after) {
  if (!before || !after) return [];
  const differ = pairs(before.words, after.words);
  if (!differ.length) return [];
  const listed = differ.length > LISTED ? [] : differ;
  const lines = listed.map(([gone, come]) => el("li", {}, ...line(gone, come)));
  const total = `${number(before.score)} → ${number(after.score)} (${signed(after.score - before.score)})`;
  return [...lines, el("li", { class: "total" }, "whole sentence: ", el("b", {}, total))];
}

/** @param {Word | null} gone @param {Word | null} come */
function line(gone, come) {
  const score = (/** @type {Word} */ word) => (word.known ? signed(word.score) : "unknown");
  if (gone && come) {
    const both = el("b", {}, `${score(gone)} → ${score(come)}`);
    return [el("s", {}, gone.text), " → ", el("em", {}, come.text), ": ", both];
  }
  if (come) return [el("em", {}, come.text), " added: ", el("b", {}, score(come))];
  return [el("s", {}, gone.text), " removed: ", el("b", {}, score(gone))];
}
