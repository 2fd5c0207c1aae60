# SPDX-License-Identifier: GPL-3.0-or-later
"""How the page looks and reads: pictures of its states for people, axe-core for machines.

The pictures are in build/results/dashboard; look at them after a change."""
import datetime
import json

from support import wait_until
from support.browser import chart_label, faults, picture, shown
from support.models import bars, live_of, now_bars, produce


def loaded(page):
    """Everything that is asked for is there."""
    shown(page, "#state-text", lambda text: text not in ("connecting", ""))
    shown(page, "#coefficients", lambda text: "open" in text)
    shown(page, "#residuals-note", lambda text: text)
    wait_until(lambda: chart_label(page), "the chart is drawn")
    shown(page, "#hdfs-state", lambda text: text == "up")


def fits(page, width):
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("button", "select", "input"):
        for control in page.locator(f"{name}:visible").all():
            assert control.evaluate("e => e.labels?.length || e.ariaLabel || e.textContent.trim()")


def test_desktop_and_phone(trained, kafka, names, open_page):
    produce(kafka, names.bars_topic, now_bars(60))
    wait_until(lambda: live_of(trained)["prediction"], "a prediction")
    for scheme, width in (("dark", 1280), ("light", 390)):
        page = open_page(trained, color_scheme=scheme, timezone_id="Europe/Berlin",
                         viewport={"width": width, "height": 900})
        loaded(page)
        fits(page, width)
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, ground[4:-1].split(","))) < 200) == (scheme == "dark")
        picture(page, f"{scheme}-{width}")
        assert faults(page) == []
        page.click("#rollback")
        page.wait_for_selector("#confirm-dialog[open]")
        assert faults(page) == []
        assert page.complaints == []


def test_stale_and_away(trained, kafka, names, open_page):
    old = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=80)
    produce(kafka, names.bars_topic, bars(60, start=old))
    wait_until(lambda: live_of(trained)["prediction"], "a prediction")
    page = open_page(trained, color_scheme="light", viewport={"width": 1280, "height": 900})
    loaded(page)
    shown(page, "#state-text", lambda text: text == "stale")
    picture(page, "stale")
    assert faults(page) == []
    trained.kill()
    shown(page, "#state-text", lambda text: text == "no connection")
    picture(page, "away")
    assert faults(page) == []


def test_while_it_trains(trained, open_page):
    job = {"id": "1", "model": "streamlit", "state": "running", "phase": "reading", "bytes": 4e9,
           "bytes_done": 1.5e9, "rows": 15000000, "remaining_ms": 41000}
    page = open_page(trained, color_scheme="dark", viewport={"width": 900, "height": 900},
                     before=lambda page: page.route("**/v1/jobs?*", lambda route: route.fulfill(
                         content_type="application/json", body=json.dumps({"jobs": [job]}))))
    shown(page, "#train-text", lambda text: text == "reading: 15,000,000 rows, 41 seconds left")
    shown(page, "#coefficients", lambda text: "open" in text)
    assert page.is_disabled("#train") and page.is_visible("#cancel")
    assert page.evaluate("document.querySelector('#train-progress').position") == 0.375
    picture(page, "training")
    assert faults(page) == []
