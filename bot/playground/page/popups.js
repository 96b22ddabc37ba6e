/** What lies above the page for a moment: lists to choose from, menus, large pictures, notices. */

import { el, icon } from "./dom.js";

let closePopup = null;

/** Close the open list or menu, if there is one. */
export function dismissPopup() {
  closePopup?.();
}

const layer = () => document.querySelector("dialog[open]") ?? document.body;

/** Show `node` near `anchor` (an element or a point), keep it inside the window, close it on a press elsewhere. */
function float(node, anchor, onClose) {
  dismissPopup();
  const opener = document.activeElement;
  layer().append(node);
  const box = anchor.getBoundingClientRect?.() ?? { left: anchor.x, right: anchor.x, top: anchor.y, bottom: anchor.y, width: 0 };
  if (box.width > 200) node.style.width = `${box.width}px`;
  const below = window.innerHeight - box.bottom - 12;
  const above = box.top - 12;
  const fits = node.offsetHeight <= below || below >= above;
  node.style.maxHeight = `${Math.max(fits ? below : above, 120)}px`;
  node.style.top = `${fits ? box.bottom + 4 : Math.max(8, box.top - node.offsetHeight - 4)}px`;
  node.style.left = `${Math.max(8, Math.min(box.left, window.innerWidth - node.offsetWidth - 8))}px`;
  const outside = (event) => {
    if (node.contains(event.target)) return;
    close("outside");
    if (anchor.contains?.(event.target)) swallowClick();
  };
  const close = (reason = "closed") => {
    if (closePopup !== close) return;
    closePopup = null;
    document.removeEventListener("pointerdown", outside, true);
    window.removeEventListener("resize", close);
    const inside = node.contains(document.activeElement);
    node.remove();
    if (inside && reason !== "outside") opener?.focus?.({ preventScroll: true });
    onClose?.(reason);
  };
  closePopup = close;
  document.addEventListener("pointerdown", outside, true);
  window.addEventListener("resize", close);
  return close;
}

/** A press on the button that had opened the list closes it, and must not open it again. */
function swallowClick() {
  const swallow = (event) => {
    event.preventDefault();
    event.stopPropagation();
  };
  document.addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => document.removeEventListener("click", swallow, { capture: true }), 400);
}

const moveIn = (items, from, key) => {
  const at = items.indexOf(from);
  if (key === "Home") return items[0];
  if (key === "End") return items.at(-1);
  return items[(at + (key === "ArrowDown" ? 1 : -1) + items.length) % items.length];
};

