/** The API of the server, answered in the tab: the same paths, questions and answers as dvsa.web. */

import { EngineError, descending } from "./arrays.js";
import { Collection } from "./collection.js";
import { filterOf, ordered } from "./filter.js";
import { Query, ignoredParts, noAnswer } from "./query.js";
import * as responses from "./responses.js";

/**
 * @typedef {{method: string, path: string, body: any}} Request `body` is a file, parsed JSON or null
 * @typedef {{answer: any, pictures?: Record<string, Blob>}} Answer the pictures are those of addresses
 * @typedef {(match: string[], body: any, query: URLSearchParams) => Promise<Answer>} Route
 */

/** Most photographs that a search returns, and those like a photograph, whose regions have no calibration. */
const [MOST_HITS, LIKE_HITS] = [100, 12];

export class Service {
  /** @param {import("./model.js").Model} model @param {{name: string, title: string}[]} samples
   * @param {(name: string) => Promise<Blob>} sample gives the file of a sample */
  constructor(model, samples, sample) {
    this.model = model;
    this.samples = samples;
    this.sample = sample;
    this.collection = new Collection(model);
    /** @type {[RegExp, Route][]} */
    this.routes = [
      [/^GET \/healthz$/, async () => ({ answer: this.health() })],
      [/^GET \/api\/samples$/, async () => ({ answer: this.samples })],
      [/^POST \/api\/samples\/(.+)$/, async ([name]) => this.opened(await this.sample(name), name)],
      [/^POST \/api\/photos$/, async (_, file) => this.opened(file, file.name || "pasted")],
      [/^GET \/api\/photos\/([^/]+)$/, async ([id]) => this.told(await this.collection.get(id))],
      [/^POST \/api\/photos\/([^/]+)\/align$/, async ([id], body) => ({ answer: await this.align(id, body) })],
      [/^POST \/api\/photos\/([^/]+)\/caption$/, async ([id], body) => ({ answer: await this.caption(id, body) })],
      [/^GET \/api\/search$/, (_, __, query) => this.search(query)],
      [/^POST \/api\/search\/([^/]+)\/open$/, async ([id]) => this.told(await this.collection.get(id))],
      [/^POST \/tab\/photographs$/, async (_, file) => ({ answer: await this.add(file) })],
      [/^GET \/tab\/photographs$/, async () => ({ answer: this.state() })],
      [/^POST \/tab\/keep$/, async (_, keeping) => ({ answer: await this.keep(keeping) })],
      [/^POST \/tab\/clear$/, async () => ({ answer: await this.clear() })],
    ];
  }

  /** Answers a request. @param {Request} request @returns {Promise<Answer>} */
  async handle({ method, path, body }) {
    const address = new URL(path, "http://tab");
    for (const [pattern, route] of this.routes) {
      const match = pattern.exec(`${method} ${address.pathname}`);
      if (match) return route(match.slice(1).map(decodeURIComponent), body, address.searchParams);
    }
    throw new EngineError(`the page without a server cannot do this: ${method} ${address.pathname}`, 404);
  }

  health() {
    const { digest, manifest } = this.model.bundle;
    return { model: manifest.name, digest, index: this.collection.photographs.size || null, search_paths: false };
  }

  state() {
    const { photographs, keeping } = this.collection;
    return { photographs: photographs.size, keeping };
  }

  /** @param {Blob} file @param {string} name */
  async opened(file, name) {
    return this.told(await this.collection.open(file, name));
  }

  /** A photograph in the form of the API. @param {{id: string, view: import("./view.js").View, page: Blob}} photograph
   * @returns {Promise<Answer>} */
  async told({ id, view, page }) {
    const answer = await responses.photo(view, id);
    return { answer, pictures: { [`/api/photos/${id}/image`]: page } };
  }

  /** @param {string} id @param {{sentence: string, beta: number | "inf" | null}} body */
  async align(id, { sentence, beta }) {
    return responses.alignment((await this.collection.get(id)).view, sentence, beta);
  }

  /** @param {string} id @param {object} body */
  async caption(id, body) {
    return responses.captions((await this.collection.get(id)).view, body);
  }

  /** Adds a photograph without describing it. @param {File} file */
  async add(file) {
    await this.collection.open(file, file.name);
    return this.state();
  }

  /** @param {boolean} keeping */
  async keep(keeping) {
    await this.collection.setKeeping(keeping);
    return this.state();
  }

  async clear() {
    await this.collection.clear();
    return this.state();
  }

  /** @param {URLSearchParams} asked @returns {Promise<Answer>} */
  async search(asked) {
    const started = performance.now();
    const q = asked.get("q");
    const photo = asked.get("photo");
    if (q === null && photo === null) throw new EngineError("give q, or photo (box is optional), or both");
    const filter = filterOf(asked);
    const like = photo ? await this.like(photo, asked.get("box")) : null;
    const query = await Query.asked(this.model, q, like, asked.getAll("without"));

    const k = Number(asked.get("k")) || (query.isCalibrated ? 0 : LIKE_HITS);
    const ranked = this.ranked(query).filter(({ found }) => filter(found));
    const wanted = ranked.filter((hit) => (k > 0 || hit.fits) && !query.excludes(hit.found.v_I));
    const hits = wanted.slice(0, k || MOST_HITS);
    const [best = null] = ranked;
    const told = ordered(hits, asked.get("sort") ?? "score").map((hit) => toJson(query, hit));
    const pictures = hits.flatMap(({ found: { id, small } }) => [320, 1024].map((side) =>
      /** @type {const} */ ([`/api/search/${id}/image?side=${side}`, small])));
    const answer = {
      query: query.text,
      seconds: (performance.now() - started) / 1000,
      unknown: query.nearest,
      answer: hits.length ? null : noAnswer(query, best && toJson(query, best)),
      nearest: !hits.length && best !== null,
      note: ignoredParts(query),
      hits: told,
    };
    return { answer, pictures: Object.fromEntries(pictures) };
  }

  /** @param {string} id @param {string | null} box */
  async like(id, box) {
    const { view, photo } = await this.collection.get(id);
    if (box === null) return Query.ofView(view);
    const edges = box.split(",").map(Number);
    const [x0, y0, x1, y1] = edges;
    if (edges.length !== 4 || !(x0 >= 0 && x0 < x1 && x1 <= 1 && y0 >= 0 && y0 < y1 && y1 <= 1)) {
      throw new EngineError(`the box '${box.slice(0, 80)}' is invalid: give x0,y0,x1,y1 in fractions`);
    }
    return Query.ofPart(view, photo, edges);
  }

  /** All photographs, the highest score first. @param {Query} query */
  ranked(query) {
    const all = [...this.collection.photographs.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    const score_K = all.map(({ v_I }) => query.score(v_I));
    const hit = (/** @type {number} */ k) => ({ found: all[k], score: score_K[k], fits: query.fits(all[k].v_I) });
    return descending(score_K).map(hit);
  }
}

/** A hit in the form of the API. @param {Query} query
 * @param {{found: import("./collection.js").Photograph, score: number, fits: boolean}} hit */
function toJson(query, { found: { id, name, width, height, boxes, v_I, taken }, score, fits }) {
  return { id, name, score, fits, others: 0, taken, width, height, boxes, words: query.words(v_I) };
}
