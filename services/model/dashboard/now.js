// SPDX-License-Identifier: GPL-3.0-or-later
// The price, the prediction and its score as they are now, and whether "now" is true.

import { failed } from "/access.js";
import { isToldTheAnswer } from "/choices.js";
import * as format from "/format.js";
import { $, fill, make, on, say, state, tell } from "/page.js";
import { Poller, serverNowS } from "/poll.js";

const OLDER_ANSWERS = 5; // dropped before an older time is believed (the topic was made anew)
let older = 0;

function takeLive(json) {
  if (json.model !== state.model) return;
  state.away = "";
  const shown = state.live?.last?.timestamp, got = json.last?.timestamp;
  if (shown && (!got || got < shown) && ++older <= OLDER_ANSWERS) return showState();
  older = 0;
  const other = json.version !== state.live?.version;
  state.live = json;
  showNow();

  if (other) tell("version");
}

const live = new Poller({
  path: () => state.model && `/v1/models/${state.model}/live`, everyMs: () => 1000, mostMs: 5000,
  take: takeLive, failed,
});

// --- price, prediction, score --------------------------------------------------------------------

const ageOf = (thing) => Math.max(0, serverNowS() - format.seconds(thing.timestamp));

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
  fill($("score"), lines, () => lines.map(([figure, words, direction]) => {
    const item = document.createElement("li");
    item.append(make("b", figure, direction > 0 ? "up" : direction < 0 ? "down" : ""), make("span", words));
    return item;
  }));
  let note = "";
  if (score.count > 0) note = `Over ${format.plural(score.count, "prediction")} of records not seen in training`
    + (isToldTheAnswer() ? ". A feature gives the answer away, so this is no forecast" : "");
  else if (state.live.version === null) note = "Scores begin with the first version.";
  else if (score.waiting > 0) note = `${format.plural(score.waiting, "prediction")} wait for their outcome.`;
  else if (score.in_training > 0) note = "No record has come since this version was trained, so nothing is proved yet.";
  else note = "No prediction has met its outcome yet.";
  say($("score-note"), note);
}

function showAges() {
  const { live: now } = state;
  if (!now) return;
  const stamp = format.seconds(now.last?.timestamp);
  say($("price-time"), now.last ? format.moment(stamp, serverNowS()) : "");
  if (now.last) $("price-time").dateTime = now.last.timestamp;
  say($("price-local"), now.last ? format.localTime(stamp) : "");
  say($("price-age"), now.last ? format.age(ageOf(now.last)) : "");
  const reason = now.prediction && now.reason ? `; the newest gave none: ${reasonText().toLowerCase()}` : "";
  say($("prediction-age"), now.prediction ? `from data ${format.age(ageOf(now.prediction))}${reason}` : "");
  showState();
}

// --- live, stale or away -------------------------------------------------------------------------

function situation() {
  const { live: now, away } = state;
  if (away) return { name: "away", pill: "no connection", title: "Not connected.", text: `${away} Trying again; the figures below are the last ones known.` };
  if (!now) return { name: "loading", pill: "connecting" };
  if (!now.last) return { name: "stale", pill: "no data", title: "No data.", text: `No ${now.records} have come in yet.` };
  const old = ageOf(now.last);
  if (now.stale || old > now.stale_after_s) {
    return { name: "stale", pill: "stale", title: "Stale.", text: `The newest of the ${now.records} is ${format.duration(old)} old. This is not the current price, and the prediction is not for now.` };
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

on("model", () => {
  older = 0;
  live.restart();
});
on("away", showState);
on("report", () => state.live && showNow());
setInterval(showAges, 1000);
