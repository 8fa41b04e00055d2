/**
 * One region at a time is in the light: the one under the pointer, else the one with the focus, else the one
 * that is pinned. Whatever names a region (data-region) takes part; a word says so too (data-word, data-score).
 *
 * @typedef {{region: number, word?: string, score?: number}} Light
 */

/** Tells of each change, of the light or of what is pinned, by a `change` event whose detail is a Light or null. */
export const spotlight = new EventTarget();

/** @type {{hovered: Element | null, focused: Element | null, pinned: number | null}} */
const now = { hovered: null, focused: null, pinned: null };
let told = "";

const source = (/** @type {Event} */ event) =>
  event.target instanceof Element ? event.target.closest("[data-region]") : null;

/** Follows pointer and focus in the whole page. */
export function watch() {
  document.addEventListener("pointerover", (event) => set({ hovered: source(event) }));
  document.documentElement.addEventListener("pointerleave", () => set({ hovered: null }));
  document.addEventListener("focusin", (event) => set({ focused: source(event) }));
  document.addEventListener("focusout", () => set({ focused: null }));
}

/** Keeps a region in the light, or none. @param {number | null} region */
export const pin = (region) => set({ pinned: region });

/** @returns {number | null} */
export const pinned = () => now.pinned;

/** Anew, after elements have come or gone. */
export function relight() {
  told = "";
  set({});
}

/** @param {Partial<typeof now>} change */
function set(change) {
  Object.assign(now, change);
  const light = reading(now.hovered) ?? reading(now.focused) ?? (now.pinned === null ? null : { region: now.pinned });
  const text = JSON.stringify([light, now.pinned]);
  if (text === told) return;
  told = text;
  for (const element of document.querySelectorAll("[data-region]")) {
    element.classList.toggle("on", Number(element.dataset.region) === light?.region);
  }
  spotlight.dispatchEvent(new CustomEvent("change", { detail: light }));
}

/** @param {any} element @returns {Light | null} */
function reading(element) {
  if (!element?.isConnected) return null;
  const { region, word, score } = element.dataset;
  return word === undefined ? { region: Number(region) } : { region: Number(region), word, score: Number(score) };
}
