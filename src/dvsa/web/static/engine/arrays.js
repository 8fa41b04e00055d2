/**
 * Arrays with a shape, as graphs take and give them, and the types that the modules of the engine share.
 *
 * The engine is the model in the browser: the modules of this folder do what those of the same names do in Python,
 * and tests compare their answers. Names of arrays end with the letters of their shape, as in dvsa.records:
 * K photographs, I regions, L sentences, T words, D embedding, B batch, V vocabulary, F features, N any count.
 *
 * @typedef {Float32Array | BigInt64Array | Int32Array | Uint8Array} Data
 * @typedef {{type: string, data: Data, dims: readonly number[]}} Tensor numbers in row-major order
 * @typedef {number[]} Box (x0, y0, x1, y1) in fractions of the photograph's width and height
 */

/** What cannot be done, in words for the user. */
export class EngineError extends Error {
  /** @param {string} message @param {number} [status] as the server's answer would have, such as 422 */
  constructor(message, status = 422) {
    super(message);
    this.status = status;
  }
}

/** @param {ArrayLike<number>} data @param {number[]} dims @returns {Tensor} */
export const floats = (data, dims) => ({
  type: "float32", dims, data: data instanceof Float32Array ? data : Float32Array.from(data),
});

/** Whole numbers, as indices are in graphs. @param {ArrayLike<number>} data @param {number[]} dims @returns {Tensor} */
export const integers = (data, dims) => ({
  type: "int64", dims, data: BigInt64Array.from(Array.from(data), BigInt),
});

/** @param {ArrayLike<boolean>} data @param {number[]} dims @returns {Tensor} */
export const booleans = (data, dims) => ({ type: "bool", dims, data: Uint8Array.from(Array.from(data), Number) });

/** The numbers of a tensor. @param {Tensor} tensor @returns {Float32Array} */
export function numbers({ data, type }) {
  if (!(data instanceof Float32Array)) throw new EngineError(`a graph gives ${type} in place of numbers`, 500);
  return data;
}

/** The rows of a table of numbers, without copying. @param {Float32Array} data @param {number} width */
export const rowsOf = (data, width) =>
  Array.from({ length: data.length / width }, (_, n) => data.subarray(n * width, (n + 1) * width));

/**
 * Some rows of a tensor, in the given order.
 * @param {Tensor} tensor @param {readonly number[]} row_B @returns {Tensor}
 */
export function take({ type, data, dims }, row_B) {
  const size = dims.slice(1).reduce((product, n) => product * n, 1);
  const taken = new /** @type {any} */ (data.constructor)(row_B.length * size);
  row_B.forEach((row, n) => taken.set(data.subarray(row * size, (row + 1) * size), n * size));
  return { type, data: taken, dims: [row_B.length, ...dims.slice(1)] };
}

/** The same row several times. @param {Tensor} tensor with one row @param {number} count */
export const repeated = (tensor, count) => take(tensor, Array.from({ length: count }, () => 0));

/** @param {ArrayLike<number>} a_D @param {ArrayLike<number>} b_D */
export function dot(a_D, b_D) {
  let sum = 0;
  for (let d = 0; d < a_D.length; d += 1) sum += a_D[d] * b_D[d];
  return sum;
}

/** The length of a vector. @param {ArrayLike<number>} a_D */
export const length = (a_D) => Math.sqrt(dot(a_D, a_D));

/** The position of the first largest number. @param {ArrayLike<number>} x_N */
export function argmax(x_N) {
  let best = 0;
  for (let n = 1; n < x_N.length; n += 1) if (x_N[n] > x_N[best]) best = n;
  return best;
}

/** The positions of numbers, the largest number first; equal ones in their order. @param {ArrayLike<number>} x_N */
export const descending = (x_N) => Array.from(x_N, (_, n) => n).sort((a, b) => x_N[b] - x_N[a] || a - b);
