/** Building and updating the page's tree. Text from people and bots never passes through an HTML parser. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Build an element. `class`, `data-*`, `aria-*` and the rest become attributes, `on*` functions listeners;
 * undefined, null and false leave an attribute away, true sets it empty.
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
  return node;
}

/** One of the drawings in index.html's sprite. */
export function icon(name, className = "icon") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** A coloured circle with initials, or the robot for an application. */
export function avatar(user, extra = "") {
  if (user.bot) return el("span", { class: `avatar robot ${extra}`, "aria-hidden": "true" }, icon("robot", "portrait"));
  const name = nameOf(user);
  const initials = name.split(/\s+/).slice(0, 2).map((word) => [...word][0] ?? "").join("").toUpperCase();
  const hue = Number(BigInt(user.id) % 6n);
  return el("span", { class: `avatar hue-${hue} ${extra}`, "aria-hidden": "true" }, initials);
}

export const nameOf = (user) => user.global_name || user.username;

export function fileSize(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(1)} KB`;
  return `${(bytes / 1024 ** 2).toFixed(2)} MB`;
}

/**
 * An address that the page may load: a file of this server, or null.
 * The server may call itself 127.0.0.1 where the browser says localhost, so only the path is kept.
 */
export function localUrl(address) {
  if (typeof address !== "string" || !URL.canParse(address, location.href)) return null;
  const url = new URL(address, location.href);
  const here = ["127.0.0.1", "localhost", "[::1]", location.hostname].includes(url.hostname);
  return here && url.port === location.port && url.protocol === location.protocol ? url.pathname + url.search : null;
}

/** An address that a person may follow: the web's own protocols only, never `javascript:`. */
export function webUrl(address) {
  if (typeof address !== "string" || !URL.canParse(address)) return null;
  return /^https?:$/.test(new URL(address).protocol) ? address : null;
}

const kind = (node) => `${node.nodeName} ${node.classList?.[0] ?? ""} ${node.dataset?.key ?? ""}`;

/**
 * Make `before` look like `after` and keep every node that can stay: pictures do not flicker while a text
 * streams in, a playing sound goes on, and the focus and the selected text are not lost.
 */
export function morph(before, after) {
  if (before.nodeType === Node.TEXT_NODE) {
    if (after.data.startsWith(before.data)) before.appendData(after.data.slice(before.length));
    else before.data = after.data;
    return;
  }
  for (const { name } of [...before.attributes]) {
    if (name !== "style" && name !== "data-revealed" && !after.hasAttribute(name)) before.removeAttribute(name);
  }
  for (const { name, value } of after.attributes) {
    if (name !== "style" && before.getAttribute(name) !== value) before.setAttribute(name, value);
  }
  if (before.style && before.style.cssText !== after.style.cssText) before.style.cssText = after.style.cssText;

  let cursor = before.firstChild;
  for (const child of [...after.childNodes]) {
    let match = cursor;
    while (match && kind(match) !== kind(child)) match = match.nextSibling;
    if (!match) {
      before.insertBefore(child, cursor);
      continue;
    }
    while (cursor !== match) {
      const gone = cursor;
      cursor = cursor.nextSibling;
      gone.remove();
    }
    cursor = cursor.nextSibling;
    morph(match, child);
  }
  while (cursor) {
    const gone = cursor;
    cursor = cursor.nextSibling;
    gone.remove();
  }
}
