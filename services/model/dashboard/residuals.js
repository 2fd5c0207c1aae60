// SPDX-License-Identifier: GPL-3.0-or-later
// What the live predictions missed by: over time, and how often by how much.

import * as format from "/format.js";
import { $, fill, on, say, state } from "/page.js";
import { draw, silent, ticks, write } from "/pictures.js";
import { Poller } from "/poll.js";

const MOST = 1000; // newest predictions
const WIDTH = 560, HEIGHT = 220, LEFT = 58, RIGHT = 12, TOP = 12, BOTTOM = 26;
const BINS = 31;

// Actual minus predicted of one version, where the actual is known.
export function residuals(predictions, version) {
  return predictions.filter((p) => p.version === version && typeof p.actual === "number")
    .map((p) => ({ t: format.seconds(p.target_timestamp), miss: p.actual - p.prediction, seen: p.in_training }));
}

// The misses in `BINS` steps about zero. The widest hundredth goes to the outermost ones, so that
// one far miss does not push all others into one bar.
export function histogram(misses) {
  const sizes = misses.map(Math.abs).sort((a, b) => a - b);
  const edge = sizes[Math.min(sizes.length - 1, Math.floor(0.99 * sizes.length))] || 1;
  const counts = new Array(BINS).fill(0);
  for (const miss of misses) {
    const at = Math.floor(((miss / edge + 1) / 2) * BINS);
    counts[Math.max(0, Math.min(BINS - 1, at))]++;
  }
  return { edge, counts };
}

const x = (share) => LEFT + share * (WIDTH - LEFT - RIGHT);
const y = (share) => TOP + (1 - share) * (HEIGHT - TOP - BOTTOM);
const fixed = (n) => n.toFixed(1);

function grid(values, place, label) {
  return values.flatMap((v) => [
    draw("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: fixed(place(v)), y2: fixed(place(v)), class: v === 0 ? "zero" : "grid" }),
    write(label(v), { x: LEFT - 8, y: fixed(place(v) + 4), "text-anchor": "end" }),
  ]);
}

// Points as one path of dots: a thousand elements would be slow.
const dots = (points, place, className) => draw("path", { class: className,
  d: points.map((p) => { const [px, py] = place(p); return `M${fixed(px)} ${fixed(py)}h0`; }).join("") });

function overTime(points) {
  const first = Math.min(...points.map((p) => p.t)), last = Math.max(...points.map((p) => p.t));
  const most = Math.max(...points.map((p) => Math.abs(p.miss))) || 1;
  const height = (v) => y((v / most + 1) / 2);
  const place = (p) => [x(last > first ? (p.t - first) / (last - first) : 0.5), height(p.miss)];
  return silent(WIDTH, HEIGHT, [
    ...grid(ticks(-most, most, 4), height, format.figure),
    dots(points.filter((p) => p.seen), place, "points seen"), dots(points.filter((p) => !p.seen), place, "points"),
    write(format.dateTime(first), { x: LEFT, y: HEIGHT - 6 }),
    write(format.dateTime(last), { x: WIDTH - RIGHT, y: HEIGHT - 6, "text-anchor": "end" }),
  ]);
}

function distribution(points) {
  const { edge, counts } = histogram(points.map((p) => p.miss)), most = Math.max(...counts);
  const width = (WIDTH - LEFT - RIGHT) / BINS, height = (n) => y(n / most);
  const bars = counts.map((n, i) => draw("rect", { x: fixed(LEFT + i * width + 0.5), y: fixed(height(n)),
    width: fixed(width - 1), height: fixed(y(0) - height(n)), class: "column own" }));
  const marks = ticks(-edge, edge, 4).map((v) => write(format.figure(v),
    { x: fixed(x((v / edge + 1) / 2)), y: HEIGHT - 6, "text-anchor": "middle" }));
  const whole = ticks(0, most, 4).filter(Number.isInteger);
  return silent(WIDTH, HEIGHT, [...grid(whole, height, format.count), ...bars, ...marks]);
}

function words(points) {
  const sorted = points.map((p) => p.miss).sort((a, b) => a - b), at = (share) => sorted[Math.floor(share * (sorted.length - 1))];
  const seen = points.filter((p) => p.seen).length;
  return `${format.plural(points.length, "outcome")} of version ${state.live.version}, actual minus predicted in USD: `
    + `the middle one is ${format.rough(at(0.5))}, nine of ten lie between ${format.rough(at(0.05))} and ${format.rough(at(0.95))}.`
    + (seen ? ` ${format.count(seen)} of them were part of the training (pale).` : "");
}

function show(points) {
  const enough = points.length >= 2, shown = [points.length, points[points.length - 1], state.live?.version];
  $("residuals-part").hidden = !enough;
  fill($("residual-plot"), shown, () => (enough ? [overTime(points)] : []));
  fill($("residual-histogram"), shown, () => (enough ? [distribution(points)] : []));
  say($("residuals-note"), enough ? words(points) : "");
}

const poller = new Poller({
  path: () => state.model && state.live && `/v1/predictions?model=${state.model}&limit=${MOST}`,
  everyMs: () => 10000,
  take: (json) => {
    if (json.model === state.model && state.live) show(residuals(json.predictions, state.live.version));
  },
});

on("model", () => {
  show([]);
  poller.restart();
});
on("version", () => poller.restart());
