/** Boxes of regions over a picture, in fractions of its size, so that they fit at any size. */

import { svg } from "./dom.js";

/** @param {number} value a fraction of the picture */
export const toPercent = (value) => `${(100 * value).toFixed(3)}%`;

/**
 * The outline and tag of a region. A dark line under the coloured one keeps it visible on any background.
 * @param {number[]} box (x0, y0, x1, y1) @param {string} text the tag's text
 */
export function boxWithTag(box, text) {
  const wide = 10 + 8 * text.length;
  const tag = svg("svg", { class: "tag", width: 1, height: 1, "data-wide": wide },
    svg("rect", { width: wide, height: 20, rx: 4 }), svg("text", { x: wide / 2, y: 14.5 }, text));
  placeTag(tag, box, []);
  return [setBox(svg("rect", { class: "halo" }), box), setBox(svg("rect", { class: "edge" }), box), tag];
}

/** @template {Element} E @param {E} rectangle @param {number[]} box */
export function setBox(rectangle, [x0, y0, x1, y1]) {
  for (const [name, value] of Object.entries({ x: x0, y: y0, width: x1 - x0, height: y1 - y0 })) {
    rectangle.setAttribute(name, toPercent(value));
  }
  return rectangle;
}

/**
 * Moves a tag to the first corner of its box that is free.
 * @param {Element} tag @param {number[]} box @param {number[][]} taken corners; the tag's corner is added
 */
export function placeTag(tag, [x0, y0, x1, y1], taken) {
  const corners = [[x0, y0, 0, 0], [x1, y0, 1, 0], [x0, y1, 0, 1], [x1, y1, 1, 1]];
  const near = (/** @type {number[]} */ [x, y]) =>
    taken.some(([a, b]) => Math.abs(x - a) < 0.07 && Math.abs(y - b) < 0.06);
  const [x, y, right, bottom] = corners.find((corner) => !near(corner)) ?? corners[0];
  taken.push([x, y]);
  tag.setAttribute("x", toPercent(x));
  tag.setAttribute("y", toPercent(y));
  tag.setAttribute("viewBox", `${right ? tag.dataset.wide : 0} ${bottom ? 20 : 0} 1 1`);
}

/**
 * Moves an element to a box: over the whole box, or as a label at its upper edge.
 * @param {HTMLElement} element @param {number[]} box @param {boolean} [whole]
 */
export function positionOn(element, [x0, y0, x1, y1], whole = false) {
  const fromRight = !whole && x0 > 0.55;
  const above = !whole && y0 > 0.12;
  const edges = {
    left: fromRight ? "auto" : toPercent(x0),
    right: fromRight ? toPercent(1 - x1) : "auto",
    top: above ? "auto" : toPercent(y0),
    bottom: above ? toPercent(1 - y0) : "auto",
    width: whole ? toPercent(x1 - x0) : "auto",
    height: whole ? toPercent(y1 - y0) : "auto",
  };
  for (const [name, value] of Object.entries(edges)) element.style.setProperty(name, value);
}
