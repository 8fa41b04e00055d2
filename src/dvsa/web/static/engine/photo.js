/** The square and the crops of a photograph that the network sees, resized as Pillow does; as dvsa.photo. */

/** @typedef {{data: Uint8Array | Uint8ClampedArray, width: number, height: number, channels: number}} Picture */

/** The shortest side of a crop, as a share of the photograph's. */
const MIN_SIDE = 1e-3;
/** Weights of the filters are whole numbers of this many binary places, as in Pillow. */
const PLACES = 22;

/** @typedef {{reach: number, weight: (x: number) => number}} Filter */
/** @type {Filter} */
const BICUBIC = { reach: 2, weight: cubic };
/** @type {Filter} */
const BILINEAR = { reach: 1, weight: (x) => Math.max(1 - Math.abs(x), 0) };

/** @param {number} x */
function cubic(x) {
  const d = Math.abs(x);
  if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
  return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
}

/** The photograph as a square without its aspect ratio, in RGB. @param {Picture} picture @param {number} size */
export const squash = (picture, size) => resized(picture, size, BICUBIC, [0, 0, picture.width, picture.height]);

/**
 * The parts of a picture in boxes, each warped to a square.
 * @param {Picture} picture @param {readonly ArrayLike<number>[]} box_I in fractions @param {number} size of a crop
 * @param {number} context how much a crop shows beyond each edge, as a share of the box's sides
 */
export const crops = (picture, box_I, size, context) =>
  box_I.map((box) => {
    const [x0, y0, x1, y1] = widened(Array.from(box), context);
    const { width, height } = picture;
    return resized(picture, size, BILINEAR, [x0 * width, y0 * height, x1 * width, y1 * height]);
  });

/**
 * A box with `context` times its sides at each edge, in the photograph.
 * @param {number[]} box @param {number} context
 */
function widened([x0, y0, x1, y1], context) {
  const low = (/** @type {number} */ a, /** @type {number} */ b) =>
    Math.min(Math.max(a - context * (b - a), 0), 1 - MIN_SIDE);
  const high = (/** @type {number} */ a, /** @type {number} */ b) =>
    Math.max(Math.min(Math.max(b + context * (b - a), 0), 1), low(a, b) + MIN_SIDE);
  return [low(x0, x1), low(y0, y1), high(x0, x1), high(y0, y1)];
}

/**
 * A part of a picture as a square in RGB: rows are resized, then columns, each rounded to bytes. Columns come first if
 * that leaves less to do, as in Pillow 13: the order changes roundings.
 * @param {Picture} picture @param {number} size @param {Filter} filter @param {number[]} place in pixels
 */
function resized(picture, size, filter, [x0, y0, x1, y1]) {
  const across = weights(picture.width, x0, x1, size, filter);
  const down = weights(picture.height, y0, y1, size, filter);
  const columnsFirst = y1 - y0 > size && 2 * (x1 - x0) < y1 - y0 + size;
  const square = columnsFirst
    ? resizedRows(resizedColumns(picture, down), across)
    : resizedColumns(resizedRows(picture, across), down);
  return /** @type {Uint8Array} */ (square.data);
}

/** @typedef {{first: number, weight_N: Int32Array}[]} Weights of the old pixels that each new pixel sees */

/** @param {Picture} picture @param {Weights} across @returns {Picture} */
function resizedRows({ data, width, height, channels }, across) {
  const wide = across.length;
  const rows = new Uint8Array(height * wide * 3);
  for (let y = 0; y < height; y += 1) {
    across.forEach(({ first, weight_N }, x) =>
      weigh(data, (y * width + first) * channels, channels, weight_N, rows, (y * wide + x) * 3));
  }
  return { data: rows, width: wide, height, channels: 3 };
}

/** @param {Picture} picture @param {Weights} down @returns {Picture} */
function resizedColumns({ data, width, channels }, down) {
  const columns = new Uint8Array(down.length * width * 3);
  down.forEach(({ first, weight_N }, y) => {
    for (let x = 0; x < width; x += 1) {
      weigh(data, (first * width + x) * channels, width * channels, weight_N, columns, (y * width + x) * 3);
    }
  });
  return { data: columns, width, height: down.length, channels: 3 };
}

/**
 * Writes the weighted mean of pixels as bytes.
 * @param {ArrayLike<number>} data @param {number} from the first pixel @param {number} step from one to the next
 * @param {Int32Array} weight_N @param {Uint8Array} to @param {number} at
 */
function weigh(data, from, step, weight_N, to, at) {
  let red = 1 << (PLACES - 1);
  let [green, blue] = [red, red];
  for (let n = 0, place = from; n < weight_N.length; n += 1, place += step) {
    const weight = weight_N[n];
    red += data[place] * weight;
    green += data[place + 1] * weight;
    blue += data[place + 2] * weight;
  }
  to[at] = byte(red >> PLACES);
  to[at + 1] = byte(green >> PLACES);
  to[at + 2] = byte(blue >> PLACES);
}

/** @param {number} value */
const byte = (value) => (value < 0 ? 0 : value > 255 ? 255 : value);

/**
 * For each new pixel of a line the first old pixel that it sees, and the weights of those.
 * @param {number} length of the old line @param {number} start @param {number} stop the part that is seen
 * @param {number} size @param {Filter} filter @returns {Weights}
 */
function weights(length, start, stop, size, { reach, weight }) {
  const scale = (stop - start) / size;
  const wide = Math.max(scale, 1);
  return Array.from({ length: size }, (__, n) => {
    const centre = start + (n + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - reach * wide + 0.5), 0);
    const last = Math.min(Math.trunc(centre + reach * wide + 0.5), length);
    const plain = Array.from({ length: last - first }, (_, k) => weight((first + k - centre + 0.5) / wide));
    const total = plain.reduce((sum, w) => sum + w, 0);
    const weight_N = plain.map((w) => Math.trunc((w / total) * 2 ** PLACES + (w < 0 ? -0.5 : 0.5)));
    return { first, weight_N: Int32Array.from(weight_N) };
  });
}
