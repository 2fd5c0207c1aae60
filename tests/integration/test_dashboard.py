# SPDX-License-Identifier: GPL-3.0-or-later
"""The dashboard in a real browser, against the real service."""
import datetime
import json
import time

import pytest
from playwright.sync_api import sync_playwright

from support import wait_until
from support.models import (bars, live_of, now_bars, produce, publish, start_model, train)

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync"]
LIMIT_MS = 20000


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield one
        one.close()


@pytest.fixture
def model(service):
    return start_model(service)


@pytest.fixture
def trained(model, hdfs, names):
    publish(hdfs, names.hdfs_root, bars(400))
    assert train(model)["serves"]
    return model


@pytest.fixture
def open_page(browser):
    """open_page(model): the page; what its console and its errors say is in page.complaints."""
    contexts = []

    def start(one, url="/", before=None, **options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.set_default_timeout(LIMIT_MS)
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda message: page.complaints.append(message.text)
                if message.type in ("error", "warning") else None)
        if before:
            before(page)
        page.goto(one.url + url)
        return page
    yield start
    for context in contexts:
        context.close()


def shown(page, selector, condition, limit_s=20):
    """The element's text once the condition holds for it."""
    last = [None]

    def now():
        last[0] = page.text_content(selector)
        page.wait_for_timeout(50)  # lets the browser's events through
        return condition(last[0]) and (last[0] or True)
    return wait_until(now, f"{selector} shows what it should", limit_s)


def money(value):
    return f"${value:,.2f}"


def state_of(page):
    return page.get_attribute("body", "data-state")


# --- what it shows -------------------------------------------------------------------------------

def test_the_page_shows_what_rest_says(trained, kafka, names, open_page):
    produce(kafka, names.bars_topic, now_bars(30))
    wait_until(lambda: live_of(trained)["prediction"], "a prediction")
    page = open_page(trained)
    live = live_of(trained)
    shown(page, "#price", lambda text: text == money(live["last"]["price"]))
    shown(page, "#prediction", lambda text: text == money(live["prediction"]["prediction"]))
    low, high = live["prediction"]["interval"]
    shown(page, "#interval", lambda text: text == f"95% between {low:,.2f} and {high:,.2f}")
    assert page.text_content("#prediction-model") == "streamlit version 1"
    at = datetime.datetime.fromisoformat(live["last"]["timestamp"])
    assert page.text_content("#price-time").endswith(at.strftime("%H:%M:%S UTC"))
    assert page.get_attribute("#price-time", "datetime") == live["last"]["timestamp"]
    shown(page, "#state-text", lambda text: text == "live")
    assert state_of(page) == "live" and page.is_hidden("#banner")
    shown(page, "#facts", lambda text: "Version1, made" in text)
    chart = wait_until(lambda: (lambda label: "price between" in label and label)(
        page.get_attribute("#chart", "aria-label")), "the chart is drawn")
    closes = [r["close"] for r in trained.get("/v1/records/bars").json()["records"]][-16:]
    assert money(min(closes)) in chart and money(max(closes)) in chart and "UTC" in chart
    assert page.locator("#chart canvas").count() == 1
    assert page.complaints == []


def test_another_window_and_other_data(trained, kafka, names, open_page):
    rows = now_bars(90)
    produce(kafka, names.bars_topic, rows)
    wait_until(lambda: trained.get("/v1/records/bars").json()["held"] == 90, "all are read")
    page = open_page(trained)

    def span():
        label = page.get_attribute("#chart", "aria-label")
        page.wait_for_timeout(50)
        return label if "price between" in label else None
    first = wait_until(span, "the chart is drawn")
    page.click("text=All")
    whole = wait_until(lambda: (lambda s: s != first and s)(span()), "the window is another")
    oldest = datetime.datetime.fromisoformat(rows[0]["timestamp"])
    assert f"from {oldest:%Y-%m-%d %H:%M:%S} UTC" in whole
    page.click("text=Ticks")
    shown(page, "#model-title", lambda text: text == "Model ia")
    shown(page, "#state-text", lambda text: text == "no data")
    assert page.text_content("#price") == "–"
    assert page.complaints == []


