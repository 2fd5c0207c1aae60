# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway on real Kafka: what is answered is what is in the topic. Refused input and outages of
the whole pipeline have files of their own (test_bad_input, test_outages)."""
import concurrent.futures
import datetime
import json
import os
import signal
import threading

import pytest
import requests

from support import wait_until

BAR_HEADER = "timestamp,open,high,low,close,volume\n"
US_2025_07_01 = 1751328000 * 1000000


def tick(price=107120.5, timestamp=1751328000000, **more):
    return {"timestamp": timestamp, "buy_price": price, "sell_price": price, "volume": 1,
            "volatility": 1.5, **more}


def lines(records):
    return "\n".join(json.dumps(r) for r in records)


def values(kafka, topic):
    return [json.loads(m.value) for m in kafka.read_all(topic)]


def wait_source(gateway, source, *states):
    def ended():
        now = gateway.get(f"/v1/sources/{source['id']}").json()
        return now if now["state"] in states and now["pending"] == 0 else None
    return wait_until(ended, f"{source['id']} is {' or '.join(states)}", 60)


def start_source(gateway, definition, state="done"):
    answer = gateway.post("/v1/sources", definition)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/v1/sources/{answer.json()['id']}"
    return wait_source(gateway, answer.json(), state) if state else answer.json()


# --- outcomes ------------------------------------------------------------------------------------

def test_a_record_is_where_the_answer_says(service, kafka, names):
    gateway = service("gateway")
    bar = {"timestamp": "2025-07-01T02:00:00+02:00", "open": "107120.50000000", "high": 107150,
           "low": 107100, "close": 1.0713533e5, "volume": 31661563904, "symbol": "ETH-USD"}
    for body, topic, path in ((tick(buy_price_normalized=5), names.ticks_topic, "/v1/ticks"),
                              (bar, names.bars_topic, "/v1/bars")):
        answer = gateway.post(path, body)
        assert answer.status_code == 200
        assert answer.json() == {
            "accepted": 1, "rejected": 0, "unavailable": 0, "unknown": 0, "error_count": 0,
            "errors": [], "ranges": [{"partition": 0, "first_offset": 0, "last_offset": 0}]}
        message, = kafka.read_all(topic)
        assert (message.offset, message.timestamp_ms) == (0, 1751328000000)
        assert message.key == (b"ETH-USD" if topic == names.bars_topic else None)
    assert kafka.read_all(names.ticks_topic)[0].value == (
        b'{"timestamp":"2025-07-01T00:00:00.000000Z","buy_price":107120.5,"sell_price":107120.5,'
        b'"volume":1,"volatility":1.5,"buy_price_normalized":2.1780125,'
        b'"sell_price_normalized":2.1780125,"volume_normalized":-0.24975}')
    assert kafka.read_all(names.bars_topic)[0].value == (
        b'{"timestamp":"2025-07-01T00:00:00.000000Z","open":107120.5,"high":107150,"low":107100,'
        b'"close":107135.33,"volume":31661563904}')


@pytest.mark.parametrize("kind", ["array", "ndjson", "csv"])
def test_batches_keep_their_order(service, kafka, names, kind):
    gateway, count = service("gateway"), 2500
    batch = [tick(1000 + i) for i in range(count)]
    body, content_type = {
        "array": (json.dumps(batch), "application/json"),
        "ndjson": (lines(batch), "application/x-ndjson"),
        "csv": ("sell_price,timestamp,buy_price,volatility,volume\r\n" + "\r\n".join(
            f"{r['sell_price']},{r['timestamp']},{r['buy_price']},{r['volatility']},{r['volume']}"
            for r in batch), "text/csv"),
    }[kind]
    answer = gateway.post("/v1/ticks", body, content_type)
    assert answer.status_code == 200, answer.text
    assert answer.json()["accepted"] == count
    assert answer.json()["ranges"] == [
        {"partition": 0, "first_offset": 0, "last_offset": count - 1}]
    assert [v["buy_price"] for v in values(kafka, names.ticks_topic)] == [
        r["buy_price"] for r in batch]


def test_detail_tells_each_record(service, kafka, names):
    gateway = service("gateway")
    body = lines([tick(1), tick(-1), {"a": 1}, tick(2)])
    answer = gateway.post("/v1/ticks?detail=records", body, "application/x-ndjson")
    assert answer.status_code == 207
    records = answer.json()["records"]
    assert [(r["index"], r["line"], r["outcome"]) for r in records] == [
        (0, 1, "accepted"), (1, 2, "rejected"), (2, 3, "rejected"), (3, 4, "accepted")]
    assert [(r["partition"], r["offset"]) for r in records if r["outcome"] == "accepted"] == [
        (0, 0), (0, 1)]
    assert (records[1]["code"], records[1]["field"]) == ("out-of-range", "buy_price")
    assert records[2]["code"] == "unknown-member"
    few = gateway.post("/v1/ticks", body, "application/x-ndjson").json()
    assert "records" not in few and few["error_count"] == 2
    assert [v["buy_price"] for v in values(kafka, names.ticks_topic)] == [1, 2, 1, 2]


def test_several_partitions_are_told_by_ranges(service, kafka, names):
    gateway = service("gateway", topic_partitions=3, tick_key="symbol")
    batch = [tick(1 + i, symbol=f"S{i % 40}") for i in range(300)]
    answer = gateway.post("/v1/ticks?detail=records", lines(batch), "application/x-ndjson").json()
    messages = {(m.partition, m.offset): m for m in kafka.read_all(names.ticks_topic)}
    assert {m.partition for m in messages.values()} == {0, 1, 2}
    told = [(r["partition"], o) for r in answer["ranges"]
            for o in range(r["first_offset"], r["last_offset"] + 1)]
    assert sorted(told) == sorted(messages) and len(answer["ranges"]) == 3
    for record, sent in zip(answer["records"], batch, strict=True):
        message = messages[record["partition"], record["offset"]]
        assert message.key == sent["symbol"].encode()
        assert json.loads(message.value)["buy_price"] == sent["buy_price"]


def test_respond_async_is_queued_and_arrives(service, kafka, names):
    gateway = service("gateway")
    answer = gateway.post("/v1/ticks", lines([tick(1), tick(-1)]), "application/x-ndjson",
                          headers={"Prefer": "respond-async, wait=5"})
    assert answer.status_code == 202
    assert answer.headers["Preference-Applied"] == "respond-async"
    said = answer.json()
    assert (said["accepted"] + said["queued"], said["rejected"]) == (1, 1)
    wait_until(lambda: len(values(kafka, names.ticks_topic)) == 1, "it arrived")
    refused = gateway.post("/v1/ticks", tick(-1), headers={"Prefer": "respond-async"})
    assert refused.status_code == 422


def test_a_cut_array_keeps_what_came_before(service, kafka, names):
    gateway = service("gateway")
    answer = gateway.post("/v1/ticks", json.dumps([tick(1), tick(2), tick(3)])[:-9])
    assert answer.status_code == 207
    said = answer.json()
    assert (said["accepted"], said["rejected"], said["error_count"]) == (2, 0, 1)
    assert (said["errors"][0]["code"], said["errors"][0]["index"]) == ("broken-body", 2)
    assert [v["buy_price"] for v in values(kafka, names.ticks_topic)] == [1, 2]


def test_what_kafka_will_never_take_is_told_apart(service, kafka, names):
    """A text over the limit and a time out of the window fail alone, and for good."""
    gateway = service("gateway")
    batch = [tick(1), tick(2, note="x" * 1200000), tick(3), tick(4, 1924992000000), tick(5)]
    answer = gateway.post("/v1/ticks", lines(batch), "application/x-ndjson")
    assert answer.status_code == 207
    said = answer.json()
    assert (said["accepted"], said["rejected"], said["unavailable"]) == (3, 2, 0)
    assert [(e["index"], e["code"]) for e in said["errors"]] == [
        (1, "too-large"), (3, "bad-timestamp")]
    messages = kafka.read_all(names.ticks_topic)
    assert [json.loads(m.value)["buy_price"] for m in messages] == [1, 3, 5]
    assert {m.timestamp_ms for m in messages} == {1751328000000}


def test_units_of_time_are_told_apart_by_range(service, kafka, names):
    gateway = service("gateway")
    times = [1735603200000, 1740787200000000, 1761134477123456701, 1761134477123456789, 1751328000,
             -1, 4102444800]
    body = "\n".join(json.dumps(tick(1, t)) for t in times)
    answer = gateway.post("/v1/ticks", body, "application/x-ndjson").json()
    assert (answer["accepted"], answer["rejected"]) == (5, 2)
    assert [v["timestamp"] for v in values(kafka, names.ticks_topic)] == [
        "2024-12-31T00:00:00.000000Z", "2025-03-01T00:00:00.000000Z",
        "2025-10-22T12:01:17.123456Z", "2025-10-22T12:01:17.123456Z",
        "2025-07-01T00:00:00.000000Z"]


@pytest.mark.parametrize("locale", ["C", "de_DE.UTF-8"])
def test_numbers_of_all_kinds(service, kafka, names, locale, monkeypatch):
    monkeypatch.setenv("LC_ALL", locale)
    gateway = service("gateway")
    good = ['"107120.55000000"', "1.0712055e5"]
    bad = ["1e999", "NaN", '"Infinity"', '"107.120,55"', '"107120,55"', '" 1"', '""', "null",
           '"0x1A"']
    body = "\n".join(json.dumps(tick("?")).replace('"?"', text) for text in good + bad)
    answer = gateway.post("/v1/ticks", body, "application/x-ndjson").json()
    assert (answer["accepted"], answer["rejected"]) == (len(good), len(bad))
    assert all(e["reason"] for e in answer["errors"])
    quantities = ["3.1e-7", "9.8848768e+07", "31661563904"]
    body = "\n".join(json.dumps(tick(1, volume="?")).replace('"?"', q) for q in quantities)
    assert gateway.post("/v1/ticks", body, "application/x-ndjson").json()["accepted"] == 3
    found = values(kafka, names.ticks_topic)
    assert [v["buy_price"] for v in found[:2]] == [107120.55, 107120.55]
    assert [v["volume"] for v in found[2:]] == [3.1e-7, 98848768, 31661563904]


YAHOO = ("Price,Close,High,Low,Open,Volume\nTicker,BTC-USD,BTC-USD,BTC-USD,BTC-USD,BTC-USD\n"
         "Datetime,,,,,\n2025-07-01 00:00:00+00:00,107135.33,107150,107100,107120,8192\n")
KLINES = ("1751328000000,107120,107150,107100,107135.33,1.5,1751328059999,160680,9,1,107120,0\n"
          "1751328060000,107135.33,107160,107120,107140,2.5,1751328119999,267800,9,1,107135,0\n")
KLINE_HEADER = ("open_time,open,high,low,close,volume,close_time,quote_volume,count,"
                "taker_buy_volume,taker_buy_quote_volume,ignore\n")


@pytest.mark.parametrize("text,rows", [
    (YAHOO, 1), (KLINES, 2), (KLINE_HEADER + KLINES, 2),
    ("\ufeff" + (KLINE_HEADER + KLINES).replace("\n", "\r\n"), 2)],
    ids=["yahoo", "klines", "klines with header", "klines with BOM and CR LF"])
def test_columns_are_bound_by_name(service, kafka, names, text, rows):
    gateway = service("gateway")
    assert gateway.post("/v1/bars", text, "text/csv").json()["accepted"] == rows
    replayed = gateway.post("/v1/sources?speed=0", text, "text/csv").json()
    assert wait_source(gateway, replayed, "done")["acknowledged"] == rows
    found = values(kafka, names.bars_topic)
    assert len(found) == 2 * rows
    assert (found[0]["open"], found[0]["close"]) == (107120, 107135.33)
    assert found[0]["timestamp"] == "2025-07-01T00:00:00.000000Z"
    assert found[:rows] == found[rows:]


def test_an_unknown_header_stops_at_once(service, kafka, names):
    gateway = service("gateway")
    text = "timestamp,open,high,low,last,volume\n1751328000,1,1,1,1,1\n"
    answer = gateway.post("/v1/bars", text, "text/csv")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["line"] == 1 and "last" in answer.json()["detail"]
    answer = gateway.post("/v1/sources", text, "text/csv")
    assert answer.status_code == 422
    assert "line 1" in answer.json()["errors"][0]["reason"]
    assert values(kafka, names.bars_topic) == []


# --- sources -------------------------------------------------------------------------------------

def test_a_seed_gives_the_same_bytes(service, kafka, names):
    runs = []
    for _ in range(2):
        gateway = service("gateway")
        for more in ({}, {"model": "gbm"}, {"model": "heston", "start_price": 50000}):
            source = start_source(gateway, {
                "type": "simulator", "seed": 42, "count": 1000, "rate_per_s": 100000,
                "start_time": "2025-07-01T00:00:00Z", **more})
            assert (source["sent"], source["acknowledged"], source["refused"]) == (1000, 1000, 0)
            assert {**source["definition"], "seed": 42, **more} == source["definition"]
        gateway.stop()
        runs.append([m.value for m in kafka.read_all(names.ticks_topic)][-3000:])
    assert runs[0] == runs[1]
    made = [json.loads(value) for value in runs[0]]
    gbm, heston, made = made[1000:2000], made[2000:], made[:1000]
    for walk, start in ((gbm, 60000), (heston, 50000)):
        assert all(abs(v["buy_price"] / start - 1) < .01 and v["sell_price"] < v["buy_price"]
                   for v in walk)
    for price in ("buy_price", "sell_price"):
        assert all(10000 <= v[price] <= 80000 and round(v[price], 2) == v[price] for v in made)
        assert abs(sum(v[price] for v in made) / 1000 - 45000) < 4 * 70000 / 12 ** .5 / 1000 ** .5
    assert all(100 <= v["volume"] <= 8000 and v["volume"] % 1 == 0 for v in made)
    assert all(0.5 <= v["volatility"] <= 5 for v in made)
    assert made[999]["timestamp"] == "2025-07-01T00:00:00.009990Z"


def test_seed_0_is_a_seed_and_none_is_a_fresh_one(service, kafka, names):
    gateway = service("gateway")
    seeds = [start_source(gateway, {"type": "simulator", "count": 3, "rate_per_s": 1000, **more})
             ["definition"]["seed"] for more in ({"seed": 0}, {"seed": 0}, {"seed": 1}, {}, {})]
    assert seeds[:3] == [0, 0, 1] and seeds[3] != seeds[4]
    prices = [v["buy_price"] for v in values(kafka, names.ticks_topic)]
    assert prices[0:3] == prices[3:6] != prices[6:9]


def test_a_rate_is_kept(service):
    gateway = service("gateway")
    source = start_source(gateway, {"type": "simulator", "rate_per_s": 200}, state=None)
    first = wait_until(lambda: (lambda s: s["sent"] > 0 and s)(
        gateway.get(f"/v1/sources/{source['id']}").json()), "it sends")
    assert first["state"] == "running"
    wait_until(lambda: gateway.get(f"/v1/sources/{source['id']}").json()["sent"] >= 600, "600 ticks")
    last = gateway.request("DELETE", f"/v1/sources/{source['id']}").json()
    assert last["state"] == "stopped" and last["sent"] == last["acknowledged"]
    lasted = parse(last["ended"]) - parse(last["created"])
    assert last["sent"] <= lasted * 200 + 2
    # What a busy machine loses is told; up to a second that is late it makes up for.
    assert last["sent"] >= (lasted - last["progress"]["missed_s"] - 1) * 200 - 2
    assert gateway.get(f"/v1/sources/{source['id']}").status_code == 404
    assert gateway.get("/v1/sources").json() == {"sources": []}


def parse(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_the_simulator_starts_with_the_service(service, kafka, names):
    gateway = service("gateway", simulator_autostart=True, simulator_rate_per_s=50)
    source, = gateway.get("/v1/sources").json()["sources"]
    assert source["type"] == "simulator" and source["definition"]["rate_per_s"] == 50
    wait_until(lambda: gateway.metric("gateway_records_total", source="simulator",
                                      outcome="accepted") >= 20, "20 ticks")
    gateway.stop()
    assert len(kafka.read_all(names.ticks_topic)) >= 20


def test_a_replay_from_the_folder_newest_first(service, kafka, names, tmp_path):
    rows = [f"{US_2025_07_01 + 60000000 * i},{100 + i},{102 + i},{99 + i},{101 + i},{i}"
            for i in range(500)]
    rows[7] = rows[7].replace("107,109", "107,90")  # high under low
    (tmp_path / "bars.csv").write_text(BAR_HEADER + "\n".join(reversed(rows)))
    gateway = service("gateway", replay_dir=tmp_path)
    source = start_source(gateway, {"type": "replay", "file": "bars.csv", "speed": 0})
    assert (source["sent"], source["acknowledged"], source["refused"]) == (499, 499, 1)
    assert "line 494" in source["last_error"]["reason"]
    assert source["definition"]["newest_first"] is True
    assert source["progress"]["rows"] == 500 and source["progress"]["fraction"] == 1
    messages = kafka.read_all(names.bars_topic)
    assert [json.loads(m.value)["open"] for m in messages] == [
        100 + i for i in range(500) if i != 7]
    assert {m.key for m in messages} == {b"BTC-USD"}
    answer = gateway.post("/v1/sources", {"type": "replay", "file": "../bars.csv"})
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == "file"


def test_candles_in_another_order_are_mapped_by_their_names(service, kafka, names):
    """Coinbase's order: time, low, high, open, close, volume; newest first."""
    gateway = service("gateway")
    text = ("time,low,high,open,close,volume\n"
            "1751328060,107010.5,107090,107050,107020.25,0.84\n"
            "1751328000,107000,107060,107005.5,107050,1.2\n")
    wait_source(gateway, gateway.post("/v1/sources?speed=0", text, "text/csv").json(), "done")
    found = values(kafka, names.bars_topic)
    assert [(v["open"], v["close"]) for v in found] == [(107005.5, 107050), (107050, 107020.25)]
    wrong = text.replace("time,low,high,open,close", "timestamp,open,high,low,close")
    answer = gateway.post("/v1/bars", wrong, "text/csv")
    assert answer.status_code == 422 and answer.json()["errors"][0]["code"] == "inconsistent"


