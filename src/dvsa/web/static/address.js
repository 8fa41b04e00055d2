/**
 * The addresses of the page, which are the part after #. They can be kept as bookmarks and sent to others.
 *
 *   #/                                     the start
 *   #/sample/NAME?s=SENTENCE&beta=B        a sample with a sentence and the slider's beta
 *   #/photo/ID?s=SENTENCE&beta=B           an open photograph
 *   #/compare?a=SOURCE&b=SOURCE&s=SENTENCE two photographs; a source is sample:NAME or photo:ID
 *   #/game?of=SOURCE                       the game
 *   #/search?q=SENTENCE                    a search; see CONDITIONS
 *
 * @typedef {{sample: string} | {photo: string}} Source
 * @typedef {{sentence?: string, beta?: number}} State of the sentence
 * @typedef {{section: "start"} | {section: "photo", source: Source, state: State}
 *   | {section: "search", query: Record<string, string>}
 *   | {section: "compare", a?: Source, b?: Source, sentence?: string} | {section: "game", of: Source}
 *   | {section: "problem", reason: string}} Place
 */

/** What a search may ask for. */
const CONDITIONS = ["q", "photo", "box", "weight", "without", "k", "sort", "path", "after", "before", "camera", "gps",
  "country", "city", "field", "id"];

/** @param {string} hash @returns {Place} */
export function parse(hash) {
  const [, path, rest] = /^#?\/?([^?]*)(?:\?(.*))?$/s.exec(hash) ?? [];
  const query = Object.fromEntries(new URLSearchParams(rest ?? ""));
  const [section, ...parts] = (path ?? "").split("/");
  const [name] = parts.map(decoded);
  if (!section && !rest) return { section: "start" };

  if ((section === "photo" || section === "sample") && name) {
    return photograph(section === "sample" ? { sample: name } : { photo: name }, query);
  }
  if (section === "search") return searched(query);
  if (section === "compare") return compared(query);
  if (section === "game") {
    const of = source(query.of);
    return of ? { section, of } : problem("The game needs a photograph: open one, and start the game there.");
  }
  return problem(`There is no page “${path}”.`);
}

/** @param {Source} from @param {Record<string, string>} query @returns {Place} */
function photograph(from, { s, beta }) {
  const value = beta === "inf" ? Infinity : Number(beta ?? 0);
  if (!(value >= 0) || beta === "") return problem(`The link says beta=${beta}: it must be a number from 0, or inf.`);
  return { section: "photo", source: from, state: { sentence: s, beta: beta === undefined ? undefined : value } };
}

/** @param {Record<string, string>} query @returns {Place} */
function searched(query) {
  const { q, photo, box } = query;
  const other = Object.keys(query).find((name) => !CONDITIONS.includes(name));
  if (other) return problem(`A search has no condition “${other}”.`);
  if (box !== undefined && !photo) return problem("This search names a part of a photograph, but no photograph.");
  if (!q?.trim() && !photo) return problem("This search has no question: type a sentence into the field above.");
  const edges = box?.split(",").map(Number);
  const [x0, y0, x1, y1] = edges ?? [0, 0, 1, 1];
  if (edges && !(edges.length === 4 && 0 <= x0 && x0 < x1 && x1 <= 1 && 0 <= y0 && y0 < y1 && y1 <= 1)) {
    return problem(`The part “${box}” is invalid: it needs left,top,right,bottom, four numbers from 0 to 1.`);
  }
  return { section: "search", query };
}

/** @param {Record<string, string>} query @returns {Place} */
function compared({ a, b, s }) {
  const wrong = [a, b].find((text) => text !== undefined && !source(text));
  if (wrong !== undefined) return problem(`“${wrong}” names no photograph: a link says sample:NAME or photo:ID.`);
  return { section: "compare", a: source(a), b: source(b), sentence: s };
}

/** @param {string} reason @returns {Place} */
const problem = (reason) => ({ section: "problem", reason });

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // somebody cut the address
  }
}

/** @param {string | undefined} text sample:NAME or photo:ID @returns {Source | undefined} */
function source(text) {
  const [, kind, name] = /^(sample|photo):(.+)$/s.exec(text ?? "") ?? [];
  return kind ? /** @type {Source} */ ({ [kind]: name }) : undefined;
}

/** @param {Source} from */
export const sourceText = (from) => ("sample" in from ? `sample:${from.sample}` : `photo:${from.photo}`);

/** The address of a photograph with a sentence. @param {Source} from @param {State} [state] */
export function photoAddress(from, { sentence, beta } = {}) {
  const [kind, name] = Object.entries(from)[0];
  const s = sentence === undefined ? {} : { s: sentence };
  const b = beta === undefined ? {} : { beta: beta === Infinity ? "inf" : String(Number(beta.toPrecision(4))) };
  const query = String(new URLSearchParams({ ...s, ...b }));
  return `#/${kind}/${encodeURIComponent(name)}${query && `?${query}`}`;
}

/** @param {Record<string, string>} query */
export const searchAddress = (query) => `#/search?${new URLSearchParams(query)}`;

/** @param {Source} of */
export const gameAddress = (of) => `#/game?${new URLSearchParams({ of: sourceText(of) })}`;

/** @param {{a?: Source, b?: Source, sentence?: string}} options */
export function compareAddress({ a, b, sentence }) {
  const asked = { ...(a && { a: sourceText(a) }), ...(b && { b: sourceText(b) }), ...(sentence && { s: sentence }) };
  return `#/compare?${new URLSearchParams(asked)}`;
}
