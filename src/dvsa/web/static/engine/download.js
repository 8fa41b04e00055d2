/** The files of the model: downloaded with progress, kept in the browser, and given out decompressed. */

import { EngineError } from "./arrays.js";

/**
 * @typedef {{bytes: number, sha256: string, packed: number}} SiteFile its size and digest, and its size as a download
 * @typedef {{base: URL, files: Record<string, SiteFile> | null}} Place where files are; without a list, they are as
 *   `dvsa export` writes them
 * @typedef {{file: string, loaded: number, total: number}} Progress in bytes of the download
 */

/** The name of the browser's store of model files. */
export const CACHE = "dvsa-model";

/** Files of one place. Each is requested once, and again only if it is damaged. */
export class Downloads {
  /** @param {Place} place @param {(progress: Progress) => void} report @param {(note: string) => void} warn */
  constructor({ base, files }, report, warn) {
    this.base = base;
    this.files = files;
    this.report = report;
    this.warn = warn;
    this.loaded = 0;
    this.total = Object.values(files ?? {}).reduce((sum, file) => sum + file.packed, 0);
    /** @type {Promise<Cache | null> | null} */
    this.opened = null;
  }

  /** The content of a file. @param {string} file @param {{sha256: string} | null} record @param {boolean} [again] */
  async read(file, record, again = false) {
    const address = this.address(file, record);
    const cache = record ? await this.cache() : null;
    if (again) await cache?.delete(address);
    const stored = await cache?.match(address);
    if (stored) {
      const packed = new Uint8Array(await stored.arrayBuffer());
      this.advance(file, packed.length);
      return unpacked(packed);
    }
    const packed = await this.fetch(file, address);
    if (cache) await this.keep(cache, address, packed);
    return unpacked(packed);
  }

  /** The digest in the address keeps older files of the same name apart. @param {string} file
   * @param {{sha256: string} | null} record */
  address(file, record) {
    const packed = this.files && file in this.files ? `${file}.gz` : file;
    const address = new URL(packed, this.base);
    if (record) address.search = `?${record.sha256.slice(0, 16)}`;
    return address.href;
  }

  /** @param {string} file @param {string} address */
  async fetch(file, address) {
    /** @type {Uint8Array[]} */
    const parts = [];
    let response;
    try {
      response = await fetch(address, { cache: "no-cache" });
      if (response.ok && response.body) {
        const reader = response.body.getReader();
        for (let part = await reader.read(); !part.done; part = await reader.read()) {
          parts.push(part.value);
          this.advance(file, part.value.length);
        }
      }
    } catch {
      throw new EngineError(
        `The download of ${file} broke off. Check the connection, and load the page again: what has come is kept.`,
        503,
      );
    }
    if (!response.ok) {
      throw new EngineError(`The site has no file ${file} (status ${response.status}): tell whoever runs it.`, 502);
    }
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  /** @param {Cache} cache @param {string} address @param {Uint8Array} packed */
  async keep(cache, address, packed) {
    try {
      await cache.put(address, new Response(/** @type {BodyInit} */ (packed)));
    } catch {
      this.warn("This browser has no room to keep the model, so it will be downloaded again next time.");
    }
  }

  /** Removes stored files that this place no longer has. @param {Record<string, {sha256: string}>} records */
  async tidy(records) {
    const cache = await this.cache();
    const wanted = new Set(Object.entries(records).map(([file, record]) => this.address(file, record)));
    for (const request of (await cache?.keys()) ?? []) {
      const isOwn = request.url.startsWith(this.base.href);
      if (isOwn && !wanted.has(request.url)) await cache?.delete(request);
    }
  }

  /** The browser's store; null where it has none, as on pages without encryption. */
  cache() {
    this.opened ??= globalThis.caches ? caches.open(CACHE).catch(() => null) : Promise.resolve(null);
    return this.opened;
  }

  /** @param {string} file @param {number} bytes */
  advance(file, bytes) {
    this.loaded += bytes;
    this.report({ file, loaded: this.loaded, total: Math.max(this.total, this.loaded) });
  }
}

/** The content of a compressed file; other files as they are. @param {Uint8Array} packed */
async function unpacked(packed) {
  if (packed[0] !== 0x1f || packed[1] !== 0x8b) return packed; // a server may have decompressed it already
  try {
    const stream = new Blob([/** @type {BlobPart} */ (packed)]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    return packed.subarray(0, 0); // damaged: its size and digest will tell
  }
}
