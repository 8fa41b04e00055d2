/** Photographs that the user wishes to keep, in the browser's own database. */

/**
 * @typedef {{id: string, bundle: string, name: string, width: number, height: number, added: number,
 *   boxes: Float32Array, vectors: Float32Array, page: Blob, small: Blob,
 *   square: Blob} & import("./exif.js").Shot} Kept
 *   `vectors` and `boxes` are those that the bundle of this digest gave
 */

const [DATABASE, TABLE] = ["dvsa-photographs", "photographs"];

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const settled = (request) =>
  new Promise((done, fail) => {
    request.addEventListener("success", () => done(request.result));
    request.addEventListener("error", () => fail(request.error));
  });

/** @returns {Promise<IDBDatabase>} */
function open() {
  const request = indexedDB.open(DATABASE, 1);
  request.addEventListener("upgradeneeded", () => request.result.createObjectStore(TABLE, { keyPath: "id" }));
  return settled(request);
}

/** @template T @param {IDBTransactionMode} mode @param {(table: IDBObjectStore) => IDBRequest<T>} use */
async function withTable(mode, use) {
  const database = await open();
  try {
    const transaction = database.transaction(TABLE, mode);
    const done = new Promise((complete, fail) => {
      transaction.addEventListener("complete", () => complete(undefined));
      transaction.addEventListener("abort", () => fail(transaction.error));
    });
    const [found] = await Promise.all([settled(use(transaction.objectStore(TABLE))), done]);
    return found;
  } finally {
    database.close();
  }
}

/** @param {Kept} photograph */
export const keep = (photograph) => withTable("readwrite", (table) => table.put(photograph));

/** @returns {Promise<Kept[]>} */
export const kept = () => withTable("readonly", (table) => table.getAll());

export const forget = () => withTable("readwrite", (table) => table.clear());
