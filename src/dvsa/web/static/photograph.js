/** The photograph with its regions, the highlighted region, and a part selected by dragging. */

import { boxWithTag, placeTag, positionOn, setBox } from "./boxes.js";
import { byId, svg } from "./dom.js";
import { dragBox } from "./drag.js";
import { highlight, pin, pinned } from "./highlight.js";
import { regionLabel } from "./palette.js";
import { makeRoving, setTabStop } from "./roving.js";

/** @typedef {import("./api.js").Photo} Photo @typedef {import("./highlight.js").Highlight} Highlight */

/** Sends a `search` event when the user searches by a part; its detail is the box. */
export class PhotographView extends EventTarget {
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
    this.aligned = [];
    this.searchable = false;

    makeRoving(this.regions, ".region");
    highlight.addEventListener("change", (event) => this.showHighlight(event.detail));
    byId("all-regions").addEventListener("change", () => this.showAligned(this.aligned));
    byId("similar").addEventListener("click", () => this.search());
    this.listen();
    dragBox(this.frame, {
      allowed: () => this.searchable,
      draw: (box) => {
        this.frame.classList.add("selecting");
        byId("selection").hidden = false;
        positionOn(byId("selection"), box, true);
      },
      done: (box) => this.select(box),
    });
  }

  /** Shows the picture alone, until the server answers. @param {Blob} blob */
  async preview(blob) {
    const url = URL.createObjectURL(blob);
    this.clear();
    this.picture.src = url;
    await this.picture.decode().catch(() => {}); // the server may read formats that the browser cannot
    this.setShape(this.picture.naturalWidth || 4, this.picture.naturalHeight || 3);
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
    this.setShape(photo.width, photo.height);

    // Small regions come last, so that large ones do not cover them.
    const area = (/** @type {{box: number[]}} */ { box: [x0, y0, x1, y1] }) => (x1 - x0) * (y1 - y0);
    const ordered = photo.regions.toSorted((a, b) => area(b) - area(a));
    this.regions.append(shade(), ...ordered.map((region) => this.drawRegion(region)));
    setTabStop(this.regions, ".region");
    this.showHighlight(null);
  }

  /** Shows the regions that the sentence is aligned with. @param {number[]} regions */
  showAligned(regions) {
    this.aligned = regions;
    const all = byId("all-regions").checked;
    /** @type {number[][]} */
    const taken = [];
    for (const group of this.regions.querySelectorAll(".region")) {
      const region = Number(group.dataset.region);
      group.classList.toggle("aligned", regions.includes(region));
      group.classList.toggle("shown", all);
      if (all || regions.includes(region)) placeTag(group.querySelector(".tag"), this.photo.regions[region].box, taken);
    }
  }

  /** @param {Highlight | null} highlighted */
  showHighlight(highlighted) {
    const ignored = this.part && highlighted?.word === undefined; // a selected part stays highlighted
    const current = ignored ? null : highlighted;
    const region = current && this.photo?.regions[current.region];
    const box = region ? region.box : this.part;

    const tooltip = byId("tooltip");
    tooltip.hidden = !region;
    this.frame.classList.toggle("lit", Boolean(box));
    for (const group of this.regions.querySelectorAll(".region")) {
      group.setAttribute("aria-pressed", String(Number(group.dataset.region) === pinned()));
    }
    byId("similar").hidden = !(this.searchable && this.selectedBox());
    byId("readout").textContent = this.describe(region ? current : null);
    if (box) setBox(this.regions.querySelector("#hole"), box);
    if (!region) return;
    const { word, said } = current;
    const told = [word, said].filter(Boolean).join(": ");
    tooltip.textContent = word === undefined ? this.regionName(current.region) : told;
    positionOn(tooltip, region.box);
  }

  /** The phrase of a region, or a description of it. @param {number} region */
  regionName(region) {
    if (region === this.photo.regions.length - 1) return "the whole photograph";
    const phrase = this.photo.phrases.find((found) => found.region === region);
    return phrase?.caption.text || "a region without a phrase";
  }

  /** The text below the photograph. @param {Highlight | null} highlighted */
  describe(highlighted) {
    if (!this.photo) return "Opening…";

    if (highlighted) {
      const { region, word, said } = highlighted;
      const isFrame = region === this.photo.regions.length - 1;
      const place = isFrame ? "the whole photograph" : `region ${region}`;
      if (word !== undefined) return [`${word} on ${place}`, said].filter(Boolean).join(": ");
      return isFrame ? "The whole photograph" : `Region ${region}: ${this.regionName(region)}`;
    }

    if (this.part) return "The selected part";
    if (!matchMedia("(hover: hover)").matches) return "Touch a word or a region.";
    return `Point at a word or a region${this.searchable ? "; drag a box to search by it" : ""}.`;
  }

  /** The box of the selected part or the pinned region. @returns {number[] | null} */
  selectedBox() {
    return this.part ?? (pinned() === null ? null : this.photo?.regions[pinned()]?.box ?? null);
  }

  /** Selects a part of the photograph; null clears the selection. @param {number[] | null} box */
  select(box) {
    this.part = box;
    this.frame.classList.toggle("selecting", Boolean(box));
    byId("selection").hidden = !box;
    if (box) positionOn(byId("selection"), box, true);
    pin(null);
    this.showHighlight(null);
    if (box) byId("similar").focus();
  }

  search() {
    const box = this.selectedBox();
    if (box) this.dispatchEvent(new CustomEvent("search", { detail: box }));
  }

  clear() {
    this.photo = null;
    this.aligned = [];
    this.regions.replaceChildren();
    this.picture.alt = "";
    this.select(null);
  }

  /** Reserves the picture's space, so that nothing moves when it loads. @param {number} width @param {number} height */
  setShape(width, height) {
    this.frame.style.setProperty("--ratio", String(width / height));
  }

  /** @param {import("./api.js").Region} region */
  drawRegion({ index, box }) {
    const frame = this.photo.regions.length - 1;
    const name = index === frame ? "The whole photograph" : `Region ${index}: ${this.regionName(index)}`;
    const kind = index === frame ? "region whole" : "region";
    const attributes = { class: kind, role: "button", "data-region": index, "aria-label": name };
    return svg("g", { ...attributes, "aria-pressed": "false" }, ...boxWithTag(box, regionLabel(index, frame)));
  }

  listen() {
    const toggle = (/** @type {Element} */ group) => {
      const region = Number(group.dataset.region);
      const next = pinned() === region ? null : region;
      this.select(null);
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
      if (event.key === "Escape") this.select(null);
    });
  }
}

/** Darkens the photograph around the highlighted region. */
function shade() {
  const all = { width: "100%", height: "100%" };
  const hole = svg("rect", { id: "hole", fill: "black" });
  const mask = svg("mask", { id: "around" }, svg("rect", { ...all, fill: "white" }), hole);
  return svg("g", { class: "shade" }, mask, svg("rect", { ...all, mask: "url(#around)" }));
}
