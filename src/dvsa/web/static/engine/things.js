/** Words that name things which photographs show; as dvsa.things. */

/** @type {[RegExp, string[]][]} endings of plurals, and what stands there in the singular */
const ENDINGS = [
  [/^(.*)(?<!s)s$/, [""]],
  [/^(.*)(?:(?<=s|x|z|o)es|(?<=[cs]h)es)$/, [""]],
  [/^(.*)ies$/, ["y"]],
  [/^(.*)ves$/, ["f", "fe"]],
  [/^(.*)men$/, ["man"]],
];
/** @type {Record<string, string>} */
const IRREGULAR = {
  children: "child", feet: "foot", geese: "goose", mice: "mouse", oxen: "ox", people: "person", teeth: "tooth",
};
/** Plurals that name something else than their singulars. */
const OTHER_THINGS = ["glasses", "shorts", "woods"];

/**
 * Whether two names differ at most in capitals and in singular and plural.
 * @param {string} one @param {string} other
 */
export function sameThing(one, other) {
  const [a, b] = [one.toLowerCase(), other.toLowerCase()];
  return a === b || singulars(b).includes(a) || singulars(a).includes(b);
}

/** What the singular of a name may be, if the name is a plural. @param {string} name */
function singulars(name) {
  if (OTHER_THINGS.includes(name)) return [];
  const space = name.lastIndexOf(" ") + 1;
  const [before, word] = [name.slice(0, space), name.slice(space)];
  const found = word in IRREGULAR ? [IRREGULAR[word]] : [];
  for (const [ending, singular] of ENDINGS) {
    const [, stem] = ending.exec(word) ?? [];
    if (stem !== undefined) found.push(...singular.map((end) => stem + end));
  }
  return found.map((one) => before + one);
}
