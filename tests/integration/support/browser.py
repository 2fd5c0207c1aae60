# SPDX-License-Identifier: GPL-3.0-or-later
"""A page of the dashboard in a real browser."""
import importlib.util
import pathlib

from . import wait_until

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--enable-precise-memory-info", "--js-flags=--expose-gc"]
LIMIT_MS = 20000
ROOT = pathlib.Path(__file__).resolve().parents[3]
PICTURES = ROOT / "build" / "results" / "dashboard"
AXE = pathlib.Path(importlib.util.find_spec("axe_playwright_python").origin).with_name("axe.min.js")
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


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


def wait_true(page, expression):
    """As wait_for_function, which asks again from the page itself, whose policy forbids eval()."""
    wait_until(lambda: page.wait_for_timeout(50) or page.evaluate(expression), expression)


def chart_label(page):
    page.wait_for_timeout(50)
    label = page.get_attribute("#chart", "aria-label")
    return label if "Chart from" in label else None


def picture(page, name):
    PICTURES.mkdir(parents=True, exist_ok=True)
    data = page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
    assert len(data) > 20000, "there is nothing on it"


def faults(page):
    """What axe-core calls serious or critical: rule, element, why."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("rules => axe.run(document, rules)", RULES)
    assert len(found["passes"]) > 20
    return [f"{v['id']}: {n['html'][:120]}: {n['failureSummary'][:300]}"
            for v in found["violations"] if v["impact"] in ("serious", "critical")
            for n in v["nodes"]]