def test_training_from_the_page(model, hdfs, kafka, names, open_page):
    produce(kafka, names.bars_topic, now_bars(3))
    page = open_page(model)
    shown(page, "#prediction-model", lambda text: text.startswith("No version yet"))
    page.click("#train")
    shown(page, "#train-text", lambda text: text.startswith("Training refused: no rows"))
    publish(hdfs, names.hdfs_root, bars(400))
    page.click("#train")
    shown(page, "#train-text", lambda text: text == "Version 1 is trained and serves")
    shown(page, "#prediction", lambda text: text.startswith("$"))
    shown(page, "#score-note", lambda text: "nothing is proved yet" in text)
    assert page.complaints == []


def test_old_data_are_unmistakable(trained, kafka, names, open_page):
    old = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=22)
    produce(kafka, names.bars_topic, bars(3, start=old))
    page = open_page(trained)
    shown(page, "#banner-text", lambda text: "bars is 20 minutes old" in text)
    assert state_of(page) == "stale" and page.is_visible("#banner")
    assert page.text_content("#state-text") == "stale"
    assert "20 minutes old" in page.text_content("#price-age")
    assert page.complaints == []


def test_it_recovers_when_the_service_comes_back(trained, kafka, names, open_page):
    produce(kafka, names.bars_topic, now_bars(5))
    page = open_page(trained)
    shown(page, "#state-text", lambda text: text == "live")
    price = page.text_content("#price")
    trained.kill()
    shown(page, "#state-text", lambda text: text == "no connection")
    assert page.is_visible("#banner") and page.text_content("#price") == price
    trained.start()
    shown(page, "#state-text", lambda text: text == "live", 40)
    assert page.is_hidden("#banner")
    newest = now_bars(1, seed=9)
    produce(kafka, names.bars_topic, newest)
    shown(page, "#price", lambda text: text == money(newest[0]["close"]))


# --- what it lets no one do ----------------------------------------------------------------------

MARKUP = "<img src=x onerror=document.title='x'>"


def test_markup_stays_text(model, kafka, names, open_page):
    made = model.post("/v1/models", {"name": "marked", "description": MARKUP, "records": "bars",
                                     "target": "close", "features": ["open"]})
    assert made.status_code == 201, made.text
    produce(kafka, names.bars_topic, [{**now_bars(1)[0], "symbol": MARKUP, "note": MARKUP}]
            + now_bars(2))
    page = open_page(model)
    page.wait_for_selector("#model option[value=marked]", state="attached")
    page.select_option("#model", "marked")
    shown(page, "#model-about", lambda text: text == MARKUP)
    page.wait_for_timeout(500)
    assert page.locator("img").count() == 0 and page.title() != "x"


def test_the_policy_stops_an_injected_script(model, open_page):
    page = open_page(model)
    page.evaluate("""() => {
        window.violations = [];
        document.addEventListener("securitypolicyviolation",
            (event) => window.violations.push(event.effectiveDirective));
        const script = document.createElement("script");
        script.textContent = "document.title = 'x'";
        document.body.append(script);
        const box = document.createElement("div");
        box.innerHTML = "<img src=x onerror=\\"document.title='x'\\">";
        document.body.append(box);
    }""")
    page.wait_for_function("window.violations.length >= 2")
    assert page.title() != "x"
    assert {v.split("-")[0] for v in page.evaluate("window.violations")} == {"script"}


def test_files(model):
    page = model.get("/", headers={"Accept-Encoding": "identity"})
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert model.get("/index.html").content == page.content
    packed = 0
    for path in ("/", "/dashboard.css", "/dashboard.js", "/chart.js", "/format.js", "/poll.js",
                 "/series.js", "/favicon.svg", "/uPlot.iife.min.js", "/uPlot.min.css"):
        plain = model.get(path, headers={"Accept-Encoding": "identity"})
        small = model.get(path, headers={"Accept-Encoding": "br, gzip"})
        assert plain.status_code == 200 and small.content == plain.content, path
        assert "Content-Encoding" not in plain.headers
        again = model.get(path, headers={"Accept-Encoding": "br, gzip",
                                         "If-None-Match": small.headers["ETag"]})
        assert again.status_code == 304
        packed += int(small.headers["Content-Length"])
        refused = model.get(path, headers={"Accept-Encoding": "gzip;q=0"})
        assert "Content-Encoding" not in refused.headers
    assert packed < 100_000
    assert model.get("/nothing.js").status_code == 404
    assert model.post("/nothing.js").status_code == 404
    assert model.post("/dashboard.js").status_code == 405
    assert "MIT" in model.get("/uPlot.LICENSE.txt").text


