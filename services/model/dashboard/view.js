// SPDX-License-Identifier: GPL-3.0-or-later
// Which part of time the chart shows: it follows the newest point, or stands where it was put.

export const LEAST_S = 60;

export class View {
  // `spanS` 0: all that is held, which is not known before `hold`.
  constructor(spanS) {
    this.held = null;
    this.follow(spanS);
  }

  follow(spanS) {
    Object.assign(this, { chosenS: spanS, endS: null });
  }

  // [oldest, newest] in epoch seconds, or null.
  hold(span) {
    this.held = span;
  }

  get follows() {
    return this.endS === null;
  }

  get heldS() {
    return this.held ? Math.max(LEAST_S, this.held[1] - this.held[0]) : null;
  }

  // null: all, and it is not known how much that is.
  get spanS() {
    return this.chosenS > 0 ? this.chosenS : this.heldS;
  }

  // [from, to], or null while nothing is known. A following view leaves room for what is foreseen.
  range(newestS, aheadS = 0) {
    const end = this.endS ?? newestS, span = this.spanS;
    if (end === null || span === null) return null;
    return [end - span, this.follows ? end + Math.min(aheadS, span / 2) : end];
  }

  // factor < 1 shows less. What is at `atS` stays where it is; a following view keeps its end.
  zoom(factor, atS = null) {
    const before = this.spanS;
    if (before === null || !this.held) return;
    const most = Math.max(900, this.heldS);
    const span = Math.min(most, Math.max(LEAST_S, before * factor));
    if (!this.follows) {
      const at = atS ?? this.endS - before / 2;
      this.endS = at + (this.endS - at) * (span / before);
    }
    this.chosenS = span;
    this.pan(0);
  }

  // Seconds, > 0 to later times. At the newest point it follows again.
  pan(byS) {
    if (!this.held || this.spanS === null || (this.follows && byS >= 0)) return;
    const [oldest, newest] = this.held, span = this.spanS;
    const end = Math.max((this.endS ?? newest) + byS, Math.min(newest, oldest + span));
    this.chosenS = span;
    this.endS = end >= newest ? null : end;
  }
}
