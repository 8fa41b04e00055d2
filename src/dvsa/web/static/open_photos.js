/** The photographs that are open or wait to be opened: samples, files, and those that a search found. */

import * as api from "./api.js";

/** The most photographs that are open at a time; the server forgets the oldest of more than 256. */
export const MAX_OPEN = 200;

/**
 * @typedef {import("./api.js").Photo} Photo @typedef {import("./address.js").Source} Source
 * @typedef {{name: string, sample?: string, file?: File, hit?: string, id?: string, photo?: Photo,
 *   opening?: boolean, failed?: string,
 *   state?: import("./address.js").State, back?: {address: string, question: string}}} Entry
 */

/** Sends a `change` event when the list or the state of an entry changes. */
export class OpenPhotos extends EventTarget {
  constructor() {
    super();
    /** @type {Entry[]} */
    this.entries = [];
    this.queueing = false;
  }

  /** Adds files. @param {File[]} files @returns {Entry[]} */
  addFiles(files) {
    const room = Math.max(MAX_OPEN - this.entries.length, 0);
    const added = files.slice(0, room).map((file) => ({ name: file.name, file }));
    this.entries.push(...added);
    this.changed();
    return added;
  }

  /** The entry of a sample, of an open photograph, or of a hit. @param {Source | {hit: string, name: string}} source */
  entry(source) {
    /** @type {Entry} */
    const made = "photo" in source
      ? { name: "photograph", id: source.photo }
      : { name: "hit" in source ? source.name : source.sample, ...source };
    const same = (/** @type {Entry} */ one) =>
      made.id ? one.id === made.id : made.hit ? one.hit === made.hit : one.sample === made.sample;
    const found = this.entries.find(same);
    if (found) return found;

    this.entries.push(made);
    this.changed();
    return made;
  }

  /** The photograph of an entry; a photograph that the server has forgotten is sent again. @param {Entry} entry */
  async open(entry) {
    Object.assign(entry, { opening: true, failed: undefined });
    try {
      const photo = await this.request(entry);
      Object.assign(entry, { photo, id: photo.id, name: photo.name });
      return photo;
    } catch (error) {
      // If the server does not answer, the photograph may be opened later.
      if (!(error instanceof api.ApiError && error.status === 0)) entry.failed = /** @type {Error} */ (error).message;
      throw error;
    } finally {
      entry.opening = false;
      this.changed();
    }
  }

  /** @param {Entry} entry @returns {Promise<Photo>} */
  async request(entry) {
    const again = entry.file ?? entry.sample ?? entry.hit;
    if (entry.id) {
      try {
        if (!entry.photo) return await api.photo(entry.id);
        // Where the model runs in the browser, a short question is cheaper than another description.
        await api.align(entry.id, "a", new AbortController().signal);
        return entry.photo;
      } catch (error) {
        if (again === undefined || !(error instanceof api.ApiError && error.status === 404)) throw error;
      }
    }
    if (entry.file) return api.upload(entry.file);
    return entry.sample ? api.openSample(entry.sample) : api.openHit(entry.hit);
  }

  /** Opens the entries that wait, one after the other, as long as the server answers. */
  async openWaiting() {
    if (this.queueing) return;
    this.queueing = true;
    for (let next = this.waiting()[0]; next && this.queueing; next = this.waiting()[0]) {
      await this.open(next).catch(() => {}); // the strip says why
      if (!next.photo && !next.failed) break;
    }
    this.queueing = false;
    this.changed();
  }

  /** Leaves the entries that wait unopened. */
  stop() {
    this.queueing = false;
    this.entries = this.entries.filter((entry) => !this.waiting().includes(entry));
    this.changed();
  }

  waiting() {
    return this.entries.filter(({ file, photo, opening, failed }) => file && !photo && !opening && !failed);
  }

  /** @param {Entry} entry */
  remove(entry) {
    this.entries = this.entries.filter((other) => other !== entry);
    this.changed();
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** How the address names an entry. @param {Entry} entry @returns {Source} */
export const sourceOf = (entry) => (entry.sample ? { sample: entry.sample } : { photo: entry.id });
