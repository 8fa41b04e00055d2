/** A shorter and surer caption, for photographs that are unlike all that a model knows; as dvsa.model.surer. */

import { MAX_LEN } from "./captioning.js";
import { END, FUNCTION_WORDS, START } from "./text.js";
import { sameThing } from "./things.js";

/**
 * @typedef {import("./captioning.js").Caption} Caption
 * @typedef {import("./seeing.js").Thing} Thing
 * @typedef {import("./view.js").View} View
 */

/** The longest caption, in words. */
const MOST_WORDS = 5;
/** A word makes a caption better if it is at least this probable. */
const SURE = 0.75;

/** The one with the best support among captions and their beginnings, or a name. @param {View} view
 * @param {Caption[]} captions */
export async function surer(view, captions) {
  const [seen = null] = await view.things([]);
  const found = new Map(captions.flatMap((caption) => beginnings(caption, view)).map((part) => [part.text, part]));
  if (!found.size) return seen ? named(seen) : captions[0];

  const worth = new Map();
  for (const sentence of await view.model.readMany([...found.keys()])) {
    worth.set(sentence.text, worthOf((await view.align(sentence)).words));
  }
  const bestOf = (/** @type {string[]} */ texts) =>
    texts.reduce((one, other) => (isMore(worth.get(other), worth.get(one)) ? other : one));
  const captionOf = (/** @type {string} */ text) => /** @type {Caption} */ (found.get(text));

  const best = bestOf([...found.keys()]);
  if (!seen || names(best, seen) || worth.get(best)[2] >= seen.probability) return captionOf(best);
  const naming = [...found.keys()].filter((text) => names(text, seen) && worth.get(text)[0]);
  return naming.length ? captionOf(bestOf(naming)) : named(seen);
}

/** Whether all content words have support, how sure they are in total, and the probability of the least sure one.
 * @param {import("./aligning.js").Word[]} words @returns {number[]} */
function worthOf(words) {
  const content = words.filter(({ text }) => !FUNCTION_WORDS.has(text));
  const p = content.map(({ probability, supported }) => probability ?? Number(supported));
  const total = p.reduce((sum, x) => sum + x, 0);
  return [Number(content.every(({ supported }) => supported)), total - SURE * p.length, p.length ? Math.min(...p) : 0];
}

/** Whether the first number that differs is larger. @param {number[]} one @param {number[]} other */
function isMore(one, other) {
  const n = one.findIndex((value, k) => value !== other[k]);
  return n >= 0 && one[n] > other[n];
}

/** The name of a thing as a caption. @param {Thing} thing @returns {Caption} */
export function named({ name, probability }) {
  const plural = name.endsWith("s") && !/(ss|us|is)$/.test(name);
  const article = plural ? [] : [/^[aeiou]/.test(name) ? "an" : "a"];
  const words = [...article, ...name.split(/\s+/)];
  const logp = Math.log(probability);
  const logprobs = words.map((_, n) => (n === words.length - 1 ? logp : 0));
  return { text: words.join(" "), logprob: logp, words, logprobs };
}

/** Whether some of the words are the name of a thing. @param {string} text @param {Thing} thing */
function names(text, { name }) {
  const words = text.split(" ");
  const count = name.split(/\s+/).length;
  return words.some((_, t) => sameThing(words.slice(t, t + count).join(" "), name));
}

/** The caption and its beginnings, as far as they name a thing and may end where they end. @param {Caption} caption
 * @param {View} view @returns {Caption[]} */
function beginnings({ words, logprobs }, view) {
  const things = view.model.things;
  const counts = Array.from({ length: Math.min(words.length, MOST_WORDS) }, (_, n) => n + 1);
  return counts.flatMap((count) => {
    const [own, whole] = [words.slice(0, count), count === words.length];
    if (!own.some((word) => things.has(word)) || !(whole || mayEnd(own, view))) return [];
    const parts = whole ? logprobs : logprobs.slice(0, count);
    const logprob = parts.reduce((sum, logp) => sum + logp, 0);
    return [{ text: own.join(" "), logprob, words: own, logprobs: parts }];
  });
}

/** Whether a caption may end with the last of these words. @param {string[]} words @param {View} view */
function mayEnd(words, { model: { bundle, things } }) {
  if (!bundle.fluency) return things.has(words[words.length - 1]);
  return bundle.fluency.allowed([START, ...bundle.spoken.encode(words)], MAX_LEN)[END] === 1;
}
