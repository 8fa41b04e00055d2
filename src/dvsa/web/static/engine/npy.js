/** Arrays in numpy's format, of the few types that bundles have. */

import { EngineError } from "./arrays.js";

/** @param {Uint8Array} content @param {string} source for errors @returns {{data: Float64Array, dims: number[]}} */
export function parseNpy(content, source) {
  const invalid = () => new EngineError(`${source} cannot be read: export the bundle again`);
  if (content.length < 12 || content[0] !== 0x93 || String.fromCharCode(...content.subarray(1, 6)) !== "NUMPY") {
    throw invalid();
  }
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const [start, size] = content[6] === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  const head = new TextDecoder("latin1").decode(content.subarray(start, start + size));
  const [, type] = /'descr': '(<u2|<u4|<f2|<f4)'/.exec(head) ?? [];
  const [, shape] = /'shape': \(([0-9, ]*)\)/.exec(head) ?? [];
  if (!type || shape === undefined || !head.includes("'fortran_order': False")) throw invalid();

  const dims = shape.split(",").filter((part) => part.trim()).map(Number);
  const count = dims.reduce((product, n) => product * n, 1);
  const [wide, first] = [Number(type[2]), start + size];
  if (content.length < first + count * wide) throw invalid();
  const read = {
    "<u2": (/** @type {number} */ at) => view.getUint16(at, true),
    "<u4": (/** @type {number} */ at) => view.getUint32(at, true),
    "<f2": (/** @type {number} */ at) => half(view.getUint16(at, true)),
    "<f4": (/** @type {number} */ at) => view.getFloat32(at, true),
  }[/** @type {"<u2" | "<u4" | "<f2" | "<f4"} */ (type)];
  return { dims, data: Float64Array.from({ length: count }, (_, n) => read(first + n * wide)) };
}

/** A number in half precision. @param {number} bits */
function half(bits) {
  const [sign, power, rest] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (power === 31) return rest ? NaN : sign * Infinity;
  return sign * (power ? (1 + rest / 1024) * 2 ** (power - 15) : rest * 2 ** -24);
}