/** A menu of actions: `[{heading} | {label, icon, data, run}]`. */
export function openMenu(anchor, label, entries) {
  const node = el("div", { class: "popup menu", role: "menu", "aria-label": label });
  for (const entry of entries) {
    if (entry.heading) node.append(el("div", { class: "menu-heading", role: "presentation" }, entry.heading));
    else if (!entry.run) node.append(el("div", { class: "menu-empty", role: "presentation" }, entry.label));
    else {
      const run = () => {
        close();
        entry.run();
      };
      node.append(el("button", { class: "menu-item", type: "button", role: "menuitem", tabindex: "-1", ...entry.data, onclick: run }, el("span", {}, entry.label), entry.icon && icon(entry.icon)));
    }
  }
  const close = float(node, anchor);
  const items = [...node.querySelectorAll("[role=menuitem]")];
  node.addEventListener("keydown", (event) => {
    if (["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key) && items.length) {
      event.preventDefault();
      moveIn(items, document.activeElement, event.key).focus();
    } else if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  });
  node.tabIndex = -1;
  (items[0] ?? node).focus({ preventScroll: true });
}

/**
 * A list to choose from. `options` are `{value, label, description, image}`; `done(values)` is called with
 * the choice once it has changed. With `max` 1 a press chooses at once, else the list stays open until Done.
 */
export function openList(anchor, { label, options, chosen = [], min = 1, max = 1, done }) {
  const values = new Set(chosen);
  const several = max > 1;
  const list = el("div", { class: "list", role: "listbox", tabindex: "0", "aria-label": label, "aria-multiselectable": several ? "true" : null });
  const node = el("div", { class: "popup select-list" }, list);
  const rows = options.map(({ value, label: text, description, image }, index) => {
    const words = el("span", { class: "option-words" }, el("span", {}, text), description && el("span", { class: "muted" }, description));
    const mark = el("span", { class: several ? "checkbox" : "radio" }, icon("check"));
    return el("div", { class: "option", role: "option", id: `choice-${index}`, "data-value": value, onclick: () => press(value) }, image?.cloneNode(true), words, mark);
  });
  list.append(...rows);
  if (!rows.length) list.append(el("p", { class: "menu-empty" }, "Nothing to choose from"));
  const finish = el("button", { class: "button primary", type: "button", onclick: () => settle() }, "Done");
  if (several || min === 0) node.append(el("div", { class: "list-foot" }, el("span", { class: "muted" }, limits(min, max)), finish));

  const draw = () => {
    for (const row of rows) row.setAttribute("aria-selected", String(values.has(row.dataset.value)));
    finish.disabled = values.size < min;
  };
  let active = rows.find((row) => values.has(row.dataset.value)) ?? rows[0];
  const activate = (row) => {
    active?.classList.remove("active");
    active = row;
    active?.classList.add("active");
    active?.scrollIntoView({ block: "nearest" });
    if (active) list.setAttribute("aria-activedescendant", active.id);
  };
  const changed = () => values.size !== chosen.length || chosen.some((value) => !values.has(value));
  const settle = () => {
    const changes = changed() || !several;
    close("settled");
    if (changes && values.size >= min) done([...values]);
  };
  const press = (value) => {
    if (!several) {
      if (values.has(value) && min === 0) values.delete(value);
      else {
        values.clear();
        values.add(value);
      }
      settle();
      return;
    }
    if (values.has(value)) values.delete(value);
    else if (values.size < max) values.add(value);
    draw();
  };
  const close = float(node, anchor, (reason) => {
    anchor.setAttribute?.("aria-expanded", "false");
    if (reason === "outside" && several && changed() && values.size >= min) done([...values]);
  });
  anchor.setAttribute?.("aria-expanded", "true");
  list.addEventListener("pointermove", (event) => activate(event.target.closest(".option") ?? active));
  node.addEventListener("keydown", (event) => {
    const { key } = event;
    if (key === "Escape") close();
    else if (event.target === list && ["ArrowDown", "ArrowUp", "Home", "End"].includes(key) && rows.length) activate(moveIn(rows, active, key));
    else if (event.target === list && (key === "Enter" || key === " ") && active) press(active.dataset.value);
    else if (event.target === list && key.length === 1) activate(rows.find((row) => row.textContent.toLowerCase().startsWith(key.toLowerCase())) ?? active);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  draw();
  activate(active);
  list.focus({ preventScroll: true });
}

function limits(min, max) {
  if (min === max) return `Choose ${max}`;
  return min === 0 ? `Choose up to ${max}` : `Choose ${min} to ${max}`;
}

/** A picture as large as the window allows. */
export function openLightbox(url, description) {
  const image = el("img", { src: url, alt: description || "Picture" });
  const caption = el("figcaption", {}, description, el("a", { href: url, target: "_blank", rel: "noopener" }, "Open in a new tab"));
  const close = el("button", { class: "icon-button lightbox-close", type: "button", "aria-label": "Close", onclick: () => dialog.close() }, icon("close"));
  const dialog = el("dialog", { class: "lightbox", "aria-label": description || "Picture" }, close, el("figure", {}, image, caption));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    if (!event.target.closest("img, a, button")) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
}

/** A notice for what has no place of its own in the page. */
export function notify(text) {
  const notice = el("div", { class: "notice", role: "alert" }, icon("warning"), el("span", {}, text));
  document.querySelector("#notices").append(notice);
  setTimeout(() => notice.remove(), 6000);
}
