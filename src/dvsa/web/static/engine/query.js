/** What to search for: a sentence, a photograph, a part of one, or both; as dvsa.index.query. */

import { align } from "./aligning.js";
import { EngineError, length } from "./arrays.js";
import { score } from "./maxsim.js";
import { withFrame } from "./regions.js";
import { checkLength, joined, quoted, requireKnown } from "./sentence.js";
import { FUNCTION_WORDS, sentences, words } from "./text.js";

/**
 * @typedef {import("./sentence.js").Sentence} Sentence
 * @typedef {import("./model.js").Model} Model
 * @typedef {import("./view.js").View} View
 * @typedef {import("./aligning.js").Support} Support
 */

/** How far above the bundle's `support` the words of an answer match, on average. */
const RELEVANCE = 1.3;
/** @type {Support} */
const UNKNOWN = { threshold: 0, slope: 0 };

/** Vectors to search for; a photograph's score is the sum over them of the best region's product. */
export class Query {
  /**
   * @param {Sentence} sentence for other queries, a name for each vector in place of words
   * @param {Support} support @param {number} told how many of the vectors, from the first, are those of words
   * @param {Query[]} without what a photograph must not show
   * @param {Sentence[]} ignored parts that do not count, because the model does not know what they ask for
   */
  constructor(sentence, support = UNKNOWN, told = 0, without = [], ignored = []) {
    this.sentence = sentence;
    this.support = support;
    this.told = told;
    this.without = without;
    this.ignored = ignored;
  }

  get text() {
    return this.sentence.text;
  }

  /**
   * The unknown words of all parts, each with the known words that are nearest to it.
   * @returns {Record<string, string[]>}
   */
  get nearest() {
    const parts = [this.sentence, ...this.without.map((query) => query.sentence), ...this.ignored];
    return Object.assign({}, ...parts.map((part) => part.nearest));
  }

  get isCalibrated() {
    return this.told > 0 && this.support.threshold > 0;
  }

  /** Whether the regions of a photograph support the words. @param {readonly Float32Array[]} v_I */
  fits(v_I) {
    const words_N = this.sentence.s_N.slice(0, this.told);
    return !this.isCalibrated || supports(words_N, v_I, RELEVANCE * this.support.threshold);
  }

  /** Whether a photograph shows what it must not show. @param {readonly Float32Array[]} v_I */
  excludes(v_I) {
    return this.without.some(({ sentence, support }) => supports(sentence.s_N, v_I, support.threshold));
  }

  /** @param {readonly Float32Array[]} v_I */
  score(v_I) {
    return score(v_I, this.sentence.s_N);
  }

  /** The words of the query on the regions of a photograph. @param {readonly Float32Array[]} v_I */
  words(v_I) {
    return align(this.sentence, [...v_I], 0, this.support).words;
  }

  /** By all regions of a photograph. @param {View} view */
  static ofView({ photo, v_I }) {
    return ofVectors(v_I, `regions of ${photo.name}`);
  }

  /** By a part of a photograph, as the network sees it among the regions. @param {View} view of the photograph
   * @param {import("./model.js").Photo} photo the same, decoded @param {number[]} box in fractions */
  static async ofPart(view, photo, box) {
    const boxes = [box, ...view.box_I.slice(0, -1)];
    const part = await view.model.open(photo, withFrame(boxes, boxes.map(() => 1)));
    return ofVectors(part.v_I.slice(0, 1), `a part of ${photo.name}`);
  }

  /**
   * A whole question. A part with unknown words, and without known ones that ask for something, does not count.
   * @param {Model} model @param {string | null} text @param {Query | null} like a photograph, or a part of one
   * @param {string[]} without sentences for what no result may show
   */
  static async asked(model, text, like, without) {
    const read = text === null ? [] : [await readText(model, text)];
    const unwanted = await Promise.all(without.map((one) => readText(model, one)));
    const ignored = unwanted.filter((one) => !saysSomething(one));
    if (like) ignored.unshift(...read.filter((one) => !saysSomething(one)));
    else read.forEach(requireKnown);

    const { support } = model.bundle.manifest;
    const counts = (/** @type {Sentence[]} */ some) =>
      some.filter((one) => !ignored.includes(one)).map((one) => new Query(one, support, one.s_N.length));
    const parts = [...counts(read), ...(like ? [like] : [])];
    const whole = combined(parts, counts(unwanted));
    whole.ignored = ignored;
    return whole;
  }
}

