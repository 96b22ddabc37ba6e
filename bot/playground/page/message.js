/** One message as a list item, a pure function of the message and of what happened to it on this page. */

import { avatar, el, fileSize, icon, localUrl, nameOf, webUrl } from "./dom.js";
import { colour, failure, fileCard, localState, outside, picture, renderComponents, shownElsewhere } from "./components.js";
import { inlineMarkdown, markdown } from "./markdown.js";
import { findUser, state } from "./state.js";

const EPHEMERAL = 64;
const LOADING = 128;
const COMPONENTS_V2 = 32768;
const GROUP_MS = 7 * 60 * 1000; // Discord begins a new group after seven minutes
const SLASH = 1;

const clock = (date) => new Intl.DateTimeFormat(undefined, { timeStyle: "short" }).format(date);
const longDate = (date) => new Intl.DateTimeFormat(undefined, { dateStyle: "long" }).format(date);
const fullDate = (date) => new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" }).format(date);

function dayAndClock(date) {
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 86_400_000);
  if (days === 0) return clock(date);
  return days === 1 ? `Yesterday at ${clock(date)}` : new Intl.DateTimeFormat(undefined, { dateStyle: "short", timeStyle: "short" }).format(date);
}

const isThinking = (message) => Boolean(message.flags & LOADING) && !message.content;

const invocation = (message) => message.interaction_metadata?.name ?? message.interaction?.name;

function startsGroup(message, previous) {
  if (!previous || previous.author.id !== message.author.id) return true;
  if (invocation(message) || message.referenced_message) return true;
  if ((previous.flags ^ message.flags) & EPHEMERAL) return true;
  return new Date(message.timestamp) - new Date(previous.timestamp) > GROUP_MS;
}

export function renderMessage(message, previous) {
  const date = new Date(message.timestamp);
  const newDay = !previous || new Date(previous.timestamp).toDateString() !== date.toDateString();
  const head = newDay || startsGroup(message, previous);
  const ephemeral = Boolean(message.flags & EPHEMERAL);
  const mentioned = message.content?.includes(`<@${state.me.id}>`) || message.mentions?.some(({ id }) => id === state.me.id);
  const classes = ["message", head && "head", ephemeral && "ephemeral", mentioned && !ephemeral && "mentions-me"].filter(Boolean).join(" ");
  return el("li", {
    class: "entry",
    "data-message-id": message.id,
    "data-author-id": message.author.id,
    "data-ephemeral": ephemeral ? "true" : null,
    "data-thinking": isThinking(message) ? "true" : null,
  }, [
    newDay && el("div", { class: "day", role: "separator" }, el("span", {}, longDate(date))),
    el("article", { class: classes, "aria-label": `${nameOf(message.author)}, ${clock(date)}` }, [
      head && referenceLine(message),
      head ? avatar(message.author) : el("time", { class: "gutter", datetime: message.timestamp }, clock(date)),
      head && el("header", { class: "byline" }, author(message.author), el("time", { class: "when", datetime: message.timestamp, title: fullDate(date) }, dayAndClock(date))),
      el("div", { class: "body" }, body(message)),
      ephemeral && ephemeralNote(),
      toolbar(message),
    ]),
  ]);
}

function author(user) {
  const name = el("button", { class: "author", type: "button", "data-user-menu": user.id, "aria-haspopup": "menu" }, nameOf(user));
  return [name, user.bot && el("span", { class: "app-tag" }, "APP")];
}

/** "Ada used /classify", or the beginning of the message that this one answers. */
function referenceLine(message) {
  const name = invocation(message);
  const user = message.interaction_metadata?.user ?? message.interaction?.user;
  if (name && user) {
    const slash = (message.interaction_metadata?.command_type ?? SLASH) === SLASH;
    const person = el("button", { class: "reference-name", type: "button", "data-user-menu": user.id, "aria-haspopup": "menu" }, nameOf(findUser(user.id) ?? user));
    return el("div", { class: "reference" }, avatar(user, "mini"), person, " used ", el("span", { class: "mention" }, slash ? `/${name}` : name));
  }
  const answered = message.referenced_message;
  if (!answered) return null;
  const text = answered.content?.slice(0, 120) || "Click to see the message";
  const jump = el("button", { class: "reference-text", type: "button", "data-jump": answered.id }, text);
  return el("div", { class: "reference" }, avatar(answered.author, "mini"), el("b", {}, nameOf(answered.author)), jump);
}

function body(message) {
  if (isThinking(message)) {
    return el("p", { class: "thinking" }, el("span", { class: "dots" }, el("i"), el("i"), el("i")), `${nameOf(message.author)} is thinking…`);
  }
  const edited = message.edited_timestamp && el("span", { class: "edited", title: fullDate(new Date(message.edited_timestamp)) }, "(edited)");
  const layout = message.flags & COMPONENTS_V2;
  const text = message.content ? el("div", { class: "markdown content" }, markdown(message.content), edited && [" ", edited]) : null;
  const hidden = shownElsewhere(message);
  const attachments = layout ? [] : (message.attachments ?? []).filter((one) => !hidden(one));
  const { failed } = localState(message.id);
  return [
    text,
    attachmentList(attachments),
    (message.embeds ?? []).map(embed),
    el("div", { class: layout ? "components layout" : "components" }, renderComponents(message)),
    failed && !failed.customId && failure(failed.text),
    !text && edited,
  ];
}

