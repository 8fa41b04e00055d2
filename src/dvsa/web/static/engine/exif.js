/** What the EXIF data of a JPEG says of when, where and how it was taken; as dvsa.photo_exif and photo_shot. */

/**
 * @typedef {{taken: string | null, camera: string | null, place: [number, number] | null}} Shot the date in ISO 8601
 *   without a time zone; latitude and longitude in degrees, north and east positive
 */

/** @type {Shot} */
const NOTHING = { taken: null, camera: null, place: null };
const DATE = /^(\d{4})[:/.-](\d\d?)[:/.-](\d\d?)(?:[ T]+(\d\d?):(\d\d?)(?::(\d\d?))?(?![\d:]))?/;
/** Tags of EXIF. */
const [MAKE, MODEL, DATE_TIME, EXIF, GPS] = [0x10f, 0x110, 0x132, 0x8769, 0x8825];
const [ORIGINAL, DIGITIZED] = [0x9003, 0x9004];
/** Bytes of a number of each type: byte, text, short, long, rational, …; of a rational, numerator and denominator. */
const SIZES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8];

/** @param {Uint8Array} content of a file @returns {Shot} damaged data says nothing */
export function shot(content) {
  try {
    const exif = segment(content);
    return exif ? read(exif) : NOTHING;
  } catch {
    return NOTHING;
  }
}

/** The segment of a JPEG with its EXIF data. @param {Uint8Array} content */
function segment(content) {
  if (content[0] !== 0xff || content[1] !== 0xd8) return null;
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  for (let at = 2; at + 10 < content.length && content[at] === 0xff && content[at + 1] !== 0xda; ) {
    const size = view.getUint16(at + 2);
    const name = String.fromCharCode(...content.subarray(at + 4, at + 8));
    if (content[at + 1] === 0xe1 && name === "Exif") return content.subarray(at + 10, at + 2 + size);
    at += 2 + size;
  }
  return null;
}

/** @param {Uint8Array} exif @returns {Shot} */
function read(exif) {
  const view = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
  const little = view.getUint16(0) === 0x4949;
  const main = directory(view, view.getUint32(4, little), little);
  const inside = (/** @type {number} */ tag) => {
    try {
      return tag in main ? directory(view, Number(main[tag]), little) : {};
    } catch {
      return {}; // a damaged part does not make the others useless
    }
  };
  const details = inside(EXIF);
  const dates = [details[ORIGINAL], details[DIGITIZED], main[DATE_TIME]].map(isoDate);
  return {
    taken: dates.find((date) => date !== null) ?? null,
    camera: cameraOf(main[MAKE], main[MODEL]),
    place: placeOf(inside(GPS)),
  };
}

/** The entries of a directory: a text, or numbers. @param {DataView} view @param {number} at @param {boolean} little
 * @returns {Record<number, string | number[]>} */
function directory(view, at, little) {
  /** @type {Record<number, string | number[]>} */
  const found = {};
  const count = view.getUint16(at, little);
  for (let n = 0; n < count; n += 1) {
    const entry = at + 2 + 12 * n;
    const [tag, type] = [view.getUint16(entry, little), view.getUint16(entry + 2, little)];
    const many = view.getUint32(entry + 4, little);
    const size = (SIZES[type] ?? 0) * many;
    const start = size > 4 ? view.getUint32(entry + 8, little) : entry + 8;
    if (!size || size > 65536 || start + size > view.byteLength) continue;
    found[tag] = type === 2 || type === 7 ? textAt(view, start, many) : numbersAt(view, start, many, type, little);
  }
  return found;
}

/** @param {DataView} view @param {number} start @param {number} count */
const textAt = (view, start, count) =>
  new TextDecoder("latin1").decode(new Uint8Array(view.buffer, view.byteOffset + start, count));

/** @param {DataView} view @param {number} start @param {number} count @param {number} type @param {boolean} little */
function numbersAt(view, start, count, type, little) {
  return Array.from({ length: count }, (_, n) => {
    const at = start + n * SIZES[type];
    if (type === 5) return view.getUint32(at, little) / view.getUint32(at + 4, little);
    if (type === 10) return view.getInt32(at, little) / view.getInt32(at + 4, little);
    return type === 3 ? view.getUint16(at, little) : type === 4 ? view.getUint32(at, little) : view.getUint8(at);
  });
}

/** A date of EXIF in ISO 8601; null if it is zero, odd or missing. @param {unknown} value */
function isoDate(value) {
  const match = typeof value === "string" ? DATE.exec(value.replace(/^[\0 ]+|[\0 ]+$/g, "")) : null;
  if (!match) return null;
  const [year, month, day, hour, minute, second] = match.slice(1).map((part) => Number(part ?? 0));
  const date = new Date(Date.UTC(2000, 0, 1));
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  const sound = [
    date.getUTCFullYear() === year, date.getUTCMonth() === month - 1, date.getUTCDate() === day,
    date.getUTCHours() === hour, date.getUTCMinutes() === minute, date.getUTCSeconds() === second, year > 0,
  ].every(Boolean);
  return sound ? `${String(year).padStart(4, "0")}${date.toISOString().slice(-20, -5)}` : null;
}

/** The maker's first word is left out if the model begins with it. @param {unknown} maker @param {unknown} model */
function cameraOf(maker, model) {
  const [named, kind] = [maker, model].map((part) =>
    (typeof part === "string" ? part : "").replaceAll("\0", " ").trim().split(/\s+/).join(" ").replace(/\p{C}/gu, ""));
  const repeated = named && kind.toLowerCase().startsWith(named.split(" ")[0].toLowerCase());
  return (repeated ? kind : `${named} ${kind}`.trim()).slice(0, 100) || null;
}

/** Latitude and longitude; null if one is missing or out of range, or both are 0, as of cameras that do not know.
 * @param {Record<number, string | number[]>} gps @returns {[number, number] | null} */
function placeOf(gps) {
  const angle = (/** @type {number} */ tag, /** @type {string} */ negative, /** @type {number} */ limit) => {
    const parts = gps[tag + 1];
    if (!Array.isArray(parts) || !parts.length) return NaN;
    const degrees = parts.slice(0, 3).reduce((sum, part, n) => sum + part / 60 ** n, 0);
    if (!(degrees >= 0 && degrees <= limit)) return NaN;
    const side = String(gps[tag] ?? "").replace(/[\0 ]/g, "").toUpperCase();
    return Number((side === negative ? -degrees : degrees).toFixed(6));
  };
  const [latitude, longitude] = [angle(1, "S", 90), angle(3, "W", 180)];
  if (Number.isNaN(latitude + longitude) || (latitude === 0 && longitude === 0)) return null;
  return [latitude, longitude];
}
