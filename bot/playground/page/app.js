/** The page as a whole: what the server says, and what a press anywhere does. */

import { choicesFailed, showChoices } from "./command.js";
import { defaultValues, findComponent, forgetMessages, localState, noticeComponents, selectOptions } from "./components.js";
import { describeChannel, fillCommand, focusComposer, resetComposer, setupComposer } from "./composer.js";
import { ask, connect, send, takePlace } from "./connection.js";
import { avatar, nameOf } from "./dom.js";
import { appendMessage, awaitAnswer, drawMessages, endWait, endWaitOf, entry, forgetWaiting, redraw } from "./log.js";
import { refreshTimes } from "./markdown.js";
import { openModal } from "./modal.js";
import { dismissPopup, notify, openLightbox, openList, openMenu } from "./popups.js";
import { drawBot, drawHeader, drawIdentity, drawMembers, markUnread } from "./sidebar.js";
import { commandsOfType, findMessage, findUser, isAdmin, isDirect, nestOptions, state, welcomeHello } from "./state.js";
import { drawWelcome } from "./welcome.js";

const USER_COMMAND = 2;
const MESSAGE_COMMAND = 3;
const BUTTON = 2;
const TYPING_MS = 10_000; // Discord shows "is typing" for ten seconds
const LONG_PRESS_MS = 500;
const NO_CONNECTION = "There is no connection to the playground. Try again in a moment.";

const $ = (selector) => document.querySelector(selector);
const typing = new Map(); // channel id -> until when the bot types

// --- what the server says ---

const hear = {
  hello(data) {
    const somebodyElse = state.me?.id !== data.me.id;
    welcomeHello(data);
    if (somebodyElse) {
      resetComposer();
      forgetMessages();
      forgetWaiting();
    }
    for (const messages of state.messages.values()) messages.forEach(noticeComponents);
    $("#connection").hidden = true;
    const url = new URL(location.href);
    url.searchParams.set("user", data.me.id);
    history.replaceState(null, "", url);
    document.body.classList.add("ready");
    drawAll();
  },
  message(message) {
    const messages = state.messages.get(message.channel_id);
    if (!messages) return;
    const isNew = !messages.has(message.id);
    const newest = [...messages.keys()].at(-1);
    const beyond = isNew && message.edited_timestamp && newest && BigInt(message.id) < BigInt(newest);
    if (beyond) return; // a late edit of a message older than the history that this page got
    messages.set(message.id, message);
    noticeComponents(message);
    if (isNew) arrived(message);
    if (message.channel_id !== state.channel.id) markUnread(message.channel_id, true);
    else if (isNew) appendMessage(message);
    else redraw(message.id);
  },
  delete({ id, channel_id: channelId }) {
    state.messages.get(channelId)?.delete(id);
    const node = entry(id);
    const next = node?.nextElementSibling?.dataset.messageId;
    node?.remove();
    if (next) redraw(next);
  },
  commands(commands) {
    state.commands = commands;
    drawWelcome(deliver.command);
  },
  typing({ channel_id: channelId }) {
    typing.set(channelId, Date.now() + TYPING_MS);
    drawTyping();
    setTimeout(drawTyping, TYPING_MS + 50);
  },
  acked({ nonce }) {
    settle(takePlace(nonce));
  },
  failed({ nonce, text }) {
    const place = nonce && takePlace(nonce);
    if (!place) notify(text);
    else if (place.kind === "autocomplete") choicesFailed(text);
    else settle(place, text);
  },
  choices(data) {
    takePlace(data.nonce);
    showChoices(data);
  },
  modal(data) {
    const place = takePlace(data.nonce);
    settle(place);
    openModal(data, (components) => {
      const messageId = place?.kind === "click" ? place.messageId : null;
      const channelId = place?.channelId ?? state.channel.id;
      const origin = messageId ? { kind: "click", channelId, messageId } : { kind: "modal", channelId };
      const frame = { channel_id: channelId, custom_id: data.custom_id, components, message_id: messageId };
      if (!ask("modal", frame, origin)) throw new Error(NO_CONNECTION);
    });
  },
  bot({ online }) {
    state.online = online;
    drawBot();
    drawWelcome(deliver.command);
  },
};

function lost(places) {
  $("#connection").hidden = false;
  places.forEach((place) => settle(place, "The connection to the playground was lost."));
}

