/** Search for likely sequences with any step function; as dvsa.beam, which has the rules. */

import { EngineError, argmax, descending, numbers, rowsOf, take } from "./arrays.js";

/**
 * @typedef {import("./arrays.js").Tensor} Tensor
 * @typedef {Tensor[]} State tensors with one row for each hypothesis
 * @typedef {(token_B: number[], state: State) => Promise<{logp: Tensor, state: State}>} Step
 * @typedef {{tokens: number[], logps: number[]}} Hypothesis without START and END; END has a log-probability
 * @typedef {{start: number, end: number, maxLen: number, minLen?: number, banned?: readonly number[]}} Limits
 * @typedef {{item: number, said: number[], logps: number[], total: number, live: boolean}} Beam
 */

/**
 * For each item up to `width` hypotheses, by decreasing score `logp / steps ** lengthPower`.
 * @param {Step} step @param {State} state one row for each item
 * @param {Limits & {width: number, lengthPower?: number}} options @returns {Promise<Hypothesis[][]>}
 */
export async function beamSearch(step, state, options) {
  const { start, end, maxLen, minLen = 0, banned = [], width, lengthPower = 0 } = options;
  if (width < 1 || maxLen < 1) throw new RangeError(`width is ${width} and maxLen ${maxLen}; both must be at least 1`);
  const N = state[0].dims[0];
  /** @type {Beam[]} grouped by item, the best first */
  let beams = Array.from({ length: N }, (_, item) => ({ item, said: [start], logps: [], total: 0, live: true }));

  for (let said = 0; said < maxLen && beams.some((beam) => beam.live); said += 1) {
    const live = beams.filter((beam) => beam.live);
    const barred = said < minLen ? [...banned, end] : banned;
    const taken = await advance(step, live.map((beam) => /** @type {number} */ (beam.said.at(-1))), state, barred);
    const kept = extended(beams, taken.logp_BV, { end, width, lengthPower, barred });
    beams = kept.beams;
    state = taken.state.map((tensor) => take(tensor, kept.row_B));
  }

  /** @type {Hypothesis[][]} */
  const found = Array.from({ length: N }, () => []);
  for (const { item, said, logps } of beams) found[item].push(hypothesis(said.slice(1), logps, end));
  return found;
}

/**
 * The beams after one step, and the row of the step that each live hypothesis comes from.
 * @param {Beam[]} beams @param {Float32Array[]} logp_BV of the live ones
 * @param {{end: number, width: number, lengthPower: number, barred: readonly number[]}} options
 */
function extended(beams, logp_BV, { end, width, lengthPower, barred }) {
  /** @type {{parent: number, row: number, token: number, logp: number, score: number}[][]} candidates of each item */
  const candidates = [];
  let row = 0;
  beams.forEach((beam, parent) => {
    const own = (candidates[beam.item] ??= []);
    if (!beam.live) {
      own.push({ parent, row: -1, token: end, logp: 0, score: beam.total / beam.logps.length ** lengthPower });
      return;
    }
    const steps = (beam.logps.length + 1) ** lengthPower;
    for (const token of bestTokens(logp_BV[row], width, barred)) {
      const logp = logp_BV[row][token];
      own.push({ parent, row, token, logp, score: (beam.total + logp) / steps });
    }
    row += 1;
  });

  /** @type {number[]} */
  const row_B = [];
  /** @type {Beam[]} */
  const next = [];
  for (const own of candidates) {
    own.sort((a, b) => b.score - a.score || a.parent - b.parent || a.token - b.token);
    for (const { parent, row: from, token, logp } of own.slice(0, width)) {
      const beam = beams[parent];
      if (!beam.live) {
        next.push(beam);
        continue;
      }
      const live = token !== end;
      const [said, logps] = [[...beam.said, token], [...beam.logps, logp]];
      next.push({ item: beam.item, said, logps, total: beam.total + logp, live });
      if (live) row_B.push(from);
    }
  }
  return { beams: next, row_B };
}

/** The `width` best possible tokens, equal ones by the lower. @param {Float32Array} logp_V @param {number} width
 * @param {readonly number[]} barred */
function bestTokens(logp_V, width, barred) {
  /** @type {number[]} the best so far, in order */
  const best = [];
  let least = -Infinity;
  for (let token = 0; token < logp_V.length; token += 1) {
    const logp = logp_V[token];
    if (!(logp > least) || barred.includes(token)) continue;
    let place = best.length;
    while (place > 0 && logp > logp_V[best[place - 1]]) place -= 1;
    best.splice(place, 0, token);
    if (best.length > width) best.pop();
    if (best.length === width) least = logp_V[best[width - 1]];
  }
  return best;
}

