/** What people see of a word first: how probable it is that the photograph shows it. */

import { number, percent } from "./dom.js";

/** @typedef {import("./api.js").Word} Word */

/**
 * The probability of word `t`; nothing for function words. Without a calibration, its score on a region.
 * @param {Word[]} words @param {number} t @param {number} score
 */
export function evidence(words, t, score) {
  const { known, probability } = words[t];
  if (!known) return "unknown";
  if (words.every((word) => word.probability === null)) return number(score);
  return probability === null ? "" : probable(probability);
}

/** A probability as people see it: nothing is quite certain. @param {number} probability */
const probable = (probability) => (probability > 0.99 ? "> 99 %" : percent(probability));

/** The same in a sentence, with the score. @param {Word} word @param {number} score */
export function evidenceInWords({ known, supported, probability }, score) {
  if (!known) return "unknown word";
  const said = probability === null ? "" : `${probable(probability)} probable, `;
  return `${said}score ${number(score)}${supported ? "" : ", no region supports it"}`;
}
