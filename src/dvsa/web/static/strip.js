/** The strip of open photographs, above the one that is shown. */

import { image } from "./api.js";
import { byId, el, plural } from "./dom.js";
import { makeRoving, setTabStop } from "./roving.js";

/** @typedef {import("./open_photos.js").Entry} Entry */

export class Strip {
  /**
   * @param {import("./open_photos.js").OpenPhotos} photos
   * @param {{open: (entry: Entry) => void, closed: (entry: Entry) => void}} callbacks
   */
  constructor(photos, callbacks) {
    this.photos = photos;
    this.callbacks = callbacks;
    /** @type {Entry | null} */
    this.current = null;
    this.list = byId("strip-list");
    makeRoving(this.list, ".strip-photo");
    photos.addEventListener("change", () => this.draw());
    byId("strip-stop").addEventListener("click", () => photos.stop());
  }

  /** @param {Entry | null} entry */
  setCurrent(entry) {
    this.current = entry;
    this.draw();
    this.list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  draw() {
    const { entries } = this.photos;
    const focused = [...this.list.querySelectorAll("button")].indexOf(/** @type {any} */ (document.activeElement));
    byId("strip").hidden = entries.length < 2;
    this.list.replaceChildren(...entries.map((entry) => this.item(entry)));
    setTabStop(this.list, ".strip-photo", this.list.querySelector("[aria-current]") ?? undefined);
    if (focused >= 0) this.list.querySelectorAll("button")[focused]?.focus();

    const of = (/** @type {string} */ state) => entries.filter((entry) => stateOf(entry) === state);
    const [left, open, failed] = [of("waiting"), of(""), of("failed")];
    const parts = [`${plural(open.length, "photograph")} open`];
    if (left.length) parts.push(`${left.length} to go`);
    if (failed.length) parts.push(`${failed.length} could not be opened`);
    byId("strip-summary").textContent = `${parts.join(", ")}.`;
    byId("strip-stop").hidden = !this.photos.waiting().length;
  }

  /** @param {Entry} entry */
  item(entry) {
    const { name, photo, failed } = entry;
    const state = stateOf(entry);
    const label = failed ? `${name}: ${failed}` : photo ? `${name}: ${photo.caption.text}` : `${name}, waiting`;
    const button = el("button", { type: "button", class: `strip-photo ${state}`, "aria-label": label, title: label });
    if (entry === this.current) button.setAttribute("aria-current", "true");
    button.append(photo ? el("img", { src: image(photo.id), alt: "", loading: "lazy" }) : failed ? "!" : "…");
    button.addEventListener("click", () => this.callbacks.open(entry));

    const close = el("button", { type: "button", class: "close", "aria-label": `Close ${name}`, tabindex: -1 }, "×");
    close.addEventListener("click", () => this.close(entry));
    button.addEventListener("keydown", (event) => {
      if (event.key === "Delete") this.close(entry);
    });
    return el("li", {}, button, close);
  }

  /** @param {Entry} entry */
  close(entry) {
    this.photos.remove(entry);
    this.callbacks.closed(entry);
  }
}

/** @param {Entry} entry */
function stateOf({ photo, failed }) {
  if (failed) return "failed";
  return photo ? "" : "waiting";
}
