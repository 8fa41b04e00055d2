/** Drawing a box with a mouse or a pen. On a touch screen, dragging scrolls instead. */

/** Shorter movements, in pixels, count as a click. */
const MIN_DISTANCE = 6;

/**
 * @param {HTMLElement} area
 * @param {{allowed: () => boolean, draw: (box: number[]) => void, done: (box: number[]) => void}} callbacks
 *   `draw` and `done` get the box in fractions of the area
 */
export function dragBox(area, { allowed, draw, done }) {
  /** @type {number[] | null} */
  let start = null;
  let dragged = false;
  const point = (/** @type {PointerEvent} */ event) => {
    const { left, top, width, height } = area.getBoundingClientRect();
    const inside = (/** @type {number} */ value) => Math.min(Math.max(value, 0), 1);
    return [inside((event.clientX - left) / width), inside((event.clientY - top) / height)];
  };
  const box = (/** @type {PointerEvent} */ event) => {
    const [[a, b], [c, d]] = [start, point(event)];
    return [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)];
  };

  area.addEventListener("pointerdown", (event) => {
    dragged = false;
    if (allowed() && event.button === 0 && event.pointerType !== "touch") start = point(event);
  });
  document.addEventListener("pointermove", (event) => {
    if (!start) return;
    const [x0, y0, x1, y1] = box(event);
    dragged ||= Math.hypot((x1 - x0) * area.clientWidth, (y1 - y0) * area.clientHeight) > MIN_DISTANCE;
    if (dragged) draw([x0, y0, x1, y1]);
  });
  document.addEventListener("pointerup", (event) => {
    if (!start) return;
    const [x0, y0, x1, y1] = box(event);
    start = null;
    if (dragged && x1 > x0 && y1 > y0) done([x0, y0, x1, y1]);
  });
  // Ignore the click at the end of a drag.
  area.addEventListener("click", (event) => dragged && event.stopPropagation(), { capture: true });
}