function attachmentList(attachments) {
  const type = (one) => one.content_type ?? "";
  const pictures = attachments.filter((one) => type(one).startsWith("image/"));
  const others = attachments.filter((one) => !type(one).startsWith("image/"));
  const several = pictures.length > 1;
  const shown = pictures.map((one) => {
    const url = localUrl(one.url);
    if (!url) return outside(one.url);
    return picture(url, one.description, one, several ? "tile" : "single", one.filename.startsWith("SPOILER_"));
  });
  return [
    shown.length > 0 && el("div", { class: several ? `gallery gallery-${Math.min(shown.length, 10)}` : "attachments" }, shown),
    others.map((one) => {
      const url = localUrl(one.url);
      if (!url) return outside(one.url);
      if (type(one).startsWith("audio/")) {
        const title = el("div", { class: "sound-title" }, icon("sound"), el("span", {}, one.filename), el("span", { class: "muted" }, fileSize(one.size)));
        return el("figure", { class: "sound", "data-key": url }, title, el("audio", { src: url, controls: true, preload: "metadata", "aria-label": one.description || one.filename }));
      }
      if (type(one).startsWith("video/")) return el("video", { class: "single", src: url, controls: true, preload: "metadata", "data-key": url });
      return fileCard(url, one.filename, one.size, one.filename.startsWith("SPOILER_"));
    }),
  ];
}

function small(url, className, alt = "") {
  const local = localUrl(url);
  return local && el("img", { class: className, src: local, alt, "data-key": local });
}

function titled(text, url, className) {
  const href = webUrl(url);
  return el("div", { class: className }, href ? el("a", { href, target: "_blank", rel: "noopener noreferrer" }, text) : text);
}

function embed(one) {
  const { author: by, title, description, fields = [], image, thumbnail, footer, timestamp, video } = one;
  const inRow = fields.filter((field) => field.inline).length;
  const foot = [footer?.text, timestamp && dayAndClock(new Date(timestamp))].filter(Boolean).join(" • ");
  const node = el("article", { class: "embed" }, el("div", { class: "embed-text" }, [
    by && el("div", { class: "embed-author" }, small(by.icon_url, "round"), titled(by.name, by.url, "")),
    title && titled(inlineMarkdown(title), one.url, "embed-title"),
    description && el("div", { class: "markdown embed-description" }, markdown(description)),
    fields.length > 0 && el("div", { class: `fields ${inRow === 2 ? "pairs" : ""}` }, fields.map((field) =>
      el("div", { class: field.inline ? "field inline" : "field" }, el("div", { class: "field-name" }, inlineMarkdown(field.name)), el("div", { class: "markdown" }, markdown(field.value))))),
  ]), [
    thumbnail && (localUrl(thumbnail.url) ? picture(localUrl(thumbnail.url), "", thumbnail, "thumbnail") : outside(thumbnail.url)),
    image && (localUrl(image.url) ? picture(localUrl(image.url), image.description, image, "embed-image") : outside(image.url)),
    video && localUrl(video.url) && el("video", { class: "embed-image", src: localUrl(video.url), controls: true, preload: "metadata" }),
    foot && el("footer", { class: "embed-footer" }, small(footer?.icon_url, "round"), foot),
  ]);
  if (colour(one.color)) node.style.setProperty("--accent", colour(one.color));
  return node;
}

function ephemeralNote() {
  const dismiss = el("button", { class: "text-link", type: "button", "data-dismiss": true }, "Dismiss message");
  return el("div", { class: "note" }, icon("eye"), "Only you can see this", el("span", { "aria-hidden": "true" }, "•"), dismiss);
}

function toolbar(message) {
  const label = `More actions for the message of ${nameOf(message.author)}`;
  return el("div", { class: "toolbar" }, el("button", { class: "icon-button", type: "button", "data-message-menu": true, "aria-haspopup": "menu", "aria-label": label, title: "More" }, icon("more")));
}

/** The row that stands for a slash command until the bot has answered, and that says so when it has not. */
export function renderPending({ key, name, text }) {
  const line = text
    ? el("p", { class: "failure", role: "alert" }, icon("warning"), text)
    : el("p", { class: "thinking" }, el("span", { class: "dots" }, el("i"), el("i"), el("i")), "Sending command…");
  return el("li", { class: "entry", "data-pending": key }, el("article", { class: `message head ${text ? "ephemeral" : "waiting"}` }, [
    el("div", { class: "reference" }, avatar(state.me, "mini"), el("b", {}, nameOf(state.me)), " used ", el("span", { class: "mention" }, name)),
    avatar(state.bot),
    el("header", { class: "byline" }, author(state.bot)),
    el("div", { class: "body" }, line),
    text && ephemeralNote(),
  ]));
}
