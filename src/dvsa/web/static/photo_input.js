/** Opening photographs: by drag and drop, from the clipboard, or from a dialog; several at once, and folders. */

import { byId } from "./dom.js";

/** Files of a folder that are photographs, also where the browser knows no type. */
const EXTENSIONS = /\.(jpe?g|jfif|png|webp|gif|bmp|tiff?|heic|heif|avif)$/i;

/** @param {(files: File[]) => void} open */
export function listenForPhotos(open) {
  for (const name of ["file", "folder"]) {
    const input = byId(name);
    for (const button of document.querySelectorAll(`.pick-${name}`)) {
      button.addEventListener("click", () => input.click());
    }
    input.addEventListener("change", () => {
      const chosen = [...input.files];
      input.value = ""; // so that the same file can be chosen again
      open(name === "folder" ? photographs(chosen) : chosen);
    });
  }

  document.addEventListener("paste", (event) => {
    const pasted = [...(event.clipboardData?.files ?? [])];
    if (!pasted.length) return;
    event.preventDefault();
    open(pasted);
  });
  listenForDrops(open);
}

/** @param {(files: File[]) => void} open */
function listenForDrops(open) {
  const hasFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    byId("drop-overlay").hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) byId("drop-overlay").hidden = true;
  });
  document.addEventListener("drop", async (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    byId("drop-overlay").hidden = true;

    // The entries must be taken before the first pause; after it, the browser has forgotten them.
    const { items, files } = event.dataTransfer;
    const entries = [...items].map((item) => item.webkitGetAsEntry?.());
    const plain = [...files];
    if (!entries.some((entry) => entry?.isDirectory)) return open(plain);
    const found = await Promise.all(entries.filter(Boolean).map((entry) => filesOf(entry)));
    open(found.flat());
  });
}

/** The photographs in a folder and its folders, or one file. @param {any} entry @returns {Promise<File[]>} */
async function filesOf(entry) {
  if (entry.isFile) return [await new Promise((done, fail) => entry.file(done, fail))];
  const reader = entry.createReader();
  const inside = [];
  for (;;) {
    // A reader gives at most 100 entries at a time.
    const some = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!some.length) break;
    inside.push(...some);
  }
  const nested = await Promise.all(inside.map(filesOf));
  return photographs(nested.flat());
}

/** @param {File[]} files */
const photographs = (files) =>
  files
    .filter(({ name, type }) => !name.startsWith(".") && (type.startsWith("image/") || EXTENSIONS.test(name)))
    .toSorted((a, b) => place(a).localeCompare(place(b), undefined, { numeric: true }));

/** @param {File} file */
const place = (file) => file.webkitRelativePath || file.name;
