/** The list above the message box: commands, choices, members. The text field keeps the focus. */

import { avatar, el } from "./dom.js";

const box = document.querySelector("#picker");
let input = null;
let rows = [];
let entries = [];
let active = -1;
let choose = null;

/** Show entries `{title, detail, note, user, data, ...}` for a text field; `onChoose(entry)` gets the chosen one. */
export function showPicker(field, heading, list, onChoose, empty = "Nothing matches") {
  input = field;
  entries = list;
  choose = onChoose;
  rows = entries.map(({ title, detail, note, user, data }, index) =>
    el("div", { class: "option", role: "option", id: `picked-${index}`, ...data }, [
      user && avatar(user, "tiny"),
      el("span", { class: "option-words" }, el("span", {}, el("b", {}, title), note && el("span", { class: "option-note" }, note)), detail && el("span", { class: "muted" }, detail)),
    ]));
  box.replaceChildren(el("div", { class: "picker-heading", role: "presentation" }, heading), ...(rows.length ? rows : [el("p", { class: "menu-empty" }, empty)]));
  box.hidden = false;
  input.setAttribute("aria-expanded", "true");
  input.setAttribute("aria-controls", "picker");
  activate(0);
}

export function hidePicker() {
  box.hidden = true;
  input?.setAttribute("aria-expanded", "false");
  input?.removeAttribute("aria-activedescendant");
  rows = entries = [];
  input = null;
}

export const pickerOpen = () => !box.hidden;

function activate(index) {
  rows[active]?.setAttribute("aria-selected", "false");
  active = rows.length ? (index + rows.length) % rows.length : -1;
  rows[active]?.setAttribute("aria-selected", "true");
  rows[active]?.scrollIntoView({ block: "nearest" });
  if (rows[active]) input.setAttribute("aria-activedescendant", rows[active].id);
}

function accept(index) {
  const entry = entries[index];
  const done = choose;
  hidePicker();
  done(entry);
}

/** Let the list have the key first; true if it was used. */
export function pickerKey(event) {
  if (box.hidden || event.isComposing) return false;
  const { key } = event;
  if (key === "Escape") hidePicker();
  else if (!rows.length) return false;
  else if (key === "ArrowDown" || key === "ArrowUp") activate(active + (key === "ArrowDown" ? 1 : -1));
  else if ((key === "Enter" || key === "Tab") && !event.shiftKey) accept(active);
  else return false;
  event.preventDefault();
  event.stopPropagation();
  return true;
}

box.addEventListener("pointerdown", (event) => event.preventDefault()); // the text field keeps the focus
box.addEventListener("click", (event) => {
  const index = rows.indexOf(event.target.closest(".option"));
  if (index >= 0) accept(index);
});
box.addEventListener("pointermove", (event) => {
  const index = rows.indexOf(event.target.closest(".option"));
  if (index >= 0 && index !== active) activate(index);
});
