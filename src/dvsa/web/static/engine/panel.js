/** What only the page without a server shows: the download, the photographs to search, and what is stored. */

import { byId, el, plural } from "../dom.js";
import { removeStored } from "./updates.js";

/** Most photographs that can be searched. */
const MOST = 2000;
const MANY = MOST.toLocaleString("en");
/** How a folder is asked for. */
const FOLDER = { webkitdirectory: "", multiple: "" };
const PHOTOGRAPH = /\.(jpe?g|jfif|png|webp|gif|bmp|avif|heic|heif)$/i;
const MB = 2 ** 20;

export class Panel {
  /** @param {import("./client.js").TabEngine} engine */
  constructor(engine) {
    this.engine = engine;
    this.stopped = false;
    this.loading = el("section", { id: "tab-loading", "aria-label": "The model" });
    this.text = el("p", { role: "status" }, "The model is being loaded…");
    this.bar = el("progress", { max: 1, "aria-label": "Share of the model that is loaded" });
    this.loading.append(this.text, this.bar);
    this.notes = el("div", { id: "tab-notes", role: "status" });
    this.count = el("p", { class: "quiet", role: "status" });
    this.stored = el("p", { class: "quiet", role: "status" });
    this.keeping = /** @type {HTMLInputElement} */ (el("input", { type: "checkbox" }));
    this.stop = el("button", { type: "button", class: "small", hidden: "" }, "Stop");
    byId("notice").after(this.loading, this.notes);
    this.buildPhotographs();
    this.hideConditions();
    this.buildStored();
  }

  /** Hides conditions of searches that need a table of places, or an index of files. */
  hideConditions() {
    for (const name of ["country", "city", "field", "path"]) {
      const label = byId("filters").querySelector(`[name="${name}"]`)?.closest("label");
      if (label) label.hidden = true;
    }
  }

  buildPhotographs() {
    this.keeping.addEventListener("change", () => {
      if (this.keeping.checked) navigator.storage?.persist?.(); // so that the browser does not remove them by itself
      this.change("/tab/keep", this.keeping.checked);
    });
    this.stop.addEventListener("click", () => (this.stopped = true));
    const add = picker("Add photographs", { multiple: "", accept: "image/*" }, (files) => this.add(files));
    const folder = picker("Add a folder", FOLDER, (files) => this.add(files));
    byId("start").append(
      el("section", { id: "tab-photographs", "aria-labelledby": "tab-photographs-title" },
        el("h3", { id: "tab-photographs-title" }, "Search your own photographs"),
        el("p", { class: "legend" }, `Up to ${MANY} photographs are read here, in this tab, and go nowhere else.`),
        el("p", { class: "tab-row" }, ...add, ...folder, this.stop),
        this.count,
        el("label", { class: "toggle" }, this.keeping, " Keep them in this browser for the next visit")),
    );
  }

  buildStored() {
    const clear = el("button", { type: "button", class: "small", id: "tab-clear" }, "Remove what this page has stored");
    clear.addEventListener("click", () => this.clear());
    const bundle = picker("Open another model", FOLDER, (files) => this.openBundle(files));
    const box = el("details", { id: "tab-stored" },
      el("summary", {}, "Storage and model"),
      this.stored,
      el("p", { class: "tab-row" }, clear),
      el("p", { class: "legend" }, "A folder that dvsa export wrote can be opened in place of the model of this page."),
      el("p", { class: "tab-row" }, ...bundle));
    box.addEventListener("toggle", () => this.showStored());
    /** @type {HTMLElement} */ (document.querySelector("footer")).append(box);
  }

  /** @param {import("./download.js").Progress} progress */
  showProgress({ file, loaded, total }) {
    if (this.loading.classList.contains("failed")) return; // a download that was under way
    this.bar.setAttribute("value", String(loaded / total));
    const told = `The model is being loaded: ${mb(loaded)} of ${mb(total)}, now ${file}.`;
    this.text.textContent = `${told} It comes once, and stays in this browser.`;
  }

  /** @param {{name: string, digest: string}} model */
  ready({ name, digest }) {
    this.loading.hidden = true;
    byId("about").textContent = `Model ${name}, ${digest.slice(0, 12)}. It runs in this tab: nothing leaves it.`;
    document.documentElement.dataset.ready = "true";
    this.showStored();
  }

