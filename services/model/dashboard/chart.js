// SPDX-License-Identifier: GPL-3.0-or-later
// Price, prediction and its interval, drawn by uPlot. Times are UTC, on the axis and everywhere.

import * as format from "/format.js";

const FONT = "12px system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif";

function colours() {
  const style = getComputedStyle(document.documentElement);
  const get = (name) => style.getPropertyValue(name).trim();
  return { price: get("--price"), predicted: get("--predicted"), band: get("--band"),
    line: get("--line"), soft: get("--soft") };
}

// Short labels that say the day where it changes.
function timeLabels(plot, splits, axisIndex, space, step) {
  let day = null;
  return splits.map((s) => {
    const iso = new Date(s * 1000).toISOString();
    const clock = step < 60 ? iso.slice(11, 19) : iso.slice(11, 16);
    if (step >= 86400) return iso.slice(0, 10);
    const label = iso.slice(0, 10) !== day ? `${clock}\n${iso.slice(0, 10)}` : clock;
    day = iso.slice(0, 10);
    return label;
  });
}

function priceLabels(plot, splits) {
  const step = splits.length > 1 ? Math.abs(splits[1] - splits[0]) : 1;
  const digits = step >= 1 ? 0 : Math.min(6, Math.ceil(-Math.log10(step)));
  return splits.map((v) => v.toLocaleString("en-US",
    { minimumFractionDigits: digits, maximumFractionDigits: digits }));
}

// A flat line still gets room above and below.
function priceRange(plot, low, high) {
  if (low === null || high === null || low === undefined || high === undefined) return [0, 1];
  const room = (high - low) * 0.08 || Math.max(Math.abs(high) * 0.0005, 0.01);
  return [low - room, high + room];
}

export class Chart {
  constructor(element, onCursor) {
    this.element = element;
    this.onCursor = onCursor;
    this.plot = null;
    this.data = [[], [], [], [], []];
    this.span = null;
    this.note = document.createElement("p");
    this.note.className = "empty";
    element.append(this.note);
    new ResizeObserver(() => this.resize()).observe(element);
    matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => this.build());
  }

  size() {
    return { width: Math.max(200, this.element.clientWidth), height: this.element.clientHeight };
  }

  resize() {
    if (this.plot) this.plot.setSize(this.size());
  }

  options() {
    const c = colours();
    const grid = { stroke: c.line, width: 1 };
    const axis = { stroke: c.soft, font: FONT, grid, ticks: { stroke: c.line, width: 1, size: 6 } };
    const line = (stroke, width, more) => ({ stroke, width, spanGaps: false,
      points: { show: false }, ...more });
    return {
      ...this.size(),
      tzDate: (s) => uPlot.tzDate(new Date(s * 1000), "Etc/UTC"),
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { size: 8 } },
      scales: { x: { time: true, range: () => this.span ?? [0, 1] }, y: { range: priceRange } },
      axes: [
        { ...axis, values: timeLabels, label: "Time (UTC)", labelSize: 22, labelFont: FONT, size: 46, space: 84 },
        { ...axis, values: priceLabels, label: "USD", labelSize: 20, labelFont: FONT, size: 70, gap: 6 },
      ],
      series: [
        {},
        line(c.price, 1.75),
        line(c.predicted, 1.75, { dash: [5, 3] }),
        line("transparent", 0),
        line("transparent", 0),
      ],
      bands: [{ series: [4, 3], fill: c.band }],
      hooks: { setCursor: [(plot) => this.cursor(plot)] },
    };
  }

  build() {
    this.plot?.destroy();
    this.plot = new uPlot(this.options(), this.data, this.element);
  }

  cursor(plot) {
    const i = plot.cursor.idx;
    const at = (c) => (i === null || i === undefined ? undefined : this.data[c][i]);
    this.onCursor(at(0) === undefined ? null
      : { t: at(0), price: at(1), value: at(2), low: at(3), high: at(4) });
  }

  // `span` is [from, to] in epoch seconds; `empty` what to say when there is nothing to draw.
  show(data, span, empty) {
    this.data = data;
    this.span = span;
    const nothing = data[0].length === 0;
    this.note.textContent = nothing ? empty : "";
    this.note.hidden = !nothing;
    if (nothing) {
      this.plot?.destroy();
      this.plot = null;
      this.element.setAttribute("aria-label", empty);
      return;
    }
    if (this.plot) this.plot.setData(data);
    else this.build();
    const shown = data[1].filter((v) => typeof v === "number");
    if (shown.length === 0) return;
    const [low, high] = shown.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
    this.element.setAttribute("aria-label",
      `Chart from ${format.dateTime(span[0])} to ${format.dateTime(span[1])}: price between `
      + `${format.price(low)} and ${format.price(high)}, last ${format.price(shown[shown.length - 1])}.`);
  }
}
