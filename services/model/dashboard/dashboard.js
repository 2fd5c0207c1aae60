// SPDX-License-Identifier: GPL-3.0-or-later
// The page: what is chosen, what is asked, what is shown. Text goes into text nodes only.

import { Chart } from "/chart.js";
import * as format from "/format.js";
import { Poller, ask, useToken } from "/poll.js";
import { Series, columns, everyFor } from "/series.js";

const LIMIT = 2500; // rows of one answer
const PREFERRED = { bars: "streamlit", ticks: "ia" };
const OLDER_ANSWERS = 5; // dropped before an older time is believed (the topic was made anew)

const $ = (id) => document.getElementById(id);
const chosen = (name) => document.querySelector(`input[name=${name}]:checked`).value;
const nowS = () => Date.now() / 1000;

const state = {
  models: [], model: null, live: null, liveAt: 0, older: 0, away: "",
  prices: new Series(1), predictions: new Series(1), span: null,
  report: null, job: null, said: "",
};

// Writes only what changed, so that a screen reader hears only news.
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// --- what is chosen ------------------------------------------------------------------------------

const modelOf = (name) => state.models.find((m) => m.name === name);

function windowS() {
  const chosenS = Number(chosen("window"));
  if (chosenS > 0) return chosenS;
  return state.span ? Math.max(60, state.span[1] - state.span[0]) : null;
}

function fillModels() {
  const kind = chosen("dataset");
  const fitting = state.models.filter((m) => m.records === kind);
  const select = $("model");
  const names = fitting.map((m) => m.name);
  if ([...select.options].map((o) => o.value).join() !== names.join()) {
    select.replaceChildren(...names.map((name) => new Option(name, name)));
  }
  const wanted = names.includes(state.model) ? state.model
    : names.includes(PREFERRED[kind]) ? PREFERRED[kind] : names[0] ?? null;
  if (wanted !== null) select.value = wanted;
  if (wanted !== state.model) chooseModel(wanted);
}

function chooseModel(name) {
  Object.assign(state, { model: name, live: null, older: 0, report: null, job: null, said: "" });
  startSeries();
  showModel();
  showJob();
  for (const poller of [pollers.live, pollers.jobs]) poller.restart();
}

function startSeries() {
  const every = everyFor(windowS() ?? 900);
  state.prices = new Series(every);
  state.predictions = new Series(every);
  for (const poller of [pollers.records, pollers.predictions]) poller.restart();
}

// --- what is asked -------------------------------------------------------------------------------

function listPath(base, series) {
  if (!state.model) return null;
  const query = new URLSearchParams({ limit: LIMIT, every: series.everyS });
  if (series.since) query.set("since", series.since);
  return `${base}${base.includes("?") ? "&" : "?"}${query}`;
}

// "All" needs the span first, to know how much to thin.
function recordsPath() {
  const base = `/v1/records/${chosen("dataset")}`;
  return windowS() === null ? `${base}?limit=1` : listPath(base, state.prices);
}

function takeRecords(json) {
  const known = windowS() !== null;
  state.span = json.oldest ? [format.seconds(json.oldest), format.seconds(json.newest)] : null;
  if (!known) {
    if (state.span) startSeries();
    return false;
  }
  const target = modelOf(state.model)?.target;
  state.prices.merge(json.records.map((r) => ({ t: format.seconds(r.timestamp), price: r[target] })));
  showChart();
  return json.more && state.prices.newest !== null;
}

function takePredictions(json) {
  if (json.model !== state.model) return false;
  state.predictions.merge(json.predictions.map((p) => ({
    t: format.seconds(p.timestamp), target: format.seconds(p.target_timestamp), value: p.prediction,
    low: p.interval ? p.interval[0] : null, high: p.interval ? p.interval[1] : null,
  })));
  showChart();
  return json.more && state.predictions.newest !== null;
}

function takeLive(json) {
  if (json.model !== state.model) return;
  state.away = "";
  const shown = state.live?.last?.timestamp, got = json.last?.timestamp;
  if (shown && (!got || got < shown) && ++state.older <= OLDER_ANSWERS) {
    showState();
    return;
  }
  const before = state.live;
  Object.assign(state, { live: json, liveAt: performance.now(), older: 0 });
  showNow();
  if (json.version !== before?.version) loadReport();
}

