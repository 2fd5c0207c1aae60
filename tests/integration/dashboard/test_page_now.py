# SPDX-License-Identifier: GPL-3.0-or-later
"""The price, the prediction and their age."""
import datetime
import json
import time

from support import wait_until
from support.browser import chart_label, money, shown, state_of
from support.models import bars, live_of, now_bars, produce


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
    chart = wait_until(lambda: chart_label(page), "the chart is drawn")
    closes = [r["close"] for r in trained.get("/v1/records/bars").json()["records"]][-16:]
    assert money(min(closes)) in chart and money(max(closes)) in chart and "UTC" in chart
    assert page.locator("#chart canvas").count() == 1
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


def test_an_idle_poll_is_not_modified_and_ages_are_the_servers(trained, kafka, names, open_page):
    rows, route = now_bars(5), "/v1/models/{m}/live"
    produce(kafka, names.bars_topic, rows)
    wait_until(lambda: (live_of(trained)["last"] or {}).get("timestamp") == rows[-1]["timestamp"],
               "all are read")
    asked = trained.metric("http_requests_total", route=route, status=200)
    page = open_page(trained, before=lambda page: page.add_init_script(
        "const real = Date.now; Date.now = () => real() + 3600e3;"), timezone_id="Asia/Kolkata")
    shown(page, "#state-text", lambda text: text == "live")  # the page's clock is an hour ahead
    wait_until(lambda: trained.metric("http_requests_total", route=route, status=304) >= 3,
               "polls are answered by 304")
    assert trained.metric("http_requests_total", route=route, status=200) - asked <= 2
    at = datetime.datetime.fromisoformat(live_of(trained)["last"]["timestamp"])
    there = at + datetime.timedelta(hours=5, minutes=30)
    assert page.text_content("#price-local") == there.strftime("%H:%M:%S GMT+5:30")
    shown(page, "#price-age", lambda text: "second" in text or "minute" in text)
    assert state_of(page) == "live" and page.complaints == []
