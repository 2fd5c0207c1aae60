// SPDX-License-Identifier: GPL-3.0-or-later
// Points by time, bounded and thinned, whatever the order in which they come.

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
export const MOST_POINTS = 2000;
export const MOST_CANDLES = 300; // more of them would be thinner than a line

// The thinning, in seconds, that keeps a window within `most` points.
export function everyFor(windowS, most = MOST_POINTS) {
  return STEPS.find((step) => windowS / step <= most) ?? STEPS[STEPS.length - 1];
}

export class Series {
  constructor(everyS) {
    this.everyS = everyS;
    this.points = new Map(); // interval -> {t, …}
    this.newest = null;
  }

  // Later points of the same interval replace earlier ones, so that a poll may repeat an interval.
  merge(points) {
    for (const point of points) {
      if (!Number.isFinite(point.t)) continue;
      const key = Math.floor(point.t / this.everyS);
      const held = this.points.get(key);
      if (held && held.t > point.t) continue;
      this.points.set(key, point);
      if (this.newest === null || point.t > this.newest) this.newest = point.t;
    }
  }

  prune(fromS) {
    for (const [key, point] of this.points) {
      if (point.t < fromS) this.points.delete(key);
    }
    if (this.points.size > 2 * MOST_POINTS) {
      const keys = [...this.points.keys()].sort((a, b) => a - b);
      for (const key of keys.slice(0, keys.length - 2 * MOST_POINTS)) this.points.delete(key);
    }
  }

  // Where the next poll starts: before the newest interval, which may not be complete.
  get since() {
    if (this.newest === null) return null;
    const ms = Math.floor(this.newest / this.everyS) * this.everyS * 1000 - 1;
    return new Date(ms).toISOString();
  }

  sorted() {
    return [...this.points.values()].sort((a, b) => a.t - b.t);
  }
}

// Seconds between two neighbours, as most of them have it; 0: there are no two.
export function stepOf(times) {
  const steps = [];
  for (let i = 1; i < times.length; i++) steps.push(times[i] - times[i - 1]);
  return steps.sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
}

// How far apart two neighbours may be before the line between them breaks.
export function gapLimit(points, everyS) {
  return Math.max(10, 2.5 * everyS, 3.5 * stepOf(points.map((point) => point.t)));
}

const CELLS = 8; // price; prediction, its interval's low and high; a bar's open, high, low, close

// Columns for uPlot: null breaks a line, undefined does not (another series has a point there).
export function columns(prices, predictions, everyS) {
  const rows = new Map();
  const row = (t) => {
    if (!rows.has(t)) rows.set(t, new Array(CELLS).fill(undefined));
    return rows.get(t);
  };
  const place = (points, fill, empty) => {
    const limit = gapLimit(points, everyS);
    points.forEach((point, i) => {
      const before = points[i - 1];
      if (before && point.t - before.t > limit) empty(row((point.t + before.t) / 2));
      fill(row(point.t), point);
    });
  };
  place(prices, (r, p) => { r[0] = p.price; [r[4], r[5], r[6], r[7]] = p.bar ?? []; }, (r) => { r[0] = null; });
  place(predictions, (r, p) => { r[1] = p.value; r[2] = p.low; r[3] = p.high; },
    (r) => { r[1] = r[2] = r[3] = null; });
  const times = [...rows.keys()].sort((a, b) => a - b);
  const cells = [...Array(CELLS).keys()];
  return [times, ...cells.map((c) => times.map((t) => rows.get(t)[c]))];
}
