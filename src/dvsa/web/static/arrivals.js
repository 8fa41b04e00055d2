/** The ways in: a photograph is dropped, pasted or picked. */

import { byId } from "./dom.js";

/** @param {(file: File) => void} open */
export function welcome(open) {
  const file = byId("file");
  for (const button of document.querySelectorAll(".pick")) button.addEventListener("click", () => file.click());
  file.addEventListener("change", () => {
    if (file.files[0]) open(file.files[0]);
    file.value = ""; // so that the same file may be picked again
  });
  document.addEventListener("paste", (event) => {
    const [pasted] = event.clipboardData?.files ?? [];
    if (!pasted) return;
    event.preventDefault();
    open(pasted);
  });
  const carries = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    byId("landing").hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) byId("landing").hidden = true;
  });
  document.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    byId("landing").hidden = true;
    const [dropped] = event.dataTransfer.files;
    if (dropped) open(dropped);
  });
}
