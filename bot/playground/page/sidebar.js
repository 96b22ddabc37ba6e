/** What stands around the messages: channels, members, who one is, whether the bot is there. */

import { avatar, el, icon, nameOf } from "./dom.js";
import { isAdmin, isDirect, state } from "./state.js";

const $ = (selector) => document.querySelector(selector);
const unread = new Set();

const channelName = (channel) => (isDirect(channel) ? nameOf(state.bot) : channel.name);

export function markUnread(channelId, isUnread) {
  if (isUnread) unread.add(channelId);
  else unread.delete(channelId);
  drawChannels();
}

export function drawIdentity() {
  document.title = `${state.guild.name}: playground`;
  $("#guild-name").textContent = state.guild.name;
  $("#rail-guild").textContent = [...state.guild.name][0].toUpperCase();
  $("#rail-guild").setAttribute("aria-label", state.guild.name);
  const role = isAdmin(state.me) ? "You, the admin" : "You, a member";
  $("#you").replaceChildren(avatar(state.me), el("span", { class: "you-words" }, el("b", {}, nameOf(state.me)), el("small", {}, role)), icon("down"));
}

/** The line above the messages: the channel's name and topic. */
export function drawHeader(channel) {
  $("#channel-icon").replaceChildren(icon(isDirect(channel) ? "at" : "hash"));
  $("#channel-name").textContent = channelName(channel);
  $("#channel-topic").textContent = channel.topic ?? (isDirect(channel) ? "Only you and the bot see what is said here" : "");
  $("#log").setAttribute("aria-label", `Messages in ${channelName(channel)}`);
}

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

export function drawMembers() {
  const member = (user, online) => el("li", {}, el("button", { class: `member ${online ? "" : "away"}`, type: "button", "data-user-menu": user.id, "aria-haspopup": "menu" }, [
    el("span", { class: "with-status" }, avatar(user, "medium"), el("span", { class: `status ${online ? "online" : ""}` })),
    el("span", { class: "member-name" }, nameOf(user)),
    user.bot && el("span", { class: "app-tag" }, "APP"),
  ]));
  const section = (title, members) => [el("h2", {}, `${title} — ${members.length}`), el("ul", {}, members)];
  const people = isDirect(state.channel) ? [state.me] : state.users;
  $("#members").replaceChildren(...section("Members", people.map((user) => member(user, true))), ...section(state.online ? "Bot" : "Offline", [member(state.bot, state.online)]));
}

/** Whether the bot is online shows in three places. */
export function drawBot() {
  $("#offline").hidden = state.online;
  $("#offline-text").textContent = `${nameOf(state.bot)} is offline: commands are not answered until it is back.`;
  drawChannels();
  drawMembers();
}
