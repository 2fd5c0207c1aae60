// SPDX-License-Identifier: GPL-3.0-or-later
// The versions of the chosen model: looked at, promoted, rolled back.

import { act, confirm } from "/access.js";
import * as format from "/format.js";
import { $, cell, fill, make, on, say, state, tell } from "/page.js";
import { Poller, ask, serverNowS } from "/poll.js";

const SHOWN = 20; // the newest ones

let list = null; // of the service
let looked = null; // the version whose report is shown; null: the one that predicts

const versions = new Poller({
  path: () => state.model && `/v1/models/${state.model}/versions?limit=${SHOWN}`,
  everyMs: () => 10000,
  take: (json) => {
    if (json.model !== state.model) return;
    list = json;
    showVersions();
  },
});

// --- the report of one ---------------------------------------------------------------------------

const lookedAt = () => looked ?? state.live?.version ?? list?.serving ?? null;

async function loadReport() {
  const { model } = state, version = lookedAt();
  if (version === null) {
    state.report = null;
    return tell("report");
  }
  try {
    const report = await ask(`/v1/models/${model}/versions/${version}`);
    if (model !== state.model || version !== lookedAt()) return;
    state.report = report;
  } catch {
    return; // the figures of the list stay; the next version asks again
  }
  tell("report");
}

function look(version) {
  looked = version === state.live?.version ? null : version;
  showVersions();
  loadReport();
}

// --- the table -----------------------------------------------------------------------------------

function button(text, label, act_, className = "") {
  const element = make("button", text, `small ${className}`);
  element.type = "button";
  element.setAttribute("aria-label", label);
  element.addEventListener("click", act_);
  return element;
}

function row(v) {
  const line = document.createElement("tr"), head = make("th", String(v.version));
  head.scope = "row";
  const serving = v.version === list.serving, shown = v.version === lookedAt();
  line.className = shown ? "looked" : "";
  const buttons = [serving ? make("span", "serves", "tag") : button("Promote", `Promote version ${v.version}`, () => promote(v))];
  if (!shown) buttons.unshift(button("Report", `Show the report of version ${v.version}`, () => look(v.version), "plain"));
  line.append(head, cell(format.moment(format.seconds(v.created), serverNowS())),
    cell(v.last_price ? "the last price" : "linear"), cell(format.count(v.rows), "number"),
    cell(format.amount(v.held_out_rmse), "number"),
    cell(v.last_price ? "–" : format.skill(v.skill_last), "number"), cell(buttons, "buttons"));
  return line;
}

function showVersions() {
  const rows = list?.versions ?? [], shown = [rows, list?.serving, lookedAt()];
  fill($("versions"), shown, () => rows.map(row));
  $("versions-part").hidden = rows.length === 0;
  say($("versions-note"), list && list.total > rows.length ? `The newest ${rows.length} of ${format.count(list.total)}.` : "");
  $("rollback").disabled = list === null || list.serving === null;
}

// --- which one serves ----------------------------------------------------------------------------

const errorOf = (version) => {
  const found = list.versions.find((v) => v.version === version);
  return typeof found?.held_out_rmse === "number" ? ` (error on held-out rows ${format.amount(found.held_out_rmse)})` : "";
};

async function change(path, question) {
  say($("versions-said"), "");
  const { model } = state, reason = await confirm(question);
  if (reason === null) return;
  try {
    const done = await act(path, "POST", reason ? { reason } : undefined);
    say($("versions-said"), `Version ${done.serving} of ${model} serves now.`);
    looked = null;
    tell("serving");
  } catch (error) {
    say($("versions-said"), error.message);
  }
  versions.restart();
}

function promote(v) {
  const now = list.serving === null ? "No version serves now." : `Version ${list.serving}${errorOf(list.serving)} serves now.`;
  change(`/v1/models/${state.model}/versions/${v.version}/promote`, {
    title: `Promote version ${v.version}?`, verb: "Promote",
    text: `Version ${v.version}${errorOf(v.version)} of ${state.model} is to make the predictions. ${now}`,
  });
}

$("rollback").addEventListener("click", () => change(`/v1/models/${state.model}/rollback`, {
  title: "Roll back?", verb: "Roll back",
  text: `The version that served before version ${list.serving} of ${state.model} is to make the predictions again.`,
}));

on("model", () => {
  list = looked = null;
  showVersions();
  say($("versions-said"), "");
  loadReport();
  versions.restart();
});
on("version", () => {
  versions.restart();
  loadReport();
});
on("serving", () => versions.restart());
