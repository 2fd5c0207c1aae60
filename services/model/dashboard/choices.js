// SPDX-License-Identifier: GPL-3.0-or-later
// Which records and which model the page is about.

import { failed } from "/access.js";
import { $, chosen, modelOf, on, state, tell } from "/page.js";
import { Poller } from "/poll.js";

const PREFERRED = { bars: "streamlit", ticks: "ia" };

function chooseModel(name) {
  Object.assign(state, { model: name, live: null, report: null, job: null, said: "" });
  tell("model");
}

function fillModels() {
  const kind = chosen("dataset");
  const names = state.models.filter((m) => m.records === kind).map((m) => m.name);
  const select = $("model");
  if ([...select.options].map((o) => o.value).join() !== names.join()) {
    select.replaceChildren(...names.map((name) => new Option(name, name)));
  }
  const wanted = names.includes(state.model) ? state.model
    : names.includes(PREFERRED[kind]) ? PREFERRED[kind] : names[0] ?? null;
  if (wanted !== null) select.value = wanted;
  if (wanted !== state.model) chooseModel(wanted);
}

const models = new Poller({
  path: () => "/v1/models", everyMs: () => 10000,
  take: (json) => {
    state.models = json.models;
    fillModels();
    tell("models");
  },
  failed,
});

$("datasets").addEventListener("change", () => {
  tell("dataset");
  fillModels();
});
$("model").addEventListener("change", () => chooseModel($("model").value));
on("serving", () => models.restart());

export const isToldTheAnswer = () => (state.report?.coefficients ?? []).some((c) => c.leaks && c.status === "kept")
  || (state.report === null && modelOf(state.model)?.serving?.leakage === true);
