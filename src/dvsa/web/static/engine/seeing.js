/** Which things a photograph shows, by the classes of its regions and the words of its captions; as dvsa.seeing. */

import { argmax, dot, length, numbers, rowsOf } from "./arrays.js";
import { sameThing } from "./things.js";

/**
 * @typedef {{name: string, region: number, probability: number}} Thing
 * @typedef {{thing: Thing, classes: readonly number[], everyday: boolean}} Meaning
 * @typedef {{classes: number[], name: string, count: number}} Group some classes with a common name
 * @typedef {{groups: Group[], group_N: number[], words_N: string[][], meant: Map<string, number[]>}} Names
 */

/** The lowest probability of a thing that is said to be seen, and how many are said at most. */
const [LEAST, MOST] = [0.5, 10];
/** A name that people have written this often is an everyday one. */
const EVERYDAY = 10;
/** Groups that no region reaches this probability with are not looked at. */
const WORTH = 0.05;
const TINY = 1e-4;

/** All names of classes whose words the vocabulary has. @param {string} tsv the content of classes.tsv
 * @param {import("./text.js").Vocabulary} vocabulary @returns {Names} */
export function readNames(tsv, vocabulary) {
  const rows = tsv.split("\n").filter(Boolean).map((line) => line.split("\t"));
  const known = rows.flatMap(([classes, names]) =>
    names.split("|").map((name) => ({ classes, words: name.split(/\s+/) })))
    .filter(({ words }) => words.every((word) => vocabulary.has(word)));

  /** @type {Map<string, Group>} */
  const groups = new Map();
  /** @type {Map<string, number[]>} */
  const meant = new Map();
  const counts = new Map(vocabulary.words.map((word, n) => [word, vocabulary.counts[n]]));
  for (const { classes, words } of known) {
    const name = words.join(" ");
    const count = Math.min(...words.map((word) => counts.get(word) ?? 0));
    const own = classes.split(",").map(Number);
    const group = groups.get(classes);
    const better = !group || count > group.count || (count === group.count && name > group.name);
    if (better) groups.set(classes, { classes: own, name, count });
    meant.set(name, [...new Set([...(meant.get(name) ?? []), ...own])]);
  }
  const place = new Map([...groups.keys()].map((classes, g) => [classes, g]));
  const group_N = known.map(({ classes }) => place.get(classes) ?? 0);
  return { groups: [...groups.values()], group_N, words_N: known.map(({ words }) => words), meant };
}

/**
 * The groups of classes that a photograph may show.
 * @param {Names} names @param {readonly Float32Array[]} u_N the directions of the names, of length 1
 * @param {readonly Float32Array[]} v_I vectors of the regions @param {import("./arrays.js").Tensor} p_1IC
 * @param {readonly number[]} weight_6 @returns {Meaning[]}
 */
export function ofClasses(names, u_N, v_I, p_1IC, weight_6) {
  const p_IC = rowsOf(numbers(p_1IC), p_1IC.dims[2]);
  const unit_I = v_I.map((v_D) => v_D.map((x) => x / Math.max(length(v_D), 1e-9)));
  return names.groups.flatMap((group, g) => {
    const p_I = p_IC.map((p_C) => group.classes.reduce((sum, c) => sum + p_C[c], 0));
    if (Math.max(...p_I) < WORTH) return [];
    const own = u_N.filter((_, n) => names.group_N[n] === g);
    const cosine = Math.max(...own.flatMap((u_D) => unit_I.map((v_D) => dot(v_D, u_D))));
    const region = argmax(p_I);
    const evidence_6 = [logit(p_I[region]), logit(p_I[p_I.length - 1]), cosine, Math.log(group.classes.length),
      Math.log1p(group.count), 1];
    const value = evidence_6.reduce((sum, x, n) => sum + x * weight_6[n], 0);
    const thing = { name: group.name, region, probability: 0.5 + 0.5 * Math.tanh(0.5 * value) };
    return [{ thing, classes: group.classes, everyday: group.count >= EVERYDAY }];
  });
}

/** @param {number} p */
const logit = (p) => Math.log((p + TINY) / (1 - p + TINY));

/** The things to say, the most probable first; no two of one meaning. @param {Meaning[]} found @returns {Thing[]} */
export function said(found) {
  const probable = found.filter(({ thing }) => thing.probability >= LEAST);
  probable.sort((a, b) => Number(b.everyday) - Number(a.everyday) || a.classes.length - b.classes.length ||
    b.thing.probability - a.thing.probability);
  /** @type {Set<number>} */
  const taken = new Set();
  /** @type {Thing[]} */
  const kept = [];
  for (const { thing, classes } of probable) {
    if (classes.some((c) => taken.has(c))) continue;
    for (const c of classes) taken.add(c);
    if (!kept.some((other) => sameThing(thing.name, other.name))) kept.push(thing);
  }
  return kept.sort((a, b) => b.probability - a.probability).slice(0, MOST);
}
