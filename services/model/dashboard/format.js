// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers, times and sentences. Everything returns plain text; null or undefined gives an en dash.

const NONE = "–";
const money = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

const known = (value) => typeof value === "number" && Number.isFinite(value);

export const price = (value) => (known(value) ? "$" + money.format(value) : NONE);
export const plainPrice = (value) => (known(value) ? money.format(value) : NONE);
export const count = (value) => (known(value) ? whole.format(value) : NONE);

export function amount(value) {
  if (!known(value)) return NONE;
  const size = Math.abs(value);
  if (size > 0 && size < 0.005) return "< $0.01";
  return "$" + money.format(value);
}

// Decimals that show a step whole: 1 for 2.5, 2 for 0.25, at most 6.
export function digitsOf(step) {
  let digits = 0;
  const isWhole = (value) => value > 0.5 && Math.abs(value - Math.round(value)) < 1e-6;
  while (digits < 6 && !isWhole(step * 10 ** digits)) digits++;
  return digits;
}

export function percent(share, digits = 1) {
  return known(share) ? (100 * share).toFixed(digits) + "%" : NONE;
}

export function change(now, before) {
  if (!known(now) || !known(before) || before === 0) return null;
  const step = now - before;
  const sign = step > 0 ? "+" : step < 0 ? "−" : "±";
  return {
    text: `${sign}${money.format(Math.abs(step))} (${sign}${Math.abs(100 * step / before).toFixed(3)}%)`,
    direction: Math.sign(step),
  };
}

export function bytes(n) {
  if (!known(n)) return NONE;
  const step = Math.min(4, Math.max(0, Math.floor(Math.log2(n || 1) / 10)));
  return `${Number((n / 1024 ** step).toPrecision(3))} ${["bytes", "KiB", "MiB", "GiB", "TiB"][step]}`;
}

// A number of a report, whose size is not known beforehand.
export function figure(value) {
  if (!known(value)) return NONE;
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1e7 || size < 1e-4) return value.toExponential(3);
  return value.toLocaleString("en-US", { maximumSignificantDigits: 6 });
}

// Of an error beside that of the last price, in percent: above 0 is closer.
export function skill(value) {
  return known(value) ? `${value >= 0 ? "+" : "−"}${percent(Math.abs(value))}` : NONE;
}

// A p value.
export function chance(p) {
  return !known(p) ? NONE : p < 0.001 ? "< 0.001" : p.toFixed(3);
}

// Three digits, for what is measured.
export const rough = (value) => (known(value) ? figure(Number(value.toPrecision(3))) : NONE);
export const perSecond = (rate) => (known(rate) ? `${rough(rate)} per s` : NONE);

const two = (n) => String(n).padStart(2, "0");

export function time(seconds) {
  if (!known(seconds)) return NONE;
  const d = new Date(seconds * 1000);
  return `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())} UTC`;
}

export function dateTime(seconds) {
  if (!known(seconds)) return NONE;
  return `${new Date(seconds * 1000).toISOString().slice(0, 10)} ${time(seconds)}`;
}

export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const local = new Intl.DateTimeFormat("en-GB", { hourCycle: "h23", hour: "2-digit",
  minute: "2-digit", second: "2-digit", timeZoneName: "short" });
const localShort = new Intl.DateTimeFormat("en-GB", { hourCycle: "h23", hour: "2-digit", minute: "2-digit" });

// Where the reader lives by UTC there is nothing to add.
export const zoneIsUtc = ["UTC", "Etc/UTC", "GMT", "Etc/GMT"].includes(zone);

// With the offset in its name, so that the hour that comes twice is told apart; "" for UTC.
export function localTime(seconds) {
  return zoneIsUtc || !known(seconds) ? "" : local.format(new Date(seconds * 1000));
}

export const localClock = (seconds) => localShort.format(new Date(seconds * 1000));

// Today's times without a date, others with it.
export function moment(seconds, nowSeconds) {
  if (!known(seconds)) return NONE;
  const sameDay = Math.floor(seconds / 86400) === Math.floor(nowSeconds / 86400);
  return sameDay ? time(seconds) : dateTime(seconds);
}

// "Zulu" text of the API to epoch seconds, fractions kept.
export function seconds(text) {
  if (typeof text !== "string") return null;
  const ms = Date.parse(text);
  return Number.isFinite(ms) ? ms / 1000 : null;
}

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

export function duration(s) {
  if (!known(s)) return NONE;
  const size = Math.max(0, s);
  for (const [name, length] of UNITS) {
    if (size >= length || length === 1) {
      const n = Math.floor(size / length);
      return `${count(n)} ${name}${n === 1 ? "" : "s"}`;
    }
  }
  return NONE;
}

// The length of a window: "15 min", "2.5 h", "3 d".
export function span(s) {
  if (!known(s)) return NONE;
  const [unit, length] = s < 60 ? ["s", 1] : s < 3600 ? ["min", 60] : s < 86400 ? ["h", 3600] : ["d", 86400];
  return `${Number((s / length).toFixed(1))} ${unit}`;
}

export function age(s) {
  if (!known(s)) return "";
  return s < 2 ? "just now" : `${duration(s)} old`;
}

export function horizon(s, records) {
  return s > 0 ? `${duration(s)} ahead` : `of the same ${records === "bars" ? "bar" : "tick"}`;
}

// -1 when the coverage is too low for chance (three standard errors), 1 when it is as claimed and
// there are enough predictions to say so.
function coverageVerdict({ coverage, level, count: n }) {
  const chance = 3 * Math.sqrt((level * (1 - level)) / n);
  if (coverage < level - Math.max(chance, 0.01)) return -1;
  return n >= 100 ? 1 : 0;
}

export const plural = (n, word) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;

// What the score means, in plain words: [figure, sentence, direction].
export function scoreSentences(score) {
  if (!score || !(score.count > 0)) return [];
  const lines = [[amount(score.rmse), "typical miss (root mean square)", 0]];
  if (known(score.coverage)) {
    lines.push([percent(score.coverage),
      `of prices fell inside the ${percent(score.level, 0)} interval`,
      coverageVerdict(score)]);
  }
  if (known(score.skill_last)) {
    const size = percent(Math.abs(score.skill_last));
    if (Math.abs(score.skill_last) < 0.0005) lines.push(["±0%", "no better than repeating the last price", 0]);
    else if (score.skill_last > 0) lines.push([size, "closer than repeating the last price", 1]);
    else lines.push([size, "worse than repeating the last price", -1]);
  }
  return lines;
}
