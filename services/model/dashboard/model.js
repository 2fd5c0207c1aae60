// SPDX-License-Identifier: GPL-3.0-or-later
// What the chosen model is, in figures and remarks.

import * as format from "/format.js";
import { $, fill, make, modelOf, on, say, state } from "/page.js";
import { serverNowS } from "/poll.js";

function fact([name, value]) {
  const group = document.createElement("div");
  group.append(make("dt", name), make("dd", value));
  return group;
}

// The features as the spec lists them, and what the fit made of each.
function featureChips(model) {
  const statusOf = new Map((state.report?.coefficients ?? []).map((c) => [c.name, c.status]));
  return model.features.map((f) => {
    const name = typeof f === "string" ? f : f.name, status = statusOf.get(name);
    const used = status === undefined || status === "kept" || status === "fixed";
    return make("li", used ? name : `${name}: ${status}, left out`, used ? "" : "dropped");
  });
}

function factsOf(model) {
  const s = model.serving;
  const facts = [["Predicts", `${model.target.replace("_", " ")} ${format.horizon(model.horizon_s, model.records)}`]];
  if (!s) return [...facts, ["Version", "none yet"]];
  facts.push(["Version", s.last_price ? `${s.version}: the last price itself`
    : `${s.version}, made ${format.moment(format.seconds(s.created), serverNowS())}`],
  ["Rows in training", format.count(s.rows)]);
  if (!s.last_price) facts.push(["R²", format.figure(s.r2)], ["Error in training", format.amount(s.rmse)]);
  facts.push(["Error on held-out rows", format.amount(s.held_out_rmse)]);
  if (typeof s.skill_last === "number" && !s.last_price) facts.push(["Beside the last price", format.skill(s.skill_last)]);
  return facts;
}

function remarksOf(model) {
  const remarks = (state.report?.warnings ?? []).map((w) => (typeof w === "string" ? w : w.text ?? w.detail ?? ""));
  if (model.serving?.leakage && remarks.length === 0) remarks.push("A feature gives the target away: these predictions repeat what is already known.");
  return remarks.filter(Boolean);
}

function showModel() {
  const model = modelOf(state.model);
  say($("model-title"), model ? `Model ${model.name}` : "Model");
  say($("model-about"), model?.description ?? "");
  const facts = model ? factsOf(model) : [], remarks = model ? remarksOf(model) : [];
  fill($("features"), [model?.features, state.report?.coefficients], () => (model ? featureChips(model) : []));
  fill($("facts"), facts, () => facts.map(fact));
  fill($("remarks"), remarks, () => remarks.map((text) => make("li", text)));
}

for (const event of ["model", "models", "report"]) on(event, showModel);