# --- times and gaps ------------------------------------------------------------------------------

def times_of(*epochs):
    return [datetime.datetime.fromtimestamp(e, datetime.timezone.utc)
            .strftime("%Y-%m-%dT%H:%M:%S.%fZ") for e in epochs]


def test_the_hour_that_comes_twice_gaps_and_disorder(model, open_page):
    first, between, second = times_of(1761438600, 1761440400, 1761442200)
    rows = [{"timestamp": t, "open": p, "high": p, "low": p, "close": p, "volume": 1}
            for t, p in ((second, 60100.5), (between, None), (first, 60000.25), (first, 60000.25))]

    def scripted(page):
        page.route("**/v1/records/bars*", lambda route: route.fulfill(json={
            "kind": "bars", "held": 3, "oldest": first, "newest": second, "more": False,
            "records": rows}))
    page = open_page(model, before=scripted, timezone_id="Europe/Berlin")
    page.click("text=6 h")
    wait_until(lambda: "to 2025-10-26 01:30:00 UTC: price between $60,000.25 and $60,100.50" in
               page.get_attribute("#chart", "aria-label"), "six hours are drawn")  # null is not 0
    columns = page.evaluate("""async () => {
        const { columns } = await import("/series.js");
        const prices = [{t: 1761438600, price: 1}, {t: 1761440400, price: null},
            {t: 1761442200, price: 2}];
        return columns(prices, [], 1);
    }""")
    assert columns[0] == [1761438600, 1761440400, 1761442200] and columns[1] == [1, None, 2]
    assert page.complaints == []


def test_a_silent_hour_breaks_the_line(model, open_page):
    page = open_page(model)
    columns = page.evaluate("""async () => {
        const { columns } = await import("/series.js");
        const prices = [0, 60, 120, 3720, 3780].map((t) => ({ t, price: t }));
        const predictions = [60, 120].map((t) => ({ t, value: t, low: t - 1, high: t + 1 }));
        return columns(prices, predictions, 1).map((c) => c.map((v) => v === undefined ? "-" : v));
    }""")
    assert columns[0] == [0, 60, 120, 1920, 3720, 3780]
    assert columns[1] == [0, 60, 120, None, 3720, 3780]
    assert columns[2] == ["-", 60, 120, "-", "-", "-"]


# --- a page that is left open --------------------------------------------------------------------

def test_points_stay_bounded_over_a_day(model, open_page):
    page = open_page(model)
    sizes = page.evaluate("""async () => {
        const { Series, MOST_POINTS } = await import("/series.js");
        const windowed = new Series(1), endless = new Series(1), sizes = [];
        for (let t = 0; t < 28800; t++) {
            windowed.merge([{ t, price: 1 }]);
            windowed.prune(windowed.newest - 900);
            endless.merge([{ t, price: 1 }]);
            endless.prune(0);
            if (t % 4800 === 4799) sizes.push([windowed.points.size, endless.points.size]);
        }
        return [MOST_POINTS, sizes];
    }""")
    most, sizes = sizes
    assert all(windowed == 901 and endless <= 2 * most for windowed, endless in sizes), sizes


