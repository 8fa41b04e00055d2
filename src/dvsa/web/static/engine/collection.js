/** The photographs of this tab: what was opened, and what can be searched. */

import { EngineError, rowsOf } from "./arrays.js";
import { decode, toPng } from "./decode.js";
import { shot } from "./exif.js";
import { squash } from "./photo.js";
import { sha256 } from "./sha256.js";
import * as store from "./store.js";

/**
 * @typedef {import("./view.js").View} View
 * @typedef {import("./model.js").Photo} Photo
 * @typedef {{id: string, name: string, width: number, height: number, boxes: number[][], v_I: Float32Array[],
 *   small: Blob, source: Blob, square: Blob | null} & import("./exif.js").Shot} Photograph its boxes and vectors, and
 *   where its pixels are
 * @typedef {{view: View, photo: Photo, page: Blob}} Opened
 */

/** Most photographs that can be searched, and most that stay open. */
export const MOST = 2000;
const OPEN = 50;

export class Collection {
  /** @param {import("./model.js").Model} model */
  constructor(model) {
    this.model = model;
    /** @type {Map<string, Photograph>} */
    this.photographs = new Map();
    /** @type {Map<string, Opened>} the one that was used last is the last */
    this.opened = new Map();
    this.keeping = false;
  }

  /** Decodes a photograph, finds its regions, and adds it. @param {Blob} file @param {string} name */
  async open(file, name) {
    const content = new Uint8Array(await file.arrayBuffer());
    const id = (await sha256(content)).slice(0, 32);
    const { photo, page, small } = await decode(file, name);
    const opened = await this.look(id, photo, page);
    const known = this.photographs.get(id);
    const facts = { ...seen(opened.view), ...shot(content) };
    if (!known) await this.add({ id, small, source: file, square: null, ...facts });
    return { id, view: opened.view, page };
  }

  /** Finds the regions, and remembers the photograph as the network sees it. @param {string} id @param {Photo} photo
   * @param {Blob} page @returns {Promise<Opened>} */
  async look(id, photo, page) {
    const side = this.model.bundle.manifest.size;
    const picture = { data: squash(photo.picture, side), width: side, height: side, channels: 3 };
    const small = { ...photo, picture };
    const opened = { view: await this.model.open(small), photo: small, page };
    this.opened.set(id, opened);
    for (const oldest of this.opened.keys()) if (this.opened.size > OPEN) this.opened.delete(oldest);
    return opened;
  }

  /** @param {Photograph} photograph */
  async add(photograph) {
    if (this.photographs.size >= MOST) return;
    this.photographs.set(photograph.id, photograph);
    if (this.keeping) await this.keep(photograph);
  }

  /** An open photograph, opened again if it was closed. @param {string} id @returns {Promise<Opened & {id: string}>} */
  async get(id) {
    const open = this.opened.get(id);
    if (open) {
      this.opened.delete(id);
      this.opened.set(id, open);
      return { id, ...open };
    }
    const known = this.photographs.get(id);
    if (!known) throw new EngineError("the photograph is no longer open in this tab: open it again", 404);
    const { photo, page } = await decode(known.square ?? known.source, known.name);
    const { width, height } = known;
    const shown = known.square ? known.source : page;
    return { id, ...(await this.look(id, { ...photo, width, height }, shown)) };
  }

  /** Loads what an earlier visit has kept; vectors of another bundle do not count. */
  async restore() {
    const { digest, manifest } = this.model.bundle;
    for (const found of await store.kept().catch(() => [])) {
      if (found.bundle !== digest) continue;
      const { id, name, width, height, small, square, page, taken, camera, place } = found;
      const boxes = rowsOf(found.boxes, 4).map((box) => [...box]);
      const v_I = rowsOf(found.vectors, manifest.embedding);
      const facts = { id, name, width, height, taken, camera, place };
      this.photographs.set(id, { ...facts, boxes, v_I, small, source: page, square });
      this.keeping = true;
    }
  }

  /** Whether photographs are kept from now on; those of the tab are kept, or all forgotten. @param {boolean} keeping */
  async setKeeping(keeping) {
    this.keeping = keeping;
    if (!keeping) return store.forget();
    for (const photograph of this.photographs.values()) await this.keep(photograph);
    return undefined;
  }

  /** The square of a photograph that the network sees, and its picture. @param {Photograph} photograph */
  async pixels({ id, name, source, square }) {
    if (square) return { square, page: source }; // it comes from an earlier visit
    const side = this.model.bundle.manifest.size;
    const open = this.opened.get(id);
    if (open) {
      const data = /** @type {Uint8Array} */ (open.photo.picture.data);
      return { square: await toPng(data, side), page: open.page };
    }
    const { photo, page } = await decode(source, name);
    return { square: await toPng(squash(photo.picture, side), side), page };
  }

  /** @param {Photograph} photograph */
  async keep(photograph) {
    const { id, name, width, height, taken, camera, place, boxes, v_I, small } = photograph;
    const { square, page } = await this.pixels(photograph);
    const vectors = Float32Array.from(v_I.flatMap((v_D) => [...v_D]));
    const facts = { id, name, width, height, taken, camera, place };
    const found = { boxes: Float32Array.from(boxes.flat()), vectors, page, small, square };
    try {
      await store.keep({ ...facts, ...found, bundle: this.model.bundle.digest, added: Date.now() });
    } catch {
      this.keeping = false;
      throw new EngineError(
        "This browser has no room for more photographs: those before stay kept, others last as long as this tab.", 507);
    }
  }

  async clear() {
    await store.forget().catch(() => undefined);
    this.keeping = false;
    this.photographs.clear();
    this.opened.clear();
  }
}

/** @param {View} view */
const seen = ({ photo: { name, width, height }, box_I, v_I }) => ({
  name, width, height, v_I, boxes: box_I.map((box) => Array.from(box)),
});
