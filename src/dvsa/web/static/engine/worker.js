/** The engine in a worker of its own, so that the page never waits for it. */

import { EngineError } from "./arrays.js";
import { Bundle, readable } from "./bundle.js";
import { Downloads } from "./download.js";
import { Model } from "./model.js";
import { Service } from "./service.js";

/**
 * @typedef {{id: number, method: string, path: string, body: any}} Asked
 * @typedef {{root: string, bundle: string | null, files: Record<string, File> | null}} Start where the site is, and
 *   a bundle other than its own: a folder of the same site, or files that the user gave
 */

const WASM = "ort-wasm-simd-threaded.wasm";
/** More threads than this are no faster. */
const MOST_THREADS = 4;

/** @type {Promise<Service> | null} */
let service = null;
/** @type {Promise<unknown>} the request before: they are answered one after another */
let before = Promise.resolve();

/** @param {string} event @param {object} detail */
const tell = (event, detail) => postMessage({ event, detail });

/** @param {Start} start */
async function prepare({ root, bundle, files }) {
  const site = await (await fetch(new URL("files.json", root), { cache: "no-cache" })).json();
  const own = new URL("model/", root);
  const report = (/** @type {object} */ progress) => tell("progress", progress);
  const warn = (/** @type {string} */ note) => tell("note", { note });
  const downloads = new Downloads({ base: own, files: site.files }, report, warn);
  const runtime = await startRuntime(root, downloads, site.files[WASM]);
  const read = files
    ? (/** @type {string} */ file) => given(files, file)
    : reader(bundle ? new Downloads({ base: new URL(`${bundle}/`, root), files: null }, report, warn) : downloads);

  const lists = await Promise.all(["classes.tsv", "things.txt"].map(async (file) =>
    (await fetch(new URL(`static/lists/${file}`, root))).text()));
  const opened = await Bundle.open(read, runtime, { executionProviders: ["wasm"], logSeverityLevel: 3 });
  const model = new Model(opened, { classes: lists[0], things: lists[1] });
  await load(model);
  if (!bundle && !files) await downloads.tidy(site.files).catch(() => undefined);

  const sample = async (/** @type {string} */ name) =>
    (await fetch(new URL(`static/samples/${encodeURIComponent(name)}`, root))).blob();
  const made = new Service(model, site.samples, sample);
  await made.collection.restore();
  tell("ready", { ...made.health(), ...made.state() });
  return made;
}

/** ONNX Runtime, with threads where the page is isolated. @param {string} root @param {Downloads} downloads
 * @param {import("./download.js").SiteFile} record */
async function startRuntime(root, downloads, record) {
  const at = (/** @type {string} */ file) => new URL(`static/ort/${file}`, root).href;
  const ort = await import(/* @vite-ignore */ at("ort.wasm.min.mjs"));
  const content = await downloads.read(WASM, record);
  ort.env.wasm.wasmPaths = { mjs: at("ort-wasm-simd-threaded.mjs") };
  ort.env.wasm.wasmBinary = content.buffer;
  ort.env.wasm.numThreads = globalThis.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, MOST_THREADS) : 1;
  ort.env.logLevel = "error";
  return ort;
}

/** Files of a place; one that the browser has kept and that is damaged comes again. @param {Downloads} downloads
 * @returns {import("./bundle.js").Read} */
const reader = (downloads) => (file, record, again) => downloads.read(file, record, again);

/** @param {Record<string, File>} files @param {string} file */
async function given(files, file) {
  if (!(file in files)) throw new EngineError(`the folder has no file ${file}: give a folder that dvsa export wrote`);
  return new Uint8Array(await files[file].arrayBuffer());
}

/** Loads all graphs, those that a photograph needs first before the others. @param {Model} model */
async function load({ bundle }) {
  const graphs = readable(bundle.manifest).filter((file) => file.endsWith(".onnx")).map((file) => file.slice(0, -5));
  for (const [n, graph] of graphs.entries()) {
    // The next one comes while this one is loaded.
    for (const next of graphs.slice(n + 1, n + 2)) bundle.graphs.fetch(next);
    await bundle.graphs.session(graph);
  }
}

/** @param {Asked} asked */
async function answer({ id, method, path, body }) {
  try {
    if (!service) throw new EngineError("the engine has not been started", 500);
    const ready = await service;
    const found = await ready.handle({ method, path, body });
    postMessage({ id, ...found, state: ready.state() });
  } catch (error) {
    const status = error instanceof EngineError ? error.status : 500;
    postMessage({ id, error: { status, message: error instanceof Error ? error.message : String(error) } });
  }
}

addEventListener("message", ({ data }) => {
  if (data.start) {
    service = prepare(data.start);
    service.catch((error) => tell("failed", { message: error instanceof Error ? error.message : String(error) }));
    return;
  }
  before = before.then(() => answer(data));
});