/** An interaction is answered, or has failed with `text`: show that where the person had pressed. */
function settle(place, text = null) {
  if (!place) return;
  if (place.kind === "click") {
    const local = localState(place.messageId);
    local.pending.delete(place.customId);
    local.failed = text && { customId: place.customId, text };
    if (text) local.chosen.delete(place.customId);
    redraw(place.messageId);
  } else if (place.kind === "command") endWait(place.key, text);
  else if (text) notify(text);
}

/** A message has come: the row that stood for its command goes, and the bot has stopped typing. */
function arrived(message) {
  if (message.author.id === state.bot.id) typing.delete(message.channel_id);
  drawTyping();
  const metadata = message.interaction_metadata ?? message.interaction;
  if (metadata?.user?.id === state.me.id && metadata.name) endWaitOf(metadata.name);
}

// --- channels ---

function drawAll() {
  drawIdentity();
  openChannel(state.channel);
  drawBot();
}

function openChannel(channel) {
  state.channel = channel;
  document.body.classList.remove("sidebar-open");
  markUnread(channel.id, false);
  drawHeader(channel);
  describeChannel();
  drawMembers();
  drawWelcome(deliver.command);
  drawMessages();
  drawTyping();
}

function drawTyping() {
  const types = state.bot && (typing.get(state.channel.id) ?? 0) > Date.now();
  $("#typing").hidden = !types;
  if (types) $("#typing-name").textContent = nameOf(state.bot);
}

// --- what the person does ---

const deliver = {
  message(content, attachments) {
    const sent = send("send", { channel_id: state.channel.id, content, attachments });
    if (!sent) notify(NO_CONNECTION);
    return sent;
  },
  command(leaf, values) {
    return invoke("command", { command_id: leaf.id, options: nestOptions(leaf.path, values) }, `/${leaf.name}`);
  },
};

/** Use a command here; a row stands for it until the bot has answered. */
function invoke(type, data, name) {
  const channelId = state.channel.id;
  const place = { kind: "command", key: null, channelId };
  const sent = ask(type, { channel_id: channelId, ...data }, place);
  if (sent) place.key = awaitAnswer(name, channelId);
  else notify(NO_CONNECTION);
  return Boolean(sent);
}

function click(message, customId, componentType, values) {
  const local = localState(message.id);
  const place = { kind: "click", channelId: message.channel_id, messageId: message.id, customId };
  const frame = { channel_id: message.channel_id, message_id: message.id, custom_id: customId, component_type: componentType };
  if (!ask("click", values ? { ...frame, values } : frame, place)) {
    notify(NO_CONNECTION);
    return;
  }
  local.pending.add(customId);
  local.failed = null;
  if (values) local.chosen.set(customId, values);
  redraw(message.id);
}

function pressComponent(button, message) {
  const { customId } = button.dataset;
  const local = localState(message.id);
  if (local.pending.has(customId)) return;
  const component = findComponent(message.components, customId);
  if (component.type === BUTTON) {
    click(message, customId, BUTTON);
    return;
  }
  const chosen = local.chosen.get(customId) ?? defaultValues(component);
  const min = component.min_values ?? 1;
  const label = component.placeholder || "Make a selection";
  const done = (values) => click(message, customId, component.type, values);
  openList(button, { label, options: selectOptions(component), chosen, min, max: component.max_values ?? 1, done });
}

function menuEntries(type, targetId) {
  const commands = commandsOfType(type);
  if (!commands.length) return [{ heading: "Apps" }, { label: "The bot offers nothing here" }];
  return [{ heading: "Apps" }, ...commands.map((command) => ({
    label: command.name,
    icon: "robot",
    data: { "data-command": command.name },
    run: () => invoke("menu", { command_id: command.id, target_id: targetId }, command.name),
  }))];
}

function messageMenu(anchor, message) {
  const copy = { label: "Copy text", icon: "copy", run: () => navigator.clipboard?.writeText(message.content) };
  openMenu(anchor, "Message", [...menuEntries(MESSAGE_COMMAND, message.id), ...(message.content ? [{ heading: "Message" }, copy] : [])]);
}

function userMenu(anchor, user) {
  openMenu(anchor, nameOf(user), [{ heading: nameOf(user) }, ...menuEntries(USER_COMMAND, user.id)]);
}

const messageAt = (node) => {
  const item = node.closest("[data-message-id]");
  return item && findMessage(state.channel.id, item.dataset.messageId);
};

/** Open the menu that belongs to what lies under a right click or a long press; true if there is one. */
function contextMenuAt(target, point) {
  const person = target.closest("[data-user-menu], .mention[data-user-id]");
  const user = person && findUser(person.dataset.userMenu ?? person.dataset.userId);
  const message = messageAt(target);
  if (user) userMenu(point, user);
  else if (message && !target.closest("a, audio, video")) messageMenu(point, message);
  return Boolean(user || message);
}

