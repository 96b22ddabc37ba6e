/** The line above the message box: what a field is for, or what is wrong. */

import { icon } from "./dom.js";

const hint = document.querySelector("#hint");

/** Show a string, or nodes; null takes the line away. */
export function say(text, isProblem = false) {
  hint.replaceChildren(...[isProblem && icon("warning"), text].flat().filter(Boolean));
  hint.classList.toggle("problem", isProblem);
  hint.hidden = !text;
}
