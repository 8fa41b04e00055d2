/** A trained model: its settings, its vocabulary and its graphs; as dvsa.bundle. */

import { EngineError } from "./arrays.js";
import { Familiar } from "./familiar.js";
import { parseFluency } from "./fluency.js";
import { Graphs } from "./graphs.js";
import { MANIFEST, parseManifest } from "./manifest.js";
import { sha256 } from "./sha256.js";
import { Taught } from "./taught.js";
import { Vocabulary } from "./text.js";

/**
 * @typedef {import("./manifest.js").FileRecord} FileRecord
 * @typedef {(file: string, record: FileRecord | null, again?: boolean) => Promise<Uint8Array>} Read gives a file's
 *   content, unverified; `again` asks for it anew, because the last one was damaged
 */

export class Bundle {
  /**
   * @param {import("./manifest.js").Manifest} manifest @param {string} digest of the manifest
   * @param {Graphs} graphs
   * @param {{vocabulary: Vocabulary, spoken: Vocabulary, fluency: import("./fluency.js").Fluency | null,
   *   taught: Taught, familiar: Familiar | null}} parts `spoken` are the words of captions, with ids of their own
   */
  constructor(manifest, digest, graphs, { vocabulary, spoken, fluency, taught, familiar }) {
    this.manifest = manifest;
    this.digest = digest;
    this.vocabulary = vocabulary;
    this.graphs = graphs;
    this.spoken = spoken;
    this.fluency = fluency;
    this.taught = taught;
    this.familiar = familiar;
  }

  /**
   * Opens a bundle. Every file is verified before it is used.
   * @param {Read} read @param {import("./graphs.js").Runtime} runtime @param {object} [options] of ONNX Runtime
   */
  static async open(read, runtime, options) {
    const content = await read(MANIFEST, null);
    const manifest = parseManifest(content, MANIFEST);
    const verified = (/** @type {string} */ file) => verifiedContent(read, file, manifest.files);
    for (const file of needed(manifest)) {
      if (file in manifest.files) continue;
      throw new EngineError(`${MANIFEST} does not list ${file}: export the bundle again`);
    }

    const [lexicon, own, rules, known] = await Promise.all(
      ["vocabulary.tsv", "spoken.tsv", "fluency.npy", "familiar.npy"].map(
        (file) => (file in manifest.files ? verified(file) : null)));
    const vocabulary = Vocabulary.parse(/** @type {Uint8Array} */ (lexicon), "vocabulary.tsv");
    const spoken = own ? Vocabulary.parse(own, "spoken.tsv") : vocabulary;
    const { lessons, embedding } = manifest;
    return new Bundle(
      manifest,
      await sha256(content),
      new Graphs(runtime, verified, options),
      {
        vocabulary,
        spoken,
        fluency: rules && parseFluency(rules, spoken, "fluency.npy"),
        taught: lessons ? Taught.parse(await verified(lessons), embedding, lessons) : new Taught(),
        familiar: known && Familiar.parse(known, "familiar.npy"),
      },
    );
  }
}

/** The files that a model needs. @param {import("./manifest.js").Manifest} manifest */
export function needed({ crops, voices }) {
  const graphs = ["look", "encode", "sentence", ...(crops ? ["crop"] : [])];
  const spoken = Object.values(voices).flatMap((voice) => [`${voice.graphs}.start`, `${voice.graphs}.step`]);
  return ["vocabulary.tsv", ...[...graphs, ...spoken].map((graph) => `${graph}.onnx`)];
}

/** The files that this engine may read. @param {import("./manifest.js").Manifest} manifest */
export const readable = (manifest) => {
  const lessons = manifest.lessons ? [manifest.lessons] : [];
  const optional = ["spoken.tsv", "fluency.npy", "familiar.npy", "classes.onnx", ...lessons];
  return [...new Set([...needed(manifest), ...optional.filter((file) => file in manifest.files)])];
};

/** The content of a file: these very bytes have the recorded digest. @param {Read} read @param {string} file
 * @param {Record<string, FileRecord>} records */
async function verifiedContent(read, file, records) {
  const record = records[file];
  if (!record) throw new EngineError(`${MANIFEST} names no file ${file}: export the bundle again`);
  for (const again of [false, true]) {
    const content = await read(file, record, again);
    if (content.length === record.bytes && (await sha256(content)) === record.sha256) return content;
  }
  throw new EngineError(`The file ${file} of the model is damaged: its digest is another one than it must be. ` +
    "Load the page again; if that does not help, tell whoever runs this site.", 500);
}
