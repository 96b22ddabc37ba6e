/** Files on their way to the server: the upload, how it looks meanwhile, and where files come from. */

import { upload } from "./connection.js";
import { el, fileSize, icon } from "./dom.js";

/** Begin the upload of a file; `ready` resolves to its attachment, or to null after a problem. */
export function startUpload(file, onChange) {
  const entry = { file, id: null, problem: null, preview: file.type.startsWith("image/") ? URL.createObjectURL(file) : null };
  entry.release = () => entry.preview && URL.revokeObjectURL(entry.preview);
  entry.ready = upload(file).then(
    (attachment) => { entry.id = attachment.id; onChange(entry); return attachment; },
    (error) => { entry.problem = error.message; onChange(entry); return null; },
  );
  return entry;
}

export function filePicture(entry) {
  return entry.preview ? el("img", { src: entry.preview, alt: "" }) : icon("file", "file-icon");
}

export function fileLine({ file, id, problem }) {
  if (problem) return el("span", { class: "failure" }, problem);
  return el("span", { class: "muted" }, id ? fileSize(file.size) : "Uploading…");
}

/**
 * Hear of files that are dropped or pasted anywhere on the page.
 * `describe()` says what dropping would do; `take(files, target)` gets them, with the element they fell on.
 */
export function setupDropAndPaste(describe, take) {
  const veil = document.querySelector("#drop-veil");
  const dialogOpen = () => document.querySelector("dialog[open]");
  let depth = 0;
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files") && !dialogOpen();
  document.addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    depth += 1;
    veil.querySelector("b").textContent = describe();
    veil.hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!carriesFiles(event)) return;
    depth -= 1;
    if (depth <= 0) veil.hidden = true;
  });
  document.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth = 0;
    veil.hidden = true;
    take([...event.dataTransfer.files], event.target);
  });
  document.addEventListener("paste", (event) => {
    const pasted = [...(event.clipboardData?.files ?? [])];
    if (!pasted.length || dialogOpen()) return;
    event.preventDefault();
    take(pasted, event.target);
  });
}
