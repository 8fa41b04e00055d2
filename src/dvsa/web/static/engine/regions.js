/** Which of many candidate boxes become the regions of a photograph; as dvsa.regions. */

import { EngineError, descending } from "./arrays.js";
import { PROPOSALS, grid, iou, nms } from "./boxes.js";

/** @typedef {import("./boxes.js").Box} Box */

export const FRAME = [0, 0, 1, 1];
/** Candidates that go into NMS, best first. */
const PRE_NMS = 1500;
/** Candidates that coverage considers, best first. */
const CANDIDATES = 1000;
/** The IoU at which one box begins to cover another, and the IoU at which it covers it completely. */
const [TOUCHED, REACHED] = [0.45, 0.75];

/**
 * Chooses the regions of one photograph from its candidates, the frame last.
 * @param {string} proposer head, coverage, grid or frame
 * @param {ArrayLike<number>} score_N of the candidates, in [0, 1] @param {readonly Box[]} box_N the candidates
 * @param {number} threshold IoU threshold of NMS, for `head` @returns {{box_I: Box[], score_I: number[]}}
 */
export function choose(proposer, score_N, box_N, threshold) {
  if (proposer === "grid") return withFrame(grid(), grid().map(() => 1));
  if (proposer === "frame") return withFrame([], []);
  if (proposer !== "coverage" && proposer !== "head") {
    throw new EngineError(`the proposer '${proposer}' is unknown: export the bundle again`);
  }

  const top_C = descending(score_N).slice(0, proposer === "coverage" ? CANDIDATES : PRE_NMS);
  const box_C = top_C.map((n) => box_N[n]);
  const score_C = top_C.map((n) => score_N[n]);
  const chosen = proposer === "coverage" ? cover(box_C, score_C, PROPOSALS) : suppressed(box_C, threshold);
  return withFrame(chosen.map((c) => box_C[c]), chosen.map((c) => score_C[c]));
}

/** The best boxes after NMS, filled up with the best that it dropped. @param {Box[]} box_C @param {number} threshold */
function suppressed(box_C, threshold) {
  const all = box_C.map((_, c) => c);
  const kept = nms(box_C, all, threshold, PROPOSALS);
  return [...kept, ...all.filter((c) => !kept.includes(c))].slice(0, PROPOSALS);
}

/** @param {Box[]} box_N @param {number[]} score_N */
export const withFrame = (box_N, score_N) => ({
  box_I: [...box_N, FRAME].map((box) => Float32Array.from(box)),
  score_I: [...score_N, 1].map(Math.fround),
});

/**
 * Indices of `keep` boxes that, together with the frame, cover the likely boxes best; the best first. Only every
 * second box can be chosen, but all count: dvsa.regions.cover has the formula.
 * @param {readonly Box[]} box_N at least 2 `keep` @param {readonly number[]} score_N @param {number} keep
 */
export function cover(box_N, score_N, keep) {
  const N = box_N.length;
  const coverageOf = (/** @type {Box} */ box) => Float64Array.from(box_N, (other) => coverage(iou(box, other)));
  const covers_RN = box_N.filter((_, n) => n % 2 === 0).map(coverageOf);
  const covered_N = coverageOf(FRAME);
  const open_R = covers_RN.map(() => true);

  /** @type {number[]} */
  const chosen = [];
  while (chosen.length < keep) {
    let [best, most] = [-1, -1];
    for (let r = 0; r < covers_RN.length; r += 1) {
      if (!open_R[r]) continue;
      const covers_N = covers_RN[r];
      let gain = 0;
      for (let n = 0; n < N; n += 1) gain += score_N[n] * (covers_N[n] > covered_N[n] ? covers_N[n] : covered_N[n]);
      if (gain > most) [best, most] = [r, gain];
    }
    if (best < 0) throw new EngineError("the network gives too few boxes: export the bundle again");
    chosen.push(2 * best);
    open_R[best] = false;
    covers_RN[best].forEach((covers, n) => (covered_N[n] = Math.max(covered_N[n], covers)));
  }
  return chosen;
}

/** @param {number} overlap an IoU */
const coverage = (overlap) => Math.min(Math.max((overlap - TOUCHED) / (REACHED - TOUCHED), 0), 1);
