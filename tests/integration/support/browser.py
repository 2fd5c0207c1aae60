# SPDX-License-Identifier: GPL-3.0-or-later
"""A page of the dashboard in a real browser."""
from . import wait_until

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--enable-precise-memory-info", "--js-flags=--expose-gc"]
LIMIT_MS = 20000


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


def chart_label(page):
    page.wait_for_timeout(50)
    label = page.get_attribute("#chart", "aria-label")
    return label if "Chart from" in label else None