function takeModels(json) {
  state.models = json.models;
  fillModels();
  showModel();
}

function takeJobs(json) {
  const before = state.job;
  state.job = json.jobs.find((job) => job.model === state.model) ?? null;
  showJob();
  if (before && state.job && before.state !== state.job.state && !isActive(state.job)) pollers.models.now();
}

function failed(error, times) {
  if (error.status === 401 || error.status === 403) askToken(error);
  if (times >= 2 || !state.live) {
    state.away = error.status ? `The service answers ${error.status}: ${error.message}`
      : error.name === "TimeoutError" ? "The service does not answer in time." : "The service cannot be reached.";
    showState();
  }
}

async function loadReport() {
  const { model, live } = state;
  state.report = null;
  if (live?.version !== null && live?.version !== undefined) {
    try {
      const report = await ask(`/v1/models/${model}/versions/${live.version}`);
      if (model === state.model) state.report = report;
    } catch {
      // The figures of the list stay; the next version asks again.
    }
  }
  showModel();
}

const listEvery = () => (chosen("dataset") === "ticks" ? 1000 : 2000);
const pollers = {
  models: new Poller({ path: () => "/v1/models", everyMs: () => 10000, take: takeModels, failed }),
  live: new Poller({
    path: () => state.model && `/v1/models/${state.model}/live`, everyMs: () => 1000, mostMs: 5000,
    take: takeLive, failed,
  }),
  records: new Poller({ path: recordsPath, everyMs: listEvery, take: takeRecords }),
  predictions: new Poller({
    path: () => state.model && windowS() !== null
      && listPath(`/v1/predictions?model=${state.model}`, state.predictions),
    everyMs: listEvery, take: takePredictions,
  }),
  jobs: new Poller({
    path: () => state.model && `/v1/jobs?model=${state.model}&limit=1`,
    everyMs: () => (isActive(state.job) ? 500 : 5000), take: takeJobs,
  }),
};

// --- price, prediction, score --------------------------------------------------------------------

const drift = () => (performance.now() - state.liveAt) / 1000;

function showNow() {
  const { last, prediction, score } = state.live;
  say($("price"), format.price(last?.price));
  document.title = last ? `${format.price(last.price)} · Tickline` : "Tickline";
  say($("prediction"), format.price(prediction?.prediction));
  say($("prediction-model"), prediction ? `${state.live.model} version ${prediction.version}`
    + (state.live.horizon_s > 0 ? `, ${format.horizon(state.live.horizon_s)}` : "") : reasonText());
  showInterval(last, prediction);
  showScore(score);
  showAges();
}

const REASONS = {
  "no-version": "No version yet: train the model below",
  "no-records": "No records have come yet",
  "no-history": "A record before it is missing",
  "zero-denominator": "A ratio of this record has a zero below",
  "not-finite": "This record gives no finite prediction",
};

function reasonText() {
  const reason = state.live?.reason;
  return reason ? REASONS[reason] ?? `No prediction: ${reason}` : "";
}

function showInterval(last, prediction) {
  const interval = prediction?.interval, gauge = $("gauge");
  gauge.classList.toggle("known", Boolean(interval && last));
  if (!interval || !last) {
    say($("interval"), prediction ? "No interval: too few rows in training" : "");
    gauge.setAttribute("aria-label", "No interval");
    return;
  }
  const [low, high] = interval, from = Math.min(low, last.price), to = Math.max(high, last.price);
  const room = (to - from) * 0.12 || 1;
  const place = (v) => `${(100 * (v - from + room)) / (to - from + 2 * room)}%`;
  $("gauge-band").style.left = place(low);
  $("gauge-band").style.right = `calc(100% - ${place(high)})`;
  $("gauge-prediction").style.left = place(prediction.prediction);
  $("gauge-price").style.left = place(last.price);
  const text = `${format.percent(prediction.level, 0)} between ${format.plainPrice(low)} and ${format.plainPrice(high)}`;
  say($("interval"), text);
  gauge.setAttribute("aria-label", `${text}; last price ${format.plainPrice(last.price)}`);
}

