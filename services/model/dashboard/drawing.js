// SPDX-License-Identifier: GPL-3.0-or-later
// What the chart draws by itself into uPlot's canvas: candles and the tag of the newest price.

import * as format from "/format.js";
import { stepOf } from "/series.js";

const FAMILY = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif";
export const FONT = `12px ${FAMILY}`;

const isBar = (data, i) => [5, 6, 7, 8].every((c) => typeof data[c][i] === "number");

// A rising candle is hollow, a falling one filled, so that colour is not all that tells them apart.
export function drawCandles(plot, data, colour) {
  const { ctx, bbox } = plot, scale = devicePixelRatio || 1, [from, to] = [plot.scales.x.min, plot.scales.x.max];
  const bars = [];
  for (let i = 0; i < data[0].length; i++) if (isBar(data, i)) bars.push(i);
  const stepPx = plot.valToPos(from + (stepOf(bars.map((i) => data[0][i])) || 60), "x", true) - bbox.left;
  const width = Math.max(scale, Math.min(14 * scale, Math.round(stepPx * 0.64)));
  const y = (v) => plot.valToPos(v, "y", true);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.lineWidth = Math.max(1, Math.round(scale));
  for (const i of bars) {
    const t = data[0][i];
    if (t < from - width || t > to + width) continue;
    const [open, high, low, close] = [5, 6, 7, 8].map((c) => data[c][i]);
    const rising = close >= open, x = Math.round(plot.valToPos(t, "x", true)) + (ctx.lineWidth % 2) / 2;
    const top = y(Math.max(open, close)), bottom = Math.max(top + scale, y(Math.min(open, close)));
    ctx.strokeStyle = ctx.fillStyle = rising ? colour.rising : colour.falling;
    ctx.beginPath();
    ctx.moveTo(x, y(high));
    ctx.lineTo(x, top);
    ctx.moveTo(x, bottom);
    ctx.lineTo(x, y(low));
    ctx.stroke();
    if (rising && width >= 4 * scale) {
      ctx.strokeRect(x - width / 2 + 0.5, top, width - 1, bottom - top);
    } else {
      ctx.fillRect(x - width / 2, top, width, bottom - top);
    }
  }
  ctx.restore();
}

// The newest price as a tag at the right edge, with a line across.
export function drawTag(plot, data, colour) {
  let i = data[1].length - 1;
  while (i >= 0 && typeof data[1][i] !== "number") i--;
  if (i < 0 || data[0][i] > plot.scales.x.max) return;
  const { ctx, bbox } = plot, scale = devicePixelRatio || 1;
  const x = plot.valToPos(data[0][i], "x", true), y = plot.valToPos(data[1][i], "y", true);
  if (x < bbox.left || y < bbox.top || y > bbox.top + bbox.height) return;
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
  const right = bbox.left + bbox.width, left = Math.min(right + 6 * scale, ctx.canvas.width - width); // inside where there is no room
  ctx.beginPath();
  ctx.roundRect(left, y - height / 2, width, height, 5 * scale);
  ctx.fill();
  ctx.fillStyle = colour.card;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.fillText(text, left + 7 * scale, y + scale);
  ctx.restore();
}

export function faded(plot, colour) {
  const { top, height } = plot.bbox;
  const fill = plot.ctx.createLinearGradient(0, top, 0, top + height);
  fill.addColorStop(0, `color-mix(in srgb, ${colour} 20%, transparent)`);
  fill.addColorStop(1, "transparent");
  return fill;
}