def test_one_request_at_a_time_and_old_answers_dropped(model, open_page):
    taken, most = open_page(model).evaluate("""async () => {
        const { Poller } = await import("/poll.js");
        const delays = [2000, 50, 1500, 50], taken = [], real = window.fetch;
        let asked = 0, flying = 0, most = 0;
        window.fetch = async (path, options) => {
            if (path !== "/v1/slow") return real(path, options);
            const mine = ++asked;
            most = Math.max(most, ++flying);
            try {
                await new Promise((done, left) => {
                    setTimeout(done, delays[(mine - 1) % delays.length]);
                    options.signal.addEventListener("abort", () => left(options.signal.reason));
                });
                return new Response(JSON.stringify({ n: mine }));
            } finally {
                flying--;
            }
        };
        const poller = new Poller({ path: () => "/v1/slow", everyMs: () => 20,
            take: (json) => { taken.push(json.n); } });
        poller.now();
        poller.now();
        await new Promise((done) => setTimeout(done, 300));
        poller.restart();  // another question: the slow answer to the first one is dropped
        await new Promise((done) => setTimeout(done, 2500));
        poller.path = () => null;
        return [taken, most];
    }""")
    assert 1 not in taken and taken == sorted(taken) and len(taken) >= 3, taken
    assert most <= 2  # the one that was left, until it knows, and its successor


def test_an_older_answer_does_not_replace_a_newer(trained, kafka, names, open_page):
    produce(kafka, names.bars_topic, now_bars(5))
    wait_until(lambda: live_of(trained)["prediction"], "a prediction")
    newer = live_of(trained)
    older = json.loads(json.dumps(newer))
    older["last"].update(timestamp="2026-01-01T00:00:00.000000Z", price=1.5)
    answers = [newer, older, older, newer]

    def scripted(page):
        page.route("**/v1/models/streamlit/live", lambda route: route.fulfill(
            json=answers.pop(0) if len(answers) > 1 else answers[0]))
    page = open_page(trained, before=scripted)
    shown(page, "#price", lambda text: text == money(newer["last"]["price"]))
    prices = set()
    limit = time.monotonic() + 4
    while time.monotonic() < limit:
        prices.add(page.text_content("#price"))
        page.wait_for_timeout(50)
    assert prices == {money(newer["last"]["price"])}


def test_a_hidden_tab_asks_less_and_catches_up(model, open_page):
    def hideable(page):
        page.add_init_script("""
            window.isHidden = false;
            Object.defineProperty(document, "hidden", { get: () => window.isHidden });
        """)
    page = open_page(model, before=hideable)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    shown(page, "#state-text", lambda text: text == "no data")

    def count_in(ms):
        asked.clear()
        page.wait_for_timeout(ms)
        return sum("/live" in url for url in asked)
    assert count_in(4000) >= 2
    page.evaluate("window.isHidden = true")
    page.wait_for_timeout(2500)  # the pause that had begun
    assert count_in(5000) <= 1
    asked.clear()
    page.evaluate("window.isHidden = false; document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(400)
    assert sum("/live" in url for url in asked) == 1


# --- access --------------------------------------------------------------------------------------

def test_the_page_asks_for_a_token(service, tmp_path, open_page):
    tokens = tmp_path / "tokens"
    tokens.write_text("a-token-that-reads read viewer\n")
    tokens.chmod(0o600)
    one = service("model", wait_ready=False, autotrain=False, token_file=tokens)

    def page_is_there():
        try:
            return one.get("/").status_code == 200
        except OSError:
            return False
    wait_until(page_is_there, "the page is public")
    assert one.get("/v1/models").status_code == 401
    page = open_page(one)
    page.wait_for_selector("#token-dialog[open]")
    page.fill("#token", "a-token-that-reads")
    page.click("#token-dialog button")
    shown(page, "#model-title", lambda text: text == "Model streamlit")
    page.click("#train")
    page.wait_for_selector("#token-dialog[open]")
    assert "write" in page.text_content("#token-why")


# --- looks ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("scheme, width", [("dark", 1280), ("light", 390)])
def test_it_fits_its_window(trained, kafka, names, open_page, scheme, width):
    produce(kafka, names.bars_topic, now_bars(30))
    page = open_page(trained, color_scheme=scheme, viewport={"width": width, "height": 900})
    shown(page, "#prediction", lambda text: text.startswith("$"))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, ground[4:-1].split(","))) < 200) == (scheme == "dark")
    for name in ("button", "select", "input"):
        for control in page.locator(f"{name}:visible").all():
            assert control.evaluate("e => e.labels?.length || e.textContent.trim().length > 0")