function showScore(score) {
  const lines = format.scoreSentences(score);
  const text = JSON.stringify(lines);
  if (text !== $("score").dataset.shown) {
    $("score").dataset.shown = text;
    $("score").replaceChildren(...lines.map(([figure, words, direction]) => {
      const item = document.createElement("li"), strong = document.createElement("b"), span = document.createElement("span");
      strong.textContent = figure;
      strong.className = direction > 0 ? "up" : direction < 0 ? "down" : "";
      span.textContent = words;
      item.append(strong, span);
      return item;
    }));
  }
  let note = "";
  if (score.count > 0) note = `Over ${format.plural(score.count, "prediction")} of records not seen in training`
    + (isToldTheAnswer() ? ". A feature gives the answer away, so this is no forecast" : "");
  else if (state.live.version === null) note = "Scores begin with the first version.";
  else if (score.waiting > 0) note = `${format.plural(score.waiting, "prediction")} wait for their outcome.`;
  else if (score.in_training > 0) note = "No record has come since this version was trained, so nothing is proved yet.";
  else note = "No prediction has met its outcome yet.";
  say($("score-note"), note);
}

const isToldTheAnswer = () => (state.report?.coefficients ?? []).some((c) => c.leaks && c.status === "kept");

function showAges() {
  const live = state.live;
  if (!live) return;
  const stamp = format.seconds(live.last?.timestamp);
  say($("price-time"), live.last ? format.moment(stamp, nowS()) : "");
  if (live.last) $("price-time").dateTime = live.last.timestamp;
  say($("price-age"), live.last ? format.age(live.last.age_s + drift()) : "");
  const reason = live.prediction && live.reason ? `; the newest gave none: ${reasonText().toLowerCase()}` : "";
  say($("prediction-age"), live.prediction
    ? `from data ${format.age(live.prediction.age_s + drift())}${reason}` : "");
  showState();
}

// --- live, stale or away -------------------------------------------------------------------------

function situation() {
  const live = state.live;
  if (state.away) return { name: "away", pill: "no connection", title: "Not connected.", text: `${state.away} Trying again; the figures below are the last ones known.` };
  if (!live) return { name: "loading", pill: "connecting" };
  if (!live.last) return { name: "stale", pill: "no data", title: "No data.", text: `No ${live.records} have come in yet.` };
  const old = live.last.age_s + drift();
  if (live.stale || old > live.stale_after_s) {
    return { name: "stale", pill: "stale", title: "Stale.", text: `The newest of the ${live.records} is ${format.duration(old)} old. This is not the current price, and the prediction is not for now.` };
  }
  return { name: "live", pill: "live" };
}

function showState() {
  const { name, pill, title, text } = situation();
  document.body.dataset.state = name;
  say($("state-text"), pill);
  $("banner").hidden = !title;
  say($("banner-title"), title ?? "");
  say($("banner-text"), text ?? "");
}

// --- chart ---------------------------------------------------------------------------------------

const chart = new Chart($("chart"), (point) => {
  if (!point) return say($("readout"), "");
  const parts = [format.dateTime(point.t)];
  if (typeof point.price === "number") parts.push(`price ${format.plainPrice(point.price)}`);
  if (typeof point.value === "number") parts.push(`prediction ${format.plainPrice(point.value)}`);
  if (typeof point.low === "number") parts.push(`[${format.plainPrice(point.low)}, ${format.plainPrice(point.high)}]`);
  say($("readout"), parts.join("  "));
});

// The step from the first to the last price that is drawn.
function showChange() {
  const prices = state.prices.sorted(), first = prices[0], last = prices[prices.length - 1];
  const step = prices.length > 1 ? format.change(last.price, first.price) : null;
  const label = document.querySelector("input[name=window]:checked").nextElementSibling.textContent;
  say($("change"), step ? `${step.text} ${label === "All" ? "in all" : `in ${label}`}` : "");
  $("change").className = `delta ${step?.direction > 0 ? "up" : step?.direction < 0 ? "down" : ""}`;
}

let drawn = 0;
function showChart() {
  if (!drawn) drawn = requestAnimationFrame(() => { drawn = 0; draw(); });
}

function draw() {
  const span = windowS(), newest = state.prices.newest;
  if (newest !== null && span !== null) {
    state.prices.prune(newest - span);
    state.predictions.prune(newest - span);
  }
  const predictions = state.predictions.sorted().map((p) => ({ ...p, t: p.target }));
  const data = columns(state.prices.sorted(), predictions, state.prices.everyS);
  const last = data[0].length ? data[0][data[0].length - 1] : 0;
  const first = Number(chosen("window")) > 0 ? last - span : data[0][0];
  chart.show(data, [first, Math.max(last, first + 1)], `No ${chosen("dataset")} have come in yet.`);
  const level = state.live?.prediction?.level;
  showChange();
  say($("band-key"), level ? `${format.percent(level, 0)} interval` : "interval");
}

