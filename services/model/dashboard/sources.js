// SPDX-License-Identifier: GPL-3.0-or-later
// The gateway's sources: shown, started and stopped. What the gateway says against a definition stands
// beside the field that it is about.

import { act } from "/access.js";
import * as format from "/format.js";
import { $, cell, fill, make, say, tell } from "/page.js";
import { serverNowS } from "/poll.js";

// --- the form ------------------------------------------------------------------------------------

const FIELDS = {
  model: { label: "Market", choices: ["gbm", "heston", "uniform"] },
  rate_per_s: { label: "Ticks per second", number: [0.1, 100000], value: "1", required: true },
  file: { label: "File in replay_dir", required: true },
  records: { label: "Records", choices: ["bars", "ticks"] },
  speed: { label: "Times as fast (0: at once)", number: [0, 1e9], value: "1", required: true },
  symbol: { label: "Symbol", value: "BTC-USD", required: true },
  instrument: { label: "Its name there", value: "BTCUSDT", required: true },
  interval: { label: "Interval", choices: ["1m", "5m", "15m", "1h", "1d"], barsOnly: true },
};
const TYPES = {
  simulator: { label: "Simulator", fields: ["model", "rate_per_s"] },
  replay: { label: "Replay of a file", fields: ["file", "records", "speed"] },
  yahoo: { label: "Yahoo", fields: ["symbol", "interval"] },
  coinbase: { label: "Coinbase", fields: ["records", "symbol", "interval"] },
  binance: { label: "Binance", fields: ["symbol", "instrument", "interval"] },
};

const controlOf = (name) => $(`start-${name}`);
const faultOf = (name) => $(`start-${name}-fault`);

function makeControl({ choices, number, value = "", required = false }) {
  const control = document.createElement(choices ? "select" : "input");
  if (choices) {
    control.append(...choices.map((choice) => new Option(choice, choice)));
    return control;
  }
  Object.assign(control, { type: number ? "number" : "text", value, required, autocomplete: "off", spellcheck: false });
  if (number) [control.min, control.max, control.step] = [...number, "any"];
  else control.maxLength = 200;
  return control;
}

function makeField([name, field]) {
  const box = make("div", "", "field"), label = make("label", field.label);
  const control = makeControl(field), fault = make("p", "", "fault");
  control.id = label.htmlFor = `start-${name}`;
  fault.id = `${control.id}-fault`;
  control.setAttribute("aria-describedby", fault.id);
  control.addEventListener("input", () => showFault(name, ""));
  box.append(label, control, fault);
  return box;
}

function showFault(name, reason) {
  say(faultOf(name), reason);
  if (reason) controlOf(name).setAttribute("aria-invalid", "true");
  else controlOf(name).removeAttribute("aria-invalid");
}

const isAsked = (name) => !controlOf(name).disabled;

// Fields that this type has not are out of reach, and keep what was typed.
function chooseFields() {
  const { fields } = TYPES[$("start-type").value];
  const ticks = fields.includes("records") && controlOf("records").value === "ticks";
  for (const [name, { barsOnly }] of Object.entries(FIELDS)) {
    const asked = fields.includes(name) && !(barsOnly && ticks);
    controlOf(name).disabled = controlOf(name).parentElement.hidden = !asked;
  }
}

function definition() {
  const json = { type: $("start-type").value };
  for (const name of TYPES[json.type].fields.filter(isAsked)) {
    const text = controlOf(name).value.trim();
    json[name] = FIELDS[name].number ? Number(text) : text;
  }
  return json;
}

function showRefusal(error) {
  const errors = error.problem?.errors ?? [];
  const isBeside = ({ field }) => field in FIELDS && isAsked(field);
  const beside = errors.filter(isBeside), others = errors.filter((e) => !isBeside(e));
  for (const { field, reason } of beside) showFault(field, reason);
  if (beside.length) controlOf(beside[0].field).focus();
  say($("gateway-said"), `Not started: ${beside.length
    ? [error.problem.detail, ...others.map(({ field, reason }) => `${field}: ${reason}`)].join("; ") : error.message}.`);
}

let sendsIt = false, canStart = false;
function allowStart() {
  $("start").disabled = sendsIt || !canStart;
}

async function start() {
  for (const name of Object.keys(FIELDS)) showFault(name, "");
  say($("gateway-said"), "");
  sendsIt = true;
  allowStart();
  try {
    const made = await act("/v1/pipeline/gateway/sources", "POST", definition());
    say($("gateway-said"), `${made.id} runs.`);
  } catch (error) {
    showRefusal(error);
  }
  sendsIt = false;
  allowStart();
  tell("sources");
}

$("start-type").append(...Object.entries(TYPES).map(([name, { label }]) => new Option(label, name)));
$("start").before(...Object.entries(FIELDS).map(makeField));
chooseFields();
$("start-type").addEventListener("change", chooseFields);
controlOf("records").addEventListener("change", chooseFields);
$("start-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!sendsIt) start();
});

// --- those that there are ------------------------------------------------------------------------

const ENDED = ["done", "stopped", "failed"];
const LATELY_S = 60;

async function stop(source, button) {
  button.disabled = true;
  say($("gateway-said"), "");
  try {
    const gone = await act(`/v1/pipeline/gateway/sources/${encodeURIComponent(source.id)}`, "DELETE");
    say($("gateway-said"), `${gone.id} is stopped after ${format.plural(gone.acknowledged ?? gone.sent ?? 0, "record")}.`);
    $("start-type").focus({ preventScroll: true }); // its button goes
  } catch (error) {
    say($("gateway-said"), error.message);
    button.disabled = false;
  }
  tell("sources");
}

function stopButton(source) {
  const verb = ENDED.includes(source.state) ? "Remove" : "Stop";
  const button = make("button", verb, "plain small");
  button.type = "button";
  button.setAttribute("aria-label", `${verb} ${source.id}`);
  button.addEventListener("click", () => stop(source, button));
  return button;
}

// "replay btc.csv", "coinbase ETH-USD bars 5m"
function kindOf({ type, definition: d = {} }) {
  const records = type === "coinbase" ? d.records : "";
  return [type, d.model, d.file, d.symbol, records, d.interval].filter(Boolean).join(" ");
}

// A source that runs tells of what went wrong for a while.
function stateOf({ state, last_error: error, progress }) {
  const done = state === "running" && typeof progress?.fraction === "number" ? ` ${format.percent(progress.fraction, 0)}` : "";
  const tells = state === "waiting" || state === "failed"
    || (state === "running" && serverNowS() - format.seconds(error?.time) < LATELY_S);
  return `${state}${done}${error && tells ? `, ${error.reason}` : ""}`;
}

function row(source) {
  const line = document.createElement("tr"), head = make("th", source.id);
  head.scope = "row";
  line.append(head, cell(kindOf(source)), cell(stateOf(source), "long"),
    cell(format.perSecond(source.rate_per_s), "number"), cell(format.count(source.acknowledged), "number"),
    cell([stopButton(source)], "buttons"));
  return line;
}

// Of an answer of the gateway's resource.
export function showSources(json) {
  const sources = json.sources?.sources ?? [];
  fill($("sources"), sources.map((source) => [source, stateOf(source)]), () => sources.map(row));
  $("sources-part").hidden = sources.length === 0;
  $("start-form").hidden = json.state === "off";
  canStart = json.sources !== null;
  allowStart();
}
