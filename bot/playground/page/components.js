/** Buttons, selects and the layout components (Components V2), drawn from Discord's own JSON. */

import { avatar, el, fileSize, icon, localUrl, nameOf, webUrl } from "./dom.js";
import { markdown } from "./markdown.js";
import { isDirect, state } from "./state.js";

const ROW = 1, BUTTON = 2, STRING_SELECT = 3, USER_SELECT = 5, ROLE_SELECT = 6, MENTIONABLE_SELECT = 7, CHANNEL_SELECT = 8;
const SECTION = 9, TEXT = 10, THUMBNAIL = 11, GALLERY = 12, FILE = 13, SEPARATOR = 14, CONTAINER = 17;
const SELECTS = [STRING_SELECT, USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT];
const LINK_STYLE = 5;
const BUTTON_STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link", 6: "primary" };

// What happened on this page to a message's components: clicks under way, the last failure, chosen values.
const locals = new Map();

export function localState(messageId) {
  if (!locals.has(messageId)) locals.set(messageId, { pending: new Set(), failed: null, chosen: new Map(), shape: "" });
  return locals.get(messageId);
}

/** A new state of the message has come: choices made here hold only as long as the components are the same. */
export function noticeComponents(message) {
  const local = localState(message.id);
  const shape = JSON.stringify(message.components ?? []);
  if (local.shape !== shape) {
    local.chosen.clear();
    local.failed = null;
  }
  local.shape = shape;
}

export function forgetMessages() {
  locals.clear();
}

const emojiText = (emoji) => (emoji ? (emoji.id ? `:${emoji.name}:` : emoji.name) : null);

export const colour = (value) => (Number.isInteger(value) ? `#${value.toString(16).padStart(6, "0")}` : null);

export function renderComponents(message) {
  return (message.components ?? []).map((component) => render(component, message));
}

function render(component, message) {
  const inner = () => (component.components ?? []).map((child) => render(child, message));
  if (component.type === ROW) return row(component, message, inner);
  if (component.type === BUTTON) return button(component, message);
  if (SELECTS.includes(component.type)) return selectTrigger(component, message);
  if (component.type === TEXT) return el("div", { class: "markdown" }, markdown(component.content));
  if (component.type === SECTION) {
    const accessory = component.accessory && render(component.accessory, message);
    return el("div", { class: "section" }, el("div", { class: "section-text" }, inner()), accessory);
  }
  if (component.type === THUMBNAIL) return media(component, message, "thumbnail");
  if (component.type === GALLERY) {
    const count = Math.min(component.items.length, 10);
    return el("div", { class: `gallery gallery-${count}` }, component.items.map((item) => media(item, message, "tile")));
  }
  if (component.type === FILE) return file(component, message);
  if (component.type === SEPARATOR) {
    const size = component.spacing === 2 ? "wide" : "";
    return el("div", { class: `separator ${size} ${component.divider === false ? "" : "line"}`, role: "separator" });
  }
  if (component.type === CONTAINER) {
    const box = el("div", { class: `container ${component.spoiler ? "spoiler-box" : ""}` }, inner());
    if (colour(component.accent_color)) box.style.setProperty("--accent", colour(component.accent_color));
    return box;
  }
  return el("p", { class: "muted" }, `[A component of type ${component.type} is not drawn here.]`);
}

function row(component, message, inner) {
  const { failed } = localState(message.id);
  const mine = failed && (component.components ?? []).some(({ custom_id: id }) => id && id === failed.customId);
  return [el("div", { class: "row" }, inner()), mine && failure(failed.text)];
}

export const failure = (text) => el("p", { class: "failure", role: "alert" }, icon("warning"), text);

function button(component, message) {
  const style = BUTTON_STYLES[component.style] ?? "secondary";
  const emoji = emojiText(component.emoji);
  const content = [emoji && el("span", { class: "emoji" }, emoji), component.label && el("span", {}, component.label)];
  if (component.style === LINK_STYLE) {
    const href = component.disabled ? null : webUrl(component.url);
    const shown = { class: `button ${style}`, href, target: "_blank", rel: "noopener noreferrer", "data-key": component.url };
    return el("a", { ...shown, "aria-disabled": href ? null : "true" }, content, icon("external"));
  }
  const pending = localState(message.id).pending.has(component.custom_id);
  return el("button", {
    class: `button ${style} ${pending ? "pending" : ""}`,
    type: "button",
    disabled: component.disabled,
    "aria-busy": pending ? "true" : null,
    "aria-label": component.label ? null : component.emoji?.name,
    "data-custom-id": component.custom_id,
    "data-component-type": BUTTON,
    "data-key": component.custom_id,
  }, el("span", { class: "button-content" }, content), pending && el("span", { class: "dots" }, el("i"), el("i"), el("i")));
}

