// SPDX-License-Identifier: GPL-3.0-or-later
// Price, prediction and its interval, drawn by uPlot. The axis below is UTC; where the reader's
// clock is another one, the axis above is that.

import { FONT, drawCandles, drawTag, faded } from "/drawing.js";
import * as format from "/format.js";

const SERIES = 5; // columns that uPlot draws; the others are the bars'

export function colours() {
  const style = getComputedStyle(document.documentElement);
  const get = (name) => style.getPropertyValue(name).trim();
  return { price: get("--price"), predicted: get("--predicted"), band: get("--band"),
    line: get("--line"), soft: get("--soft"), card: get("--card"), ink: get("--ink"),
    rising: get("--good"), falling: get("--bad") };
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
  const digits = format.digitsOf(step);
  return splits.map((v) => v.toLocaleString("en-US",
    { minimumFractionDigits: digits, maximumFractionDigits: digits }));
}

// Of those rows that are in the span; null: there is no number.
function extent(data, columns, span) {
  let low = Infinity, high = -Infinity;
  for (let i = 0; i < data[0].length; i++) {
    if (data[0][i] < span[0] || data[0][i] > span[1]) continue;
    for (const c of columns) {
      const v = data[c][i];
      if (typeof v !== "number") continue;
      if (v < low) low = v;
      if (v > high) high = v;
    }
  }
  return low <= high ? [low, high] : null;
}

// The lines decide what is seen; a wide interval may add to it, but not flatten them. A flat line
// still gets room above and below.
function priceRange(data, span) {
  const lines = extent(data, [1, 2, 6, 7], span);
  if (!lines) return [0, 1];
  let [low, high] = lines;
  const band = extent(data, [3, 4], span), most = 1.6 * (high - low) || 0.002 * Math.abs(high);
  if (band) {
    low = Math.max(Math.min(low, band[0]), lines[0] - most);
    high = Math.min(Math.max(high, band[1]), lines[1] + most);
  }
  const room = (high - low) * 0.08 || Math.max(Math.abs(high) * 0.0005, 0.01);
  return [low - room, high + room];
}

const EMPTY = () => Array.from({ length: 9 }, () => []);

