/** Opening a photograph: by drag and drop, from the clipboard, or from the file dialog. */

import { byId } from "./dom.js";

/** @param {(file: File) => void} open */
export function listenForPhotos(open) {
  const file = byId("file");
  for (const button of document.querySelectorAll(".pick")) button.addEventListener("click", () => file.click());
  file.addEventListener("change", () => {
    if (file.files[0]) open(file.files[0]);
    file.value = ""; // so that the same file can be chosen again
  });

  document.addEventListener("paste", (event) => {
    const [pasted] = event.clipboardData?.files ?? [];
    if (!pasted) return;
    event.preventDefault();
    open(pasted);
  });

  const hasFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    byId("drop-overlay").hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) byId("drop-overlay").hidden = true;
  });
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    byId("drop-overlay").hidden = true;
    const [dropped] = event.dataTransfer.files;
    if (dropped) open(dropped);
  });
}
