// SPDX-License-Identifier: GPL-3.0-or-later
// The chart's part of the page: which points are asked for, and how the view is moved.

import { Chart } from "/chart.js";
import * as format from "/format.js";
import { $, chosen, modelOf, on, say, state } from "/page.js";
import { Poller } from "/poll.js";
import { MOST_CANDLES, MOST_POINTS, Series, columns, everyFor, stepOf } from "/series.js";
import { View } from "/view.js";

const LIMIT = 2500; // rows of one answer
const SETTLE_MS = 150; // after the last turn of a wheel, before other points are asked for
const ZOOM = 0.6, PAN = 0.25; // of what is shown, by a button or a key

const view = new View(Number(chosen("window")));
const isBars = () => chosen("dataset") === "bars";
const aheadS = () => modelOf(state.model)?.horizon_s ?? 0;

// One list of the service as it is drawn, and what will replace it once its first answer came:
// until then the chart shows the points that it has.
class Track {
  constructor(base, read) {
    Object.assign(this, { base, read, shown: new Series(1), next: null });
  }

  begin(everyS, fromS) {
    this.next = new Series(everyS);
    this.fromS = fromS;
    this.complete = false;
  }

  forget() {
    this.shown = new Series(1);
  }

  path(spanS) {
    const series = this.next ?? this.shown;
    if (this.complete) return null;
    const base = this.base(), steps = Math.ceil(spanS / series.everyS) + 10;
    const query = new URLSearchParams({ limit: Math.min(LIMIT, steps), every: series.everyS });
    const since = series.since ?? (this.fromS === null ? null : new Date(this.fromS * 1000).toISOString());
    if (since) query.set("since", since);
    this.since = since;
    return `${base}${base.includes("?") ? "&" : "?"}${query}`;
  }

  // True: there is more to come at once.
  take(json, rows) {
    if (this.next) [this.shown, this.next] = [this.next, null];
    this.shown.merge(rows.map(this.read));
    if (this.fromS !== null) this.complete = true;
    return this.since !== null && this.fromS === null && json.more && this.shown.newest !== null;
  }
}

const prices = new Track(() => `/v1/records/${chosen("dataset")}`, (record) => ({
  t: format.seconds(record.timestamp), price: record[modelOf(state.model)?.target],
  bar: "close" in record ? [record.open, record.high, record.low, record.close] : null,
}));
const predictions = new Track(() => `/v1/predictions?model=${state.model}`, (p) => ({
  t: format.seconds(p.timestamp), target: format.seconds(p.target_timestamp), value: p.prediction,
  low: p.interval ? p.interval[0] : null, high: p.interval ? p.interval[1] : null,
}));

const every = () => everyFor(view.spanS ?? 900, isBars() ? MOST_CANDLES : MOST_POINTS);

function load() {
  const span = view.spanS ?? 900, from = view.follows ? null : view.endS - span - every();
  prices.begin(every(), from);
  predictions.begin(every(), from === null ? null : from - aheadS());
  for (const poller of pollers) poller.restart();
}

let settling = 0;
function moved() {
  showView();
  showChart();
  clearTimeout(settling);
  settling = setTimeout(load, SETTLE_MS);
}

// "All" needs the span first, to know how much to thin.
function recordsPath() {
  if (!state.model) return null;
  return view.spanS === null ? `${prices.base()}?limit=1` : prices.path(view.spanS);
}

function takeRecords(json) {
  if (json.kind !== chosen("dataset")) return false;
  const known = view.spanS !== null;
  view.hold(json.oldest ? [format.seconds(json.oldest), format.seconds(json.newest)] : null);
  if (!known) {
    if (view.held) load();
    else showChart();
    return false;
  }
  const again = prices.take(json, json.records);
  if (view.follows && view.chosenS === 0 && every() !== prices.shown.everyS) load();
  showChart();
  return again;
}

function takePredictions(json) {
  if (json.model !== state.model) return false;
  const again = predictions.take(json, json.predictions);
  // Before the first prices nothing tells where a chart that follows them is.
  if (prices.shown.newest !== null || !view.follows) showChart();
  return again;
}

const everyMs = () => (isBars() ? 2000 : 1000);
const pollers = [
  new Poller({ path: recordsPath, everyMs, take: takeRecords }),
  new Poller({
    path: () => (state.model && view.spanS !== null ? predictions.path(view.spanS + aheadS()) : null),
    everyMs, take: takePredictions,
  }),
];

// --- drawing -------------------------------------------------------------------------------------

const chart = new Chart($("chart"), (point) => {
  if (!point) return say($("readout"), "");
  const here = format.localTime(point.t), parts = [format.dateTime(point.t) + (here ? ` = ${here}` : "")];
  if (point.bar) {
    const [open, high, low, close] = point.bar.map(format.plainPrice);
    parts.push(`open ${open}`, `high ${high}`, `low ${low}`, `close ${close}`);
  } else if (typeof point.price === "number") {
    parts.push(`price ${format.plainPrice(point.price)}`);
  }
  if (typeof point.value === "number") parts.push(`prediction ${format.plainPrice(point.value)}`);
  if (typeof point.low === "number") parts.push(`[${format.plainPrice(point.low)}, ${format.plainPrice(point.high)}]`);
  say($("readout"), parts.join("  "));
});

