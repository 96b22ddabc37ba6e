/** The message box: plain messages with files, and the list of commands on `/`. */

import { activeLeaf, collectValues, focusCommand, startCommand, stepBack, stopCommand, takeFiles } from "./command.js";
import { el, icon } from "./dom.js";
import { fileLine, filePicture, setupDropAndPaste, startUpload } from "./files.js";
import { say } from "./hint.js";
import { hidePicker, pickerKey, showPicker } from "./picker.js";
import { notify } from "./popups.js";
import { isDirect, slashCommands, state } from "./state.js";

const MAX_FILES = 10; // Discord's limit a message

const form = document.querySelector("#composer");
const box = document.querySelector("#message-box");
const tray = document.querySelector("#tray");
const fileInput = document.querySelector("#file");

let files = []; // of a plain message: {file, node, ready, release}
let deliver = null; // {message(content, attachments) -> bool, command(leaf, values) -> bool}

export function setupComposer(handlers) {
  deliver = handlers;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  form.addEventListener("keydown", onKey);
  box.addEventListener("input", onType);
  box.addEventListener("blur", () => !activeLeaf() && hidePicker());
  document.querySelector("#attach").addEventListener("click", () => fileInput.click());
  fileInput.addEventListener("change", () => {
    addFiles([...fileInput.files]);
    fileInput.value = "";
  });
  const describe = () => (activeLeaf() ? `Use with /${activeLeaf().name}` : `Upload to ${channelTitle()}`);
  setupDropAndPaste(describe, addFiles);
}

const channelTitle = () => (isDirect(state.channel) ? `@${state.bot.global_name ?? state.bot.username}` : `#${state.channel.name}`);

export function describeChannel() {
  box.placeholder = `Message ${channelTitle()}`;
  box.setAttribute("aria-label", box.placeholder);
}

export function focusComposer() {
  if (activeLeaf()) focusCommand();
  else box.focus();
}

export function resetComposer() {
  stopCommand();
  clearFiles();
  box.value = "";
  grow();
}

/** Start a slash command as if it had been picked from the list. */
export function fillCommand(name) {
  const leaf = slashCommands().find((one) => one.name === name);
  if (!leaf) return;
  const waiting = files.map(({ file }) => file);
  clearFiles();
  box.value = "";
  grow();
  startCommand(leaf, waiting, (text = "") => {
    stopCommand();
    box.value = text;
    box.focus();
    onType();
  });
}

function grow() {
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight, window.innerHeight / 2)}px`;
}

function onType() {
  grow();
  say(null);
  const typed = /^\/(.*)$/.exec(box.value)?.[1].toLowerCase();
  if (typed === undefined) {
    hidePicker();
    return;
  }
  const wanted = typed.trim();
  const described = ({ description }) => wanted.length > 2 && description.toLowerCase().includes(wanted);
  const found = slashCommands().filter((leaf) => leaf.name.includes(wanted) || described(leaf));
  found.sort((a, b) => Number(b.name.startsWith(wanted)) - Number(a.name.startsWith(wanted)));
  const entries = found.map(({ name, description, options }) => ({
    name,
    title: `/${name}`,
    detail: description,
    note: options.map((option) => (option.required ? option.name : `${option.name}?`)).join("  "),
    user: state.bot,
    data: { "data-command": name },
  }));
  const empty = state.commands.length ? "No command of this name" : "The bot has not registered its commands yet";
  if (!entries.length && typed.includes(" ")) hidePicker();
  else showPicker(box, "Commands", entries, (entry) => fillCommand(entry.name), empty);
}

function onKey(event) {
  if (event.isComposing || pickerKey(event)) return;
  if (event.key === "Enter" && !event.shiftKey && event.target.matches("textarea")) {
    event.preventDefault();
    submit();
  } else if (event.key === "Escape" && activeLeaf()) {
    event.preventDefault();
    stopCommand();
    box.focus();
  } else if (event.key === "Backspace" && activeLeaf() && !event.target.value) stepBack(event);
}

function addFiles(added, target = null) {
  if (activeLeaf()) {
    takeFiles(added, target);
    return;
  }
  if (files.length + added.length > MAX_FILES) notify(`A message takes at most ${MAX_FILES} files.`);
  for (const file of added.slice(0, MAX_FILES - files.length)) {
    const node = el("div", { class: "file-card filled", "data-tray-file": file.name });
    const draw = (entry) => {
      const drop = () => {
        node.remove();
        entry.release();
        files = files.filter((other) => other !== entry);
        box.focus();
      };
      const slot = el("div", { class: "file-slot" }, filePicture(entry), el("b", { class: "file-name" }, file.name), fileLine(entry));
      const remove = { class: "card-remove icon-button", type: "button", "aria-label": `Remove ${file.name}`, onclick: drop };
      node.replaceChildren(slot, el("button", remove, icon("trash")));
    };
    const entry = Object.assign(startUpload(file, draw), { node });
    draw(entry);
    files.push(entry);
    tray.append(node);
  }
  box.focus();
}

function clearFiles() {
  for (const { node, release } of files) {
    node.remove();
    release();
  }
  files = [];
}

async function submit() {
  const leaf = activeLeaf();
  if (!leaf) {
    await submitMessage();
    return;
  }
  const values = await collectValues();
  if (!values || !deliver.command(leaf, values)) return;
  stopCommand();
  box.focus();
}

async function submitMessage() {
  const content = box.value.trim();
  if (!content && !files.length) return;
  const attachments = (await Promise.all(files.map(({ ready }) => ready))).map((attachment) => attachment?.id);
  if (attachments.includes(undefined)) notify("A file could not be uploaded: remove it and try again.");
  else if (deliver.message(content, attachments)) resetComposer();
}
