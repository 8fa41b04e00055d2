/**
 * Requests to the server. The types are those of /openapi.json.
 *
 * @typedef {{index: number, box: number[], pixels: number[], score: number}} Region
 * @typedef {{text: string, known: boolean, region: number | null, score: number,
 *   supported: boolean, probability: number | null}} Word
 * @typedef {Word & {logprob: number}} CaptionWord
 * @typedef {{text: string, logprob: number, value: number, words: CaptionWord[]}} Caption
 * @typedef {{name: string, region: number, probability: number}} Thing
 * @typedef {{first: number, last: number, text: string, region: number, score: number}} Segment
 * @typedef {{sentence: string, beta: number | "inf", score: number, words: Word[], segments: Segment[],
 *   scores: number[][], marginals: number[][], unknown: Record<string, string[]>}} Alignment
 * @typedef {{id: string, name: string, width: number, height: number, proposer: string, beta: number,
 *   regions: Region[], caption: Caption, phrases: {region: number, caption: Caption}[],
 *   things: Thing[], alignment: Alignment | null, familiar: boolean}} Photo
 * @typedef {{id: string, name: string, score: number, width: number, height: number, boxes: number[][],
 *   words: Word[], fits: boolean}} Hit
 * @typedef {{name: string, title: string, note: string | null}} Sample
 */

/**
 * The page has two engines: the server, and, on the site without a server, the model in this tab. The document says
 * which. The tab answers the same requests, and knows the addresses of pictures.
 * @type {import("./engine/client.js").Engine | null}
 */
const tab = document.documentElement.dataset.engine === "tab" ? (await import("./engine/client.js")).engine : null;

/** Requests to a busy server, the first one included. */
const MAX_TRIES = 5;

/** The server refused a request, or did not answer. */
export class ApiError extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Sends `wait` events while the server is busy: the seconds until the next try, 0 when it begins. */
export const retries = new EventTarget();

/** @param {string} path @param {RequestInit} options @returns {Promise<any>} */
async function request(path, options = {}) {
  if (tab) return tab.request(path, options).catch(refuse);
  for (let tries = 1; ; tries += 1) {
    const response = await send(path, options);
    if (response.ok) return response.json();
    if (response.status !== 429 || tries === MAX_TRIES) throw new ApiError(response.status, await reason(response));
    await pause(Number(response.headers.get("Retry-After")), options.signal);
  }
}

/** @param {{status?: number, message: string}} error @returns {never} */
function refuse(error) {
  throw error.status ? new ApiError(error.status, error.message) : error;
}

/** @param {string} path */
const address = (path) => tab?.address(path) ?? path;

/** @param {string} path @param {RequestInit} options */
async function send(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError(0, "The server does not answer. Is dvsa serve still running?");
  }
}

/** @param {Response} response */
async function reason(response) {
  const { detail } = await response.json().catch(() => ({}));
  return typeof detail === "string" ? detail : `The server answers with status ${response.status}.`;
}

/** Waits, and sends a `wait` event every second. @param {number} wanted @param {AbortSignal | null} [signal] */
async function pause(wanted, signal) {
  for (let left = Math.min(Math.max(Math.ceil(wanted) || 1, 1), 60); left >= 0; left -= 1) {
    retries.dispatchEvent(new CustomEvent("wait", { detail: left }));
    if (left) await new Promise((done) => setTimeout(done, 1000));
    signal?.throwIfAborted();
  }
}

/** @param {string} path @param {object} body @param {AbortSignal} [signal] */
const post = (path, body, signal) =>
  request(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });

const encode = encodeURIComponent;

/** @typedef {{model: string, digest: string, index: number | null, search_paths: boolean}} Health */

/** @returns {Promise<Health>} */
export const health = () => request("/healthz");

/** @param {File | Blob} file @returns {Promise<Photo>} */
export function upload(file) {
  const body = new FormData();
  body.append("file", file, file instanceof File ? file.name : "pasted");
  return request("/api/photos", { method: "POST", body });
}

/** @param {string} id @returns {Promise<Photo>} */
export const photo = (id) => request(`/api/photos/${encode(id)}`);

/** @param {string} id */
export const image = (id) => address(`/api/photos/${encode(id)}/image`);

/** @param {string} id @param {string} sentence @param {AbortSignal} signal @returns {Promise<Alignment>} */
export const align = (id, sentence, signal) =>
  post(`/api/photos/${encode(id)}/align`, { sentence, beta: null }, signal);

/** @param {string} id @param {object} options @param {AbortSignal} signal @returns {Promise<{captions: Caption[]}>} */
export const captions = (id, options, signal) => post(`/api/photos/${encode(id)}/caption`, options, signal);

/** @returns {Promise<Sample[]>} */
export const samples = () => request("/api/samples");

/** The picture of a sample. @param {string} name */
export const sampleImage = (name) => `/static/samples/${encode(name)}`;

/** @param {string} name @returns {Promise<Photo>} */
export const openSample = (name) => request(`/api/samples/${encode(name)}`, { method: "POST" });

/** The conditions of which there may be several, divided by semicolons. */
const SEVERAL = ["field", "without"];

/** @param {Record<string, string>} query a sentence: q; or a part of a photograph: photo and box
 * @returns {Promise<{query: string, seconds: number, unknown: Record<string, string[]>, answer: string | null,
 *   nearest: boolean, note: string | null, hits: Hit[]}>} */
export function search(query) {
  const asked = Object.entries(query).flatMap(([name, value]) => {
    const values = SEVERAL.includes(name) ? value.split(";").map((part) => part.trim()) : [value];
    return values.filter(Boolean).map((part) => [name, part]);
  });
  return request(`/api/search?${new URLSearchParams(asked)}`);
}

/** @param {string} hit @param {320 | 1024} side */
export const thumbnail = (hit, side) => address(`/api/search/${encode(hit)}/image?side=${side}`);

/** @param {string} hit @returns {Promise<Photo>} */
export const openHit = (hit) => request(`/api/search/${encode(hit)}/open`, { method: "POST" });
