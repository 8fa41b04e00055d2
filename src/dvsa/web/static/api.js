/**
 * What the page asks of the server. The shapes are those of the API's documentation, /docs.
 *
 * @typedef {{index: number, box: number[], pixels: number[], score: number}} Region
 * @typedef {{text: string, known: boolean, region: number | null, score: number,
 *   supported: boolean}} Word
 * @typedef {Word & {logprob: number}} SaidWord
 * @typedef {{text: string, logprob: number, words: SaidWord[]}} Said
 * @typedef {{first: number, last: number, text: string, region: number, score: number}} Segment
 * @typedef {{sentence: string, beta: number | "inf", score: number, words: Word[], segments: Segment[],
 *   scores: number[][], marginals: number[][]}} Alignment
 * @typedef {{id: string, name: string, width: number, height: number, proposer: string, beta: number,
 *   regions: Region[], caption: Said, phrases: {region: number, caption: Said}[],
 *   alignment: Alignment | null}} Photo
 * @typedef {{id: string, name: string, score: number, width: number, height: number, boxes: number[][],
 *   words: Word[]}} Hit
 */

/** Times that a busy server is asked again. */
const PATIENCE = 5;

/** What a server answers when it cannot do what was asked. */
export class Refusal extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Tells of a busy server by `wait` events: the seconds until it is asked again, 0 when it is. */
export const queue = new EventTarget();

/** @param {string} path @param {RequestInit} options @returns {Promise<any>} */
async function ask(path, options = {}) {
  for (let tries = 1; ; tries += 1) {
    const response = await send(path, options);
    if (response.ok) return response.json();
    if (response.status !== 429 || tries === PATIENCE) throw new Refusal(response.status, await reason(response));
    await pause(Number(response.headers.get("Retry-After")), options.signal);
  }
}

/** @param {string} path @param {RequestInit} options */
async function send(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Refusal(0, "The server does not answer. Is dvsa serve still running?");
  }
}

/** @param {Response} response */
async function reason(response) {
  const { detail } = await response.json().catch(() => ({}));
  return typeof detail === "string" ? detail : `The server answers with status ${response.status}.`;
}

/** Waits, counting down aloud. @param {number} wanted seconds @param {AbortSignal | null | undefined} signal */
async function pause(wanted, signal) {
  for (let left = Math.min(Math.max(Math.ceil(wanted) || 1, 1), 60); left >= 0; left -= 1) {
    queue.dispatchEvent(new CustomEvent("wait", { detail: left }));
    if (left) await new Promise((done) => setTimeout(done, 1000));
    signal?.throwIfAborted();
  }
}

/** @param {string} path @param {object} body @param {AbortSignal} [signal] */
const post = (path, body, signal) =>
  ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });

const at = encodeURIComponent;

/** @returns {Promise<{model: string, digest: string, index: number | null}>} */
export const health = () => ask("/healthz");

/** @param {File | Blob} file @returns {Promise<Photo>} */
export function upload(file) {
  const body = new FormData();
  body.append("file", file, file instanceof File ? file.name : "pasted");
  return ask("/api/photos", { method: "POST", body });
}

/** @param {string} id @returns {Promise<Photo>} */
export const photo = (id) => ask(`/api/photos/${at(id)}`);

/** @param {string} id */
export const image = (id) => `/api/photos/${at(id)}/image`;

/** @param {string} id @param {string} sentence @param {AbortSignal} signal @returns {Promise<Alignment>} */
export const align = (id, sentence, signal) =>
  post(`/api/photos/${at(id)}/align`, { sentence, beta: null }, signal);

/** @param {string} id @param {object} options @param {AbortSignal} signal @returns {Promise<{captions: Said[]}>} */
export const captions = (id, options, signal) => post(`/api/photos/${at(id)}/caption`, options, signal);

/** @returns {Promise<{name: string, title: string}[]>} */
export const samples = () => ask("/api/samples");

/** @param {string} name @returns {Promise<Photo>} */
export const openSample = (name) => ask(`/api/samples/${at(name)}`, { method: "POST" });

/** @param {Record<string, string>} query of a sentence, q, or of a part of a photograph, photo and box
 * @returns {Promise<{query: string, seconds: number, hits: Hit[]}>} */
export const search = (query) => ask(`/api/search?${new URLSearchParams(query)}`);

/** @param {string} hit @param {320 | 1024} side */
export const thumbnail = (hit, side) => `/api/search/${at(hit)}/image?side=${side}`;

/** @param {string} hit @returns {Promise<Photo>} */
export const openHit = (hit) => ask(`/api/search/${at(hit)}/open`, { method: "POST" });
