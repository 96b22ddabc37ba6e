/** The page as a whole: channels, the list of messages, and what a press on any of it does. */

import { commandsOfType, findMessage, findUser, isDirect, nestOptions, slashCommands, state, welcomeHello } from "./state.js";
import { ask, connect, send, takePlace, upload } from "./connection.js";
import { avatar, el, icon, morph, nameOf } from "./dom.js";
import { choicesFailed, describeChannel, fillCommand, focusComposer, resetComposer, setupComposer, showChoices } from "./composer.js";
import { defaultValues, findComponent, forgetMessages, localState, noticeComponents, selectOptions } from "./components.js";
import { dismissPopup, notify, openLightbox, openList, openMenu } from "./popups.js";
import { markdown, refreshTimes } from "./markdown.js";
import { openModal } from "./modal.js";
import { renderMessage, renderPending } from "./message.js";

const USER_COMMAND = 2;
const MESSAGE_COMMAND = 3;
const BUTTON = 2;
const TYPING_MS = 10_000; // Discord shows "is typing" for ten seconds
const NEAR_BOTTOM_PX = 60;
const LONG_PRESS_MS = 500;
const NO_CONNECTION = "There is no connection to the playground. Try again in a moment.";

const $ = (selector) => document.querySelector(selector);
const log = $("#log");
const list = $("#messages");
const unread = new Set();
const typing = new Map(); // channel id -> until when the bot types
const waiting = new Map(); // key -> a slash command that the bot has not answered: {key, name, channelId, text}
let atBottom = true;

// --- what the server says ---

