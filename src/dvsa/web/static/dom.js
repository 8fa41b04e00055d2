/** Elements and numbers. Texts always become text nodes, so a sentence can never become markup. */

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

/** Two decimals, with a true minus sign and without a negative zero. @param {number} value */
export function number(value) {
  const text = value.toFixed(2);
  return text === "-0.00" ? "0.00" : text.replace("-", "−");
}

/** Like `number`, always with a sign. @param {number} value */
export function signed(value) {
  const text = number(value);
  return text.startsWith("−") ? text : `+${text}`;
}

/** @param {number} fraction in [0, 1] */
export const percent = (fraction) => `${Math.round(100 * fraction)} %`;

/** @param {number} count @param {string} thing */
export const plural = (count, thing) => `${count} ${thing}${count === 1 ? "" : "s"}`;
