/** Discord's markdown as DOM nodes. Nothing here makes HTML out of text, so nothing can be injected. */

import { el, nameOf, webUrl } from "./dom.js";
import { findUser, slashCommands, state } from "./state.js";

const FENCE = /```(?:([\w+\-.#]*)\n)?\n*([^]*?)\n*```/g;
const PLAIN = /[^\\`|*_~[<@h]+|h(?!ttps?:)|@(?!everyone|here)/y;

const INLINE = [
  [/\\([^\w\s])/y, ([, sign]) => sign],
  [/(`+)([^]*?[^`])\1(?!`)/y, ([, , code]) => el("code", {}, code.replace(/^ (?=`)|(?<=`) $/g, ""))],
  [/\|\|([^]+?)\|\|/y, ([, text], links) => spoiler(inline(text, links))],
  [/\*\*((?:\\[^]|[^\\])+?)\*\*(?!\*)/y, ([, text], links) => el("strong", {}, inline(text, links))],
  [/__((?:\\[^]|[^\\])+?)__(?!_)/y, ([, text], links) => el("u", {}, inline(text, links))],
  [/~~([^]+?)~~/y, ([, text], links) => el("s", {}, inline(text, links))],
  [/\*(?=\S)((?:\*\*|\\[^]|[^\\*])+?)\*(?!\*)/y, ([, text], links) => el("em", {}, inline(text, links))],
  [/(?<!\w)_((?:__|\\[^]|[^\\_])+?)_(?!\w)/y, ([, text], links) => el("em", {}, inline(text, links))],
  [/\[((?:\\[^]|[^[\]\\])+)\]\(<?(https?:\/\/[^\s<>)]+)>?(?:\s+"[^"]*")?\)/y, ([, text, url]) => link(url, inline(text, false))],
  [/<t:(-?\d{1,13})(?::([tTdDfFsSR]))?>/y, ([, seconds, style]) => timestamp(Number(seconds), style)],
  [/<@!?(\d+)>/y, ([, id]) => mention(`@${findUser(id) ? nameOf(findUser(id)) : "unknown-user"}`, { "data-user-id": id })],
  [/<@&(\d+)>/y, () => mention("@role")],
  [/<#(\d+)>/y, ([, id]) => mention(`#${state.channels.find((channel) => channel.id === id)?.name ?? "unknown"}`)],
  [/<\/([^:<>\n]{1,100}):\d+>/y, ([, name]) => commandMention(name)],
  [/<a?(:\w{2,32}:)\d+>/y, ([, name]) => name],
  [/<(https?:\/\/[^\s<>]+)>/y, ([, url], links) => (links ? link(url, [url]) : url)],
  [/https?:\/\/[^\s<]+[^\s<.,:;"')\]|*_~]/y, ([url], links) => (links ? link(url, [url]) : url)],
  [/@(?:everyone|here)/y, ([text]) => mention(text)],
];

function inline(text, links = true) {
  const nodes = [];
  let plain = "";
  let at = 0;
  while (at < text.length) {
    PLAIN.lastIndex = at;
    const run = PLAIN.exec(text);
    if (run) {
      plain += run[0];
      at += run[0].length;
      continue;
    }
    let found = null;
    for (const [rule, build] of INLINE) {
      rule.lastIndex = at;
      const match = rule.exec(text);
      if (!match) continue;
      found = match[0].length;
      const node = build(match, links);
      if (typeof node === "string") plain += node;
      else {
        if (plain) nodes.push(plain);
        plain = "";
        nodes.push(node);
      }
      break;
    }
    if (!found) plain += text[at];
    at += found ?? 1;
  }
  if (plain) nodes.push(plain);
  return nodes;
}

function link(url, children) {
  return webUrl(url) ? el("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, children) : url;
}

const mention = (text, data = {}) => el("span", { class: "mention", ...data }, text);

function commandMention(name) {
  const known = slashCommands().some((command) => command.name === name);
  return known ? el("button", { class: "mention", type: "button", "data-fill-command": name }, `/${name}`) : mention(`/${name}`);
}

function spoiler(children) {
  return el("span", { class: "spoiler", role: "button", tabindex: "0", "aria-label": "Spoiler, press to reveal" }, el("span", {}, children));
}

const DATE_STYLES = {
  t: { timeStyle: "short" },
  T: { timeStyle: "medium" },
  d: { dateStyle: "short" },
  D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" },
  F: { dateStyle: "full", timeStyle: "short" },
  s: { dateStyle: "short", timeStyle: "short" },
  S: { dateStyle: "short", timeStyle: "medium" },
};

const UNITS = [["year", 31_557_600], ["month", 2_629_800], ["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]];

function relative(seconds) {
  const distance = seconds - Date.now() / 1000;
  const [unit, length] = UNITS.find(([, size]) => Math.abs(distance) >= size) ?? UNITS.at(-1);
  return new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }).format(Math.round(distance / length), unit);
}

function timestamp(seconds, style = "f") {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return `<t:${seconds}>`;
  const text = style === "R" ? relative(seconds) : new Intl.DateTimeFormat(undefined, DATE_STYLES[style]).format(date);
  const title = new Intl.DateTimeFormat(undefined, DATE_STYLES.F).format(date);
  return el("time", { class: "timestamp", datetime: date.toISOString(), title, "data-relative": style === "R" ? seconds : null }, text);
}

/** Relative times grow old: write them anew. */
export function refreshTimes(root) {
  for (const node of root.querySelectorAll("[data-relative]")) {
    const text = relative(Number(node.dataset.relative));
    if (node.textContent !== text) node.textContent = text;
  }
}

function codeBlock(language, code) {
  if (language === "ansi") return el("pre", {}, el("code", {}, ansi(code)));
  if (language !== "diff") return el("pre", {}, el("code", {}, code));
  const lines = code.split(/(?<=\n)/).map((line) => el("span", { class: { "+": "added", "-": "removed" }[line[0]] }, line));
  return el("pre", {}, el("code", {}, lines));
}

function ansi(code) {
  let classes = "";
  return code.split(/(\x1b\[[\d;]*m)/).map((part) => {
    const codes = /^\x1b\[([\d;]*)m$/.exec(part);
    if (!codes) return part && el("span", { class: classes }, part);
    classes = codes[1].split(";").filter((number) => Number(number)).map((number) => `ansi-${Number(number)}`).join(" ");
    return null;
  });
}

const LIST_ITEM = /^( *)([-*]|\d{1,9}\.) +(.*)$/;

function list(lines) {
  const items = lines.map((line) => {
    const match = LIST_ITEM.exec(line);
    return match ? { indent: match[1].length, sign: match[2], text: match[3] } : null;
  });
  let at = 0;
  const build = (indent) => {
    const ordered = /\d/.test(items[at].sign);
    const node = el(ordered ? "ol" : "ul", { start: ordered ? parseInt(items[at].sign, 10) : null });
    while (at < items.length && items[at].indent >= indent) {
      if (items[at].indent > indent + 1 && node.lastChild) {
        node.lastChild.append(build(items[at].indent));
        continue;
      }
      node.append(el("li", {}, inline(items[at].text)));
      at += 1;
    }
    return node;
  };
  const nodes = [];
  while (at < items.length) nodes.push(build(items[at].indent));
  return nodes;
}

function blocks(text) {
  const lines = text.split("\n");
  const nodes = [];
  let paragraph = [];
  const flush = () => {
    if (paragraph.length) nodes.push(...inline(paragraph.join("\n")));
    paragraph = [];
  };
  const takeWhile = (pattern, from) => {
    let to = from;
    while (to < lines.length && pattern.test(lines[to])) to += 1;
    return to;
  };
  for (let at = 0; at < lines.length; ) {
    const line = lines[at];
    const heading = /^(#{1,3}) +(.+)$/.exec(line);
    if (heading) {
      flush();
      nodes.push(el(`h${heading[1].length + 2}`, {}, inline(heading[2])));
      at += 1;
    } else if (/^-# +\S/.test(line)) {
      flush();
      nodes.push(el("small", { class: "subtext" }, inline(line.replace(/^-# +/, ""))));
      at += 1;
    } else if (line.startsWith(">>> ")) {
      flush();
      nodes.push(el("blockquote", {}, blocks([line.slice(4), ...lines.slice(at + 1)].join("\n"))));
      at = lines.length;
    } else if (/^> /.test(line)) {
      flush();
      const to = takeWhile(/^> ?/, at);
      nodes.push(el("blockquote", {}, blocks(lines.slice(at, to).map((quoted) => quoted.replace(/^> ?/, "")).join("\n"))));
      at = to;
    } else if (LIST_ITEM.test(line)) {
      flush();
      const to = takeWhile(LIST_ITEM, at);
      nodes.push(...list(lines.slice(at, to)));
      at = to;
    } else {
      paragraph.push(line);
      at += 1;
    }
  }
  flush();
  return nodes;
}

/** A whole message: blocks and inline signs. */
export function markdown(text) {
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(FENCE)) {
    const before = text.slice(at, match.index).replace(/\n$/, "");
    if (before) nodes.push(...blocks(before));
    if (match[2]) nodes.push(codeBlock(match[1], match[2]));
    else nodes.push(match[0]);
    at = match.index + match[0].length;
    if (text[at] === "\n") at += 1;
  }
  if (at < text.length) nodes.push(...blocks(text.slice(at)));
  return nodes;
}

/** Titles and names of fields: inline signs only. */
export const inlineMarkdown = (text) => inline(text, false);