  /** @param {string} reason */
  fail(reason) {
    this.loading.hidden = false;
    this.loading.classList.add("failed");
    this.bar.remove();
    this.text.textContent = reason;
  }

  /** @param {string} text */
  note(text) {
    const close = el("button", { type: "button", class: "close", "aria-label": "Close this message" }, "×");
    const line = el("p", {}, text, " ", close);
    close.addEventListener("click", () => line.remove());
    this.notes.replaceChildren(line);
  }

  /** @param {() => void} use */
  offerUpdate(use) {
    const button = el("button", { type: "button", class: "small" }, "Load it");
    button.addEventListener("click", use);
    this.notes.replaceChildren(el("p", {}, "A newer version of this page is here. ", button));
  }

  /** @param {import("./client.js").State} state */
  showState({ photographs, keeping }) {
    this.keeping.checked = keeping;
    const told = photographs ? plural(photographs, "photograph") : "No photograph";
    this.count.textContent = `${told} can be searched${photographs ? "" : " yet"}.`;
    byId("search-form").hidden = !photographs;
    if (photographs) byId("query").placeholder = `Search ${told} by a sentence`;
  }

  /** Reads photographs one after another, so that other requests are answered in between. @param {File[]} files */
  async add(files) {
    const chosen = files.filter(({ name, type }) => type.startsWith("image/") || PHOTOGRAPH.test(name)).slice(0, MOST);
    /** @type {string[]} */
    const left = [];
    this.stopped = false;
    this.stop.hidden = false;
    let done = 0;
    for (const [n, file] of chosen.entries()) {
      if (this.stopped) break;
      this.note(`Reading photograph ${n + 1} of ${chosen.length}…`);
      await this.engine.ask("POST", "/tab/photographs", file).catch((error) => left.push(error.message));
      done += 1;
    }
    this.stop.hidden = true;
    const count = plural(done - left.length, "photograph");
    const read = chosen.length ? `${count} read.` : "These files are no photographs.";
    const most = files.length > MOST ? [`Only the first ${MANY} were read.`] : [];
    const more = left.length > 3 ? [`${left.length - 3} more could not be read.`] : [];
    this.note([read, ...most, ...left.slice(0, 3), ...more].join(" "));
  }

  /** @param {string} path @param {any} body */
  async change(path, body) {
    await this.engine.ask("POST", path, body).catch((error) => this.note(error.message));
    await this.showStored();
  }

  /** @param {File[]} files */
  openBundle(files) {
    if (!files.some(({ name }) => name === "manifest.json")) {
      this.note("This folder has no manifest.json: choose a folder that dvsa export wrote.");
      return;
    }
    this.loading.hidden = false;
    this.loading.classList.remove("failed");
    this.text.textContent = "The model is being loaded…";
    this.engine.restart(Object.fromEntries(files.map((file) => [file.name, file])));
  }

  async clear() {
    await this.engine.ask("POST", "/tab/clear", null).catch(() => undefined);
    await removeStored();
    this.note("This page has removed all that it had stored in this browser. It goes on until you close it.");
    await this.showStored();
  }

  async showStored() {
    const estimate = await navigator.storage?.estimate?.().catch(() => null);
    const used = estimate?.usage ?? 0;
    this.stored.textContent = used > MB
      ? `This site takes ${mb(used)} of this browser's storage: the page and the model, for visits without a ` +
        "network, and photographs if you keep them."
      : "This site has stored nothing in this browser.";
  }
}

/** @param {number} bytes */
const mb = (bytes) => `${Math.round(bytes / MB)} MB`;

/** A button that asks for files. @param {string} text @param {Record<string, string>} attributes
 * @param {(files: File[]) => void} use */
function picker(text, attributes, use) {
  const out = { type: "file", hidden: "", "aria-hidden": "true", tabindex: -1 };
  const input = /** @type {HTMLInputElement} */ (el("input", { ...out, ...attributes }));
  const button = el("button", { type: "button", class: "small" }, text);
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    const files = [...(input.files ?? [])];
    input.value = ""; // so that the same files can be chosen again
    if (files.length) use(files);
  });
  return [button, input];
}