/** Several queries at once, each with the same weight. @param {Query[]} parts @param {Query[]} without */
function combined(parts, without) {
  if (!parts.length) throw new EngineError("there is nothing to search for: give a sentence or a photograph");
  if (parts.length === 1 && !without.length) return new Query(parts[0].sentence, parts[0].support, parts[0].told);
  if (without.some((query) => !query.isCalibrated)) {
    throw new EngineError("this bundle has no calibration of words, which a search without something needs");
  }
  const whole = lengths(parts[0].sentence.s_N);
  const scaled = parts.map(({ sentence }) => {
    const factor = whole / Math.max(lengths(sentence.s_N), 1e-9);
    return { ...sentence, s_N: sentence.s_N.map((s_D) => s_D.map((x) => x * factor)) };
  });
  const wanted = parts.map((query) => query.text).join(" + ");
  const name = wanted + without.map((query) => `, without ${query.text}`).join("");
  const told = parts.reduce((sum, query) => sum + query.told, 0);
  return new Query(joined(name, scaled), parts.find((query) => query.told)?.support ?? UNKNOWN, told, without);
}

/** @param {readonly Float32Array[]} s_N @param {string} text */
function ofVectors(s_N, text) {
  const names = s_N.map((_, n) => `region ${n}`);
  return new Query({ text, words: names, known_T: names.map(() => true), s_N: [...s_N], nearest: {} });
}

/** A text of one sentence or several, each read for itself. @param {Model} model @param {string} text */
async function readText(model, text) {
  checkLength(text, words(text));
  return joined(text, await Promise.all(sentences(text).map((one) => model.read(one))));
}

/** Whether the known words ask for something; function words beside unknown ones do not. @param {Sentence} sentence */
const saysSomething = ({ words: said, known_T }) =>
  known_T.every(Boolean) || said.some((word, t) => known_T[t] && !FUNCTION_WORDS.has(word));

/** @param {readonly Float32Array[]} s_N @param {readonly Float32Array[]} v_I @param {number} least as a share */
const supports = (s_N, v_I, least) => score(v_I, s_N) >= least * lengths(s_N);

/** The sum of the lengths of vectors. @param {readonly Float32Array[]} s_N */
const lengths = (s_N) => s_N.reduce((sum, s_D) => sum + length(s_D), 0);

/** Why a search found nothing. @param {Query} query @param {{name: string, words: import("../api.js").Word[],
 * fits: boolean} | null} nearest the best photograph that meets the conditions */
export function noAnswer(query, nearest) {
  if (!nearest) return "no photograph meets the conditions";
  if (nearest.fits) return `every photograph that answers ${quoted(query.text)} shows what it must not show`;
  const unknown = Object.keys(query.sentence.nearest);
  const weak = nearest.words.filter(({ text, known, supported }) => known && !supported && !FUNCTION_WORDS.has(text));
  const names = [...new Set(weak.map(({ text }) => text))].join(", ");
  const lacking = names ? `has too little support for ${names}` : "matches its words too little";
  const reasons = [
    ...(unknown.length ? [`the model does not know ${unknown.join(", ")}`] : []),
    `even the nearest, ${nearest.name}, ${lacking}`,
  ];
  return `no photograph answers ${quoted(query.text)}: ${reasons.join("; ")}`;
}

/** Which parts of a question do not count; null if all do. @param {Query} query */
export function ignoredParts({ ignored }) {
  if (!ignored.length) return null;
  const these = ignored.length > 1 ? "these parts ask for, so they do" : "this part asks for, so it does";
  return `the model does not know what ${these} not count: ${ignored.map(({ text }) => quoted(text)).join(", ")}`;
}
