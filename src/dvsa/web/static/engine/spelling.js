/** The known words that are nearest to an unknown one: its parts, or words spelled alike; as dvsa.spelling. */

import { FUNCTION_WORDS } from "./text.js";

/** @typedef {import("./text.js").Vocabulary} Vocabulary */

/** Most words that are proposed for one unknown word, and how many are weighed for that. */
const [PROPOSALS, WEIGHED] = [3, 20];
/** Letters of the longest word for which others are proposed, and of the shortest part of a compound. */
const [LONGEST, SHORTEST_PART] = [40, 3];
/** How similar two spellings must be; how similar one typing error leaves them; the same for short words. */
const [ALIKE, TYPING_ERROR, SHORT, ALIKE_SHORT] = [0.75, 0.9, 4, 0.6];

/** Known words for an unknown one, the most likely first. @param {string} word @param {Vocabulary} vocabulary */
export function nearest(word, vocabulary) {
  const letters = [...word].length;
  if (letters < 2 || letters > LONGEST) return [];
  const found = alike(word, vocabulary);
  if (found.length && ratio(word, found[0]) >= TYPING_ERROR) return found;
  const made = parts(word, vocabulary);
  return made.length ? made : found;
}

/** The nearest known words of each unknown one, for the first of these. @param {readonly string[]} unknown
 * @param {Vocabulary} vocabulary @returns {Record<string, string[]>} */
export function nearestOf(unknown, vocabulary, most = 10) {
  return Object.fromEntries([...new Set(unknown)].map((word, n) => [word, n < most ? nearest(word, vocabulary) : []]));
}

/** The fewest known words that make up a word. @param {string} word @param {Vocabulary} vocabulary */
function parts(word, vocabulary) {
  /** @type {Map<number, string[]>} */
  const best = new Map([[word.length, []]]);
  for (let start = word.length - SHORTEST_PART; start >= 0; start -= 1) {
    for (let end = word.length; end >= start + SHORTEST_PART; end -= 1) {
      const [part, rest] = [word.slice(start, end), best.get(end)];
      if (!rest || !vocabulary.has(part) || FUNCTION_WORDS.has(part)) continue;
      const shorter = rest.length + 1 < (best.get(start)?.length ?? Infinity);
      if (shorter) best.set(start, [part, ...rest]);
    }
  }
  return best.get(0) ?? [];
}

/** Known words that are spelled alike. @param {string} word @param {Vocabulary} vocabulary */
function alike(word, vocabulary) {
  const short = [...word].length <= SHORT;
  const least = short ? word.length : 2;
  const cutoff = short ? ALIKE_SHORT : ALIKE;
  const content = vocabulary.words.filter((known) => known.length >= least && !FUNCTION_WORDS.has(known));
  const found = content
    .filter((known) => mayReach(known, word, cutoff))
    .map((known) => /** @type {const} */ ([ratio(known, word), known]))
    .filter(([likeness]) => likeness >= cutoff)
    .sort(([a, x], [b, y]) => b - a || (x < y ? 1 : -1))
    .slice(0, WEIGHED);

  // Of words that are about as similar, the frequent ones come first.
  const rank = (/** @type {string} */ known) => Math.round(10 * ratio(word, known));
  const id = (/** @type {string} */ known) => vocabulary.ids.get(known) ?? 0;
  return found.map(([, known]) => known).sort((a, b) => rank(b) - rank(a) || id(a) - id(b)).slice(0, PROPOSALS);
}

/**
 * Whether two words can be so alike, by their lengths and letters.
 * @param {string} a @param {string} b @param {number} cutoff
 */
function mayReach(a, b, cutoff) {
  const total = a.length + b.length;
  if (2 * Math.min(a.length, b.length) < cutoff * total) return false;
  /** @type {Map<string, number>} */
  const left = new Map();
  for (const letter of b) left.set(letter, (left.get(letter) ?? 0) + 1);
  let common = 0;
  for (const letter of a) {
    const count = left.get(letter) ?? 0;
    if (count > 0) common += 1;
    left.set(letter, count - 1);
  }
  return 2 * common >= cutoff * total;
}

/** The share of letters that match: the longest common part, and likewise what is left and right of it.
 * @param {string} a @param {string} b */
export function ratio(a, b) {
  return a.length + b.length ? (2 * matching(a, b)) / (a.length + b.length) : 1;
}

/** @param {string} a @param {string} b @returns {number} */
function matching(a, b) {
  if (!a || !b) return 0;
  let [size, atA, atB] = [0, 0, 0];
  /** @type {number[]} the length of the common part that ends at each letter of b and the letter of a before */
  let before = [];
  for (let i = 0; i < a.length; i += 1) {
    /** @type {number[]} */
    const here = [];
    for (let j = 0; j < b.length; j += 1) {
      if (a[i] !== b[j]) continue;
      here[j] = (before[j - 1] ?? 0) + 1;
      if (here[j] > size) [size, atA, atB] = [here[j], i + 1 - here[j], j + 1 - here[j]];
    }
    before = here;
  }
  if (!size) return 0;
  return matching(a.slice(0, atA), b.slice(0, atB)) + size + matching(a.slice(atA + size), b.slice(atB + size));
}
