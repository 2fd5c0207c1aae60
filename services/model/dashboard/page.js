// SPDX-License-Identifier: GPL-3.0-or-later
// What every panel needs: elements, text nodes, and the news that panels tell one another.

export const $ = (id) => document.getElementById(id);
export const chosen = (name) => document.querySelector(`input[name=${name}]:checked`)?.value ?? null;

// Writes only what changed, so that a screen reader hears only news.
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function make(tag, text = "", className = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  element.className = className;
  return element;
}

// Of a table: text, or elements.
export function cell(content, className = "") {
  const element = make("td", typeof content === "string" ? content : "", className);
  if (typeof content !== "string") element.append(...content);
  return element;
}

const filled = new WeakMap();

// Puts new children only when `shown`, what they are made from, is not what stands there. The keyboard
// stays on the button of the same name.
export function fill(element, shown, children) {
  const text = JSON.stringify(shown);
  if (filled.get(element) === text) return;
  filled.set(element, text);
  const held = element.contains(document.activeElement) ? document.activeElement.ariaLabel : null;
  element.replaceChildren(...children());
  if (held) [...element.querySelectorAll("button")].find((button) => button.ariaLabel === held)?.focus();
}

export const state = {
  models: [], model: null, // of /v1/models, and the name of the one that is chosen
  live: null, away: "", // the newest answer of its live resource; why there is none
  report: null, job: null, said: "",
};

export const modelOf = (name) => state.models.find((m) => m.name === name);

const listeners = new Map();

// "dataset", "model": another one is chosen, and so another one is asked for; "models", "report",
// "away": there is news of it; "version": another one predicts; "serving": another one may serve;
// "sources": one was started or stopped.
export function on(event, listener) {
  listeners.set(event, [...(listeners.get(event) ?? []), listener]);
}

export function tell(event) {
  for (const listener of listeners.get(event) ?? []) listener();
}
