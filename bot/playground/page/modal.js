/** Forms that the bot opens (modals), with Discord's own shapes in and out. */

import { el, icon } from "./dom.js";
import { defaultValues, selectButton, selectOptions } from "./components.js";
import { upload } from "./connection.js";
import { markdown } from "./markdown.js";
import { openList } from "./popups.js";

const ROW = 1, TEXT_INPUT = 4, TEXT = 10, LABEL = 18, FILE_UPLOAD = 19, RADIO_GROUP = 21, CHECKBOX_GROUP = 22, CHECKBOX = 23;
const PARAGRAPH = 2;
const TEXT_LIMIT = 4000; // Discord's limit of a text input

/** Show the modal; `submit(components)` gets the filled form in Discord's submit shape. */
export function openModal({ title, custom_id: customId, components }, submit) {
  const parts = components.map(part);
  const error = el("p", { class: "failure", role: "alert", hidden: true });
  const cancel = el("button", { class: "button plain", type: "button", onclick: () => dialog.close() }, "Cancel");
  const send = el("button", { class: "button primary", type: "submit" }, "Submit");
  const close = el("button", { class: "icon-button", type: "button", "aria-label": "Close", onclick: () => dialog.close() }, icon("close"));
  const form = el("form", { novalidate: true }, [
    el("header", {}, el("h2", { id: "modal-title" }, title), close),
    el("div", { class: "modal-parts" }, parts.map(({ node }) => node)),
    error,
    el("footer", {}, cancel, send),
  ]);
  const dialog = el("dialog", { class: "modal", id: "modal", "aria-labelledby": "modal-title", "data-custom-id": customId }, form);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wrong = parts.find((one) => one.problem());
    for (const one of parts) one.node.classList.toggle("invalid", Boolean(one.problem()));
    error.hidden = !wrong;
    if (wrong) {
      error.replaceChildren(icon("warning"), wrong.problem());
      wrong.focus();
      return;
    }
    send.disabled = true;
    try {
      submit(await Promise.all(parts.map((one) => one.value()).filter(Boolean)));
      dialog.close();
    } catch (failed) {
      error.hidden = false;
      error.replaceChildren(icon("warning"), failed.message);
      send.disabled = false;
    }
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  parts.find((one) => one.focus)?.focus();
}

/** One row of the form: its node, what is wrong with it, and (a promise of) its part of the answer. */
function part(component, index) {
  if (component.type === TEXT) {
    return { node: el("div", { class: "markdown" }, markdown(component.content)), problem: () => null, value: () => null };
  }
  const inner = component.type === LABEL ? component.component : component.components[0];
  const label = component.label ?? inner.label ?? "";
  const id = `modal-field-${index}`;
  const field = control(inner, id, label);
  const required = inner.required !== false && inner.type !== CHECKBOX;
  const node = el("div", { class: "modal-field" }, [
    el("label", { for: id }, label, required && el("span", { class: "required", title: "Required" }, " *")),
    component.description && el("p", { class: "muted", id: `${id}-help` }, component.description),
    field.node,
  ]);
  return {
    node,
    focus: field.focus,
    problem: () => field.problem(required, label),
    value: async () => {
      const answer = { type: inner.type, id: inner.id, custom_id: inner.custom_id, ...(await field.value()) };
      if (component.type === ROW) return { type: ROW, id: component.id, components: [answer] };
      return { type: LABEL, id: component.id, component: answer };
    },
  };
}

function control(component, id, label) {
  if (component.type === TEXT_INPUT) return textInput(component, id);
  if (component.type === FILE_UPLOAD) return fileUpload(component, id);
  if (component.type === RADIO_GROUP || component.type === CHECKBOX_GROUP) return choiceGroup(component, id, label);
  if (component.type === CHECKBOX) return checkbox(component, id);
  return select(component, id, label);
}

function textInput(component, id) {
  const long = component.style === PARAGRAPH;
  const attributes = { id, class: "input", placeholder: component.placeholder, maxlength: component.max_length ?? TEXT_LIMIT, autocomplete: "off" };
  const input = el(long ? "textarea" : "input", { ...attributes, rows: long ? 5 : null, type: long ? null : "text", "data-custom-id": component.custom_id });
  input.value = component.value ?? "";
  const counter = el("span", { class: "counter muted", "aria-hidden": "true" });
  const count = () => {
    counter.textContent = component.max_length ? `${[...input.value].length} / ${component.max_length}` : "";
  };
  input.addEventListener("input", count);
  count();
  return {
    node: el("div", { class: "input-box" }, input, counter),
    focus: () => input.focus(),
    value: () => ({ value: input.value }),
    problem: (required, label) => {
      const length = [...input.value].length;
      if (required && !input.value.trim()) return `“${label}” must be filled in.`;
      if (length && length < (component.min_length ?? 0)) return `“${label}” needs at least ${component.min_length} characters.`;
      return null;
    },
  };
}

const wrongCount = (count, component, required, label) => {
  const min = component.min_values ?? 1;
  if (count < min && (required || count > 0)) return min > 1 ? `“${label}” needs at least ${min} choices.` : `“${label}” must be filled in.`;
  if (count > (component.max_values ?? 1)) return `“${label}” takes at most ${component.max_values ?? 1}.`;
  return null;
};

function select(component, id, label) {
  let chosen = defaultValues(component);
  const holder = el("div", {});
  const draw = () => {
    const button = selectButton(component, chosen);
    button.id = id;
    button.addEventListener("click", () => {
      const min = component.required === false ? 0 : (component.min_values ?? 1);
      const done = (values) => {
        chosen = values;
        draw();
        holder.firstChild.focus();
      };
      openList(button, { label, options: selectOptions(component), chosen, min, max: component.max_values ?? 1, done });
    });
    holder.replaceChildren(button);
  };
  draw();
  return {
    node: holder,
    focus: () => holder.firstChild.focus(),
    value: () => ({ values: chosen }),
    problem: (required, name) => wrongCount(chosen.length, component, required, name),
  };
}

function choiceGroup(component, id, label) {
  const single = component.type === RADIO_GROUP;
  const boxes = component.options.map((option, index) => {
    const shared = { type: single ? "radio" : "checkbox", name: id, id: index ? null : id, value: option.value, checked: option.default };
    return el("label", { class: "choice" }, el("input", shared), el("span", { class: "option-words" }, el("span", {}, option.label), option.description && el("span", { class: "muted" }, option.description)));
  });
  const node = el("div", { role: single ? "radiogroup" : "group", "aria-label": label, "data-custom-id": component.custom_id }, boxes);
  const values = () => [...node.querySelectorAll("input:checked")].map((input) => input.value);
  return {
    node,
    focus: () => node.querySelector("input").focus(),
    value: () => (single ? { value: values()[0] ?? null } : { values: values() }),
    problem: (required, name) => wrongCount(values().length, { max_values: component.options.length, ...component }, required, name),
  };
}

function checkbox(component, id) {
  const input = el("input", { type: "checkbox", id, checked: component.default, "data-custom-id": component.custom_id });
  return { node: input, focus: () => input.focus(), value: () => ({ value: input.checked }), problem: () => null };
}

function fileUpload(component, id) {
  const max = component.max_values ?? 1;
  const input = el("input", { type: "file", id, class: "input", multiple: max > 1, "data-custom-id": component.custom_id });
  return {
    node: input,
    focus: () => input.focus(),
    value: async () => ({ values: (await Promise.all([...input.files].map(upload))).map((attachment) => attachment.id) }),
    problem: (required, label) => wrongCount(input.files.length, component, required, label),
  };
}
