// SPDX-License-Identifier: GPL-3.0-or-later
// Asks one resource again and again: never two requests at once, each with a time limit, slower
// after failures and in a hidden tab, and an answer to an old question is dropped.

// Every poller there is, to start them together and to ask again with another token.
const pollers = [];
export function pollAll() {
  for (const poller of pollers) poller.restart();
}

const HIDDEN_FACTOR = 15;

export class HttpError extends Error {
  constructor(status, problem) {
    const first = problem?.errors?.[0]?.reason;
    super((problem?.detail || problem?.title || `the service answered ${status}`) + (first ? `: ${first}` : ""));
    this.status = status;
    this.problem = problem;
  }
}

let token = "";
export function useToken(value) {
  token = value;
}

// The server's clock by the Date of its answers, which counts whole seconds: ages that are computed
// from it are right on a machine whose own clock is wrong.
const clock = { serverS: null, atMs: 0 };

export function serverNowS() {
  return clock.serverS === null ? Date.now() / 1000
    : clock.serverS + (performance.now() - clock.atMs) / 1000;
}

function readClock(date) {
  const second = Date.parse(date) / 1000;
  if (!Number.isFinite(second)) return;
  const now = serverNowS();
  if (clock.serverS !== null && now >= second && now < second + 1.5) return; // may well be right
  Object.assign(clock, { serverS: second + 0.5, atMs: performance.now() });
}

export async function ask(path, { method = "GET", timeoutMs = 8000, signal, body } = {}) {
  const limit = AbortSignal.timeout(timeoutMs);
  const headers = { Accept: "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, {
    method, headers, cache: "no-cache", credentials: "same-origin",
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
  });
  readClock(answer.headers.get("Date"));
  const text = await answer.text();
  let json = null;
  try {
    json = text ? JSON.parse(text) : null;
  } catch {
    throw new HttpError(answer.status, { detail: "the service's answer is no JSON" });
  }
  if (!answer.ok) throw new HttpError(answer.status, json);
  return json;
}

export class Poller {
  // path() gives the next address, or null to ask nothing; everyMs() the pause.
  constructor({ path, everyMs, take, failed = () => {}, mostMs = 10000 }) {
    Object.assign(this, { path, everyMs, take, failed, mostMs });
    this.failures = 0;
    this.question = 0;
    this.timer = 0;
    this.controller = null;
    pollers.push(this);
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && !this.controller) this.now();
    });
  }

  // Another question from now on: the one in flight is dropped.
  restart() {
    this.question++;
    this.controller?.abort();
    this.controller = null;
    this.failures = 0;
    this.now();
  }

  now() {
    clearTimeout(this.timer);
    this.round();
  }

  schedule() {
    const every = this.everyMs();
    const slower = Math.min(Math.max(this.mostMs, every), every * 2 ** Math.min(this.failures, 10));
    const pause = (document.hidden ? every * HIDDEN_FACTOR : slower) * (0.9 + 0.2 * Math.random());
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.round(), pause);
  }

  async round() {
    if (this.controller) return;
    const path = this.path();
    if (!path) {
      this.schedule();
      return;
    }
    const question = this.question;
    const controller = this.controller = new AbortController();
    let again = false;
    try {
      const json = await ask(path, { signal: controller.signal });
      if (question !== this.question) return;
      this.failures = 0;
      again = this.take(json) === true;
    } catch (error) {
      if (question !== this.question) return;
      this.failures++;
      this.failed(error, this.failures);
    } finally {
      if (question === this.question) {
        this.controller = null;
        if (again) this.timer = setTimeout(() => this.round(), 0);
        else this.schedule();
      }
    }
  }
}
