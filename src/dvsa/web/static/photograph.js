/** The photograph with its regions drawn over it, the light on one of them, and a part chosen by dragging. */

import { marked, outline, pinTo, place } from "./boxes.js";
import { byId, number, svg } from "./dom.js";
import { drag } from "./drag.js";
import { sign } from "./palette.js";
import { rove, stop } from "./roving.js";
import { pin, pinned, spotlight } from "./spotlight.js";

/** @typedef {import("./api.js").Photo} Photo @typedef {import("./spotlight.js").Light} Light */

/** Tells of a part that is to be searched for by a `search` event whose detail is its box. */
export class Photograph extends EventTarget {
  constructor() {
    super();
    this.frame = byId("frame");
    this.picture = byId("picture");
    this.regions = byId("regions");
    /** @type {Photo | null} */
    this.photo = null;
    /** @type {number[] | null} */
    this.part = null;
    /** @type {number[]} */
    this.spoken = [];
    this.searchable = false;
    rove(this.regions, ".region");
    spotlight.addEventListener("change", (event) => this.light(event.detail));
    byId("all-regions").addEventListener("change", () => this.mark(this.spoken));
    byId("similar").addEventListener("click", () => this.search());
    this.listen();
    drag(this.frame, {
      allowed: () => this.searchable,
      draw: (box) => {
        this.frame.classList.add("choosing");
        byId("marquee").hidden = false;
        pinTo(byId("marquee"), box, true);
      },
      done: (box) => this.choose(box),
    });
  }

  /** The picture alone, while the server looks at it. @param {Blob} blob */
  async preview(blob) {
    const url = URL.createObjectURL(blob);
    this.clear();
    this.picture.src = url;
    await this.picture.decode().catch(() => {}); // what the browser cannot draw the server may still read
    this.fit(this.picture.naturalWidth || 4, this.picture.naturalHeight || 3);
    URL.revokeObjectURL(url);
  }

  /** @param {Photo} photo @param {string} source of the picture @param {boolean} searchable */
  async show(photo, source, searchable) {
    const picture = new Image();
    picture.src = source;
    await picture.decode().catch(() => {});
    this.clear();
    this.photo = photo;
    this.searchable = searchable;
    this.picture.src = source;
    this.picture.alt = `${photo.name}: ${photo.caption.text}`;
    this.fit(photo.width, photo.height);
    const area = ({ box: [x0, y0, x1, y1] }) => (x1 - x0) * (y1 - y0);
    // Small ones last, so that the pointer finds them.
    const ordered = photo.regions.toSorted((a, b) => area(b) - area(a));
    this.regions.append(shade(), ...ordered.map((region) => this.draw(region)));
    stop(this.regions, ".region");
    this.light(null);
  }

  /** Shows which regions the sentence speaks of. @param {number[]} regions */
  mark(regions) {
    this.spoken = regions;
    const all = byId("all-regions").checked;
    /** @type {number[][]} */
    const taken = [];
    for (const group of this.regions.querySelectorAll(".region")) {
      const region = Number(group.dataset.region);
      group.classList.toggle("spoken", regions.includes(region));
      group.classList.toggle("shown", all);
      if (all || regions.includes(region)) place(group.querySelector(".tag"), this.photo.regions[region].box, taken);
    }
  }

  /** @param {Light | null} light */
  light(light) {
    if (this.part && light?.word === undefined) light = null; // then a part is in the light, whatever is pointed at
    const region = light && this.photo?.regions[light.region];
    const box = region ? region.box : this.part;
    const whisper = byId("whisper");
    whisper.hidden = !region;
    this.frame.classList.toggle("lit", Boolean(box));
    for (const group of this.regions.querySelectorAll(".region")) {
      group.setAttribute("aria-pressed", String(Number(group.dataset.region) === pinned()));
    }
    byId("similar").hidden = !(this.searchable && this.chosen());
    byId("readout").textContent = this.describe(region ? light : null);
    if (box) outline(this.regions.querySelector("#hole"), box);
    if (!region) return;
    whisper.textContent = light.word === undefined ? this.name(light.region) : `${light.word} ${number(light.score)}`;
    pinTo(whisper, region.box);
  }

  /** The phrase of a region, or what it is. @param {number} region */
  name(region) {
    if (region === this.photo.regions.length - 1) return "the whole photograph";
    const phrase = this.photo.phrases.find((found) => found.region === region);
    return phrase?.caption.text || "a region without a phrase";
  }

  /** @param {Light | null} light */
  describe(light) {
    if (!this.photo) return "Looking…";
    if (light) {
      const frame = this.photo.regions.length - 1;
      const place = light.region === frame ? "the whole photograph" : `region ${light.region}`;
      if (light.word !== undefined) return `${light.word} on ${place}: score ${number(light.score)}`;
      return light.region === frame ? "The whole photograph" : `Region ${light.region}: ${this.name(light.region)}`;
    }
    if (this.part) return "The part that you chose";
    if (!matchMedia("(hover: hover)").matches) return "Touch a word or a region.";
    return `Point at a word or a region${this.searchable ? "; drag a box to search by it" : ""}.`;
  }

  /** The box that a search would be for. @returns {number[] | null} */
  chosen() {
    return this.part ?? (pinned() === null ? null : this.photo?.regions[pinned()]?.box ?? null);
  }

  /** Chooses a part that is no region, or none. @param {number[] | null} box */
  choose(box) {
    this.part = box;
    this.frame.classList.toggle("choosing", Boolean(box));
    byId("marquee").hidden = !box;
    if (box) pinTo(byId("marquee"), box, true);
    pin(null);
    this.light(null);
    if (box) byId("similar").focus();
  }

  search() {
    const box = this.chosen();
    if (box) this.dispatchEvent(new CustomEvent("search", { detail: box }));
  }

  clear() {
    this.photo = null;
    this.spoken = [];
    this.regions.replaceChildren();
    this.picture.alt = "";
    this.choose(null);
  }

  /** The shape of the picture, so that nothing moves when it comes. @param {number} width @param {number} height */
  fit(width, height) {
    this.frame.style.setProperty("--ratio", String(width / height));
  }

  /** @param {import("./api.js").Region} region */
  draw({ index, box }) {
    const frame = this.photo.regions.length - 1;
    const name = index === frame ? "The whole photograph" : `Region ${index}: ${this.name(index)}`;
    const kind = index === frame ? "region whole" : "region";
    const attributes = { class: kind, role: "button", "data-region": index, "aria-label": name };
    const group = svg("g", { ...attributes, "aria-pressed": "false" }, ...marked(box, sign(index, frame)));
    return group;
  }

  listen() {
    const toggle = (/** @type {Element} */ group) => {
      const region = Number(group.dataset.region);
      const next = pinned() === region ? null : region;
      this.choose(null);
      pin(next);
    };
    this.regions.addEventListener("click", (event) => {
      const group = event.target.closest(".region");
      if (group) toggle(group);
    });
    this.regions.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      toggle(event.target);
    });
    this.frame.closest("figure").addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.choose(null);
    });
  }
}

/** Darkness around the lit region. */
function shade() {
  const all = { width: "100%", height: "100%" };
  const hole = svg("rect", { id: "hole", fill: "black" });
  const mask = svg("mask", { id: "around" }, svg("rect", { ...all, fill: "white" }), hole);
  return svg("g", { class: "shade" }, mask, svg("rect", { ...all, mask: "url(#around)" }));
}
