// SPDX-License-Identifier: GPL-3.0-or-later
// How the other services do.

import { askToken } from "/access.js";
import * as format from "/format.js";
import { $, cell, fill, make, on, say } from "/page.js";
import { Poller, serverNowS } from "/poll.js";
import { showSources } from "/sources.js";

const EVERY_MS = 3000;

// --- a service's card ----------------------------------------------------------------------------

const STATES = { up: "up", away: "away", failed: "trouble", off: "not set up" };

// The reasons of a service that answers and is not ready.
function notReady(ready) {
  if (!ready || ready.ready) return "";
  return Object.entries(ready.conditions ?? {}).filter(([, c]) => !c.met)
    .map(([name, c]) => `${name}: ${c.reason || "not met"}`).join("; ") || "not ready";
}

function showService(name, json) {
  const card = $(`${name}-card`), unready = json.state === "up" ? notReady(json.ready) : "";
  const state = unready ? "failed" : json.state;
  card.dataset.state = state;
  say($(`${name}-state`), unready ? "not ready" : STATES[state] ?? state);
  say($(`${name}-reason`), json.reason ?? (state === "off" ? "Its address is not in this service's settings." : unready));
}

function showFacts(name, json, all) {
  const facts = json.state === "off" ? [] : all;
  fill($(`${name}-facts`), facts, () => facts.map(([term, value]) => {
    const group = document.createElement("div");
    group.append(make("dt", term), make("dd", value));
    return group;
  }));
}

function failedOf(name) {
  return (error, times) => {
    askToken(error);
    if (times < 2) return;
    showService(name, { state: "away", reason: `This page's service does not say: ${error.message}` });
  };
}

// Per second, from one answer to the next; null where that is not known (a restart counts anew).
const before = new Map();
function rateOf(name, value) {
  const last = before.get(name), now = performance.now();
  if (typeof value !== "number") return null;
  if (last && now - last.at < 900) return last.rate;
  const rate = last && value >= last.value ? (value - last.value) / ((now - last.at) / 1000) : null;
  before.set(name, { value, at: now, rate });
  return rate;
}

// --- the gateway ---------------------------------------------------------------------------------

function showGateway(json) {
  showService("gateway", json);
  const counters = json.counters ?? {}, rate = rateOf("accepted", counters.accepted);
  showFacts("gateway", json, [["Records in", format.perSecond(rate)], ["Stored in Kafka", format.count(counters.accepted)],
    ["Rejected", format.count(counters.rejected)], ["On their way", format.count(counters.queued)]]);
  showSources(json);
}

const gateway = new Poller({
  path: () => "/v1/pipeline/gateway", everyMs: () => EVERY_MS, take: showGateway, failed: failedOf("gateway"),
});
on("sources", () => gateway.restart());

// --- ingest --------------------------------------------------------------------------------------

function partitionRow(p) {
  const line = document.createElement("tr"), head = make("th", `${p.topic}[${p.partition}]`);
  head.scope = "row";
  const file = p.last_file, trouble = p.error ? `, ${p.error.kind}: ${p.error.detail}` : "";
  line.append(head, cell(`${p.state}${trouble}`), cell(format.count(p.lag), "number"), cell(format.count(p.open?.rows), "number"),
    cell(file ? `${format.plural(file.rows, "row")}, ${format.age(serverNowS() - format.seconds(file.published_at))}` : "none yet"));
  return line;
}

function showIngest(json) {
  showService("ingest", json);
  const counters = json.counters ?? {}, partitions = json.status?.partitions ?? [], rate = rateOf("rows", counters.rows);
  const lags = partitions.map((p) => p.lag).filter((lag) => typeof lag === "number");
  showFacts("ingest", json, [["Kafka lag", lags.length ? format.plural(lags.reduce((a, b) => a + b), "record") : format.count(counters.lag)],
    ["Rows published", format.perSecond(rate)], ["Files since its start", format.count(counters.files)],
    ["Dead letters since", format.count(counters.dead_letters)]]);
  fill($("partitions"), [partitions, Math.floor(serverNowS() / 5)], () => partitions.map(partitionRow));
  $("partitions-part").hidden = partitions.length === 0;
}

new Poller({ path: () => "/v1/pipeline/ingest", everyMs: () => EVERY_MS, take: showIngest, failed: failedOf("ingest") });

// --- HDFS ----------------------------------------------------------------------------------------

function showHdfs(json) {
  const node = json.namenode ?? {}, safe = json.namenode && node.FSState !== "Operational";
  showService("hdfs", safe && json.state === "up"
    ? { ...json, state: "failed", reason: `The NameNode is not operational but ${node.FSState}.` } : json);
  showFacts("hdfs", json, [["NameNode", node.FSState ?? "–"],
    ["DataNodes", json.namenode ? `${format.count(node.NumLiveDataNodes)} live, ${format.count(node.NumDeadDataNodes)} dead` : "–"],
    ["Used", format.bytes(node.CapacityUsed)], ["Free", format.bytes(node.CapacityRemaining)], ["Files", format.count(node.FilesTotal)]]);
}

new Poller({ path: () => "/v1/pipeline/hdfs", everyMs: () => 2 * EVERY_MS, take: showHdfs, failed: failedOf("hdfs") });
