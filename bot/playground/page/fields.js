/** The values of a slash command's options: what each type accepts, in words for the person who fills it in. */

import { nameOf } from "./dom.js";
import { isDirect, state } from "./state.js";

export const TYPE = { string: 3, integer: 4, boolean: 5, user: 6, channel: 7, role: 8, mentionable: 9, number: 10, attachment: 11 };

const TEXT_LIMIT = 6000; // Discord's limit of a string option

/** The entries to choose from, `{value, title, detail, user}`, or null where a value is typed freely. */
export function entriesOf(option) {
  if (option.choices?.length) return option.choices.map(({ name, value }) => ({ value, title: name }));
  if (option.type === TYPE.boolean) return [{ value: true, title: "True" }, { value: false, title: "False" }];
  const people = [...state.users, state.bot].map((user) => ({ value: user.id, title: nameOf(user), detail: user.username, user }));
  const everyone = { value: state.guild.id, title: "@everyone" };
  if (option.type === TYPE.user) return people;
  if (option.type === TYPE.role) return [everyone];
  if (option.type === TYPE.mentionable) return [...people, everyone];
  if (option.type !== TYPE.channel) return null;
  const fits = ({ type }) => !option.channel_types?.length || option.channel_types.includes(type);
  return state.channels.filter((channel) => !isDirect(channel) && fits(channel)).map(({ id, name }) => ({ value: id, title: `#${name}` }));
}

/** Entries that fit what has been typed so far. */
export function matching(entries, text) {
  const wanted = text.trim().toLowerCase().replace(/^[@#]/, "");
  return entries.filter(({ title, detail }) => `${title} ${detail ?? ""}`.toLowerCase().includes(wanted));
}

/**
 * Turn typed text into the option's value: `{value}` or `{problem}`.
 * `picked` is the entry chosen from a list, whose value may differ from its name.
 */
export function parse(option, text, picked) {
  const entries = entriesOf(option);
  if (picked && picked.title === text) return { value: picked.value };
  if (!text.trim()) return option.required ? { problem: `${option.name} is required.` } : {};
  if (entries) {
    const exact = entries.find(({ title }) => title.toLowerCase().replace(/^[@#]/, "") === text.trim().toLowerCase().replace(/^[@#]/, ""));
    return exact ? { value: exact.value } : { problem: `“${text}” is not among the choices of ${option.name}.` };
  }
  if (option.type === TYPE.integer || option.type === TYPE.number) return parseNumber(option, text);
  const length = [...text].length;
  const most = option.max_length ?? TEXT_LIMIT;
  if (length < (option.min_length ?? 0)) return { problem: `${option.name} needs at least ${option.min_length} characters, this has ${length}.` };
  if (length > most) return { problem: `${option.name} takes at most ${most} characters, this has ${length}.` };
  return { value: text };
}

function parseNumber(option, text) {
  const whole = option.type === TYPE.integer;
  const written = text.trim().replace(",", ".");
  const value = Number(written);
  if (whole ? !/^[+-]?\d+$/.test(written) : !/^[+-]?(\d+\.?\d*|\.\d+)$/.test(written)) {
    return { problem: `${option.name} must be ${whole ? "a whole number" : "a number"}.` };
  }
  if (!(Math.abs(value) <= Number.MAX_SAFE_INTEGER)) return { problem: `${option.name} is too large a number.` };
  const { min_value: min, max_value: max } = option;
  if (value < (min ?? -Infinity) || value > (max ?? Infinity)) return { problem: `${option.name} must be ${range(min, max)}.` };
  return { value };
}

function range(min, max) {
  if (min === undefined) return `at most ${max}`;
  return max === undefined ? `at least ${min}` : `from ${min} to ${max}`;
}

/** A short hint on what may be entered, for the line above the message box. */
export function rangeHint(option) {
  if (option.min_value !== undefined || option.max_value !== undefined) return range(option.min_value, option.max_value);
  if (option.max_length !== undefined) return `at most ${option.max_length} characters`;
  return "";
}
