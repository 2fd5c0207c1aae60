# SPDX-License-Identifier: GPL-3.0-or-later
"""The chart: windows, gaps, zoom, time zones."""
import datetime
from zoneinfo import ZoneInfo

from support import wait_until
from support.browser import chart_label, shown
from support.models import bars, now_bars, produce


def wait_span(page, holds, what):
    """Until the chart shows such a part of time: holds(seconds, end). What is drawn first may be drawn
    again when more has been read."""
    return wait_until(lambda: (lambda label: label and holds(*span_of(label)))(chart_label(page)), what)


def times_of(*epochs):
    return [datetime.datetime.fromtimestamp(e, datetime.timezone.utc)
            .strftime("%Y-%m-%dT%H:%M:%S.%fZ") for e in epochs]


def test_another_window_and_other_data(trained, kafka, names, open_page):
    rows = now_bars(90)
    produce(kafka, names.bars_topic, rows)
    wait_until(lambda: trained.get("/v1/records/bars").json()["held"] == 90, "all are read")
    page = open_page(trained)

    wait_until(lambda: chart_label(page), "the chart is drawn")
    page.click("text=All")
    oldest = datetime.datetime.fromisoformat(rows[0]["timestamp"])
    wait_until(lambda: f"from {oldest:%Y-%m-%d %H:%M:%S} UTC" in chart_label(page), "all is drawn")
    page.click("text=Ticks")
    shown(page, "#model-title", lambda text: text == "Model ia")
    shown(page, "#state-text", lambda text: text == "no data")
    assert page.text_content("#price") == "–"
    assert page.complaints == []


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
    digits = page.evaluate("""async () =>
        [500, 2.5, 1, 0.25, 0.1, 0.05, 1e-9].map((await import("/format.js")).digitsOf)""")
    assert digits == [0, 1, 0, 2, 1, 2, 6]  # no two labels of an axis are rounded to one price
    assert page.complaints == []


def test_a_silent_hour_breaks_the_line(model, open_page):
    page = open_page(model)
    columns = page.evaluate("""async () => {
        const { columns } = await import("/series.js");
        const bar = [1, 2, 3, 4];
        const prices = [0, 60, 120, 3720, 3780].map((t) => ({ t, price: t, bar }));
        const predictions = [60, 120].map((t) => ({ t, value: t, low: t - 1, high: t + 1 }));
        return columns(prices, predictions, 1).map((c) => c.map((v) => v === undefined ? "-" : v));
    }""")
    assert columns[0] == [0, 60, 120, 1920, 3720, 3780]
    assert columns[1] == [0, 60, 120, None, 3720, 3780]
    assert columns[2] == ["-", 60, 120, "-", "-", "-"]
    assert [c[3] for c in columns[5:]] == ["-"] * 4 and [c[4] for c in columns[5:]] == [1, 2, 3, 4]


def test_the_view_moves_and_follows(model, open_page):
    seen = open_page(model).evaluate("""async () => {
        const { View } = await import("/view.js");
        const view = new View(900), seen = [], say = () => seen.push([view.range(10000), view.follows]);
        view.zoom(0.5);
        say();  // nothing is held yet, so nothing moves
        view.hold([0, 10000]);
        view.zoom(0.5);
        say();
        view.pan(-1000);
        say();
        view.zoom(2, 8775);  // the middle stays
        say();
        view.pan(-Infinity);
        say();
        view.zoom(100);
        say();
        view.pan(-5);
        say();
        view.follow(0);
        say();
        return [seen, new View(0).range(5), new View(900).range(null)];
    }""")
    assert seen == [[[[9100, 10000], True], [[9550, 10000], True], [[8550, 9000], False],
                     [[8325, 9225], False], [[0, 900], False], [[0, 10000], True],
                     [[0, 10000], True], [[0, 10000], True]], None, None]


def span_of(label):
    """Seconds that the chart shows, and its end."""
    first, last = (datetime.datetime.fromisoformat(part[:19])
                   for part in label.removeprefix("Chart from ").split(" to "))
    return (last - first).total_seconds(), last


def test_zoom_and_pan(trained, kafka, names, open_page):
    rows = now_bars(120)
    produce(kafka, names.bars_topic, rows)
    wait_until(lambda: trained.get("/v1/records/bars").json()["held"] == 120, "all are read")
    page = open_page(trained, timezone_id="Europe/Berlin", viewport={"width": 1280, "height": 1000})
    page.click("text=1 h")
    label = wait_until(lambda: (lambda at: at and span_of(at)[0] == 3600 and at)(chart_label(page)),
                       "an hour is drawn")
    end = span_of(label)[1]
    page.focus("#chart")
    for key, check in (("+", lambda s, e: s == 2160 and e == end),
                       ("Shift+ArrowLeft", lambda s, e: s == 2160 and (end - e).seconds == 540),
                       ("Home", lambda s, e: s == 2160 and (end - e).seconds == 7140 - 2160),
                       ("-", lambda s, e: s == 3600), ("End", lambda s, e: (s, e) == (3600, end))):
        page.keyboard.press(key)
        wait_span(page, check, key)
    for name, check in (("Earlier", lambda s, e: e < end), ("Back to now", lambda s, e: e == end),
                        ("Zoom out", lambda s, e: s > 3600), ("Zoom in", lambda s, e: s == 3600)):
        page.click(f"#moves button:has-text('{name}'), #moves button[aria-label='{name}']")
        wait_span(page, check, name)
    box = page.locator("#chart .u-over").bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.wheel(0, -300)
    wait_span(page, lambda s, e: s < 3600, "the wheel zooms in")
    page.mouse.down()
    page.mouse.move(middle[0] + 200, middle[1], steps=4)
    page.mouse.up()
    wait_span(page, lambda s, e: e < end, "the drag goes back")
    assert page.is_visible("#now")
    page.keyboard.press("End")
    wait_span(page, lambda s, e: e == end, "the newest are shown")
    assert page.is_hidden("#now")
    page.keyboard.press("ArrowLeft")
    last = rows[-1]
    want = "  ".join(f"{name} {last[name]:,.2f}" for name in ("open", "high", "low", "close"))
    shown(page, "#spoken", lambda text: want in text)
    at = datetime.datetime.fromisoformat(last["timestamp"]).astimezone(ZoneInfo("Europe/Berlin"))
    assert at.strftime("UTC = %H:%M:%S %Z") in page.text_content("#spoken")
    assert page.complaints == []


def test_long_candles_hold_every_bar(trained, kafka, names, open_page):
    rows = bars(1200, start=datetime.datetime.now(datetime.timezone.utc).replace(
        hour=0, minute=0, second=0, microsecond=0) - datetime.timedelta(days=1))
    produce(kafka, names.bars_topic, rows)
    wait_until(lambda: trained.get("/v1/records/bars").json()["held"] == 1200, "all are read")
    page = open_page(trained)
    page.click("text=All")
    shown(page, "#price-key", lambda text: text == "bars of 5 min")
    page.focus("#chart")
    wait_until(lambda: chart_label(page), "the chart is drawn")
    page.keyboard.press("ArrowLeft")
    last = rows[-5:]
    want = [last[0]["open"], max(r["high"] for r in last), min(r["low"] for r in last), last[-1]["close"]]
    text = "  ".join(f"{name} {value:,.2f}" for name, value in zip(("open", "high", "low", "close"), want))
    shown(page, "#spoken", lambda spoken: text in spoken)
