/** The engine's algorithms against brute force and against simple cases; run by node --test. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { floats, take } from "../../../src/dvsa/web/static/engine/arrays.js";
import { beamSearch, greedy, randomNumbers, sample } from "../../../src/dvsa/web/static/engine/beam.js";
import { iou, nms } from "../../../src/dvsa/web/static/engine/boxes.js";
import { Fluency } from "../../../src/dvsa/web/static/engine/fluency.js";
import { squash } from "../../../src/dvsa/web/static/engine/photo.js";
import { FRAME, cover } from "../../../src/dvsa/web/static/engine/regions.js";
import { slowSha256 } from "../../../src/dvsa/web/static/engine/sha256.js";
import { Taught } from "../../../src/dvsa/web/static/engine/taught.js";
import { sameThing } from "../../../src/dvsa/web/static/engine/things.js";
import { marginals, viterbi } from "../../../src/dvsa/web/static/segments.js";

/** @param {number} count @param {(random: () => number, seed: number) => unknown} check */
async function forSeeds(count, check) {
  for (let seed = 0; seed < count; seed += 1) await check(randomNumbers(seed), seed);
}

/**
 * All sequences of `length` numbers below `count`.
 * @param {number} count @param {number} length @returns {number[][]}
 */
const sequences = (count, length) =>
  length ? sequences(count, length - 1).flatMap((one) => Array.from({ length: count }, (_, n) => [...one, n])) : [[]];

/** @param {() => number} random @param {number} most */
const whole = (random, most) => 1 + Math.floor(random() * most);

/** @param {number[][]} dot_TI @param {number[]} path_T @param {number} beta */
const value = (dot_TI, path_T, beta) =>
  path_T.reduce((sum, i, t) => sum + dot_TI[t][i] + (t && path_T[t - 1] === i ? beta : 0), 0);

test("viterbi finds the best of all paths, and marginals are their shares", async () => {
  await forSeeds(60, (random) => {
    const [T, I, beta] = [whole(random, 5), whole(random, 4), random() * 3];
    const dot_TI = Array.from({ length: T }, () => Array.from({ length: I }, () => 4 * random() - 2));
    const all = sequences(I, T);
    const best = Math.max(...all.map((path) => value(dot_TI, path, beta)));
    assert.ok(Math.abs(value(dot_TI, viterbi(dot_TI, beta), beta) - best) < 1e-9);

    const weights = all.map((path) => Math.exp(value(dot_TI, path, beta)));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    marginals(dot_TI, beta).forEach((p_I, t) => p_I.forEach((p, i) => {
      const share = all.reduce((sum, path, n) => sum + (path[t] === i ? weights[n] : 0), 0) / total;
      assert.ok(Math.abs(p - share) < 1e-9);
    }));
  });
});

/** Steps of a random process whose next token depends on all tokens before. @param {number} V @param {number} seed */
function process(V, seed) {
  /** @param {readonly number[]} said */
  const logps = (said) => {
    const random = randomNumbers(said.reduce((hash, token) => hash * 31 + token + 7, seed + 1));
    const p_V = Array.from({ length: V }, () => random() + 0.01);
    const total = p_V.reduce((sum, p) => sum + p, 0);
    return p_V.map((p) => Math.fround(Math.log(p / total)));
  };
  /** @type {import("../../../src/dvsa/web/static/engine/beam.js").Step} */
  const step = async (token_B, [state]) => {
    const rows = token_B.map((token, b) => [...take(state, [b]).data, token].map(Number));
    const logp = floats(rows.flatMap((said) => logps(said)), [rows.length, V]);
    return { logp, state: [floats(rows.flat(), [rows.length, rows[0].length])] };
  };
  return { step, logps };
}

test("a beam as wide as all sequences finds the best of all", async () => {
  await forSeeds(25, async (random, seed) => {
    const [V, maxLen, lengthPower] = [3, 3, random() < 0.5 ? 0 : 1];
    const { step, logps } = process(V, seed);
    const options = { start: 1, end: 0, width: V ** maxLen, maxLen, lengthPower };
    const [found] = await beamSearch(step, [floats([], [1, 0])], options);

    const complete = sequences(V, maxLen).map((all) => {
      const end = all.indexOf(0);
      return end < 0 ? all : all.slice(0, end + 1);
    });
    const scores = complete.map((tokens) => {
      const sum = tokens.reduce((logp, token, n) => logp + logps([1, ...tokens.slice(0, n)])[token], 0);
      return sum / tokens.length ** lengthPower;
    });
    const score = found[0].logps.reduce((sum, logp) => sum + logp, 0) / found[0].logps.length ** lengthPower;
    assert.ok(Math.abs(score - Math.max(...scores)) < 1e-6);
    assert.equal(found.length, new Set(complete.map(String)).size);
  });
});

test("items of a search do not affect each other, and a beam of one is greedy", async () => {
  const { step } = process(5, 3);
  const limits = { start: 1, end: 0, maxLen: 6, minLen: 2, banned: [4] };
  const [alone] = await beamSearch(step, [floats([2], [1, 1])], { ...limits, width: 3 });
  const [, together] = await beamSearch(step, [floats([3, 2], [2, 1])], { ...limits, width: 3 });
  assert.deepEqual(together, alone);
  const [[narrow]] = await beamSearch(step, [floats([2], [1, 1])], { ...limits, width: 1 });
  assert.deepEqual(await greedy(step, [floats([2], [1, 1])], limits), [narrow]);
  assert.ok(alone.every(({ tokens }) => tokens.length >= 2 && !tokens.includes(4)));
});

