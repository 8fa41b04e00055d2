/** The manifest of a bundle: what is in it, and how to use it; as dvsa.manifest. */

import { EngineError } from "./arrays.js";

/**
 * @typedef {{bytes: number, sha256: string}} FileRecord
 * @typedef {{graphs: string, start: number}} Voice how a captioner is used
 * @typedef {{size: number, context: number, full_resolution: boolean}} Crops how crops of regions are cut
 * @typedef {{name: string, files: Record<string, FileRecord>, size: number, embedding: number, proposer: string,
 *   nms: number, sharpness: number, score: string, beta: number, beam: number, length_power: number, rerank: number,
 *   support: import("./aligning.js").Support, familiar: number, things: number[],
 *   voices: {frame?: Voice, region?: Voice},
 *   crops: Crops | null, lessons: string | null}} Manifest
 */

export const MANIFEST = "manifest.json";
const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
/** The formats that can be read. */
const READ = [1, 2];
/** Of a manifest. */
export const MAX_MANIFEST_BYTES = 16 * 2 ** 20;

/** Reads and checks a manifest. @param {Uint8Array} content @param {string} source for errors @returns {Manifest} */
export function parseManifest(content, source) {
  /** @type {any} */
  let top;
  try {
    top = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(content));
  } catch {
    throw new EngineError(`${source} cannot be read: export the bundle again`);
  }
  if (!READ.includes(top?.format)) {
    throw new EngineError(`${source} is not of a format that this page can read: update it`);
  }
  if (top.given_features) {
    throw new EngineError(`bundle ${top.name} takes features of regions, not photographs: use another bundle`);
  }
  const field = fieldsOf(top, source);
  return {
    name: field.text("name", /./),
    files: filesOf(top.files, source),
    size: field.number("size", 1, 4096),
    embedding: field.number("embedding", 1, 2 ** 20),
    proposer: field.text("proposer", /^(head|coverage|grid|frame)$/),
    nms: field.number("nms", 0, 1),
    sharpness: field.number("sharpness", 0, 1e6, 0),
    score: field.text("score", /^(maxsim|defrag)$/),
    beta: field.number("beta", 0, Number.MAX_VALUE),
    beam: field.number("beam", 1, 1000),
    length_power: field.number("length_power", 0, 10),
    rerank: field.number("rerank", 0, 1e6, 0),
    support: { threshold: field.number("support", 0, 1e6, 0), slope: field.number("support_slope", 0, 1e6, 0) },
    familiar: field.number("familiar", 0, 1e12, 0),
    things: Array.isArray(top.things) && top.things.length === 6 ? top.things.map(Number) : [],
    voices: voicesOf(top.voices ?? {}, source),
    crops: top.crops ? crops(top.crops, source) : null,
    lessons: top.lessons ? fieldsOf(top.lessons, source).text("file", FILE_NAME) : null,
  };
}

/** Reads fields of a record, checked. @param {any} record @param {string} source */
function fieldsOf(record, source) {
  const invalid = (/** @type {string} */ name) =>
    new EngineError(`${source}: the field ${name} is missing or invalid: export the bundle again`);
  return {
    /** @param {string} name @param {RegExp} form */
    text(name, form) {
      const value = record?.[name];
      if (typeof value !== "string" || !form.test(value)) throw invalid(name);
      return value;
    },
    /** @param {string} name @param {number} low @param {number} high @param {number} [usual] */
    number(name, low, high, usual) {
      const value = record?.[name] ?? usual;
      if (typeof value !== "number" || !(value >= low && value <= high)) throw invalid(name);
      return value;
    },
  };
}

/** @param {any} records @param {string} source @returns {Record<string, FileRecord>} */
function filesOf(records, source) {
  const entries = Object.entries(records ?? {}).map(([name, record]) => {
    if (!FILE_NAME.test(name) || name === MANIFEST) {
      throw new EngineError(`${source} names '${name}', which is no file of a bundle`);
    }
    const field = fieldsOf(record, source);
    const digest = field.text("sha256", /^[0-9a-f]{64}$/);
    return [name, { bytes: field.number("bytes", 0, 2 ** 32), sha256: digest }];
  });
  return Object.fromEntries(entries);
}

/** @param {Record<string, any>} records @param {string} source @returns {Manifest["voices"]} */
function voicesOf({ frame, region }, source) {
  return { ...(frame && { frame: voice(frame, source) }), ...(region && { region: voice(region, source) }) };
}

/** @param {any} record @param {string} source @returns {Voice} */
function voice(record, source) {
  const field = fieldsOf(record, source);
  return { graphs: field.text("graphs", FILE_NAME), start: field.number("start", 0, 2 ** 20) };
}

/** @param {any} record @param {string} source @returns {Crops} */
function crops(record, source) {
  const field = fieldsOf(record, source);
  const full_resolution = record.full_resolution === true;
  return { size: field.number("size", 1, 4096), context: field.number("context", 0, 1), full_resolution };
}
