# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the page, and how it looks."""
import pathlib
import re

import pytest

from support.browser import shown
from support.models import now_bars, produce

DASHBOARD = pathlib.Path(__file__).resolve().parents[3] / "services/model/dashboard"


def test_files(model):
    page = model.get("/", headers={"Accept-Encoding": "identity"})
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert model.get("/index.html").content == page.content
    paths = {"/", *re.findall(r'(?:href|src)="(/[^"]+\.(?:js|css|svg))"', page.text)}
    modules = {f"/{path.name}" for path in DASHBOARD.glob("*.js")}
    assert modules < paths, "all are fetched at once, not one after another"
    packed = 0
    for path in paths:
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

