# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources that ask exchanges, on real Kafka: each finished bar once, whatever the exchange does."""
import datetime
import json
import time

import pytest
import requests

from fake_exchange import FakeExchange, bar, candles, chart, grid, klines
from support import wait_until

OK = {"Content-Type": "application/json"}


@pytest.fixture
def exchange():
    one = FakeExchange(lambda path, query: (500, {}, "not told yet"))
    yield one
    one.close()


@pytest.fixture
def gateway(service, exchange, tmp_path):
    return service("gateway", yahoo_url=exchange.url, coinbase_url=exchange.url,
                   binance_url=exchange.url, feed_backoff_ms=50, feed_backoff_limit_ms=400,
                   feed_settle_ms=0, state_dir=str(tmp_path / "sources"))


def start(gateway, **definition):
    answer = gateway.post("/v1/sources", {"poll_s": 0.5, **definition})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def source(gateway, name):
    return gateway.get(f"/v1/sources/{name}").json()


def wait_polls(gateway, name, more=3):
    """Until it has asked so many times again, and but for the last been answered."""
    before = source(gateway, name)["progress"]["polls"]
    return wait_until(lambda: (lambda now: now["progress"]["polls"] >= before + more and now)(
        source(gateway, name)), f"{name} asks again")


def wait_early_in_a_minute():
    """The bar that goes on now shall go on for a while."""
    second = time.time() % 60
    if second > 40:
        time.sleep(60 - second)


def sent_bars(kafka, names):
    """[(epoch seconds, close)] in the topic's order, and the keys."""
    messages = kafka.read_all(names.bars_topic)
    values = [json.loads(m.value) for m in messages]
    return [(int(datetime.datetime.fromisoformat(v["timestamp"].replace("Z", "+00:00"))
                 .timestamp()), v["close"]) for v in values], {m.key for m in messages}


def test_yahoos_finished_bars_come_once(gateway, exchange, kafka, names):
    wait_early_in_a_minute()
    times = grid(5)
    bars = [bar(t, 107000.0 + i) for i, t in enumerate(times)]
    null = (times[2], None, None, None, None, None)
    # The bar that goes on, on the grid and off it, with values that change.
    going_on = [(times[-1] + 60, 1, 1, 1, 1, 1), (times[-1] + 83, 2, 2, 2, 2, 2)]
    exchange.answer = lambda *_: (200, OK, chart([*bars[:2], null, *bars[3:4], *going_on[1:]]))
    name = start(gateway, type="yahoo")
    now = wait_polls(gateway, name)
    assert now["state"] == "running" and now["acknowledged"] == 3
    assert now["progress"] == {**now["progress"], "null_bars": 1, "unfinished_bars": 1,
                               "repeats": 3, "last_status": 200, "failed_polls": 0}
    assert now["definition"] == {"records": "bars", "symbol": "BTC-USD", "instrument": "BTC-USD",
                                 "poll_s": 0.5, "interval": "1m"}
    _, path, query = exchange.asked[0]
    assert path == "/v8/finance/chart/BTC-USD" and query["interval"] == "1m"
    assert 86300 < int(query["period2"]) - int(query["period1"]) < 86500
    # The null one is filled in later, and a new one is finished.
    exchange.answer = lambda *_: (200, OK, chart([*bars, *going_on]))
    wait_until(lambda: source(gateway, name)["acknowledged"] == 5, "both are sent")
    assert source(gateway, name)["progress"]["late_bars"] == 1
    sent, keys = sent_bars(kafka, names)
    assert sent == [(t, 107000.0 + i) for i, t in
                    ((0, times[0]), (1, times[1]), (3, times[3]), (2, times[2]), (4, times[4]))]
    assert keys == {b"BTC-USD"}


