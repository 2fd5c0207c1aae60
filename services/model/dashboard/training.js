// SPDX-License-Identifier: GPL-3.0-or-later
// Training of the chosen model: started, followed and cancelled.

import { act } from "/access.js";
import * as format from "/format.js";
import { $, on, say, state, tell } from "/page.js";
import { Poller } from "/poll.js";

const isActive = (job) => job?.state === "queued" || job?.state === "running";

const jobs = new Poller({
  path: () => state.model && `/v1/jobs?model=${state.model}&limit=1`,
  everyMs: () => (isActive(state.job) ? 500 : 5000),
  take: (json) => {
    const before = state.job;
    state.job = json.jobs.find((job) => job.model === state.model) ?? null;
    showJob();
    if (before && state.job && before.state !== state.job.state && !isActive(state.job)) tell("serving");
  },
});

function jobText(job) {
  if (!job) return "";
  switch (job.state) {
  case "queued": return "Waiting for its turn";
  case "running": return `${job.phase}: ${format.count(job.rows)} rows`
    + (job.remaining_ms > 0 ? `, ${format.duration(job.remaining_ms / 1000)} left` : "");
  case "done": return job.serves ? `Version ${job.version} is trained and serves`
    : `Version ${job.version} is trained; another one goes on serving. ${job.reason ?? ""}`;
  case "cancelled": return "Training was cancelled";
  default: return `Training ${job.state}: ${job.reason}`;
  }
}

function showJob() {
  const job = state.job, active = isActive(job), bar = $("train-progress");
  $("train").disabled = active || !state.model;
  $("cancel").hidden = !active;
  bar.hidden = !active;
  if (active && job.bytes > 0) {
    bar.max = job.bytes;
    bar.value = job.bytes_done;
  } else {
    bar.removeAttribute("value");
  }
  say($("train-text"), state.said || jobText(job));
}

async function tryTo(path, method, done) {
  state.said = "";
  try {
    done(await act(path, method));
  } catch (error) {
    state.said = error.message;
  }
  showJob();
}

$("train").addEventListener("click", () => {
  $("train").disabled = true;
  tryTo(`/v1/models/${state.model}/train`, "POST", (job) => {
    state.job = job;
    jobs.restart();
  });
});
$("cancel").addEventListener("click", () => {
  if (state.job) tryTo(`/v1/jobs/${state.job.id}`, "DELETE", () => jobs.restart());
});
on("model", () => {
  showJob();
  jobs.restart();
});
