// SPDX-License-Identifier: GPL-3.0-or-later
// Price, prediction and its interval, drawn by uPlot. Times are UTC, on the axis and everywhere.

import * as format from "/format.js";

const FAMILY = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif";
const FONT = `12px ${FAMILY}`;

function colours() {
  const style = getComputedStyle(document.documentElement);
  const get = (name) => style.getPropertyValue(name).trim();
  return { price: get("--price"), predicted: get("--predicted"), band: get("--band"),
    line: get("--line"), soft: get("--soft"), card: get("--card") };
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

function extent(columns) {
  let low = Infinity, high = -Infinity;
  for (const column of columns) {
    for (const v of column) {
      if (typeof v !== "number") continue;
      if (v < low) low = v;
      if (v > high) high = v;
    }
  }
  return low <= high ? [low, high] : null;
}

// The lines decide what is seen; a wide interval may add to it, but not flatten them. A flat line
// still gets room above and below.
function priceRange(data) {
  const lines = extent([data[1], data[2]]);
  if (!lines) return [0, 1];
  let [low, high] = lines;
  const band = extent([data[3], data[4]]), most = 1.6 * (high - low) || 0.002 * Math.abs(high);
  if (band) {
    low = Math.max(Math.min(low, band[0]), lines[0] - most);
    high = Math.min(Math.max(high, band[1]), lines[1] + most);
  }
  const room = (high - low) * 0.08 || Math.max(Math.abs(high) * 0.0005, 0.01);
  return [low - room, high + room];
}

function faded(plot, colour) {
  const { top, height } = plot.bbox;
  const fill = plot.ctx.createLinearGradient(0, top, 0, top + height);
  fill.addColorStop(0, `color-mix(in srgb, ${colour} 20%, transparent)`);
  fill.addColorStop(1, "transparent");
  return fill;
}

// The newest price as a tag at the right edge, with a line across.
function drawTag(plot, data, colour) {
  let i = data[1].length - 1;
  while (i >= 0 && typeof data[1][i] !== "number") i--;
  if (i < 0) return;
  const { ctx, bbox } = plot, scale = devicePixelRatio || 1;
  const x = plot.valToPos(data[0][i], "x", true), y = plot.valToPos(data[1][i], "y", true);
  const text = format.plainPrice(data[1][i]);
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour.price;
  ctx.lineWidth = scale;
  ctx.setLineDash([2 * scale, 4 * scale]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.beginPath();
  ctx.arc(x, y, 3.5 * scale, 0, 2 * Math.PI);
  ctx.fill();
  ctx.font = `600 ${12 * scale}px ${FAMILY}`;
  const width = ctx.measureText(text).width + 14 * scale, height = 22 * scale;
  const left = bbox.left + bbox.width + 6 * scale;
  ctx.beginPath();
  ctx.roundRect(left, y - height / 2, width, height, 5 * scale);
  ctx.fill();
  ctx.fillStyle = colour.card;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.fillText(text, left + 7 * scale, y + scale);
  ctx.restore();
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
    const narrow = this.element.clientWidth < 560;
    const grid = { stroke: c.line, width: 1 };
    const axis = { stroke: c.soft, font: FONT, grid, ticks: { stroke: c.line, width: 1, size: 6 } };
    const line = (stroke, width, more) => ({ stroke, width, spanGaps: false,
      points: { show: false }, ...more });
    return {
      ...this.size(),
      tzDate: (s) => uPlot.tzDate(new Date(s * 1000), "Etc/UTC"),
      padding: [14, narrow ? 92 : 96, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { size: 8 } },
      scales: { x: { time: true, range: () => this.span ?? [0, 1] }, y: { range: () => priceRange(this.data) } },
      axes: [
        { ...axis, values: timeLabels, label: "Time (UTC)", labelSize: 22, labelFont: FONT, size: 46, space: narrow ? 64 : 84 },
        { ...axis, values: priceLabels, size: 62, gap: 6,
          ...(narrow ? {} : { label: "USD", labelSize: 20, labelFont: FONT }) },
      ],
      series: [
        {},
        line(c.price, 2, { fill: (plot) => faded(plot, c.price) }),
        line(c.predicted, 1.75, { dash: [5, 3] }),
        line("transparent", 0),
        line("transparent", 0),
      ],
      bands: [{ series: [4, 3], fill: c.band }],
      hooks: {
        setCursor: [(plot) => this.cursor(plot)],
        draw: [(plot) => drawTag(plot, this.data, c)],
      },
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
    const prices = extent([data[1]]);
    this.element.setAttribute("aria-label",
      `Chart from ${format.dateTime(span[0])} to ${format.dateTime(span[1])}`
      + (prices ? `: price between ${format.price(prices[0])} and ${format.price(prices[1])}.` : "."));
  }
}
