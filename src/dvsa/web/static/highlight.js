/**
 * At most one region is highlighted: the one under the pointer, else the focused one, else the pinned one.
 * Every element with the attribute data-region takes part; words also have data-word and data-said.
 *
 * @typedef {{region: number, word?: string, said?: string}} Highlight
 */

/** Sends a `change` event when the highlighted or pinned region changes; its detail is a Highlight or null. */
export const highlight = new EventTarget();

/** @type {{hovered: Element | null, focused: Element | null, pinned: number | null}} */
const state = { hovered: null, focused: null, pinned: null };
let announced = "";

const regionElement = (/** @type {Event} */ event) =>
  event.target instanceof Element ? event.target.closest("[data-region]") : null;

/** Follows the pointer and the focus on the whole page. */
export function trackPointer() {
  document.addEventListener("pointerover", (event) => set({ hovered: regionElement(event) }));
  document.documentElement.addEventListener("pointerleave", () => set({ hovered: null }));
  document.addEventListener("focusin", (event) => set({ focused: regionElement(event) }));
  document.addEventListener("focusout", () => set({ focused: null }));
}

/** Pins a region, so that it stays highlighted; null unpins it. @param {number | null} region */
export const pin = (region) => set({ pinned: region });

/** @returns {number | null} */
export const pinned = () => state.pinned;

/** Highlights again, after elements were added or removed. */
export function refreshHighlight() {
  announced = "";
  set({});
}

/** @param {Partial<typeof state>} change */
function set(change) {
  Object.assign(state, change);
  const pinnedHighlight = state.pinned === null ? null : { region: state.pinned };
  const current = highlightOf(state.hovered) ?? highlightOf(state.focused) ?? pinnedHighlight;
  const text = JSON.stringify([current, state.pinned]);
  if (text === announced) return;
  announced = text;

  for (const element of document.querySelectorAll("[data-region]")) {
    element.classList.toggle("on", Number(element.dataset.region) === current?.region);
  }
  highlight.dispatchEvent(new CustomEvent("change", { detail: current }));
}

/** @param {any} element @returns {Highlight | null} */
function highlightOf(element) {
  if (!element?.isConnected) return null;
  const { region, word, said } = element.dataset;
  return word === undefined ? { region: Number(region) } : { region: Number(region), word, said };
}
