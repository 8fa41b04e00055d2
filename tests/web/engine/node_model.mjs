/** The engine in Node, with the very files of a bundle and the runtime of the site. */

import { readFileSync } from "node:fs";
import path from "node:path";
import * as ort from "onnxruntime-web";
import { Bundle } from "../../../src/dvsa/web/static/engine/bundle.js";
import { Model } from "../../../src/dvsa/web/static/engine/model.js";

ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";

/** @param {string} bundle the folder of a bundle @param {string} lists the folder of classes.tsv and things.txt */
export async function loadModel(bundle, lists) {
  const read = async (/** @type {string} */ file) => new Uint8Array(readFileSync(path.join(bundle, file)));
  const opened = await Bundle.open(read, /** @type {any} */ (ort));
  const text = (/** @type {string} */ file) => readFileSync(path.join(lists, file), "utf8");
  return new Model(opened, { classes: text("classes.tsv"), things: text("things.txt") });
}
