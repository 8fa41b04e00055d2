/** The model in this tab, as the page asks it: the same requests as to a server, answered by a worker. */

import { EngineError } from "./arrays.js";
import { Panel } from "./panel.js";
import { lacks } from "./support.js";
import { registerServiceWorker } from "./updates.js";

/**
 * @typedef {{request: (path: string, options?: RequestInit) => Promise<any>,
 *   address: (path: string) => string | undefined}} Engine
 * @typedef {{photographs: number, keeping: boolean}} State
 */

/** The folder of the site, which is two above this module. */
const ROOT = new URL("../../", import.meta.url);

export class TabEngine {
  constructor() {
    this.panel = new Panel(this);
    this.asked = 0;
    /** @type {Map<number, {done: (answer: any) => void, fail: (error: Error) => void}>} */
    this.waiting = new Map();
    /** @type {Map<string, string>} addresses of pictures in this tab, by those that they have on a server */
    this.pictures = new Map();
    /** @type {State} */
    this.state = { photographs: 0, keeping: false };
    /** @type {string | null} why nothing works */
    this.failure = lacks();
    this.site = fetch(new URL("files.json", ROOT), { cache: "no-cache" }).then((response) => response.json());
    this.model = { name: "", digest: "" };
    const { bundle, problem } = bundleOf(location.search);
    this.worker = this.failure ? null : this.start(bundle, null);
    if (problem) this.panel.note(problem);
    if (this.failure) this.panel.fail(this.failure);
    registerServiceWorker(new URL("sw.js", ROOT), this.panel);
  }

  /** Starts the worker with the site's bundle, another one of the site, or files that the user gives.
   * @param {string | null} bundle @param {Record<string, File> | null} files */
  start(bundle, files) {
    const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    worker.addEventListener("message", ({ data }) => this.receive(data));
    worker.addEventListener("error", () =>
      this.fail("The engine of this page does not start. Load the page again; if that does not help, update the " +
        "browser."));
    worker.postMessage({ start: { root: ROOT.href, bundle, files } });
    return worker;
  }

  /** Uses another bundle from now on. @param {Record<string, File>} files */
  restart(files) {
    this.worker?.terminate();
    for (const { fail } of this.waiting.values()) fail(new EngineError("Another model was opened.", 499));
    this.waiting.clear();
    this.failure = null;
    this.worker = this.start(null, files);
  }

  /** @param {any} message of the worker */
  receive({ event, detail, id, answer, error, pictures, state }) {
    if (event === "progress") this.panel.showProgress(detail);
    else if (event === "note") this.panel.note(detail.note);
    else if (event === "failed") this.fail(detail.message);
    else if (event === "ready") this.ready(detail);
    if (id === undefined) return;

    if (state) this.setState(state);
    for (const [path, picture] of Object.entries(pictures ?? {})) this.setPicture(path, picture);
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (error) waiting?.fail(new EngineError(error.message, error.status));
    else waiting?.done(answer);
  }

  /** @param {{model: string, digest: string, photographs: number, keeping: boolean}} detail */
  ready({ model, digest, photographs, keeping }) {
    this.model = { name: model, digest };
    this.panel.ready(this.model);
    this.setState({ photographs, keeping });
  }

  /** @param {State} state */
  setState(state) {
    this.state = state;
    this.panel.showState(state);
  }

  /** @param {string} path @param {Blob} picture */
  setPicture(path, picture) {
    const former = this.pictures.get(path);
    if (former) URL.revokeObjectURL(former);
    this.pictures.set(path, URL.createObjectURL(picture));
  }

  /** @param {string} reason */
  fail(reason) {
    this.failure = reason;
    this.panel.fail(reason);
    for (const { fail } of this.waiting.values()) fail(new EngineError(reason, 503));
    this.waiting.clear();
  }

  /** Answers a request of the page. @param {string} path @param {RequestInit} [options] */
  async request(path, { method = "GET", body, signal } = {}) {
    if (path === "/healthz") return this.health();
    if (path === "/api/samples") return (await this.site).samples;
    const given = body instanceof FormData ? body.get("file") : typeof body === "string" ? JSON.parse(body) : null;
    return this.ask(method, path, given, signal ?? null);
  }

  /**
   * Asks the worker.
   * @param {string} method @param {string} path @param {any} body @param {AbortSignal | null} [signal]
   */
  ask(method, path, body, signal) {
    const { worker } = this;
    if (this.failure || !worker) return Promise.reject(new EngineError(this.failure ?? "", 503));
    const id = (this.asked += 1);
    const answered = new Promise((done, fail) => {
      this.waiting.set(id, { done, fail });
      signal?.addEventListener("abort", () => fail(signal.reason), { once: true });
    });
    worker.postMessage({ id, method, path, body });
    return answered;
  }

  /** Its number of photographs is that of any later moment. */
  async health() {
    const { model } = await this.site;
    const photographs = () => this.state.photographs || null;
    const { name, digest } = this.model.name ? this.model : model;
    return {
      model: name, digest, search_paths: false,
      get index() {
        return photographs();
      },
    };
  }

  /** @param {string} path */
  address(path) {
    return this.pictures.get(path);
  }
}

/** The folder that `?bundle=` names, if it is of this site. @param {string} search */
function bundleOf(search) {
  const named = new URLSearchParams(search).get("bundle");
  if (!named) return { bundle: null };
  const { href } = new URL(named, ROOT);
  if (href.startsWith(ROOT.href)) return { bundle: href.slice(ROOT.href.length).replace(/\/+$/, "") };
  const problem = `“${named.slice(0, 80)}” is no folder of this site: the page uses its own model.`;
  return { bundle: null, problem };
}

export const engine = new TabEngine();
