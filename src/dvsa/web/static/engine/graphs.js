/** The networks of a bundle: graphs with named inputs, run by ONNX Runtime; as dvsa.graphs. */

import { EngineError } from "./arrays.js";

/**
 * @typedef {import("./arrays.js").Tensor} Tensor
 * @typedef {{inputNames: readonly string[], outputNames: readonly string[],
 *   run: (feeds: Record<string, any>) => Promise<Record<string, Tensor>>}} Session
 * @typedef {{Tensor: new (type: any, data: any, dims: readonly number[]) => any,
 *   InferenceSession: {create: (content: Uint8Array, options: object) => Promise<Session>}}} Runtime
 */

/** Each graph is loaded when it is first used. */
export class Graphs {
  /**
   * @param {Runtime} runtime ONNX Runtime @param {(file: string) => Promise<Uint8Array>} content of a file, verified
   * @param {object} [options] of a session
   */
  constructor(runtime, content, options = { executionProviders: ["wasm"] }) {
    this.runtime = runtime;
    this.content = content;
    this.options = options;
    /** @type {Map<string, Promise<Session>>} */
    this.sessions = new Map();
    /** @type {Map<string, Promise<Uint8Array>>} of graphs that are not loaded yet */
    this.fetched = new Map();
    /** @type {Promise<unknown>} the run before: a graph cannot run twice at once */
    this.before = Promise.resolve();
  }

  /** Runs a graph; its outputs in their order. @param {string} graph @param {Record<string, Tensor>} inputs */
  async run(graph, inputs) {
    const session = await this.session(graph);
    const { Tensor } = this.runtime;
    const feeds = Object.fromEntries(
      Object.entries(inputs).map(([name, { type, data, dims }]) => [name, new Tensor(type, data, dims)]),
    );
    const running = this.before.then(() => session.run(feeds));
    this.before = running.catch(() => {});
    try {
      const found = await running;
      return session.outputNames.map((name) => found[name]);
    } catch (error) {
      throw failed(`the graph ${graph} cannot be run`, error);
    }
  }

  /** The names of a graph's inputs, in their order. @param {string} graph */
  async inputs(graph) {
    return (await this.session(graph)).inputNames;
  }

  /** @param {string} graph */
  session(graph) {
    const known = this.sessions.get(graph);
    if (known) return known;
    const loading = this.load(graph);
    loading.catch(() => this.sessions.delete(graph)); // so that another try is possible
    this.sessions.set(graph, loading);
    return loading;
  }

  /** Begins to fetch a graph that will soon be loaded. @param {string} graph */
  fetch(graph) {
    const fetching = this.content(`${graph}.onnx`);
    fetching.catch(() => {}); // whoever loads the graph is told
    this.fetched.set(graph, fetching);
  }

  /** @param {string} graph */
  async load(graph) {
    const fetching = this.fetched.get(graph) ?? this.content(`${graph}.onnx`);
    this.fetched.delete(graph);
    const content = await fetching;
    try {
      return await this.runtime.InferenceSession.create(content, this.options);
    } catch (error) {
      throw failed(`the graph ${graph} cannot be loaded`, error);
    }
  }
}

/** @param {string} what @param {unknown} error */
function failed(what, error) {
  const reason = String(error instanceof Error ? error.message : error).replace(/\s+/g, " ").slice(0, 200);
  // ONNX Runtime throws bare numbers, which are addresses, when memory runs out.
  const noMemory = error instanceof RangeError || typeof error === "number" || /memory|alloc|OOM|^\d+$/i.test(reason);
  if (noMemory) {
    return new EngineError("There is too little memory for the model: close other tabs and load the page again.", 507);
  }
  return new EngineError(`${what} (${reason}): load the page again`, 500);
}
