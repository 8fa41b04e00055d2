/** What people see of words first: how probable they are, and what the photograph does not support. */

import { percent } from "./dom.js";

/** @typedef {import("./api.js").Word} Word */

/** A probability as people see it: nothing is quite certain or quite impossible. @param {number} probability */
export function probable(probability) {
  if (probability > 0.99) return "> 99 %";
  return probability < 0.01 ? "< 1 %" : percent(probability);
}

/** The text below a word: nothing for function words, or if the model has no calibration. @param {Word} word */
export function evidence({ known, probability }) {
  if (!known) return "unknown";
  return probability === null ? "" : probable(probability);
}

/** The same in a sentence; empty if there is nothing to say. @param {Word} word */
export function evidenceInWords({ known, supported, probability }) {
  if (!known) return "unknown word";
  const parts = probability === null ? [] : [`${probable(probability)} probable`];
  return [...parts, ...(supported ? [] : ["no region supports it"])].join(", ");
}

/** The word with the lowest probability; undefined without a calibration. @param {Word[]} words */
export const leastProbable = (words) =>
  words.filter((word) => word.probability !== null).toSorted((a, b) => a.probability - b.probability)[0];

/** Words that no region supports, each once. @param {Word[]} words */
export const unsupported = (words) =>
  [...new Set(words.filter(({ known, supported }) => known && !supported).map((word) => word.text))];

/**
 * What the photograph says about a whole sentence.
 * @param {Word[]} words @param {Record<string, string[]>} [unknown] with the nearest words that the model knows
 */
export function verdict(words, unknown = {}) {
  const known = words.filter((word) => word.known);
  const similar = Object.entries(unknown).filter(([, near]) => near.length)
    .map(([word, near]) => ` In place of ${word}, try ${near.join(", ")}.`).join("");
  if (!known.length) return words.length ? `The model knows none of these words.${similar}` : "";
  const weak = unsupported(words);
  const said = weak.length ? `No region supports ${inWords(weak)}.` : "A region supports every word.";
  const least = leastProbable(words);
  const sure = least ? ` Least probable: ${least.text}, ${probable(least.probability)}.` : "";
  return said.replace("every word", known.length < words.length ? "every known word" : "every word") + sure + similar;
}

/** A list in a sentence. @param {string[]} words */
export const inWords = (words) =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
