# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel of the pipeline: the real services, one that is away, sources started and stopped."""
import pytest

from fake_exchange import FakeExchange, bar, candles, chart, grid, klines
from support import wait_until
from support.browser import faults, picture, shown, wait_true
from support.models import start_model


def neighbours(**services):
    """The model's settings that name these services."""
    return {f"{name}_{kind}": address for name, one in services.items()
            for kind, address in (("url", one.url), ("management_url", one.management))}


def card(page, name):
    return page.get_attribute(f"#{name}-card", "data-state")


def start(page, kind, **fields):
    page.select_option("#start-type", kind)
    for name, value in fields.items():
        is_list = page.eval_on_selector(f"#start-{name}", "e => e.tagName") == "SELECT"
        (page.select_option if is_list else page.fill)(f"#start-{name}", value)
    page.click("#start")


def test_the_pipeline_is_shown_and_steered(service, kafka, names, open_page):
    kafka.create_topic(names.bars_topic)
    gateway, ingest = service("gateway"), service("ingest", rotate_age_ms=1000)
    model = start_model(service, pipeline_timeout_ms=10000,
                        **neighbours(gateway=gateway, ingest=ingest))
    page = open_page(model)
    wait_until(lambda: page.wait_for_timeout(50) or
               [card(page, n) for n in ("gateway", "ingest", "hdfs")] == ["up"] * 3, "all are up")
    kafka.produce(names.ticks_topic, [b"no record"])
    start(page, "simulator", model="heston", rate_per_s="200")
    shown(page, "#gateway-said", lambda text: text == "simulator-1 runs.")
    source = gateway.get("/v1/sources").json()["sources"][0]
    assert source["definition"]["model"] == "heston" and source["definition"]["rate_per_s"] == 200
    shown(page, "#sources", lambda text: "simulator heston" in text and "running" in text)
    shown(page, "#gateway-facts", lambda text: "per s" in text and "Stored in Kafka0" not in text)
    shown(page, "#ingest-facts", lambda text: text.endswith("Dead letters since1"))
    shown(page, "#partitions", lambda text: f"{names.ticks_topic}[0]" in text and "rows, " in text)
    shown(page, "#hdfs-facts", lambda text: "NameNodeOperational" in text and "1 live, 0 dead" in text)
    page.click("[aria-label='Stop simulator-1']")
    shown(page, "#gateway-said", lambda text: text.startswith("simulator-1 is stopped after"))
    assert gateway.get("/v1/sources").json() == {"sources": []}
    answer = model.post("/v1/pipeline/gateway/sources", {"type": "simulator", "rate_per_s": -1})
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == "rate_per_s"
    gateway.kill()
    wait_until(lambda: page.wait_for_timeout(50) or card(page, "gateway") == "away", "it is away")
    assert page.text_content("#gateway-state") == "away" and page.is_disabled("#start")
    assert card(page, "ingest") == "up" and page.is_hidden("#sources-part")
    gateway.start()
    wait_until(lambda: page.wait_for_timeout(50) or card(page, "gateway") == "up", "it is back")
    assert page.complaints == []


# --- a replay and feeds --------------------------------------------------------------------------

TICKER = {"trade_id": 1, "ask": "60010", "bid": "60000", "price": "60005", "size": "0.1",
          "volume": "10", "time": "2026-11-26T00:00:00Z"}


@pytest.fixture
def exchange():
    """Yahoo, Coinbase and Binance with two finished bars each, the same ones for ever."""
    bars = [bar(t) for t in grid(2, step_s=300)]
    answers = {"chart": chart(bars, interval="5m"), "candles": candles(bars), "ticker": TICKER,
               "klines": klines(bars)}
    one = FakeExchange(lambda path, query: (200, {"Content-Type": "application/json"}, next(
        answer for name, answer in answers.items() if name in path)))
    yield one
    one.close()


@pytest.fixture
def steered(service, exchange, tmp_path, open_page):
    """A gateway with a file to replay and exchanges to ask, and the page that steers it."""
    (tmp_path / "three.csv").write_text("timestamp,open,high,low,close,volume\n" + "".join(
        f"2025-07-01T00:0{i}:00Z,107120,107150,107100,107135,8\n" for i in range(3)))
    gateway = service("gateway", replay_dir=tmp_path, yahoo_url=exchange.url, feed_settle_ms=0,
                      coinbase_url=exchange.url, binance_url=exchange.url)
    page = open_page(start_model(service, pipeline_timeout_ms=10000, **neighbours(gateway=gateway)))
    wait_until(lambda: page.wait_for_timeout(50) or page.is_enabled("#start"), "it may be steered")
    return gateway, page