// --- model and training --------------------------------------------------------------------------

function fact(name, value) {
  const group = document.createElement("div"), term = document.createElement("dt"), text = document.createElement("dd");
  term.textContent = name;
  text.textContent = value;
  group.append(term, text);
  return group;
}

// The features as the spec lists them, and what the fit made of each.
function featureChips(model) {
  const statusOf = new Map((state.report?.coefficients ?? []).map((c) => [c.name, c.status]));
  return model.features.map((f) => {
    const name = typeof f === "string" ? f : f.name, status = statusOf.get(name);
    const chip = document.createElement("li");
    const used = status === undefined || status === "kept" || status === "fixed";
    chip.textContent = used ? name : `${name}: ${status}, left out`;
    chip.className = used ? "" : "dropped";
    return chip;
  });
}

function showModel() {
  const model = modelOf(state.model);
  say($("model-title"), model ? `Model ${model.name}` : "Model");
  say($("model-about"), model?.description ?? "");
  $("features").replaceChildren(...(model ? featureChips(model) : []));
  if (!model) return $("facts").replaceChildren();
  const s = model.serving;
  const facts = [["Predicts", `${model.target.replace("_", " ")} ${format.horizon(model.horizon_s, model.records)}`]];
  if (s) {
    facts.push(["Version", s.last_price ? `${s.version}: the last price itself` : `${s.version}, made ${format.moment(format.seconds(s.created), nowS())}`],
      ["Rows in training", format.count(s.rows)]);
    if (!s.last_price) facts.push(["R²", format.figure(s.r2)], ["Error in training", format.amount(s.rmse)]);
    facts.push(["Error on held-out rows", format.amount(s.held_out_rmse)]);
    if (typeof s.skill_last === "number" && !s.last_price) facts.push(["Beside the last price", `${s.skill_last >= 0 ? "+" : "−"}${format.percent(Math.abs(s.skill_last))}`]);
  } else {
    facts.push(["Version", "none yet"]);
  }
  $("facts").replaceChildren(...facts.map(([name, value]) => fact(name, value)));
  showRemarks(s);
}

function showRemarks(serving) {
  const remarks = [...(state.report?.warnings ?? [])].map((w) => (typeof w === "string" ? w : w.text ?? w.detail ?? ""));
  if (serving?.leakage && remarks.length === 0) remarks.push("A feature gives the target away: these predictions repeat what is already known.");
  $("remarks").replaceChildren(...remarks.filter(Boolean).map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  }));
}

const isActive = (job) => job?.state === "queued" || job?.state === "running";

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
  $("train").disabled = active;
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

async function act(path, method, done) {
  state.said = "";
  try {
    done(await ask(path, { method }));
  } catch (error) {
    if (error.status === 401 || error.status === 403) askToken(error);
    state.said = error.message;
    showJob();
  }
}

$("train").addEventListener("click", () => {
  $("train").disabled = true;
  act(`/v1/models/${state.model}/train`, "POST", (job) => {
    state.job = job;
    showJob();
    pollers.jobs.restart();
  }).finally(showJob);
});

$("cancel").addEventListener("click", () => {
  if (state.job) act(`/v1/jobs/${state.job.id}`, "DELETE", () => pollers.jobs.restart());
});

// --- access --------------------------------------------------------------------------------------

function askToken(error) {
  if ($("token-dialog").open) return;
  say($("token-why"), error.message);
  $("token-dialog").showModal();
}

$("token-dialog").addEventListener("close", () => {
  useToken($("token").value);
  $("token").value = "";
  for (const poller of Object.values(pollers)) poller.restart();
});

// --- start ---------------------------------------------------------------------------------------

$("datasets").addEventListener("change", () => {
  state.span = null;
  fillModels();
});
$("windows").addEventListener("change", startSeries);
$("model").addEventListener("change", () => chooseModel($("model").value));
setInterval(showAges, 1000);
for (const poller of Object.values(pollers)) poller.now();
