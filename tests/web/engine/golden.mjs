/**
 * Compares the engine with what Python has said: node golden.mjs GOLDEN BUNDLE LISTS
 *
 * Texts and whole numbers must be equal, boxes to 1e-4, and other numbers to 1e-3. Prints each difference, and how
 * many values were compared; the exit status says whether all agree.
 */

import { readFileSync } from "node:fs";
import path from "node:path";
import { Query } from "../../../src/dvsa/web/static/engine/query.js";
import { shot } from "../../../src/dvsa/web/static/engine/exif.js";
import * as responses from "../../../src/dvsa/web/static/engine/responses.js";
import { squash } from "../../../src/dvsa/web/static/engine/photo.js";
import { nearest } from "../../../src/dvsa/web/static/engine/spelling.js";
import { sentences, words } from "../../../src/dvsa/web/static/engine/text.js";
import { numbers, rowsOf } from "../../../src/dvsa/web/static/engine/arrays.js";
import { choose } from "../../../src/dvsa/web/static/engine/regions.js";
import { loadModel } from "./node_model.mjs";

const [folder, bundle, lists] = process.argv.slice(2);
const golden = JSON.parse(readFileSync(path.join(folder, "golden.json"), "utf8"));
const model = await loadModel(bundle, lists);
let [compared, differences] = [0, 0];
const same = { boxes: 0, captions: 0 };

/** Compares what Python gives; values that only the engine gives are left out. @param {string} place @param {any} own
 * @param {any} other @param {number} [tolerance] */
function compare(place, own, other, tolerance = 1e-3) {
  if (other !== null && typeof other === "object") {
    const longer = Array.isArray(other) && other.length !== own?.length;
    if (longer) return differ(`${place}.length`, own?.length, other.length);
    for (const key of Object.keys(other)) {
      compare(`${place}.${key}`, own?.[key], other[key], key === "box" || tolerance < 1e-3 ? 1e-4 : 1e-3);
    }
    return undefined;
  }
  compared += 1;
  const rounded = typeof other === "number" && !Number.isInteger(other);
  const agrees = rounded ? Math.abs(own - other) <= tolerance : equal(own, other);
  return agrees ? undefined : differ(place, own, other);
}

/** A whole number may stand for a rounded one. @param {any} own @param {any} other */
const equal = (own, other) => own === other || (typeof own === "number" && Math.abs(own - other) <= 1e-3);

/** @param {string} place @param {any} own @param {any} other */
function differ(place, own, other) {
  differences += 1;
  console.log(`${place}: ${JSON.stringify(own)} here, ${JSON.stringify(other)} in Python`);
}

for (const [text, own, parts] of golden.words) {
  compare(`words of ${JSON.stringify(text)}`, words(text), own);
  compare(`sentences of ${JSON.stringify(text)}`, sentences(text), parts);
}
for (const [word, near] of golden.near) compare(`nearest to ${word}`, nearest(word, model.bundle.vocabulary), near);

for (const [n, [content, told]] of golden.shots.entries()) {
  compare(`EXIF ${n}`, shot(Uint8Array.from(Buffer.from(content, "base64"))), told, 1e-5);
}

const views = [];
for (const one of golden.photographs) {
  const [width, height] = one.pixels;
  const read = (/** @type {string} */ kind) => new Uint8Array(readFileSync(path.join(folder, `${one.file}.${kind}`)));
  const picture = { data: read("rgb"), width, height, channels: 3 };
  const square = squash(picture, model.bundle.manifest.size);
  compare(`${one.file} square`, square.reduce((sum, value) => sum + value, 0), one.square);

  // The network must give the same candidates, and the choice of regions from Python's candidates must be the same.
  const rows = rowsOf(new Float32Array(read("candidates").buffer), 5);
  const [fine, coarse, scores, boxes] = await model.look(square);
  const own_N4 = rowsOf(numbers(boxes), 4);
  numbers(scores).forEach((score, n) => {
    for (const [k, value] of [score, ...own_N4[n]].entries()) {
      if (Math.abs(value - rows[n][k]) > 1e-4) differ(`${one.file} candidate ${n}`, value, rows[n][k]);
    }
  });
  const [score_N, box_N] = [rows.map((row) => row[0]), rows.map((row) => row.slice(1))];
  const { nms, proposer } = model.bundle.manifest;
  const given = choose(proposer, score_N, box_N, nms);

  // A difference of one in ten million between two candidates can exchange their places, and so their choice.
  const photograph = { name: one.name, width: one.width, height: one.height, picture };
  const own = choose(proposer, numbers(scores), own_N4, nms);
  const edges = own.box_I.flatMap((box, i) => Array.from(box, (edge, k) => Math.abs(edge - given.box_I[i][k])));
  const isSame = Math.max(...edges) < 1e-4;
  const free = isSame ? null : await model.view(photograph, square, [fine, coarse], own, proposer);
  if (isSame) same.boxes += 1;
  if (!free || (await free.caption()).text === one.photo.caption.text) same.captions += 1;

  const view = await model.view(photograph, square, [fine, coarse], given, proposer);
  views.push(view);
  const few = !("phrases" in one.photo);
  const photo = few
    ? { regions: view.regions, caption: await responses.caption(view, await view.caption()) }
    : await responses.photo(view, "golden");
  compare(`${one.file} photo`, photo, one.photo);
  compare(`${one.file} captions`, await responses.captions(view, one.request), one.captions);
  const { sentence, beta } = one.alignment;
  compare(`${one.file} alignment`, await responses.alignment(view, sentence, beta), one.alignment);
}

for (const [sentence, score_K] of golden.scores) {
  const query = new Query((await model.readMany([sentence]))[0]);
  compare(`scores of ${sentence}`, views.map((view) => query.score(view.v_I)), score_K);
}
for (const [n, [sentence, region]] of golden.located.entries()) {
  compare(`place of ${sentence}`, views[n % views.length].locate((await model.readMany([sentence]))[0]), region);
}
for (const [sentence, fits_K] of golden.fits) {
  const query = await Query.asked(model, sentence, null, []);
  compare(`answers to ${sentence}`, views.map((view) => query.fits(view.v_I)), fits_K);
}
const share = (/** @type {number} */ count) => `${count} of ${views.length}`;
console.log(`By the engine alone: the same boxes in ${share(same.boxes)}, the same caption in ${share(same.captions)}`);
console.log(`${compared} values compared, ${differences} differ`);
process.exit(differences || same.boxes < 0.6 * views.length || same.captions < 0.9 * views.length ? 1 : 0);