def test_of_a_symbol_one_source_at_a_time_sends_the_bars(gateway, exchange, kafka, names):
    """Another one is refused while it runs, and goes on where it was once it is deleted, after a
    restart of the gateway as well."""
    times = grid(9)
    bars = [bar(t, 107000.0 + i) for i, t in enumerate(times)]
    exchange.answer = lambda *_: (200, OK, chart(bars[:3]))
    first = start(gateway, type="yahoo")
    wait_until(lambda: source(gateway, first)["acknowledged"] == 3, "the first three are sent")
    for other in ({"type": "binance"}, {"type": "yahoo", "interval": "5m"},
                  {"type": "coinbase", "records": "bars"}):
        answer = gateway.post("/v1/sources", other)
        assert answer.status_code == 409
        assert answer.json()["type"] == "urn:tickline:problem:bars-are-sent"
        error, = answer.json()["errors"]
        assert error["field"] == "symbol" and first in error["reason"]
        assert "BTC-USD" in error["reason"]
    for free in ({"type": "yahoo", "symbol": "OTHER"}, {"type": "coinbase"}):
        gateway.request("DELETE", f"/v1/sources/{start(gateway, **free)}")
    for end in (6, 9):
        last, = gateway.get("/v1/sources").json()["sources"]
        assert gateway.request("DELETE", f"/v1/sources/{last['id']}").status_code == 200
        gateway.stop()
        gateway.start()
        exchange.answer = lambda *_, end=end: (200, OK, chart(bars[:end]))
        name = start(gateway, type="yahoo")
        wait_until(lambda: source(gateway, name)["acknowledged"] == 3, "three more are sent")
    mine = [json.loads(m.value) for m in kafka.read_all(names.bars_topic) if m.key == b"BTC-USD"]
    assert [one["close"] for one in mine] == [107000.0 + i for i in range(9)]


FAULTS = [
    ("limited", (429, {"Content-Type": "text/html"}, "<h1>busy</h1>"),
     'status 429, too many requests: "<h1>busy</h1>"'),
    ("shape", (200, OK, "slow down"), 'not as it should be: no JSON'),
    ("shape", (200, OK, {"chart": None}), 'no "chart" object'),
    ("shape", (200, OK, {"chart": {"result": None, "error": {"description": "No data found"}}}),
     "Yahoo says: No data found"),
    ("status", (404, OK, {"chart": {"result": None, "error": {"description": "No data found"}}}),
     'status 404: "No data found"'),
    ("status", (503, {}, ""), "status 503: nothing"),
]


def test_a_fault_of_an_exchange_is_told_and_passes(gateway, exchange, kafka, names):
    name = start(gateway, type="yahoo")

    def failures(outcome):
        return gateway.metric("gateway_feed_polls_total", feed="yahoo", outcome=outcome)
    for outcome, fault, reason in FAULTS:
        exchange.answer = lambda *_, fault=fault: fault
        before = failures(outcome)
        wait_until(lambda: failures(outcome) > before and
                   reason in source(gateway, name)["last_error"]["reason"],
                   f"{reason} is told")
    now = source(gateway, name)
    assert now["acknowledged"] == 0 and now["state"] == "running"
    assert now["progress"]["failed_polls"] >= len(FAULTS)
    times = grid(3)
    exchange.answer = lambda *_: (200, OK, chart([bar(t) for t in times]))
    wait_until(lambda: source(gateway, name)["acknowledged"] == 3, "it goes on")
    assert [t for t, _ in sent_bars(kafka, names)[0]] == times
    assert failures("ok") >= 1


def test_an_exchange_that_wants_to_be_left_alone_is(gateway, exchange):
    exchange.answer = lambda *_: (429, {"Retry-After": "2"}, "busy")
    start(gateway, type="binance")
    wait_until(lambda: len(exchange.asked) >= 2, "it asks again")
    first, second = (asked[0] for asked in exchange.asked[:2])
    assert second - first >= 1.9


def test_an_exchange_that_is_away_is_asked_again(gateway, exchange, kafka, names):
    exchange.close()
    name = start(gateway, type="coinbase", records="bars")
    now = wait_until(lambda: (lambda now: now["progress"]["failed_polls"] >= 2 and now)(
        source(gateway, name)), "it fails")
    assert "connect" in now["last_error"]["reason"].lower()
    assert gateway.metric("gateway_feed_polls_total", feed="coinbase", outcome="network") >= 2
    assert gateway.get("/v1/sources").status_code == 200
    stopped = requests.delete(f"{gateway.url}/v1/sources/{name}", timeout=30)
    assert stopped.status_code == 200 and stopped.json()["state"] == "stopped"


