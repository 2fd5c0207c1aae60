// SPDX-License-Identifier: GPL-3.0-or-later
// The report of a fit as pictures: coefficients with their intervals, and the held-out comparison.

import * as format from "/format.js";
import { $, fill, make, on, say, state } from "/page.js";
import { draw, silent } from "/pictures.js";

// --- coefficients --------------------------------------------------------------------------------

const WIDTH = 220, HEIGHT = 22, MIDDLE = WIDTH / 2;

// Each on a scale of its own, since units differ by far: zero is in the middle.
function errorBar(c) {
  const y = HEIGHT / 2, zero = draw("line", { x1: MIDDLE, x2: MIDDLE, y1: 0, y2: HEIGHT, class: "zero" });
  if (typeof c.value !== "number") return silent(WIDTH, HEIGHT, [zero]);
  const known = typeof c.low === "number" && typeof c.high === "number";
  const [low, high] = known ? [c.low, c.high] : [c.value, c.value];
  const most = Math.max(Math.abs(low), Math.abs(high), Math.abs(c.value)) || 1;
  const x = (v) => MIDDLE + (v / most) * (MIDDLE - 8);
  const cap = (v) => draw("line", { x1: x(v), x2: x(v), y1: y - 5, y2: y + 5, class: "bar" });
  const bar = known ? [draw("line", { x1: x(low), x2: x(high), y1: y, y2: y, class: "bar" }), cap(low), cap(high)] : [];
  return silent(WIDTH, HEIGHT, [zero, ...bar, draw("circle", { cx: x(c.value), cy: y, r: 4.5, class: "dot" })]);
}

const crossesZero = (c) => typeof c.low === "number" && c.low <= 0 && c.high >= 0;

function coefficient(c) {
  const line = make("tr", "", typeof c.value !== "number" ? "dropped" : crossesZero(c) ? "unclear" : "");
  const head = make("th", c.name), picture = make("td", "", "picture");
  head.scope = "row";
  picture.append(errorBar(c));
  const interval = typeof c.low === "number" ? `${format.figure(c.low)} to ${format.figure(c.high)}`
    : c.status === "fixed" ? "fixed" : typeof c.value === "number" ? "not known" : `${c.status}, left out`;
  line.append(head, picture, make("td", format.figure(c.value), "number"), make("td", interval, "number"),
    make("td", format.chance(c.p), "number"));
  return line;
}

// --- the held-out part ---------------------------------------------------------------------------

function rivals(report) {
  const held = report.held_out;
  const all = [[report.version === undefined ? "this version" : `version ${report.version}`, held.rmse, "own"],
    ["the last price", held.last_price_rmse, ""], ["the mean", held.mean_rmse, ""]];
  if (held.serving) all.splice(1, 0, [`version ${held.serving.version}, which served then`, held.serving.rmse, ""]);
  return all.filter(([, rmse]) => typeof rmse === "number" && rmse >= 0);
}

// Errors may differ by orders of magnitude: then only a logarithmic scale shows them all.
function scaleOf(values) {
  const high = Math.max(...values), low = Math.min(...values.filter((v) => v > 0), high);
  if (!(high > 0)) return { of: () => 0, log: false };
  if (high / low < 25) return { of: (v) => v / high, log: false };
  const from = Math.log10(low) - 0.3;
  return { of: (v) => (v > 0 ? (Math.log10(v) - from) / (Math.log10(high) - from) : 0), log: true };
}

function heldOut(all) {
  const scale = scaleOf(all.map(([, rmse]) => rmse));
  return all.map(([name, rmse, kind]) => {
    const line = document.createElement("tr"), head = make("th", name), picture = make("td", "", "picture");
    head.scope = "row";
    const width = Math.max(2, scale.of(rmse) * WIDTH), y = HEIGHT / 2;
    picture.append(silent(WIDTH, HEIGHT, scale.log
      ? [draw("line", { x1: 0, x2: WIDTH, y1: y, y2: y, class: "zero" }), draw("circle", { cx: Math.min(WIDTH - 5, width), cy: y, r: 5, class: `dot ${kind}` })]
      : [draw("rect", { x: 0, y: 4, width, height: HEIGHT - 8, rx: 3, class: `column ${kind}` })]));
    line.append(head, picture, make("td", format.amount(rmse), "number"));
    return line;
  });
}

function showReport() {
  const report = state.report, coefficients = report?.coefficients ?? [];
  fill($("coefficients"), coefficients, () => coefficients.map(coefficient));
  $("coefficients-part").hidden = coefficients.length === 0;
  const all = report?.held_out ? rivals(report) : [];
  fill($("held-out"), all, () => heldOut(all));
  $("held-out-part").hidden = all.length === 0;
  const version = report?.version === undefined ? "" : ` of version ${report.version}`;
  say($("coefficients-title"), `Coefficients${version}`);
  say($("held-out-title"), `Error on held-out rows${version}`);
  const log = scaleOf(all.map(([, rmse]) => rmse)).log;
  say($("held-out-note"), all.length ? `${format.plural(report.held_out.rows, "row")} that the fit has not seen; `
    + (log ? "further left is better, on a logarithmic scale." : "shorter is better.") : "");
}

on("report", showReport);
on("model", showReport);