export class Chart {
  // onCursor(point or null) is told what is under the cross-hair.
  constructor(element, onCursor) {
    this.element = element;
    this.onCursor = onCursor;
    this.plot = null;
    this.data = EMPTY();
    this.span = [0, 1];
    this.candles = false;
    this.note = document.createElement("p");
    this.note.className = "empty";
    element.append(this.note);
    new ResizeObserver(() => this.resize()).observe(element);
    matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => this.plot && this.build());
  }

  size() {
    return { width: Math.max(200, this.element.clientWidth), height: this.element.clientHeight };
  }

  isNarrow() {
    return this.element.clientWidth < 560;
  }

  resize() {
    if (this.plot) this.plot.setSize(this.size());
  }

  axes(c) {
    const narrow = this.isNarrow();
    const axis = { stroke: c.soft, font: FONT, labelFont: FONT, ticks: { stroke: c.line, width: 1, size: 6 },
      grid: { stroke: c.line, width: 1 } };
    const space = narrow ? 64 : 84;
    const axes = [
      { ...axis, values: timeLabels, label: "Time (UTC)", labelSize: 22, size: 46, space },
      { ...axis, values: priceLabels, size: 62, gap: 6,
        ...(narrow ? {} : { label: "USD", labelSize: 20 }) },
    ];
    if (!format.zoneIsUtc) {
      axes.push({ ...axis, scale: "x", side: 0, grid: { show: false }, size: 28, space, labelSize: 20,
        label: `Time (${format.zone})`, values: (plot, splits) => splits.map(format.localClock) });
    }
    return axes;
  }

  options() {
    const c = colours();
    const line = (stroke, width, more) => ({ stroke, width, spanGaps: false, points: { show: false }, ...more });
    const price = this.candles ? line("transparent", 0)
      : line(c.price, 2, { fill: (plot) => faded(plot, c.price) });
    return {
      ...this.size(),
      tzDate: (s) => uPlot.tzDate(new Date(s * 1000), "Etc/UTC"),
      padding: [14, this.isNarrow() ? 14 : 96, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false, setScale: false }, points: { size: 8 } },
      scales: { x: { time: true, range: () => this.span }, y: { range: () => priceRange(this.data, this.span) } },
      axes: this.axes(c),
      series: [{}, price, line(c.predicted, 1.75, { dash: [5, 3] }), line("transparent", 0), line("transparent", 0)],
      bands: [{ series: [4, 3], fill: c.band }],
      hooks: {
        setCursor: [(plot) => this.cursor(plot)],
        drawAxes: [(plot) => this.candles && drawCandles(plot, this.data, c)],
        draw: [(plot) => drawTag(plot, this.data, c)],
      },
    };
  }

  build() {
    this.plot?.destroy();
    this.plot = new uPlot(this.options(), this.data.slice(0, SERIES), this.element);
  }

  cursor(plot) {
    const i = plot.cursor.idx;
    if (i === null || i === undefined || this.data[0][i] === undefined) return this.onCursor(null);
    const [t, price, value, low, high, ...bar] = this.data.map((column) => column[i]);
    this.onCursor({ t, price, value, low, high,
      bar: this.candles && bar.every((v) => typeof v === "number") ? bar : null });
  }

  // The cross-hair `by` points further on, for the keyboard: from the newest one on.
  step(by) {
    if (!this.plot) return;
    const inside = [...this.data[0].keys()].filter((i) => this.data[0][i] >= this.span[0]
      && this.data[0][i] <= this.span[1] && typeof (this.data[1][i] ?? this.data[2][i]) === "number");
    if (!inside.length) return;
    const at = inside.indexOf(this.plot.cursor.idx);
    const to = inside[at < 0 ? inside.length - 1 : Math.max(0, Math.min(inside.length - 1, at + by))];
    const left = this.plot.valToPos(this.data[0][to], "x");
    this.plot.setCursor({ left, top: this.plot.valToPos(this.data[1][to] ?? this.data[2][to], "y") });
  }

  hideCursor() {
    this.plot?.setCursor({ left: -10, top: -10 });
  }

  // Epoch seconds under a place on the page; null outside the plot.
  timeAt(clientX) {
    if (!this.plot) return null;
    const box = this.plot.over.getBoundingClientRect(), x = clientX - box.left;
    return x < 0 || x > box.width ? null : this.plot.posToVal(x, "x");
  }

  // Seconds that so many pixels are wide.
  secondsOf(pixels) {
    return this.plot ? (pixels * (this.span[1] - this.span[0])) / this.plot.over.clientWidth : 0;
  }

  // `span` is [from, to] in epoch seconds; `candleS` how far apart bars are, so that the outermost
  // ones have room (0: lines); `empty` what to say when there is nothing to draw.
  show(data, span, candleS, empty) {
    const other = candleS > 0 !== this.candles, room = 0.6 * candleS;
    Object.assign(this, { data, span: [span[0] - room, span[1] + room], candles: candleS > 0 });
    const prices = extent(data, [1], span), nothing = !prices && !extent(data, [2], span);
    this.note.textContent = nothing ? empty : "";
    this.note.hidden = !nothing;
    if (nothing && data[0].length === 0) {
      this.plot?.destroy();
      this.plot = null;
      this.element.setAttribute("aria-label", empty);
      return;
    }
    if (this.plot && !other) this.plot.setData(data.slice(0, SERIES));
    else this.build();
    this.element.setAttribute("aria-label", `Chart from ${format.dateTime(span[0])} to ${format.dateTime(span[1])}`
      + (prices ? `: price between ${format.price(prices[0])} and ${format.price(prices[1])}.` : "."));
  }
}
