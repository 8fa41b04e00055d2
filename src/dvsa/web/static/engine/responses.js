/** The answers of the API, built from what the model says; as dvsa.web.responses. */

import { marginals, nearestKnown } from "../segments.js";

/**
 * @typedef {import("./view.js").View} View
 * @typedef {import("./captioning.js").Caption} Caption
 */

/** @type {Caption} */
const SILENT = { text: "", logprob: 0, words: [], logprobs: [] };

/** The regions, caption, phrases, things and caption alignment of a photograph. @param {View} view @param {string} id
 * */
export async function photo(view, id) {
  const { manifest } = view.model.bundle;
  const best = manifest.voices.frame ? await view.caption() : SILENT;
  const spoken = await phrases(view);
  return {
    id,
    ...view.photo,
    beta: manifest.beta,
    distance: view.distance,
    familiar: view.familiar,
    regions: view.regions,
    caption: await caption(view, best),
    phrases: await Promise.all(spoken.map(async (one, region) => ({ region, caption: await caption(view, one, 0) }))),
    things: await view.things([best, ...view.bestRegions().flatMap((region) => spoken[region] ?? [])]),
    alignment: best.words.length ? await alignment(view, best.text) : null,
  };
}

/** A phrase for each region except the frame; the frame has the caption. @param {View} view */
export async function phrases(view) {
  if (!view.frame || !view.model.bundle.manifest.voices.region) return [];
  const regions = Array.from({ length: view.frame }, (_, region) => region);
  const written = await view.model.write(view, regions, "region");
  return written.map(([best]) => best);
}

/** Captions by greedy search, beam search or sampling. @param {View} view
 * @param {{method?: string, beam?: number, temperature?: number, n?: number, seed?: number}} request */
export async function captions(view, { method = "beam", beam = 5, temperature = 1, n = 5, seed = 0 }) {
  const isSample = method === "sample";
  const found = isSample
    ? await view.model.draw(view, n, temperature, seed)
    : (await view.captions(method === "greedy" ? 1 : beam)).slice(0, n);
  const told = await Promise.all(found.map((one) => caption(view, one)));
  return { captions: isSample ? told.sort((a, b) => b.value - a.value) : told };
}

/**
 * A caption, with the best region of each word and its log-probability.
 * @param {View} view @param {Caption} written
 * @param {number} [share] what the score with the photograph counts for its value; the bundle's without it
 */
export async function caption(view, { text, logprob, words, logprobs }, share) {
  const { length_power, rerank } = view.model.bundle.manifest;
  const aligned = words.length ? (await view.align(text)).words : [];
  const natural = logprob / Math.max(logprobs.length, 1) ** length_power;
  const supported = aligned.reduce((sum, word) => sum + word.score, 0);
  const value = natural + (share ?? rerank) * supported;
  return { text, logprob, value, words: aligned.map((word, t) => ({ ...word, logprob: logprobs[t] })) };
}

/** The alignment of a sentence. @param {View} view @param {string} sentence @param {number | "inf" | null} [beta] */
export async function alignment(view, sentence, beta) {
  const read = await view.model.read(sentence);
  const found = await view.align(read, beta === "inf" ? Infinity : beta ?? undefined);
  const known_T = found.words.map((word) => word.known);
  const p_N = marginals(found.scores.filter((_, t) => known_T[t]), found.beta);
  const equal = found.scores[0].map(() => 1 / found.scores[0].length);
  return {
    ...found,
    beta: found.beta === Infinity ? "inf" : found.beta,
    unknown: read.nearest,
    marginals: known_T.some(Boolean) ? nearestKnown(known_T).map((n) => [...p_N[n]]) : known_T.map(() => equal),
  };
}