document.addEventListener("click", (event) => {
  const { target } = event;
  if (!target.closest) return;
  const message = messageAt(target);
  const hidden = target.closest(".spoiler, .spoiler-box");
  if (hidden && !hidden.dataset.revealed) {
    hidden.dataset.revealed = "true";
    event.preventDefault();
    return;
  }
  const pressed = (selector) => target.closest(selector);
  if (pressed("[data-message-id] button[data-custom-id]")) pressComponent(pressed("[data-custom-id]"), message);
  else if (pressed("[data-lightbox]")) openLightbox(pressed("[data-lightbox]").dataset.lightbox, pressed("[data-lightbox]").dataset.alt);
  else if (pressed("[data-dismiss]")) dismiss(target.closest("li"));
  else if (pressed("[data-message-menu]")) messageMenu(pressed("[data-message-menu]"), message);
  else if (pressed("[data-user-menu]")) userMenu(pressed("[data-user-menu]"), findUser(pressed("[data-user-menu]").dataset.userMenu));
  else if (pressed("[data-channel-id]")) showChannel(pressed("[data-channel-id]").dataset.channelId);
  else if (pressed("[data-fill-command]")) fillCommand(pressed("[data-fill-command]").dataset.fillCommand);
  else if (pressed("[data-jump]")) entry(pressed("[data-jump]").dataset.jump)?.scrollIntoView({ block: "center" });
});

function showChannel(id) {
  openChannel(state.channels.find((channel) => channel.id === id));
  focusComposer();
}

function dismiss(item) {
  if (item.dataset.pending) endWait(item.dataset.pending);
  else send("dismiss", { channel_id: state.channel.id, message_id: item.dataset.messageId });
  focusComposer();
}

document.addEventListener("contextmenu", (event) => {
  if (event.target.closest?.("input, textarea, dialog")) return;
  if (contextMenuAt(event.target, { x: event.clientX, y: event.clientY })) event.preventDefault();
});

let press = null;
document.addEventListener("pointerdown", (event) => {
  clearTimeout(press);
  if (event.pointerType !== "touch") return;
  const { target, clientX: x, clientY: y } = event;
  press = setTimeout(() => contextMenuAt(target, { x, y }), LONG_PRESS_MS);
});
for (const type of ["pointerup", "pointercancel", "pointermove"]) {
  document.addEventListener(type, (event) => {
    if (type !== "pointermove" || Math.abs(event.movementX) + Math.abs(event.movementY) > 4) clearTimeout(press);
  });
}

document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (key === "Escape") {
    dismissPopup();
    document.body.classList.remove("sidebar-open");
  }
  if ((key === "Enter" || key === " ") && target.matches?.(".spoiler:not([data-revealed])")) {
    event.preventDefault();
    target.click();
  }
  const free = !target.closest?.("input, textarea, dialog, .popup, [role=combobox], audio, video");
  if (free && key.length === 1 && key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey) focusComposer();
});

const become = (id) => connect(id, (type, data) => hear[type]?.(data), lost);

$("#you").addEventListener("click", () => {
  const options = state.users.map((user) => ({ value: user.id, label: nameOf(user), description: isAdmin(user) ? "admin of the server" : "member", image: avatar(user, "tiny") }));
  openList($("#you"), { label: "You are", options, chosen: [state.me.id], done: ([id]) => id !== state.me.id && become(id) });
});
$("#theme").addEventListener("click", () => {
  const dark = getComputedStyle(document.documentElement).getPropertyValue("--is-dark").trim();
  const theme = dark === "1" ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("theme", theme);
});
$("#menu").addEventListener("click", () => {
  document.body.classList.toggle("sidebar-open");
  $("#sidebar [aria-current=page]")?.focus();
});
$("#sidebar-veil").addEventListener("click", () => document.body.classList.remove("sidebar-open"));
$("#toggle-members").addEventListener("click", () => {
  const open = document.body.classList.toggle("members-hidden");
  $("#toggle-members").setAttribute("aria-pressed", String(!open));
});
$("#rail-direct").addEventListener("click", () => showChannel(state.channels.find(isDirect)?.id ?? state.channel.id));
$("#rail-guild").addEventListener("click", () => showChannel(state.channels.find((channel) => !isDirect(channel)).id));

setInterval(() => refreshTimes($("#messages")), 1000);
setupComposer(deliver);
become(new URLSearchParams(location.search).get("user"));
if (matchMedia("(pointer: fine)").matches) focusComposer();
