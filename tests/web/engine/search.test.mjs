/** Conditions and orders of searches in the tab; run by node --test. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { shot } from "../../../src/dvsa/web/static/engine/exif.js";
import { filterOf, ordered } from "../../../src/dvsa/web/static/engine/filter.js";

/** @typedef {import("../../../src/dvsa/web/static/engine/exif.js").Shot} Shot */

/** @type {Shot} */
const BERGEN = { taken: "2024-07-31T18:05:00", camera: "Canon EOS 5D", place: [60.39, 5.32] };
/** @type {Shot} */
const FIJI = { taken: "2020-01-01T00:00:00", camera: null, place: [-17.8, 178] };
/** @type {Shot} */
const NOTHING = { taken: null, camera: null, place: null };
const ALL = [BERGEN, FIJI, NOTHING];

/** @param {Record<string, string>} asked */
const admitted = (asked) => ALL.filter(filterOf(new URLSearchParams(asked)));

test("conditions admit what they say, and nothing that is not known", () => {
  assert.deepEqual(admitted({}), ALL);
  assert.deepEqual(admitted({ after: "2024-07-31" }), [BERGEN]);
  assert.deepEqual(admitted({ before: "2024-07-30" }), [FIJI]);
  assert.deepEqual(admitted({ after: "2020-01-01", before: "2024-07-31" }), [BERGEN, FIJI]);
  assert.deepEqual(admitted({ camera: "canon" }), [BERGEN]);
  assert.deepEqual(admitted({ gps: "60,5,61,6" }), [BERGEN]);
  assert.deepEqual(admitted({ gps: "-20,170,0,-170" }), [FIJI]);
});

test("conditions that are invalid, or that the tab cannot check, are refused in words", () => {
  assert.throws(() => admitted({ after: "2024-13-01" }), /'2024-13-01' is invalid: give YYYY-MM-DD/);
  assert.throws(() => admitted({ gps: "1,2,3" }), /give south,west,north,east/);
  assert.throws(() => admitted({ city: "Bergen" }), /cannot ask for city/);
});

test("photographs without a date come last in both orders", () => {
  const hits = [NOTHING, FIJI, BERGEN].map((found) => ({ found }));
  assert.deepEqual(ordered(hits, "newest").map(({ found }) => found), [BERGEN, FIJI, NOTHING]);
  assert.deepEqual(ordered(hits, "oldest").map(({ found }) => found), [FIJI, BERGEN, NOTHING]);
  assert.deepEqual(ordered(hits, "score"), hits);
});

test("damaged EXIF data says nothing", () => {
  const nothing = { taken: null, camera: null, place: null };
  assert.deepEqual(shot(new Uint8Array()), nothing);
  const head = [0xff, 0xd8, 0xff, 0xe1, 0, 20, 0x45, 0x78, 0x69, 0x66, 0, 0];
  for (let length = 0; length < 14; length += 1) {
    const rest = Array.from({ length }, (_, n) => [0x49, 0x49, 42, 0, 8, 0, 0, 0, 9, 0, 15, 1, 2, 0][n]);
    assert.deepEqual(shot(Uint8Array.from([...head, ...rest])), nothing);
  }
});