const hear = {
  hello(data) {
    const somebodyElse = state.me?.id !== data.me.id;
    welcomeHello(data);
    if (somebodyElse) {
      resetComposer();
      forgetMessages();
      waiting.clear();
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
    if (message.channel_id !== state.channel.id) {
      if (isNew) unread.add(message.channel_id);
      drawChannels();
    } else if (isNew) appendMessage(message);
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
    drawWelcome();
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
    drawWelcome();
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
  } else if (place.kind === "command") {
    const row = waiting.get(place.key);
    if (text && row) row.text = text;
    else waiting.delete(place.key);
    drawWaiting(place.key);
  } else if (text) notify(text);
}

/** A message has come: the row that stood for its command goes, and the bot has stopped typing. */
function arrived(message) {
  if (message.author.id === state.bot.id) typing.delete(message.channel_id);
  drawTyping();
  const metadata = message.interaction_metadata ?? message.interaction;
  if (metadata?.user?.id !== state.me.id) return;
  const called = ({ root }) => root === metadata.name || root.split(" ")[0] === metadata.name;
  const row = [...waiting.values()].find((one) => called(one) && !one.text);
  if (row) {
    waiting.delete(row.key);
    drawWaiting(row.key);
  }
}

// --- the list of messages ---

const entry = (id) => list.querySelector(`[data-message-id="${CSS.escape(id)}"]`);
const shown = () => state.messages.get(state.channel.id);

function previousOf(node) {
  return node?.dataset.messageId ? shown().get(node.dataset.messageId) : null;
}

function appendMessage(message) {
  const before = list.querySelector("[data-pending]");
  const last = before ? before.previousElementSibling : list.lastElementChild;
  list.insertBefore(renderMessage(message, previousOf(last)), before);
  if (message.author.id === state.me.id) atBottom = true;
  follow();
}

function redraw(id) {
  const node = entry(id);
  if (node) morph(node, renderMessage(shown().get(id), previousOf(node.previousElementSibling)));
}

function drawMessages() {
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
  $("#jump").hidden = atBottom;
}

log.addEventListener("scroll", () => {
  atBottom = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_BOTTOM_PX;
  $("#jump").hidden = atBottom;
}, { passive: true });
new ResizeObserver(follow).observe(list);
new ResizeObserver(follow).observe(log);
$("#jump").addEventListener("click", () => {
  atBottom = true;
  follow();
});

// --- everything around it ---

function drawAll() {
  document.title = `${state.guild.name}: playground`;
  $("#guild-name").textContent = state.guild.name;
  $("#rail-guild").textContent = [...state.guild.name][0].toUpperCase();
  $("#rail-guild").setAttribute("aria-label", state.guild.name);
  $("#you").replaceChildren(avatar(state.me), el("span", { class: "you-words" }, el("b", {}, nameOf(state.me)), el("small", {}, isAdmin(state.me) ? "You, the admin" : "You, a member")), icon("down"));
  openChannel(state.channel);
  drawBot();
}

const isAdmin = (user) => Boolean(state.users.find(({ id }) => id === user.id)?.admin);

function openChannel(channel) {
  state.channel = channel;
  unread.delete(channel.id);
  document.body.classList.remove("sidebar-open");
  $("#channel-icon").replaceChildren(icon(isDirect(channel) ? "at" : "hash"));
  $("#channel-name").textContent = channelName(channel);
  $("#channel-topic").textContent = channel.topic ?? (isDirect(channel) ? "Only you and the bot see what is said here" : "");
  log.setAttribute("aria-label", `Messages in ${channelName(channel)}`);
  describeChannel();
  drawChannels();
  drawMembers();
  drawWelcome();
  drawMessages();
  drawTyping();
}

const channelName = (channel) => (isDirect(channel) ? nameOf(state.bot) : channel.name);

function drawChannels() {
  const item = (channel) => {
    const current = channel.id === state.channel.id;
    const sign = isDirect(channel) ? el("span", { class: "with-status" }, avatar(state.bot, "tiny"), el("span", { class: `status ${state.online ? "online" : ""}` })) : icon("hash");
    const classes = `channel ${unread.has(channel.id) ? "unread" : ""}`;
    return el("li", {}, el("button", { class: classes, type: "button", "data-channel-id": channel.id, "aria-current": current ? "page" : null }, sign, el("span", {}, channelName(channel)), unread.has(channel.id) && el("span", { class: "visually-hidden" }, "unread")));
  };
  $("#text-channels").replaceChildren(...state.channels.filter((channel) => !isDirect(channel)).map(item));
  $("#direct-channels").replaceChildren(...state.channels.filter(isDirect).map(item));
  $("#rail-direct").setAttribute("aria-current", String(isDirect(state.channel)));
  $("#rail-guild").setAttribute("aria-current", String(!isDirect(state.channel)));
}

function drawMembers() {
  const member = (user, online) => el("li", {}, el("button", { class: `member ${online ? "" : "away"}`, type: "button", "data-user-menu": user.id, "aria-haspopup": "menu" }, [
    el("span", { class: "with-status" }, avatar(user, "medium"), el("span", { class: `status ${online ? "online" : ""}` })),
    el("span", { class: "member-name" }, nameOf(user)),
    user.bot && el("span", { class: "app-tag" }, "APP"),
  ]));
  const section = (title, members) => [el("h2", {}, `${title} — ${members.length}`), el("ul", {}, members)];
  const people = isDirect(state.channel) ? [state.me] : state.users;
  $("#members").replaceChildren(...section("Members", people.map((user) => member(user, true))), ...section(state.online ? "Bot" : "Offline", [member(state.bot, state.online)]));
}

function drawBot() {
  $("#offline").hidden = state.online;
  $("#offline-text").textContent = `${nameOf(state.bot)} is offline: commands are not answered until it is back.`;
  drawChannels();
  drawMembers();
}

function drawTyping() {
  const types = state.bot && (typing.get(state.channel.id) ?? 0) > Date.now();
  $("#typing").hidden = !types;
  if (types) $("#typing-name").textContent = nameOf(state.bot);
}

function drawWelcome() {
  const { channel, welcome } = state;
  const first = channel.id === state.channels.find((one) => !isDirect(one))?.id;
  if (!first || !welcome) {
    const text = isDirect(channel) ? `This is the beginning of your direct messages with ${nameOf(state.bot)}. Nobody else in the server sees them.` : `This is the start of the #${channel.name} channel.`;
    const sign = isDirect(channel) ? avatar(state.bot, "huge") : el("span", { class: "channel-sign" }, icon("hash"));
    $("#welcome").replaceChildren(sign, el("h2", {}, isDirect(channel) ? nameOf(state.bot) : `Welcome to #${channel.name}!`), el("p", { class: "muted" }, text));
    return;
  }
  const chips = welcome.examples.map((example) => {
    const leaf = slashCommands().find(({ name }) => name === example.command);
    const picture = Object.values(example.attachments ?? {})[0];
    const sign = picture ? el("img", { src: picture, alt: "", width: 36, height: 36 }) : icon("slash", "icon");
    const words = el("span", { class: "example-words" }, el("b", {}, example.label), el("span", { class: "muted" }, `/${example.command}`));
    return el("button", { class: "example", type: "button", disabled: !leaf || !state.online, "data-example": example.label, onclick: (event) => runExample(event.currentTarget, leaf, example) }, sign, words);
  });
  $("#welcome").replaceChildren(avatar(state.bot, "huge"), el("div", { class: "markdown welcome-text" }, markdown(welcome.text)), el("div", { class: "examples", role: "group", "aria-label": "Examples: one press runs them" }, chips));
}

async function runExample(button, leaf, example) {
  button.disabled = true;
  try {
    const given = { ...example.options };
    for (const [name, url] of Object.entries(example.attachments ?? {})) {
      const response = await fetch(url);
      if (!response.ok) throw new Error(`The sample ${url} could not be loaded.`);
      const blob = await response.blob();
      given[name] = (await upload(new File([blob], url.split("/").at(-1), { type: blob.type }))).id;
    }
    const values = leaf.options.filter(({ name }) => name in given).map(({ name, type }) => ({ name, type, value: given[name] }));
    deliver.command(leaf, values);
  } catch (error) {
    notify(error.message);
  } finally {
    button.disabled = false;
  }
}

// --- what the person does ---

const deliver = {
  message(content, attachments) {
    const sent = send("send", { channel_id: state.channel.id, content, attachments });
    if (!sent) notify(NO_CONNECTION);
    return sent;
  },
  command(leaf, values) {
    const key = crypto.randomUUID?.() ?? String(Math.random());
    const place = { kind: "command", key, channelId: state.channel.id };
    const frame = { channel_id: state.channel.id, command_id: leaf.id, options: nestOptions(leaf.path, values) };
    if (!ask("command", frame, place)) {
      notify(NO_CONNECTION);
      return false;
    }
    waiting.set(key, { key, name: `/${leaf.name}`, root: leaf.name, channelId: state.channel.id, text: null });
    atBottom = true;
    drawWaiting(key);
    return true;
  },
};

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
    run() {
      const key = crypto.randomUUID?.() ?? String(Math.random());
      const place = { kind: "command", key, channelId: state.channel.id };
      if (!ask("menu", { channel_id: state.channel.id, command_id: command.id, target_id: targetId }, place)) {
        notify(NO_CONNECTION);
        return;
      }
      waiting.set(key, { key, name: command.name, root: command.name, channelId: state.channel.id, text: null });
      drawWaiting(key);
    },
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
  if (item.dataset.pending) {
    waiting.delete(item.dataset.pending);
    item.remove();
  } else send("dismiss", { channel_id: state.channel.id, message_id: item.dataset.messageId });
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

setInterval(() => refreshTimes(list), 1000);
setupComposer(deliver);
become(new URLSearchParams(location.search).get("user"));
if (matchMedia("(pointer: fine)").matches) focusComposer();