def refused_beside(page, name, reason):
    shown(page, f"#start-{name}-fault", lambda text: reason in text)
    assert page.evaluate("document.activeElement.id") == f"start-{name}"
    assert page.get_attribute(f"#start-{name}", "aria-invalid") == "true"
    assert page.text_content("#gateway-said").startswith("Not started: ")


def runs(page, name):
    shown(page, "#gateway-said", lambda text: text == f"{name} runs.")


def definition(gateway, name):
    return gateway.get(f"/v1/sources/{name}").json()["definition"]


def test_replays_and_feeds_are_started_and_stopped(steered):
    gateway, page = steered
    start(page, "replay", file="none.csv", speed="0")
    refused_beside(page, "file", 'there is no file "none.csv" in replay_dir')
    start(page, "replay", file="three.csv")
    runs(page, "replay-1")
    assert page.text_content("#start-file-fault") == ""
    assert definition(gateway, "replay-1")["speed"] == 0
    shown(page, "#sources", lambda text: "replay three.csv" in text and "done" in text)
    page.click("[aria-label='Remove replay-1']")
    shown(page, "#gateway-said", lambda text: text == "replay-1 is stopped after 3 records.")
    start(page, "yahoo", symbol="btc usd", interval="5m")
    refused_beside(page, "symbol", '"btc usd" is no name of it')
    page.fill("#start-symbol", "BTC-USD")
    page.keyboard.press("Enter")
    runs(page, "yahoo-2")
    assert definition(gateway, "yahoo-2")["interval"] == "5m"
    start(page, "coinbase", records="bars")
    refused_beside(page, "symbol", "yahoo-2 sends the bars of BTC-USD already")
    shown(page, "#sources", lambda text: "yahoo BTC-USD 5m" in text and "running" in text)
    picture(page, "sources")
    assert faults(page) == []
    page.set_viewport_size({"width": 390, "height": 900})
    wait_true(page, "document.documentElement.scrollWidth <= 390")  # the chart follows
    start(page, "coinbase", records="ticks")
    runs(page, "coinbase-3")
    assert page.is_hidden("#start-interval") and page.is_visible("#start-records")
    start(page, "binance", symbol="ETH-USD", instrument="ETHUSDT", interval="5m")
    runs(page, "binance-4")
    assert definition(gateway, "binance-4")["instrument"] == "ETHUSDT"
    wait_until(lambda: [s["acknowledged"] for s in gateway.get("/v1/sources").json()["sources"]]
               == [2, 1, 2], "what the exchanges have is stored")
    # By keyboard, which stays where it is while the table is drawn anew.
    shown(page, "#sources", lambda text: "binance-4" in text)
    page.focus("[aria-label='Stop coinbase-3']")
    assert gateway.post("/v1/sources", {"type": "simulator"}).status_code == 201
    shown(page, "#sources", lambda text: "simulator-5" in text)
    page.keyboard.press("Enter")
    shown(page, "#gateway-said", lambda text: text == "coinbase-3 is stopped after 1 record.")
    for name in ("yahoo-2", "binance-4", "simulator-5"):
        page.click(f"[aria-label='Stop {name}']")
        shown(page, "#gateway-said", lambda text, name=name: text.startswith(f"{name} is stopped"))
    assert gateway.get("/v1/sources").json() == {"sources": []}
    assert all("422" in said or "409" in said for said in page.complaints), page.complaints


def test_a_token_goes_along(service, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("a-token-for-everything read,write,admin operator\n")
    tokens.chmod(0o600)
    gateway = service("gateway", token_file=tokens)
    model = start_model(service, **neighbours(gateway=gateway))
    seen = model.get("/v1/pipeline/gateway").json()
    assert seen["state"] == "failed" and "answers 401" in seen["reason"] and seen["ready"]["ready"]
    good = {"headers": {"Authorization": "Bearer a-token-for-everything"}}
    seen = model.get("/v1/pipeline/gateway", **good).json()
    assert seen["state"] == "up" and seen["sources"] == {"sources": []}
    refused = model.post("/v1/pipeline/gateway/sources", {"type": "simulator"})
    assert refused.status_code == 401 and "WWW-Authenticate" in refused.headers
    assert model.post("/v1/pipeline/gateway/sources", {"type": "simulator", "count": 1},
                      **good).status_code == 201
    assert model.get("/v1/pipeline/ingest").json()["state"] == "off"
