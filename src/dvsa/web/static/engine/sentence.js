/** A sentence that a model has read; as dvsa.sentence. */

import { EngineError } from "./arrays.js";
import { nearestOf } from "./spelling.js";

/** The longest sentence that is aligned or searched for, in words. */
export const MAX_WORDS = 500;

/**
 * @typedef {{text: string, words: string[], known_T: boolean[], s_N: Float32Array[],
 *   nearest: Record<string, string[]>}} Sentence `s_N` are the vectors of the known words, in order
 */

/** Throws if a sentence has no words or too many. @param {string} text @param {readonly string[]} words */
export function checkLength(text, words) {
  if (!words.length) throw new EngineError(`the sentence ${quoted(text)} has no words: give at least one`);
  if (words.length > MAX_WORDS) {
    throw new EngineError(`the sentence has ${words.length} words: give at most ${MAX_WORDS}`);
  }
}

/** A text in quotation marks, as Python shows it. @param {string} text */
export const quoted = (text) =>
  text.includes("'") && !text.includes('"') ? `"${text}"` : `'${text.replaceAll("'", "\\'")}'`;

/** Throws if the model knows none of the words. @param {Sentence} sentence */
export function requireKnown({ text, known_T, nearest }) {
  if (known_T.some(Boolean)) return;
  const near = [...new Set(Object.values(nearest).flat())].join(", ");
  throw new EngineError(`the model knows no word of ${quoted(text)}: ${near ? `try ${near}` : "use other words"}`);
}

/** The same sentence with the known words nearest to its unknown ones. @param {Sentence} sentence
 * @param {import("./text.js").Vocabulary} vocabulary @returns {Sentence} */
export function withNearest(sentence, vocabulary) {
  const unknown = sentence.words.filter((_, t) => !sentence.known_T[t]);
  return unknown.length ? { ...sentence, nearest: nearestOf(unknown, vocabulary) } : sentence;
}

/** Sentences that were read one by one as the words of one text. @param {string} text
 * @param {readonly Sentence[]} sentences @returns {Sentence} */
export const joined = (text, sentences) => ({
  text,
  words: sentences.flatMap(({ words }) => words),
  known_T: sentences.flatMap(({ known_T }) => known_T),
  s_N: sentences.flatMap(({ s_N }) => s_N),
  nearest: Object.assign({}, ...sentences.map(({ nearest }) => nearest)),
});
