/** Box algebra on (x0, y0, x1, y1) in fractions of the photograph's width and height; as dvsa.boxes. */

/** @typedef {ArrayLike<number>} Box */

/** Boxes of a photograph without the frame. */
export const PROPOSALS = 19;

const TINY = 1.1754943508222875e-38;

/** Intersection over union of two boxes; 0 for two boxes without area. @param {Box} a @param {Box} b */
export function iou(a, b) {
  const width = Math.max(Math.min(a[2], b[2]) - Math.max(a[0], b[0]), 0);
  const height = Math.max(Math.min(a[3], b[3]) - Math.max(a[1], b[1]), 0);
  const shared = width * height;
  const either = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared;
  return shared / Math.max(either, TINY);
}

/**
 * Greedy non-maximum suppression: indices of at most `keep` boxes, the highest score first.
 * @param {readonly Box[]} box_N @param {readonly number[]} order_N their indices, the best box first
 * @param {number} threshold a box is dropped if its IoU with a kept box is above this @param {number} keep
 */
export function nms(box_N, order_N, threshold, keep) {
  /** @type {number[]} */
  const kept = [];
  for (const n of order_N) {
    if (kept.length === keep) break;
    if (kept.every((other) => iou(box_N[other], box_N[n]) <= threshold)) kept.push(n);
  }
  return kept;
}

/**
 * The expected IoU of each box with the right one; box i is right with probability `weight_I[i]`.
 * @param {readonly Box[]} box_I @param {readonly number[]} weight_I
 */
export const expectedIou = (box_I, weight_I) =>
  box_I.map((box) => box_I.reduce((sum, other, j) => sum + iou(box, other) * weight_I[j], 0));

/** Nineteen fixed boxes: a proposer without a network. */
export const grid = () => [
  ...lattice(0.3, 0.5, 4, 2, 0.1),
  ...lattice(0.6, 0.9, 3, 1),
  ...lattice(0.8, 0.4, 1, 4),
  ...lattice(0.35, 0.5, 3, 1, 0.25),
  ...lattice(0.3, 0.3, 1, 1),
];

/**
 * Boxes of one size, evenly spaced; `inset` is the share of the free space left at each end.
 * @param {number} width @param {number} height @param {number} columns @param {number} rows @param {number} inset
 */
function lattice(width, height, columns, rows, inset = 0) {
  const places = (/** @type {number} */ size, /** @type {number} */ count) =>
    Array.from({ length: count }, (_, n) =>
      (1 - size) * (count > 1 ? inset + ((1 - 2 * inset) * n) / (count - 1) : 0.5));
  return places(height, rows).flatMap((y) => places(width, columns).map((x) => [x, y, x + width, y + height]));
}

/**
 * The box in whole pixels of a photograph; the last edges are exclusive, and it has at least one pixel.
 * @param {Box} box @param {number} width @param {number} height @returns {number[]}
 */
export function toPixels(box, width, height) {
  const [x0, y0, x1, y1] = Array.from(box);
  const nearest = (/** @type {number} */ first, /** @type {number} */ last, /** @type {number} */ size) => {
    const low = Math.min(Math.max(Math.floor(first * size + 0.5), 0), size - 1);
    return [low, Math.min(Math.max(Math.floor(last * size + 0.5), low + 1), size)];
  };
  const [[left, right], [top, bottom]] = [nearest(x0, x1, width), nearest(y0, y1, height)];
  return [left, top, right, bottom];
}
