/** A slash command while it is filled in: its options as chips, their lists, suggestions and files. */

import { ask } from "./connection.js";
import { el, icon } from "./dom.js";
import { entriesOf, matching, parse, rangeHint, TYPE } from "./fields.js";
import { fileLine, filePicture, startUpload } from "./files.js";
import { say } from "./hint.js";
import { hidePicker, pickerOpen, showPicker } from "./picker.js";
import { nestOptions, state } from "./state.js";

const AUTOCOMPLETE_MS = 250; // wait for a pause in typing
const LONG_TEXT = 44; // characters from which a text option takes a line of its own

const form = document.querySelector("#composer");
const box = document.querySelector("#message-box");
const tray = document.querySelector("#tray");
const row = document.querySelector("#command");
const sendButton = document.querySelector("#send");

let command = null; // {leaf, fields: Map of option name -> field}
let leave = null; // gives the message box back, with a text
let question = null; // the autocomplete under way: {nonce, field}
let questionTimer = null;

export const activeLeaf = () => command?.leaf;

/** Begin to fill in a command; files that lay in the message box move into its attachment options. */
export function startCommand(leaf, waitingFiles, onLeave) {
  stopCommand();
  command = { leaf, fields: new Map() };
  leave = onLeave;
  box.hidden = true;
  row.hidden = false;
  form.classList.add("commanding");
  const label = el("span", { class: "command-name", "data-active-command": leaf.name }, `/${leaf.name}`);
  const cancel = el("button", { class: "icon-button", type: "button", "aria-label": "Leave this command", onclick: () => onLeave() }, icon("close"));
  row.replaceChildren(label, el("span", { class: "more-options", id: "more-options" }), cancel);
  for (const option of leaf.options.filter(({ required }) => required)) addField(option);
  drawOptional();
  say(leaf.description);
  takeFiles(waitingFiles);
}

export function stopCommand() {
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
  const remove = !option.required && el("button", { class: "chip-remove", type: "button", "aria-label": `Remove ${option.name}`, onclick: () => { removeField(field); focusCommand(); } }, icon("close"));
  const field = { option, input, picked: null, node: el("label", { class: "chip", "data-chip": option.name }, el("span", { class: "chip-name" }, option.name), input, remove) };

  const pick = (entry) => {
    field.picked = entry;
    input.value = entry.title;
    field.fit();
    (missing()?.input ?? input).focus();
    if (!missing()) hidePicker();
  };
  const offer = () => {
    if (entries) showPicker(input, `${option.name}: choose one`, matching(entries, field.picked ? "" : input.value).map(withData), pick);
    else if (option.autocomplete) askForChoices(field);
  };
  field.pick = pick;
  field.fit = () => {
    if (input.value.includes("\n")) input.value = input.value.replace(/\n+/g, " ");
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

const missing = () => [...command.fields.values()].find((field) => field.option.required && !isFilled(field));

/** Go on where something is missing, else to the send button. */
function focusMissing() {
  (missing()?.input ?? sendButton).focus();
}

export function focusCommand() {
  (form.querySelector("[data-option]") ?? sendButton).focus();
}

/** Put files into the option that they fell on, else into the free attachment options. */
export function takeFiles(files, target = null) {
  const { leaf, fields } = command;
  const slot = fields.get(target?.closest?.("[data-chip]")?.dataset.chip);
  if (slot?.take) slot.take(files[0]);
  for (const file of slot?.take ? files.slice(1) : files) {
    const free = leaf.options.find(({ name, type }) => type === TYPE.attachment && !fields.get(name)?.file);
    if (free) (fields.get(free.name) ?? addField(free)).take(file);
    else say(`/${leaf.name} takes no further file.`, true);
  }
  focusMissing();
}

/** Backspace in an empty field takes an optional option away; in the first one it leaves the command. */
export function stepBack(event) {
  const field = command.fields.get(event.target.dataset.option);
  const inputs = [...form.querySelectorAll("[data-option]")];
  if (field && !field.option.required) {
    event.preventDefault();
    const before = inputs[inputs.indexOf(event.target) - 1];
    removeField(field);
    (before ?? sendButton).focus();
  } else if (event.target === sendButton || event.target === inputs[0]) {
    event.preventDefault();
    leave(`/${command.leaf.name}`);
  }
}

// --- files ---

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
    focusCommand();
  });
  chooser.addEventListener("change", () => {
    if (!chooser.files.length) return;
    field.take(chooser.files[0]);
    focusMissing();
  });
  draw();
  return field;
}

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

// --- sending ---

/** The values for the server, or null after showing what is wrong. */
export async function collectValues() {
  const current = command;
  const values = [];
  for (const field of current.fields.values()) {
    const { name, type } = field.option;
    const result = type === TYPE.attachment ? await fileValue(field) : parse(field.option, field.input.value, field.picked);
    if (command !== current) return null;
    field.node.classList.toggle("invalid", Boolean(result.problem));
    field.input.setAttribute("aria-invalid", String(Boolean(result.problem)));
    if (result.problem) {
      field.input.focus();
      hidePicker();
      say(result.problem, true);
      return null;
    }
    if (result.value !== undefined) values.push({ name, type, value: result.value });
  }
  return values;
}

async function fileValue(field) {
  if (!field.file) return field.option.required ? { problem: `${field.option.name} needs a file.` } : {};
  const attachment = await field.file.ready;
  return attachment ? { value: attachment.id } : { problem: field.file.problem };
}