/** The entries of any select as `{value, label, description, emoji}`. */
export function selectOptions(component) {
  const users = () => [...state.users, state.bot].map((user) => ({ value: user.id, label: nameOf(user), image: avatar(user, "tiny") }));
  const roles = () => [{ value: state.guild.id, label: "@everyone" }];
  const channels = () => {
    const fits = ({ type }) => !component.channel_types?.length || component.channel_types.includes(type);
    return state.channels.filter((channel) => !isDirect(channel) && fits(channel)).map(({ id, name }) => ({ value: id, label: `#${name}` }));
  };
  if (component.type === STRING_SELECT) {
    return component.options.map(({ emoji, ...option }) => ({ ...option, image: emoji && el("span", { class: "emoji" }, emojiText(emoji)) }));
  }
  if (component.type === USER_SELECT) return users();
  if (component.type === ROLE_SELECT) return roles();
  if (component.type === MENTIONABLE_SELECT) return [...users(), ...roles()];
  return channels();
}

export function defaultValues(component) {
  if (component.type === STRING_SELECT) return component.options.filter((option) => option.default).map(({ value }) => value);
  return (component.default_values ?? []).map(({ id }) => id);
}

/** The closed select: a button that says what is chosen. */
export function selectButton(component, chosen, pending = false) {
  const labels = selectOptions(component).filter(({ value }) => chosen.includes(value)).map(({ label }) => label);
  const text = labels.length ? el("span", { class: "chosen" }, labels.join(", ")) : el("span", { class: "muted" }, component.placeholder || "Make a selection");
  return el("button", {
    class: `select ${pending ? "pending" : ""}`,
    type: "button",
    role: "combobox",
    disabled: component.disabled,
    "aria-haspopup": "listbox",
    "aria-expanded": "false",
    "aria-busy": pending ? "true" : null,
    "aria-label": `${component.placeholder || "Make a selection"}${labels.length ? `: ${labels.join(", ")}` : ""}`,
    "data-custom-id": component.custom_id,
    "data-component-type": component.type,
    "data-key": component.custom_id,
  }, text, icon("down"));
}

function selectTrigger(component, message) {
  const local = localState(message.id);
  const chosen = local.chosen.get(component.custom_id) ?? defaultValues(component);
  return selectButton(component, chosen, local.pending.has(component.custom_id));
}

/** Find a component of a message by its custom id, however deep it lies. */
export function findComponent(components, customId) {
  for (const component of components ?? []) {
    if (component.custom_id === customId) return component;
    const inside = [...(component.components ?? []), ...(component.accessory ? [component.accessory] : [])];
    const found = findComponent(inside, customId);
    if (found) return found;
  }
  return null;
}

const attachmentOf = (address, message) => {
  const name = address?.startsWith("attachment://") ? address.slice("attachment://".length) : null;
  return (message.attachments ?? []).find((one) => (name ? one.filename === name : localUrl(one.url) === localUrl(address)));
};

function media(item, message, className) {
  const attachment = attachmentOf(item.media?.url, message);
  const url = localUrl(attachment?.url ?? item.media?.url);
  const type = item.media?.content_type ?? attachment?.content_type ?? "";
  const description = item.description ?? attachment?.description ?? "";
  if (!url) return outside(item.media?.url);
  if (type.startsWith("video/")) return el("video", { class: className, src: url, controls: true, preload: "metadata", "data-key": url });
  const size = { width: item.media?.width ?? attachment?.width, height: item.media?.height ?? attachment?.height };
  return picture(url, description, size, className, item.spoiler);
}

/** A file of another machine is never loaded: the page offers the link instead. */
export function outside(address) {
  const href = webUrl(address);
  return href && el("a", { class: "outside", href, target: "_blank", rel: "noopener noreferrer" }, icon("external"), new URL(href).hostname);
}

/** A picture that opens large on a click. */
export function picture(url, description, { width, height }, className = "", hidden = false) {
  const image = el("img", { src: url, alt: description || "Picture", width, height, loading: "eager", draggable: "false" });
  const label = `Open picture${description ? `: ${description}` : ""}`;
  const attributes = { class: `picture ${className} ${hidden ? "spoiler-box" : ""}`, type: "button", "aria-label": label };
  return el("button", { ...attributes, "data-lightbox": url, "data-alt": description, "data-key": url }, image);
}

function file(component, message) {
  const attachment = attachmentOf(component.file?.url, message);
  const url = localUrl(attachment?.url ?? component.file?.url);
  const name = component.name ?? attachment?.filename ?? component.file?.url?.split("/").at(-1) ?? "file";
  return url ? fileCard(url, name, component.size ?? attachment?.size, component.spoiler) : outside(component.file?.url);
}

export function fileCard(url, name, size, hidden = false) {
  const link = el("a", { href: url, download: name }, name);
  const facts = el("div", { class: "file-facts" }, link, Number.isFinite(size) && el("span", { class: "muted" }, fileSize(size)));
  const save = el("a", { class: "icon-button", href: url, download: name, "aria-label": `Download ${name}` }, icon("download"));
  return el("div", { class: `file ${hidden ? "spoiler-box" : ""}`, "data-key": url }, icon("file", "file-icon"), facts, save);
}

/** Addresses that the embeds and components show themselves, so that the file is not listed a second time. */
export function shownElsewhere(message) {
  const shown = new Set();
  JSON.stringify([message.embeds ?? [], message.components ?? []], (key, value) => {
    if (["url", "icon_url", "proxy_url"].includes(key) && typeof value === "string") {
      shown.add(value.startsWith("attachment://") ? value : localUrl(value));
    }
    return value;
  });
  return (attachment) => shown.has(localUrl(attachment.url)) || shown.has(`attachment://${attachment.filename}`);
}