// The step from the first to the last price that is drawn.
function showChange(points) {
  const first = points[0], last = points[points.length - 1];
  const step = points.length > 1 ? format.change(last.price, first.price) : null;
  say($("change"), step ? `${step.text} ${view.chosenS === 0 ? "in all" : `in ${format.span(view.spanS)}`}` : "");
  $("change").className = `delta ${step?.direction > 0 ? "up" : step?.direction < 0 ? "down" : ""}`;
}

let drawn = 0;
function showChart() {
  if (!drawn) drawn = requestAnimationFrame(() => { drawn = 0; draw(); });
}

function draw() {
  const newest = prices.shown.newest, range = view.range(newest, aheadS()) ?? [0, 1];
  if (newest !== null && view.follows) {
    prices.shown.prune(range[0]);
    predictions.shown.prune(range[0] - aheadS());
  }
  const points = prices.shown.sorted();
  const data = columns(points, predictions.shown.sorted().map((p) => ({ ...p, t: p.target })), prices.shown.everyS);
  const step = Math.max(stepOf(points.map((p) => p.t)), prices.shown.everyS);
  chart.show(data, [range[0], Math.max(range[1], range[0] + 1)], isBars() ? step : 0,
    `No ${chosen("dataset")} ${view.held ? "in this part of time." : "have come in yet."}`);
  showView();
  if (view.follows) showChange(points);
  const level = state.live?.prediction?.level;
  say($("band-key"), level ? `${format.percent(level, 0)} interval` : "interval");
  say($("price-key"), !isBars() ? "price" : points.length > 1 ? `bars of ${format.span(step)}` : "bars");
  $("price-key").classList.toggle("candle", isBars());
}

function showView() {
  for (const input of document.getElementsByName("window")) {
    input.checked = view.follows && Number(input.value) === view.chosenS;
  }
  $("now").hidden = view.follows;
}

// --- moving --------------------------------------------------------------------------------------

const moves = {
  in: () => view.zoom(ZOOM),
  out: () => view.zoom(1 / ZOOM),
  earlier: () => view.pan(-PAN * view.spanS),
  later: () => view.pan(PAN * view.spanS),
  first: () => view.pan(-Infinity),
  now: () => view.follow(view.chosenS),
};
function move(name) {
  if (view.held === null) return;
  moves[name]();
  moved();
}

// What a pointer passes over is not read out, what a key steps to is.
function step(side) {
  chart.step(side);
  say($("spoken"), $("readout").textContent);
}

const KEYS = { "+": "in", "=": "in", "-": "out", "_": "out", Home: "first", End: "now", PageUp: "earlier", PageDown: "later" };

$("chart").addEventListener("keydown", (event) => {
  const side = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (side && event.shiftKey) move(side < 0 ? "earlier" : "later");
  else if (side) step(side);
  else if (event.key === "Escape") chart.hideCursor();
  else if (KEYS[event.key]) move(KEYS[event.key]);
  else return;
  event.preventDefault();
});

$("chart").addEventListener("wheel", (event) => {
  const at = chart.timeAt(event.clientX);
  if (at === null || view.held === null) return;
  event.preventDefault();
  if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) view.pan(chart.secondsOf(event.deltaX || event.deltaY));
  else view.zoom(1.0015 ** Math.max(-400, Math.min(400, event.deltaY)), at);
  moved();
}, { passive: false });

// One pointer drags, two of them pinch.
const pointers = new Map();
$("chart").addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || chart.timeAt(event.clientX) === null) return;
  pointers.set(event.pointerId, event.clientX);
  $("chart").setPointerCapture(event.pointerId);
});
$("chart").addEventListener("pointermove", (event) => {
  const before = pointers.get(event.pointerId);
  if (before === undefined) return;
  if (pointers.size === 1) {
    view.pan(chart.secondsOf(before - event.clientX));
  } else {
    const other = [...pointers].find(([id]) => id !== event.pointerId)[1];
    const factor = Math.abs(before - other) / Math.max(1, Math.abs(event.clientX - other));
    view.zoom(factor, chart.timeAt((event.clientX + other) / 2));
  }
  pointers.set(event.pointerId, event.clientX);
  moved();
});
for (const name of ["pointerup", "pointercancel"]) {
  $("chart").addEventListener(name, (event) => pointers.delete(event.pointerId));
}

$("moves").addEventListener("click", (event) => {
  const name = event.target.closest("button")?.dataset.move;
  if (name) move(name);
});

$("windows").addEventListener("change", () => {
  view.follow(Number(chosen("window")));
  load();
});

on("model", () => {
  prices.forget();
  predictions.forget();
  load();
});
// Another dataset: what was held says nothing about it.
on("dataset", () => {
  view.hold(null);
  view.follow(view.chosenS);
});
