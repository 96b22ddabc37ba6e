/** The message box: plain messages, slash commands with their options, and files by button, drop or paste. */

import { ask, upload } from "./connection.js";
import { el, fileSize, icon } from "./dom.js";
import { entriesOf, matching, parse, rangeHint, TYPE } from "./fields.js";
import { hidePicker, pickerKey, pickerOpen, showPicker } from "./picker.js";
import { notify } from "./popups.js";
import { isDirect, nestOptions, slashCommands, state } from "./state.js";

const AUTOCOMPLETE_MS = 250; // wait for a pause in typing
const LONG_TEXT = 44; // characters from which a text option takes a line of its own
const MAX_FILES = 10; // Discord's limit a message

const form = document.querySelector("#composer");
const box = document.querySelector("#message-box");
const tray = document.querySelector("#tray");
const row = document.querySelector("#command");
const hint = document.querySelector("#hint");
const sendButton = document.querySelector("#send");
const fileInput = document.querySelector("#file");

let files = []; // of a plain message: {node, ready}
let command = null; // {leaf, fields: Map of option name -> field}
let question = null; // the autocomplete under way: {nonce, field}
let questionTimer = null;
let deliver = null; // {message(content, attachments) -> bool, command(leaf, values) -> bool}

export function setupComposer(handlers) {
  deliver = handlers;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  form.addEventListener("keydown", onKey);
  box.addEventListener("input", onType);
  box.addEventListener("blur", () => !command && hidePicker());
  document.querySelector("#attach").addEventListener("click", () => fileInput.click());
  fileInput.addEventListener("change", () => {
    addFiles([...fileInput.files]);
    fileInput.value = "";
  });
  setupDrop();
  document.addEventListener("paste", (event) => {
    const pasted = [...(event.clipboardData?.files ?? [])];
    if (!pasted.length || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    addFiles(pasted);
  });
}

export function describeChannel() {
  const { channel } = state;
  box.placeholder = `Message ${isDirect(channel) ? "@" : "#"}${channel.name ?? state.bot.username}`;
  box.setAttribute("aria-label", box.placeholder);
}

export function focusComposer() {
  (command ? row.querySelector("[data-option]") ?? sendButton : box).focus();
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
  if (leaf) startCommand(leaf);
}

function grow() {
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight, window.innerHeight / 2)}px`;
}

/** The line above the message box: a string, or nodes; null takes it away. */
function say(text, isProblem = false) {
  hint.replaceChildren(...[isProblem && icon("warning"), text].flat().filter(Boolean));
  hint.classList.toggle("problem", isProblem);
  hint.hidden = !text;
}

// --- plain text and the list of commands ---

function onType() {
  grow();
  say(null);
  const typed = /^\/(\S*(?: \S*)*)$/.exec(box.value);
  if (!typed) {
    hidePicker();
    return;
  }
  const wanted = typed[1].toLowerCase();
  const found = slashCommands().filter(({ name, description }) => name.includes(wanted.trim()) || (wanted.length > 2 && description.toLowerCase().includes(wanted.trim())));
  found.sort((a, b) => Number(b.name.startsWith(wanted)) - Number(a.name.startsWith(wanted)));
  const entries = found.map((leaf) => ({
    leaf,
    title: `/${leaf.name}`,
    detail: leaf.description,
    note: leaf.options.map(({ name, required }) => (required ? name : `${name}?`)).join("  "),
    user: state.bot,
    data: { "data-command": leaf.name },
  }));
  if (!entries.length && wanted.includes(" ")) {
    hidePicker();
    return;
  }
  const empty = state.commands.length ? "No command of this name" : "The bot has not registered its commands yet";
  showPicker(box, "Commands", entries, (entry) => startCommand(entry.leaf), empty);
}

function onKey(event) {
  if (event.isComposing || pickerKey(event)) return;
  if (event.key === "Enter" && !event.shiftKey && event.target.matches("textarea, input")) {
    event.preventDefault();
    submit();
  } else if (event.key === "Escape" && command) {
    event.preventDefault();
    stopCommand();
    box.focus();
  } else if (event.key === "Backspace" && command && !event.target.value) {
    stepBack(event);
  }
}

/** Backspace in an empty field takes an optional option away, or leaves the command. */
function stepBack(event) {
  const field = command.fields.get(event.target.dataset.option);
  if (field && !field.option.required) {
    event.preventDefault();
    const inputs = [...form.querySelectorAll("[data-option]")];
    const before = inputs[inputs.indexOf(event.target) - 1];
    removeField(field);
    (before ?? sendButton).focus();
  } else if (event.target === sendButton || (field && row.querySelector("[data-option]") === event.target)) {
    event.preventDefault();
    const { name } = command.leaf;
    stopCommand();
    box.value = `/${name}`;
    box.focus();
    onType();
  }
}

// --- a command and its options ---

function startCommand(leaf) {
  stopCommand();
  command = { leaf, fields: new Map() };
  box.value = "";
  box.hidden = true;
  row.hidden = false;
  form.classList.add("commanding");
  const label = el("span", { class: "command-name", "data-active-command": leaf.name }, `/${leaf.name}`);
  const cancel = el("button", { class: "icon-button", type: "button", "aria-label": "Leave this command", onclick: () => { stopCommand(); box.focus(); } }, icon("close"));
  row.replaceChildren(label, el("span", { class: "more-options", id: "more-options" }), cancel);
  for (const option of leaf.options.filter(({ required }) => required)) addField(option);
  adoptFiles();
  drawOptional();
  say(leaf.description);
  const first = [...command.fields.values()].find((field) => !isFilled(field));
  (first?.input ?? sendButton).focus();
}

function stopCommand() {
  hidePicker();
  clearTimeout(questionTimer);
  question = null;
  for (const field of command?.fields.values() ?? []) forget(field);
  command = null;
  row.hidden = true;
  row.replaceChildren();
  box.hidden = false;
  form.classList.remove("commanding");
  say(null);
}

function drawOptional() {
  const open = command.leaf.options.filter(({ name }) => !command.fields.has(name));
  document.querySelector("#more-options").replaceChildren(...open.map((option) => {
    const add = () => addField(option).input.focus();
    return el("button", { class: "add-option", type: "button", title: option.description, "data-add-option": option.name, onclick: add }, `+ ${option.name}`);
  }));
}

function addField(option) {
  const field = option.type === TYPE.attachment ? attachmentField(option) : typedField(option);
  command.fields.set(option.name, field);
  if (field.place === "tray") tray.append(field.node);
  else document.querySelector("#more-options").before(field.node);
  field.input.addEventListener("focus", () => explain(field));
  drawOptional();
  return field;
}

function forget(field) {
  field.node.remove();
  field.file?.release();
}

function removeField(field) {
  forget(field);
  command.fields.delete(field.option.name);
  hidePicker();
  drawOptional();
  say(command.leaf.description);
}

const isFilled = (field) => Boolean(field.file || field.input.value);

function explain(field) {
  const { name, description, required } = field.option;
  const limits = rangeHint(field.option);
  say([el("b", {}, name), ` ${description}`, limits && el("span", { class: "muted" }, ` (${limits})`), !required && el("span", { class: "muted" }, " optional")]);
}

function typedField(option) {
  const entries = entriesOf(option);
  const listed = Boolean(entries || option.autocomplete);
  const numeric = { [TYPE.integer]: "numeric", [TYPE.number]: "decimal" }[option.type];
  const input = el("textarea", {
    rows: 1,
    class: "option-input",
    "data-option": option.name,
    "aria-label": `${option.name}: ${option.description}`,
    "aria-required": String(Boolean(option.required)),
    inputmode: numeric,
    role: listed ? "combobox" : null,
    "aria-autocomplete": listed ? "list" : null,
    "aria-expanded": listed ? "false" : null,
    placeholder: entries ? "choose" : "",
    spellcheck: "true",
  });
  const remove = !option.required && el("button", { class: "chip-remove", type: "button", "aria-label": `Remove ${option.name}`, onclick: () => { removeField(field); focusComposer(); } }, icon("close"));
  const field = { option, input, picked: null, node: el("label", { class: "chip", "data-chip": option.name }, el("span", { class: "chip-name" }, option.name), input, remove) };

  const pick = (entry) => {
    field.picked = entry;
    input.value = entry.title;
    field.fit();
    const next = [...command.fields.values()].find((other) => other.option.required && !isFilled(other));
    (next?.input ?? input).focus();
    if (!next) hidePicker();
  };
  const offer = () => {
    if (entries) showPicker(input, `${option.name}: choose one`, matching(entries, field.picked ? "" : input.value).map(withData), pick);
    else if (option.autocomplete) askForChoices(field);
  };
  field.pick = pick;
  field.fit = () => {
    input.value = input.value.replace(/\n+/g, " ");
    field.node.classList.toggle("long", input.value.length > LONG_TEXT);
    input.cols = Math.max(6, Math.min(input.value.length + 2, LONG_TEXT));
    input.style.height = "auto";
    input.style.height = `${input.scrollHeight}px`;
  };
  input.addEventListener("input", () => {
    field.picked = null;
    field.node.classList.remove("invalid");
    field.fit();
    explain(field);
    offer();
  });
  input.addEventListener("focus", () => {
    if (!field.picked) offer();
  });
  input.addEventListener("blur", () => pickerOpen() && hidePicker());
  requestAnimationFrame(field.fit);
  return field;
}

const withData = (entry) => ({ ...entry, data: { "data-value": entry.value } });

// --- autocomplete ---

function askForChoices(field) {
  clearTimeout(questionTimer);
  questionTimer = setTimeout(() => {
    if (!command || document.activeElement !== field.input) return;
    const { leaf, fields } = command;
    const values = [];
    for (const other of fields.values()) {
      const { name, type } = other.option;
      if (other === field) values.push({ name, type, value: field.input.value, focused: true });
      else if (other.file?.id) values.push({ name, type, value: other.file.id });
      else if (type !== TYPE.attachment) {
        const { value } = parse(other.option, other.input.value, other.picked);
        if (value !== undefined) values.push({ name, type, value });
      }
    }
    const nonce = ask("autocomplete", { channel_id: state.channel.id, command_id: leaf.id, options: nestOptions(leaf.path, values) }, { kind: "autocomplete" });
    question = { nonce, field };
    if (!pickerOpen()) showPicker(field.input, `${field.option.name}: suggestions`, [], () => {}, "Loading…");
  }, AUTOCOMPLETE_MS);
}

/** The bot's choices have come; old answers are dropped. */
export function showChoices({ nonce, choices }) {
  if (!question || question.nonce !== nonce || document.activeElement !== question.field.input) return;
  const { field } = question;
  const entries = choices.map(({ name, value }) => withData({ title: name, value }));
  showPicker(field.input, `${field.option.name}: suggestions`, entries, field.pick, "No suggestion for this");
}

export function choicesFailed(text) {
  if (question) showPicker(question.field.input, question.field.option.name, [], () => {}, `Suggestions could not be loaded: ${text}`);
}

// --- files ---

/** A file on its way to the server: `ready` resolves to its attachment. */
function startUpload(file, onChange) {
  const entry = { file, id: null, problem: null, preview: file.type.startsWith("image/") ? URL.createObjectURL(file) : null };
  entry.release = () => entry.preview && URL.revokeObjectURL(entry.preview);
  entry.ready = upload(file).then(
    (attachment) => { entry.id = attachment.id; onChange(entry); return attachment; },
    (error) => { entry.problem = error.message; onChange(entry); return null; },
  );
  return entry;
}

function filePicture(entry) {
  return entry.preview ? el("img", { src: entry.preview, alt: "" }) : icon("file", "file-icon");
}

function fileLine({ file, id, problem }) {
  if (problem) return el("span", { class: "failure" }, problem);
  return el("span", { class: "muted" }, id ? fileSize(file.size) : "Uploading…");
}

function attachmentField(option) {
  const chooser = el("input", { type: "file", hidden: true, tabindex: "-1", "data-file-option": option.name, accept: option.file_types?.join(",") });
  const button = el("button", { class: "file-slot", type: "button", "data-option": option.name, onclick: () => chooser.click() });
  const remove = el("button", { class: "card-remove icon-button", type: "button", "aria-label": `Remove ${option.name}` }, icon("trash"));
  const node = el("div", { class: "file-card", "data-chip": option.name }, el("span", { class: "chip-name" }, option.name), button, remove, chooser);
  const field = { option, input: button, place: "tray", node, file: null };
  const draw = () => {
    const empty = [icon("upload", "file-icon"), el("b", {}, "Drop a file here"), el("span", { class: "muted" }, "or paste it, or press to choose")];
    const full = () => [filePicture(field.file), el("b", { class: "file-name" }, field.file.file.name), fileLine(field.file)];
    button.replaceChildren(...(field.file ? full() : empty));
    button.setAttribute("aria-label", `${option.name}: ${field.file ? `${field.file.file.name}, press to change` : `${option.description}, press to choose a file`}`);
    node.classList.toggle("filled", Boolean(field.file));
    remove.hidden = !field.file && option.required;
  };
  field.take = (file) => {
    field.file?.release();
    node.classList.remove("invalid");
    field.file = startUpload(file, (entry) => {
      if (entry === field.file) draw();
      if (entry.problem) say(entry.problem, true);
    });
    draw();
  };
  remove.addEventListener("click", () => {
    if (field.file) {
      field.file.release();
      field.file = null;
      draw();
    } else removeField(field);
    focusComposer();
  });
  chooser.addEventListener("change", () => {
    if (!chooser.files.length) return;
    field.take(chooser.files[0]);
    afterFile();
  });
  draw();
  return field;
}

/** After a file has found its place, go on where something is missing. */
function afterFile() {
  const next = [...command.fields.values()].find((field) => field.option.required && !isFilled(field));
  (next?.input ?? sendButton).focus();
}

/** Files that were already in the tray move into the command's attachment options. */
function adoptFiles() {
  const waiting = files.map(({ file }) => file);
  if (!waiting.length) return;
  clearFiles();
  addFiles(waiting);
}

function addFiles(added) {
  if (command) {
    for (const file of added) {
      const free = command.leaf.options.find(({ name, type }) => type === TYPE.attachment && !command.fields.get(name)?.file);
      if (free) (command.fields.get(free.name) ?? addField(free)).take(file);
      else say(`/${command.leaf.name} takes no further file.`, true);
    }
    afterFile();
    return;
  }
  for (const file of added) {
    if (files.length >= MAX_FILES) {
      notify(`A message takes at most ${MAX_FILES} files.`);
      return;
    }
    const node = el("div", { class: "file-card filled", "data-tray-file": file.name });
    const draw = (entry) => {
      const remove = el("button", { class: "card-remove icon-button", type: "button", "aria-label": `Remove ${file.name}`, onclick: () => dropFile(entry) }, icon("trash"));
      node.replaceChildren(el("div", { class: "file-slot" }, filePicture(entry), el("b", { class: "file-name" }, file.name), fileLine(entry)), remove);
    };
    const entry = startUpload(file, draw);
    draw(entry);
    files.push(Object.assign(entry, { node }));
    tray.append(node);
  }
  box.focus();
}

function dropFile(entry) {
  entry.node.remove();
  entry.release();
  files = files.filter((other) => other !== entry);
  box.focus();
}

function clearFiles() {
  [...files].forEach(({ node, release }) => { node.remove(); release(); });
  files = [];
}

function setupDrop() {
  const veil = document.querySelector("#drop-veil");
  let depth = 0;
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files") && !document.querySelector("dialog[open]");
  document.addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    depth += 1;
    veil.querySelector("b").textContent = command ? `Use with /${command.leaf.name}` : `Upload to ${isDirect(state.channel) ? "@" : "#"}${state.channel.name ?? state.bot.username}`;
    veil.hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!carriesFiles(event)) return;
    depth -= 1;
    veil.hidden = depth > 0 ? veil.hidden : true;
  });
  document.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth = 0;
    veil.hidden = true;
    const slot = event.target.closest?.("[data-chip]");
    const field = slot && command?.fields.get(slot.dataset.chip);
    if (field?.take) {
      field.take(event.dataTransfer.files[0]);
      afterFile();
    } else addFiles([...event.dataTransfer.files]);
  });
}

// --- sending ---

async function submit() {
  if (command) await submitCommand();
  else await submitMessage();
}

async function submitMessage() {
  const content = box.value.trim();
  if (!content && !files.length) return;
  const attachments = (await Promise.all(files.map(({ ready }) => ready))).map((attachment) => attachment?.id);
  if (attachments.includes(undefined)) {
    notify("A file could not be uploaded: remove it and try again.");
    return;
  }
  if (deliver.message(content, attachments)) resetComposer();
}

async function submitCommand() {
  const current = command;
  const values = [];
  for (const field of current.fields.values()) {
    const { name, type } = field.option;
    const result = type === TYPE.attachment ? await fileValue(field) : parse(field.option, field.input.value, field.picked);
    if (command !== current) return;
    field.node.classList.toggle("invalid", Boolean(result.problem));
    field.input.setAttribute("aria-invalid", String(Boolean(result.problem)));
    if (result.problem) {
      field.input.focus();
      hidePicker();
      say(result.problem, true);
      return;
    }
    if (result.value !== undefined) values.push({ name, type, value: result.value });
  }
  if (!deliver.command(current.leaf, values)) return;
  stopCommand();
  box.focus();
}

async function fileValue(field) {
  if (!field.file) return field.option.required ? { problem: `${field.option.name} needs a file.` } : {};
  const attachment = await field.file.ready;
  return attachment ? { value: attachment.id } : { problem: field.file.problem };
}
