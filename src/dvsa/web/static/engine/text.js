/** Sentences as words, and words as numbers; as dvsa.text. */

import { EngineError, booleans, integers } from "./arrays.js";

/** Ends every caption and phrase. It also fills the padding, which a mask marks. */
export const END = 0;
/** Begins the caption of a whole photograph. */
export const START = 1;
/** Begins the phrase of one region. */
export const START_PHRASE = 2;
/** The id of the most frequent word. */
export const FIRST_WORD = 3;

/** Words such as "the" that no region can show. */
export const FUNCTION_WORDS = new Set(
  `a an and another are as at be been being both by each for from has have he her hers him his how in into is
  it its itself no not of off on onto or other she some that the their them there these they this those to
  up was were what where which while who whose with`.split(/\s+/),
);

/** Punctuation inside a word: marks as in dog's and t-shirt, points and commas of numbers, points as in U.S. */
const INSIDE = new RegExp(
  ["['\u2019\u2018\u02BC\uFF07`\u00B4\u2032\u2010\u2011\u00AD\uFF0D-]",
    "(?<=\\p{Nd})(?:\\.|,(?=\\p{Nd}{3}(?!\\p{Nd})))(?=\\p{Nd})",
    "(?<![\\p{L}\\p{N}]{2})(?<=[\\p{L}\\p{Nl}\\p{No}])\\.(?=[\\p{L}\\p{Nl}\\p{No}](?![\\p{L}\\p{N}]))"].join("|"),
  "gu",
);
const SENTENCE_END = /(?<=[\p{L}\p{N}]{2}[.!?…])\s+|(?<=[。！？])|[\r\n]+/u;
const ALNUM = /[\p{L}\p{N}]/u;
const VARIATION = /[\uFE00-\uFE0F\u{E0100}-\u{E01EF}]/u;

/** The tokens of the paper: lower case, with letters and digits only. @param {string} text @returns {string[]} */
export function words(text) {
  const composed = text.toLowerCase().normalize("NFC");
  const plain = composed.replace(/--+/g, " ").replace(INSIDE, "");
  const kept = Array.from(plain, asPart).join("").split(/\s+/);
  // A mark stays with the letter before it; without a letter, as after an emoji, it means nothing.
  return kept.map((word) => word.replace(/^[^\p{L}\p{N}]+/u, "")).filter(Boolean);
}

/** A letter, digit or combining mark itself; nothing for what is invisible; a space for others. @param {string} c */
function asPart(c) {
  if (ALNUM.test(c)) return c;
  if (/[\p{Mn}\p{Mc}]/u.test(c) && !VARIATION.test(c)) return c;
  return /\p{M}/u.test(c) || (/\p{Cf}/u.test(c) && c !== "\u200B") ? "" : " ";
}

/** The sentences of a text, those without words left out. @param {string} text */
export const sentences = (text) =>
  text.split(SENTENCE_END).filter((part) => words(part).length).map((part) => part.trim());

/** The known words by decreasing count. The id of a word is its position + FIRST_WORD. */
export class Vocabulary {
  /** @param {string[]} known @param {number[]} counts */
  constructor(known, counts) {
    this.words = known;
    this.counts = counts;
    this.ids = new Map(known.map((word, n) => [word, n + FIRST_WORD]));
  }

  /** The number of ids: END, START, START_PHRASE and the words. */
  get size() {
    return FIRST_WORD + this.words.length;
  }

  /** @param {string} word */
  has(word) {
    return this.ids.has(word);
  }

  /** The ids of the known words, in order. @param {readonly string[]} tokens */
  encode(tokens) {
    return tokens.flatMap((token) => this.ids.get(token) ?? []);
  }

  /** The words before the first END. @param {readonly number[]} ids */
  decode(ids) {
    const end = ids.indexOf(END);
    const said = ids.slice(0, end < 0 ? ids.length : end).filter((n) => n >= FIRST_WORD);
    return said.map((n) => this.words[n - FIRST_WORD]);
  }

  /** Reads the content of vocabulary.tsv. @param {Uint8Array} content @param {string} source for errors */
  static parse(content, source) {
    const lines = new TextDecoder("utf-8", { fatal: true }).decode(content).split("\n");
    if (lines.at(-1) === "") lines.pop();
    const rows = lines.map((line, n) => {
      const [word, count, ...rest] = line.split("\t");
      if (!word || rest.length || !/^[0-9]{1,18}$/.test(count ?? "")) {
        throw new EngineError(`${source}: line ${n + 1} is no word with a count: export the bundle again`);
      }
      return { word, count: Number(count) };
    });
    if (rows[0]?.word !== "#sentences") throw new EngineError(`${source} has no first line: export the bundle again`);
    return new Vocabulary(rows.slice(1).map(({ word }) => word), rows.slice(1).map(({ count }) => count));
  }
}

/**
 * Sentences of any lengths as one array of ids, padded with END, and a mask, true at words.
 * @param {readonly (readonly number[])[]} sentence_L
 */
export function pad(sentence_L) {
  const dims = [sentence_L.length, Math.max(0, ...sentence_L.map((ids) => ids.length))];
  const padded = sentence_L.map((ids) => Array.from({ length: dims[1] }, (_, t) => ids[t] ?? END));
  const real = sentence_L.map((ids) => Array.from({ length: dims[1] }, (_, t) => t < ids.length));
  return { ids: integers(padded.flat(), dims), real: booleans(real.flat(), dims) };
}