def test_binance_is_read_page_by_page(gateway, exchange, kafka, names):
    times = grid(2500)
    exchange.answer = lambda path, query: (200, OK, klines(
        [bar(t, 100000.0 + t % 997) for t in times
         if int(query["startTime"]) <= t * 1000 <= int(query["endTime"])][:int(query["limit"])]))
    since = datetime.datetime.fromtimestamp(times[0], datetime.timezone.utc).isoformat()
    name = start(gateway, type="binance", since=since, symbol="BTC-USDT")
    wait_until(lambda: source(gateway, name)["acknowledged"] >= 2500, "all bars", 60)
    assert exchange.asked[0][1] == "/api/v3/klines"
    assert exchange.asked[0][2]["symbol"] == "BTCUSDT"
    sent, keys = sent_bars(kafka, names)
    assert sent[:2500] == [(t, 100000.0 + t % 997) for t in times]
    assert keys == {b"BTC-USDT"}


def test_coinbases_candles_fall_too(gateway, exchange, kafka, names):
    times = grid(2)
    bars = [(times[0], 107005.5, 107060, 107000, 107050, 1.2),
            (times[1], 107050, 107090, 107010.5, 107020.25, 0.84)]
    wrong = (times[0] - 60, 107005.5, 107000, 107060, 107050, 1)  # high under low
    exchange.answer = lambda *_: (200, OK, candles([wrong, *bars]))
    name = start(gateway, type="coinbase", records="bars")
    now = wait_polls(gateway, name)
    assert (now["acknowledged"], now["refused"]) == (2, 1)
    assert "the bar of " in now["last_error"]["reason"] and "high" in now["last_error"]["reason"]
    assert exchange.asked[0][1] == "/products/BTC-USD/candles"
    values = [json.loads(m.value) for m in kafka.read_all(names.bars_topic)]
    assert [(v["open"], v["high"], v["low"], v["close"]) for v in values] == \
        [tuple(b[1:5]) for b in bars]


def test_coinbases_ticker_makes_ticks(gateway, exchange, kafka, names):
    trades = iter(range(1, 1000))
    begun = time.time()

    def ticker(number):
        stamp = datetime.datetime.fromtimestamp(begun - 500 + number, datetime.timezone.utc)
        return {"ask": f"{107120 + number}.19", "bid": f"{107110 + number}.34", "size": "0.0073",
                "price": "1", "trade_id": number, "volume": "1207.5", "time": stamp.isoformat()}
    # Every trade is shown twice.
    exchange.answer = lambda *_: (200, OK, ticker((next(trades) + 1) // 2))
    name = start(gateway, type="coinbase")
    now = wait_until(lambda: (lambda now: now["acknowledged"] >= 3 and now)(
        source(gateway, name)), "three trades")
    assert now["definition"]["records"] == "ticks"
    assert exchange.asked[0][1] == "/products/BTC-USD/ticker"
    requests.delete(f"{gateway.url}/v1/sources/{name}", timeout=30)
    values = [json.loads(m.value) for m in kafka.read_all(names.ticks_topic)]
    assert [v["buy_price"] for v in values[:3]] == [107121.19, 107122.19, 107123.19]
    assert [v["sell_price"] for v in values[:3]] == [107111.34, 107112.34, 107113.34]
    assert values[0]["volume"] == 0.0073 and values[0]["volatility"] == 0
    assert 0 < values[2]["volatility"] < 10


def test_a_killed_gateway_goes_on_with_its_feeds(gateway, exchange, kafka, names):
    times = grid(40)
    shown = [20]
    exchange.answer = lambda *_: (200, OK, chart([bar(t) for t in times[:shown[0]]]))
    name = start(gateway, type="yahoo")
    wait_until(lambda: source(gateway, name)["acknowledged"] == 20, "the first bars")
    wait_polls(gateway, name, 4)  # a second and more: the position is kept
    gateway.kill()
    shown[0] = 30
    gateway.start()
    wait_until(lambda: source(gateway, name)["acknowledged"] == 30, "ten more")
    gateway.stop()
    shown[0] = 40
    gateway.start()
    wait_until(lambda: source(gateway, name)["acknowledged"] == 40, "the rest")
    assert [t for t, _ in sent_bars(kafka, names)[0]] == times


def test_a_definition_is_checked(gateway):
    answer = gateway.post("/v1/sources", {"type": "yahoo", "records": "ticks", "interval": "2m",
                                          "poll_s": 0, "symbol": "btc/usd", "since": "soon",
                                          "speed": 1})
    assert answer.status_code == 422
    assert sorted(e["field"] for e in answer.json()["errors"]) == \
        ["instrument", "interval", "poll_s", "records", "since", "speed", "symbol"]
