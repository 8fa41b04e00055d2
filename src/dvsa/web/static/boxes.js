/** Boxes of regions over a picture, in fractions of it, so that they hold at any size. */

import { svg } from "./dom.js";

/** @param {number} value a fraction of the picture */
export const share = (value) => `${(100 * value).toFixed(3)}%`;

/**
 * What marks a region: a dark line under a coloured one, for every background, and a tag.
 * @param {number[]} box (x0, y0, x1, y1) @param {string} text of the tag
 */
export function marked(box, text) {
  const wide = 10 + 8 * text.length;
  const tag = svg("svg", { class: "tag", width: 1, height: 1, "data-wide": wide },
    svg("rect", { width: wide, height: 20, rx: 4 }), svg("text", { x: wide / 2, y: 14.5 }, text));
  place(tag, box, []);
  return [outline(svg("rect", { class: "halo" }), box), outline(svg("rect", { class: "edge" }), box), tag];
}

/** @template {Element} E @param {E} rectangle @param {number[]} box */
export function outline(rectangle, [x0, y0, x1, y1]) {
  for (const [name, value] of Object.entries({ x: x0, y: y0, width: x1 - x0, height: y1 - y0 })) {
    rectangle.setAttribute(name, share(value));
  }
  return rectangle;
}

/**
 * Puts a tag into the first corner of its box that no other has taken.
 * @param {Element} tag @param {number[]} box @param {number[][]} taken corners, to which its own is added
 */
export function place(tag, [x0, y0, x1, y1], taken) {
  const corners = [[x0, y0, 0, 0], [x1, y0, 1, 0], [x0, y1, 0, 1], [x1, y1, 1, 1]];
  const near = ([x, y]) => taken.some(([a, b]) => Math.abs(x - a) < 0.07 && Math.abs(y - b) < 0.06);
  const [x, y, right, bottom] = corners.find((corner) => !near(corner)) ?? corners[0];
  taken.push([x, y]);
  tag.setAttribute("x", share(x));
  tag.setAttribute("y", share(y));
  tag.setAttribute("viewBox", `${right ? tag.dataset.wide : 0} ${bottom ? 20 : 0} 1 1`);
}

/**
 * Puts an element on a box: over all of it, or as a label at its upper edge.
 * @param {HTMLElement} element @param {number[]} box @param {boolean} [whole]
 */
export function pinTo(element, [x0, y0, x1, y1], whole = false) {
  const fromRight = !whole && x0 > 0.55;
  const above = !whole && y0 > 0.12;
  const edges = {
    left: fromRight ? "auto" : share(x0),
    right: fromRight ? share(1 - x1) : "auto",
    top: above ? "auto" : share(y0),
    bottom: above ? share(1 - y0) : "auto",
    width: whole ? share(x1 - x0) : "auto",
    height: whole ? share(y1 - y0) : "auto",
  };
  for (const [name, value] of Object.entries(edges)) element.style.setProperty(name, value);
}
