/** The list of messages on the screen, and the rows of commands that wait for their answer. */

import { morph } from "./dom.js";
import { renderMessage, renderPending } from "./message.js";
import { state } from "./state.js";

const NEAR_BOTTOM_PX = 60;

const log = document.querySelector("#log");
const list = document.querySelector("#messages");
const jump = document.querySelector("#jump");
const waiting = new Map(); // key -> a command without an answer yet: {key, name, channelId, text}
let atBottom = true;
let lastTop = 0;

export const entry = (id) => list.querySelector(`[data-message-id="${CSS.escape(id)}"]`);
const shown = () => state.messages.get(state.channel.id);

function previousOf(node) {
  return node?.dataset.messageId ? shown().get(node.dataset.messageId) : null;
}

export function appendMessage(message) {
  const before = list.querySelector("[data-pending]");
  const last = before ? before.previousElementSibling : list.lastElementChild;
  list.insertBefore(renderMessage(message, previousOf(last)), before);
  if (message.author.id === state.me.id) atBottom = true;
  follow();
}

export function redraw(id) {
  const node = entry(id);
  if (node) morph(node, renderMessage(shown().get(id), previousOf(node.previousElementSibling)));
}

export function drawMessages() {
  let previous = null;
  const items = [...shown().values()].map((message) => {
    const item = renderMessage(message, previous);
    previous = message;
    return item;
  });
  const rows = [...waiting.values()].filter(({ channelId }) => channelId === state.channel.id);
  list.replaceChildren(...items, ...rows.map(renderPending));
  atBottom = true;
  follow();
}

function drawWaiting(key) {
  const node = list.querySelector(`[data-pending="${key}"]`);
  const row = waiting.get(key);
  if (!row) node?.remove();
  else if (node) morph(node, renderPending(row));
  else if (row.channelId === state.channel.id) list.append(renderPending(row));
  follow();
}

/** Stay at the newest message, unless the person has scrolled away from it. */
function follow() {
  if (atBottom) log.scrollTop = log.scrollHeight;
  jump.hidden = atBottom;
}

log.addEventListener("scroll", () => {
  // A message that grows below (a picture that loads) is no wish to stay behind: only a step upwards is.
  if (log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_BOTTOM_PX) atBottom = true;
  else if (log.scrollTop < lastTop) atBottom = false;
  lastTop = log.scrollTop;
  jump.hidden = atBottom;
}, { passive: true });
new ResizeObserver(follow).observe(list);
new ResizeObserver(follow).observe(log);
jump.addEventListener("click", () => {
  atBottom = true;
  follow();
});

/** Let a row stand for a command until it is answered; returns its key. */
export function awaitAnswer(name, channelId) {
  const key = crypto.randomUUID?.() ?? String(Math.random());
  waiting.set(key, { key, name, channelId, text: null });
  atBottom = true;
  drawWaiting(key);
  return key;
}

/** The command is answered, or has failed with `text`. */
export function endWait(key, text = null) {
  const row = waiting.get(key);
  if (text && row) row.text = text;
  else waiting.delete(key);
  drawWaiting(key);
}

/** A person's message from a command has come: the row that stood for it goes. */
export function endWaitOf(commandName) {
  const bare = (name) => name.replace(/^\//, "");
  const called = ({ name }) => bare(name) === commandName || bare(name).split(" ")[0] === commandName;
  const row = [...waiting.values()].find((one) => called(one) && !one.text);
  if (row) endWait(row.key);
}

export function forgetWaiting() {
  waiting.clear();
}
