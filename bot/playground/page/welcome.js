/** The beginning of a channel: the welcome with its examples, or a word on what the channel is. */

import { upload } from "./connection.js";
import { avatar, el, icon, nameOf } from "./dom.js";
import { markdown } from "./markdown.js";
import { notify } from "./popups.js";
import { isDirect, slashCommands, state } from "./state.js";

const $ = (selector) => document.querySelector(selector);

/** Draw it; `run(leaf, values)` sends the command of an example that was pressed. */
export function drawWelcome(run) {
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
    const [, emoji, words] = /^(\p{Extended_Pictographic}\uFE0F?)\s+(.+)$/u.exec(example.label) ?? [null, null, example.label];
    const sign = picture ? el("img", { src: picture, alt: "", width: 36, height: 36 }) : emoji ? el("span", { class: "example-emoji" }, emoji) : icon("slash");
    const text = el("span", { class: "example-words" }, el("b", {}, words), el("span", { class: "muted" }, `/${example.command}`));
    return el("button", { class: "example", type: "button", disabled: !leaf || !state.online, "data-example": example.label, onclick: (event) => runExample(event.currentTarget, leaf, example, run) }, sign, text);
  });
  $("#welcome").replaceChildren(avatar(state.bot, "huge"), el("div", { class: "markdown welcome-text" }, markdown(welcome.text)), el("div", { class: "examples", role: "group", "aria-label": "Examples: one press runs them" }, chips));
}

async function runExample(button, leaf, example, run) {
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
    run(leaf, values);
  } catch (error) {
    notify(error.message);
  } finally {
    button.disabled = false;
  }
}
