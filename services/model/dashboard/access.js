// SPDX-License-Identifier: GPL-3.0-or-later
// Acts on the service: asks before what can't be overlooked, and for a token where one is needed.
// The token is kept in this page's memory only.

import { $, say, state, tell } from "/page.js";
import { ask, pollAll, useToken } from "/poll.js";

const isRefusal = (error) => error.status === 401 || error.status === 403;

// Resolves to true when a token was given. Pollers that are refused come here as well; there is one
// dialog at a time.
let asking = null;
export function askToken(error) {
  if (!isRefusal(error)) return Promise.resolve(false);
  asking ??= new Promise((done) => {
    const dialog = $("token-dialog");
    say($("token-why"), error.message);
    dialog.returnValue = "";
    dialog.showModal();
    dialog.addEventListener("close", () => {
      const given = dialog.returnValue === "use" && $("token").value !== "";
      if (given) useToken($("token").value);
      $("token").value = "";
      asking = null;
      done(given);
      if (given) pollAll();
    }, { once: true });
  });
  return asking;
}

// For pollers of what the page can't be without: after the second failure in turn it says so.
export function failed(error, times) {
  askToken(error);
  if (times < 2 && state.live) return;
  state.away = error.status ? `The service answers ${error.status}: ${error.message}`
    : error.name === "TimeoutError" ? "The service does not answer in time." : "The service cannot be reached.";
  tell("away");
}

// The answer. Throws what the service says, and its refusal when no token was given.
export async function act(path, method, body) {
  for (;;) {
    try {
      return await ask(path, { method, body });
    } catch (error) {
      if (!isRefusal(error) || !(await askToken(error))) throw error;
    }
  }
}

// What was typed as the reason, or null: not confirmed.
export function confirm({ title, text, verb }) {
  const dialog = $("confirm-dialog");
  say($("confirm-title"), title);
  say($("confirm-text"), text);
  say($("confirm-verb"), verb);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => {
      const reason = $("confirm-reason").value.trim();
      $("confirm-reason").value = "";
      done(dialog.returnValue === "confirm" ? reason : null);
    }, { once: true });
  });
}

for (const button of document.querySelectorAll("dialog [data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close(""));
}