test("samples follow the probabilities, and a seed gives the same ones", async () => {
  /** @type {import("../../../src/dvsa/web/static/engine/beam.js").Step} */
  const step = async (token_B, state) =>
    ({ logp: floats(token_B.flatMap(() => [0.2, 0.3, 0.5].map(Math.log)), [token_B.length, 3]), state });
  const limits = { start: 1, end: 0, maxLen: 1 };
  const draw = (/** @type {number} */ seed) =>
    sample(step, [floats(new Float32Array(3000), [3000, 1])], { ...limits, random: randomNumbers(seed) });
  const drawn = await draw(5);
  for (const [token, p] of [[1, 0.3], [2, 0.5]]) {
    const share = drawn.filter(({ tokens }) => tokens[0] === token).length / drawn.length;
    assert.ok(Math.abs(share - p) < 0.04, `${share} of the samples are ${token}`);
  }
  assert.deepEqual(await draw(5), drawn);
  assert.notDeepEqual(await draw(6), drawn);
});

/** @param {() => number} random @param {number} count */
const someBoxes = (random, count) =>
  Array.from({ length: count }, () => {
    const [x, y] = [random() / 2, random() / 2];
    return [x, y, x + 0.1 + random() / 3, y + 0.1 + random() / 3];
  });

test("cover takes at each step the box that adds most", async () => {
  const covers = (/** @type {number[]} */ a, /** @type {number[]} */ b) =>
    Math.min(Math.max((iou(a, b) - 0.45) / 0.3, 0), 1);
  await forSeeds(20, (random) => {
    const boxes = someBoxes(random, 24);
    const scores = boxes.map(() => random());
    const gain = (/** @type {number[]} */ chosen) =>
      boxes.reduce((sum, box, n) =>
        sum + scores[n] * Math.max(...[FRAME, ...chosen.map((c) => boxes[c])].map((one) => covers(one, box))), 0);
    const chosen = cover(boxes, scores, 6);
    chosen.forEach((box, k) => {
      const before = chosen.slice(0, k);
      const open = boxes.map((_, n) => n).filter((n) => n % 2 === 0 && !before.includes(n));
      const most = Math.max(...open.map((n) => gain([...before, n])));
      assert.ok(gain([...before, box]) > most - 1e-9 && open.includes(box));
    });
  });
});

test("nms keeps a box if and only if it overlaps no better kept one", async () => {
  await forSeeds(20, (random) => {
    const boxes = someBoxes(random, 30);
    const order = boxes.map((_, n) => n);
    const kept = nms(boxes, order, 0.4, 30);
    for (const n of order) {
      const near = kept.some((k) => k < n && iou(boxes[k], boxes[n]) > 0.4);
      assert.equal(kept.includes(n), !near);
    }
  });
});

test("rules for captions: pairs, endings, and content words once", () => {
  // Tokens: 3 "a", 4 "dog", 5 "runs"; people wrote "a dog" and "a dog runs".
  const fluency = new Fluency(
    Int32Array.of(0, 0, 1, 4, 5, 6, 6), // START: a; START_PHRASE: a, dog, runs; a: dog; dog: runs
    Int32Array.of(3, 3, 4, 5, 4, 5),
    Int32Array.of(0, 1, 2, 3, 3, 5, 6),
    Int32Array.of(4, 4, 0, 0, 5, 0),
    [false, false, false, false, true, true],
  );
  const allowed = (/** @type {number[]} */ said) =>
    [...fluency.allowed(said, 9).entries()].flatMap(([v, yes]) => (yes ? [v] : []));
  assert.deepEqual(allowed([1]), [3]);
  assert.deepEqual(allowed([1, 3]), [4]);
  assert.deepEqual(allowed([1, 3, 4]), [0, 5]);
  assert.deepEqual(allowed([1, 3, 4, 5]), [0]);
  assert.deepEqual([...fluency.allowed([1, 3], 2).entries()].filter(([, yes]) => yes).map(([v]) => v), [4]);
});

test("digests, names and pictures", () => {
  for (const size of [0, 1, 55, 56, 63, 64, 65, 1000]) {
    const content = Uint8Array.from({ length: size }, (_, n) => (n * 7 + size) % 256);
    assert.equal(slowSha256(content), createHash("sha256").update(content).digest("hex"));
  }
  const taught = new Taught(new Map([["our boat", Float32Array.of(1)], ["our", Float32Array.of(2)]]));
  assert.deepEqual(taught.joined(["in", "our", "boat", "our"]), ["in", "our boat", "our"]);
  assert.ok(sameThing("hot dog", "Hot dogs") && sameThing("woman", "women") && !sameThing("glass", "glasses"));
  const grey = { data: new Uint8Array(30 * 20 * 3).fill(77), width: 30, height: 20, channels: 3 };
  assert.ok(squash(grey, 8).every((byte) => byte === 77));
});