# --- Idempotency-Key -----------------------------------------------------------------------------

def keyed(gateway, key, data, path="/v1/ticks", **more):
    return requests.post(gateway.url + path, json=data, timeout=30,
                         headers={"Idempotency-Key": key, **more})


def test_a_repeat_with_a_key_stores_nothing_twice(service, stack, kafka, names):
    gateway = service("gateway")
    batch = [tick(1, volume=v) for v in range(20)] + [tick(-1)]
    first = keyed(gateway, "one", batch)
    assert first.status_code == 207 and "Idempotency-Replayed" not in first.headers
    again = keyed(gateway, "one", batch)
    assert (again.status_code, again.content) == (207, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    other = keyed(gateway, "one", batch[:5])
    assert other.status_code == 422
    assert other.json()["type"] == "urn:tickline:problem:idempotency-key-reused"
    bar = {"timestamp": "2025-07-01T00:00:00Z", "open": 1, "high": 1, "low": 1, "close": 1,
           "volume": 1}
    assert keyed(gateway, "one", bar, "/v1/bars").json()["accepted"] == 1  # a key of its own
    assert keyed(gateway, "two", batch).json()["accepted"] == 20
    later = keyed(gateway, "three", batch, Prefer="respond-async")
    repeat = keyed(gateway, "three", batch, Prefer="respond-async")
    assert (later.status_code, later.content) == (repeat.status_code, repeat.content)
    # What stored nothing is done again, and so a key is free after it.
    assert keyed(gateway, "four", tick(-1)).status_code == 422
    assert keyed(gateway, "four", tick(1)).status_code == 200
    for bad in ("a b", "x" * 256, "\u00e9".encode("latin-1")):
        said = keyed(gateway, bad, tick(1))
        assert said.status_code == 400 and "bad-idempotency-key" in said.json()["type"]
    wait_until(lambda: len(kafka.read_all(names.ticks_topic)) == 3 * 20 + 1, "each is stored once")
    count = lambda outcome: gateway.metric("gateway_idempotency_requests_total", outcome=outcome)
    assert (count("new"), count("replayed"), count("other-body")) == (6, 3, 1)


@pytest.mark.disturbs
def test_a_key_holds_after_the_client_gave_up(service, stack, kafka, names):
    """The first client leaves while Kafka does not answer; the second one, who comes before the
    first is done, is told so; the third gets the answer that the first one missed."""
    gateway = service("gateway", delivery_timeout_ms=60000, answer_timeout_ms=90000,
                      broker_timeout_ms=60000)
    batch = [tick(1, volume=v) for v in range(50)]
    kafka_pid = stack.supervisor.info("kafka")["pid"]
    os.kill(kafka_pid, signal.SIGSTOP)
    try:
        with pytest.raises(requests.Timeout):
            requests.post(gateway.url + "/v1/ticks", json=batch, timeout=1,
                          headers={"Idempotency-Key": "k"})
        second = keyed(gateway, "k", batch)
        assert second.status_code == 409 and int(second.headers["Retry-After"]) >= 1, second.text
    finally:
        os.kill(kafka_pid, signal.SIGCONT)
    third = wait_until(lambda: (lambda a: a.status_code != 409 and a)(keyed(gateway, "k", batch)),
                       "the first request is done", 60)
    assert third.status_code == 200 and third.json()["accepted"] == 50
    assert third.headers["Idempotency-Replayed"] == "true"
    assert len(kafka.read_all(names.ticks_topic)) == 50


# --- the whole -----------------------------------------------------------------------------------

class Load:
    """Clients that send batches until stopped, and keep what was said of each tick, which has a
    volume of its own."""

    def __init__(self, gateway, clients=8, batch=50):
        self.gateway, self.batch = gateway, batch
        self.places, self.statuses, self.counts = {}, [], {}  # places: of what was accepted
        self.unavailable = {}  # why
        self.next = 1_000_000  # a simulator's volumes end far below
        self.lock, self.stopping = threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def run(self):
        with requests.Session() as session:
            while not self.stopping.is_set():
                with self.lock:
                    first, self.next = self.next, self.next + self.batch
                volumes = range(first, first + self.batch)
                try:
                    answer = session.post(
                        self.gateway.url + "/v1/ticks?detail=records", timeout=60,
                        data=lines([tick(1, volume=v) for v in volumes]),
                        headers={"Content-Type": "application/x-ndjson"})
                except requests.RequestException:
                    answer = None  # the service is gone: nothing was promised
                with self.lock:
                    self.note(answer, first)

    def note(self, answer, first):
        self.statuses.append(answer.status_code if answer is not None else None)
        if answer is None:
            self.stopping.set()
            return
        said = answer.json()
        for name in ("accepted", "rejected", "unavailable", "unknown"):
            self.counts[name] = self.counts.get(name, 0) + said.get(name, 0)
        for record in said.get("records", ()):
            volume = first + record["index"]
            if record["outcome"] == "accepted":
                self.places[volume] = record["partition"], record["offset"]
            elif record["outcome"] == "unavailable":
                self.unavailable[volume] = record["reason"]
        if "records" not in said:
            self.unavailable |= {first + i: said["detail"] for i in range(self.batch)}

    @property
    def accepted(self):
        with self.lock:
            return set(self.places)

    def end(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


def assert_kept(load, kafka, names):
    """What was called accepted is where the answer said, and what was called unavailable is not
    there. Returns what the topic holds."""
    found = {(m.partition, m.offset): json.loads(m.value)["volume"]
             for m in kafka.read_all(names.ticks_topic)}
    wrong = {volume: (place, found.get(place)) for volume, place in load.places.items()
             if found.get(place) != volume}
    assert not wrong, f"{len(wrong)} of {len(load.places)}; the topic's last: " \
        f"{max(found)}; first wrong ones: {sorted(wrong.items())[:5]}"
    stored = {volume: load.unavailable[volume] for volume in found.values()
              if volume in load.unavailable}
    assert not stored, f"{len(stored)} are stored; first: {sorted(stored.items())[:5]}"
    return list(found.values())


def test_a_drain_under_load_loses_nothing(service, kafka, names):
    gateway = service("gateway")
    load = Load(gateway)
    start_source(gateway, {"type": "simulator", "rate_per_s": 500}, state=None)
    wait_until(lambda: len(load.accepted) > 2000, "the load runs", 60)
    gateway.stop()
    load.end()
    assert_kept(load, kafka, names)
    assert set(load.statuses) <= {200, 503, None}


@pytest.mark.disturbs
@pytest.mark.timeout(300)
def test_kafka_goes_and_comes_under_load(service, stack, kafka, names):
    """Killed, then stopped for longer than a record waits: what was acknowledged is there once."""
    gateway = service("gateway", delivery_timeout_ms=3000, answer_timeout_ms=6000,
                      broker_timeout_ms=1000)
    load = Load(gateway)
    try:
        wait_until(lambda: len(load.accepted) > 1000, "the load runs", 60)
        stack.kill("kafka")  # the supervisor starts it again
        gateway.wait_not_ready(60)
        stack.wait()
        gateway.wait_ready(60)
        before = len(load.accepted)
        wait_until(lambda: len(load.accepted) > before + 1000, "the load goes on", 60)
        stack.stop_server("kafka")
        assert "kafka" in gateway.wait_not_ready(60)
        wait_until(lambda: load.statuses[-1] == 503, "clients are told", 60)
        refused = gateway.post("/v1/ticks", tick())
        assert refused.status_code == 503 and int(refused.headers["Retry-After"]) >= 1
    finally:
        stack.start_server("kafka")
        stack.wait()
    gateway.wait_ready(60)
    before = len(load.accepted)
    wait_until(lambda: len(load.accepted) > before + 1000, "the load goes on", 60)
    load.end()
    found = assert_kept(load, kafka, names)
    assert len(found) == len(set(found)), "an idempotent producer stored a record twice"
    assert set(load.statuses) <= {200, 207, 503, 504}
    assert len(found) <= len(load.accepted) + load.counts["unknown"]


def test_metrics_are_what_the_clients_counted(service, kafka, names):
    gateway = service("gateway")
    load = Load(gateway, clients=4)
    for _ in range(3):
        gateway.post("/v1/ticks", [tick(-1), tick(1)])
    gateway.post("/v1/bars", BAR_HEADER + "1751328000,1,1,1,1,1\n", "text/csv")
    wait_until(lambda: len(load.accepted) > 500, "the load runs", 60)
    load.end()

    def records(**labels):
        return gateway.metric("gateway_records_total", source="http", **labels)
    assert records(kind="tick", outcome="accepted") == load.counts["accepted"] + 3
    assert records(kind="tick", outcome="rejected") == 3
    assert records(kind="bar", outcome="accepted") == 1
    assert records(outcome="unavailable") == records(outcome="unknown") == 0
    acknowledged = load.counts["accepted"] + 4
    assert gateway.metric("gateway_ack_seconds_count") == acknowledged
    messages = kafka.read_all(names.ticks_topic) + kafka.read_all(names.bars_topic)
    assert len(messages) == acknowledged
    assert gateway.metric("gateway_published_bytes_total") == sum(len(m.value) for m in messages)
    assert gateway.metric("gateway_request_bytes_total") > 0
    wait_until(lambda: gateway.metric("gateway_queue_records") == 0, "the queue is empty")


def test_single_ticks_come_through_beside_streams(service):
    """Four clients keep the queue full with batches; ten others, one tick a request, are served:
    one that got no room for queue_wait_ms would be told 429."""
    gateway = service("gateway", queue_limit_records=500, queue_wait_ms=15000)
    load = Load(gateway, clients=4, batch=5000)
    try:
        wait_until(lambda: len(load.accepted) > 5000, "the streams run", 60)

        def client(_):
            with requests.Session() as session:
                return [session.post(gateway.url + "/v1/ticks", json=tick(2), timeout=60)
                        .status_code for _ in range(20)]
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            statuses = [status for each in pool.map(client, range(10)) for status in each]
        assert statuses == [200] * 200
        assert gateway.metric("gateway_queue_full_total") > 0
    finally:
        load.end()


def test_a_small_queue_is_waited_for(service):
    gateway = service("gateway", queue_limit_records=20, queue_wait_ms=15000)
    batch = lines([tick(1 + i) for i in range(1000)])
    answer = gateway.post("/v1/ticks", batch, "application/x-ndjson")
    assert answer.status_code == 200 and answer.json()["accepted"] == 1000


@pytest.mark.disturbs
@pytest.mark.timeout(200)
def test_a_queue_that_stays_full_is_429(service, stack):
    """The broker is gone, which the gateway is not to notice yet; nothing is promised."""
    gateway = service("gateway", queue_limit_records=20, queue_wait_ms=100,
                      delivery_timeout_ms=20000, answer_timeout_ms=30000, broker_timeout_ms=60000)
    try:
        stack.stop_server("kafka")
        batch = lines([tick(1 + i) for i in range(100)])
        queued = gateway.post("/v1/ticks", batch, "application/x-ndjson",
                              headers={"Prefer": "respond-async"})
        assert queued.status_code == 202 and queued.json()["queued"] == 20
        assert [e["code"] for e in queued.json()["errors"]] == ["queue-full", "not-read"]
        answer = gateway.post("/v1/ticks", tick())
        assert answer.status_code == 429, answer.text
        assert 1 <= int(answer.headers["Retry-After"]) <= 30
        assert answer.json()["unavailable"] == 1
        assert gateway.metric("gateway_queue_full_total") >= 2
    finally:
        stack.start_server("kafka")
        stack.wait()
