/** Conditions of a search: dates, camera and area; and the order of its results; as dvsa.index.values and order. */

import { EngineError } from "./arrays.js";

/** @typedef {import("./exif.js").Shot} Shot @typedef {(photograph: Shot) => boolean} Filter */

/** Conditions that need what the tab does not know of a photograph. */
const UNKNOWN = ["country", "city", "field", "path"];

/** The condition of a question. @param {URLSearchParams} asked @returns {Filter} */
export function filterOf(asked) {
  const named = UNKNOWN.find((name) => asked.has(name));
  if (named) throw new EngineError(`the page without a server cannot ask for ${named}: leave it out`);
  const [after, before] = [dateOf(asked, "after"), dateOf(asked, "before")];
  const camera = asked.get("camera")?.toLowerCase() ?? null;
  const gps = asked.get("gps");
  const area = gps === null ? null : areaOf(gps);
  return ({ taken, camera: own, place }) => {
    const day = taken?.slice(0, 10) ?? "";
    if ((after || before) && !(day && day >= after && (!before || day <= before))) return false;
    if (camera !== null && !own?.toLowerCase().includes(camera)) return false;
    return area === null || (place !== null && contains(area, place));
  };
}

/** @param {URLSearchParams} asked @param {string} name */
function dateOf(asked, name) {
  const date = asked.get(name) ?? "";
  if (date && (!/^\d{4}-\d\d-\d\d$/.test(date) || Number.isNaN(Date.parse(date)))) {
    throw new EngineError(`the date '${date.slice(0, 80)}' is invalid: give YYYY-MM-DD`);
  }
  return date;
}

/** @param {string} text */
function areaOf(text) {
  const area = text.split(",").map(Number);
  const [south, west, north, east] = area;
  const sound = area.length === 4 && -90 <= south && south <= north && north <= 90;
  if (!sound || !(Math.abs(west) <= 180 && Math.abs(east) <= 180)) {
    throw new EngineError(`the area '${text.slice(0, 80)}' is invalid: give south,west,north,east in degrees`);
  }
  return area;
}

/**
 * Whether an area, which may cross the 180th meridian, has a place.
 * @param {number[]} area @param {[number, number]} place
 */
function contains([south, west, north, east], [latitude, longitude]) {
  if (!(south <= latitude && latitude <= north)) return false;
  return west <= east ? west <= longitude && longitude <= east : longitude >= west || longitude <= east;
}

/**
 * Results in an order, those without a date last; given with the highest score first.
 * @template {{found: Shot}} Hit @param {Hit[]} hits @param {string} order @returns {Hit[]}
 */
export function ordered(hits, order) {
  if (order !== "newest" && order !== "oldest") return hits;
  const sign = order === "newest" ? -1 : 1;
  const day = (/** @type {Hit} */ { found }) => found.taken ?? "";
  const dated = hits.filter(day).sort((a, b) => sign * (day(a) < day(b) ? -1 : day(a) > day(b) ? 1 : 0));
  return [...dated, ...hits.filter((hit) => !day(hit))];
}
