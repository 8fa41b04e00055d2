/** Elements and numbers. Texts only ever become text nodes, so no sentence can turn into markup. */

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Record<string, string | number>} Attributes */

/** @template {Element} E @param {E} element @param {Attributes} attributes @param {(Node | string)[]} children */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** An HTML element. @param {string} tag @param {Attributes} attributes @param {...(Node | string)} children */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** An SVG element. @param {string} tag @param {Attributes} attributes @param {...(Node | string)} children */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** The element of the page with this id. @param {string} id @returns {any} */
export const byId = (id) => document.getElementById(id);

/** Two places, a true minus, and never a negative nothing. @param {number} value */
export function number(value) {
  const text = value.toFixed(2);
  return text === "-0.00" ? "0.00" : text.replace("-", "−");
}

/** As `number`, with its sign. @param {number} value */
export function signed(value) {
  const text = number(value);
  return text.startsWith("−") ? text : `+${text}`;
}

/** @param {number} share in [0, 1] */
export const percent = (share) => `${Math.round(100 * share)} %`;

/** @param {number} count @param {string} thing */
export const plural = (count, thing) => `${count} ${thing}${count === 1 ? "" : "s"}`;