/**
 * For each item one sequence, of the tokens that `pick` takes.
 * @param {Step} step @param {State} state @param {Limits} limits @param {(logp_V: Float32Array) => number} pick
 * @returns {Promise<Hypothesis[]>}
 */
async function rollOut(step, state, { start, end, maxLen, minLen = 0, banned = [] }, pick) {
  const found = Array.from({ length: state[0].dims[0] }, () => ({
    tokens: /** @type {number[]} */ ([]), logps: /** @type {number[]} */ ([]),
  }));
  let live_B = found.map((_, item) => item);
  let token_B = live_B.map(() => start);

  for (let said = 0; said < maxLen && live_B.length; said += 1) {
    const barred = said < minLen ? [...banned, end] : banned;
    const taken = await advance(step, token_B, state, barred);
    const chosen_B = taken.logp_BV.map((logp_V) => {
      const allowed_V = logp_V.slice();
      for (const token of barred) allowed_V[token] = -Infinity;
      return pick(allowed_V);
    });
    live_B.forEach((item, row) => {
      found[item].tokens.push(chosen_B[row]);
      found[item].logps.push(taken.logp_BV[row][chosen_B[row]]);
    });

    // Only unfinished items take the next step.
    const going_B = chosen_B.flatMap((token, row) => (token === end ? [] : [row]));
    state = taken.state.map((tensor) => take(tensor, going_B));
    live_B = going_B.map((row) => live_B[row]);
    token_B = going_B.map((row) => chosen_B[row]);
  }
  return found.map(({ tokens, logps }) => hypothesis(tokens, logps, end));
}

/** For each item the sequence of the most likely next tokens. @param {Step} step @param {State} state
 * @param {Limits} limits */
export const greedy = (step, state, limits) => rollOut(step, state, limits, argmax);

/**
 * For each item one sequence, each token drawn with a probability proportional to p ** (1 / temperature); from the
 * smallest set of most likely tokens that together have the share `topP` of the probability.
 * @param {Step} step @param {State} state
 * @param {Limits & {temperature?: number, topP?: number, random: () => number}} options
 */
export function sample(step, state, { temperature = 1, topP = 1, random, ...limits }) {
  if (!(temperature > 0 && temperature < Infinity && topP > 0 && topP <= 1)) {
    throw new EngineError(`temperature is ${temperature}, topP ${topP}; give one above 0 and one in (0, 1]`);
  }
  return rollOut(step, state, limits, (logp_V) => drawn(logp_V, temperature, topP, random));
}

/** @param {Float32Array} logp_V @param {number} temperature @param {number} topP @param {() => number} random */
function drawn(logp_V, temperature, topP, random) {
  const top = logp_V[argmax(logp_V)];
  const p_V = Float64Array.from(logp_V, (logp) => Math.exp((logp - top) / temperature));
  const total = p_V.reduce((sum, p) => sum + p, 0);
  if (topP < 1) {
    let before = 0;
    for (const token of descending(p_V)) {
      const p = p_V[token];
      if (before >= topP * total) p_V[token] = 0;
      before += p;
    }
  }

  let left = random() * p_V.reduce((sum, p) => sum + p, 0);
  let last = 0;
  for (let token = 0; token < p_V.length; token += 1) {
    if (!p_V[token]) continue;
    last = token;
    left -= p_V[token];
    if (left < 0) break;
  }
  return last;
}

/** Random numbers in [0, 1) that depend on the seed alone. @param {number} seed */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    // A Weyl sequence, whose numbers are mixed by multiplications and shifts.
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
}

/** One step; throws if a row has no possible token. @param {Step} step @param {number[]} token_B @param {State} state
 * @param {readonly number[]} barred */
async function advance(step, token_B, state, barred) {
  const taken = await step(token_B, state);
  const logp_BV = rowsOf(numbers(taken.logp), taken.logp.dims[1]);
  for (const logp_V of logp_BV) {
    const possible = logp_V.some((logp, token) => logp > -Infinity && !barred.includes(token));
    if (!possible || Number.isNaN(logp_V[0])) {
      throw new EngineError("a step gave NaN, or banned tokens only; check its network", 500);
    }
  }
  return { logp_BV, state: taken.state };
}

/** @param {number[]} tokens @param {number[]} logps @param {number} end @returns {Hypothesis} */
const hypothesis = (tokens, logps, end) => ({ tokens: tokens.at(-1) === end ? tokens.slice(0, -1) : tokens, logps });
