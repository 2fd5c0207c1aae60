# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the page."""
import pathlib
import re

from support.browser import shown

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
    for path in paths:
        plain = model.get(path, headers={"Accept-Encoding": "identity"})
        small = model.get(path, headers={"Accept-Encoding": "br, gzip"})
        assert plain.status_code == 200 and small.content == plain.content, path
        assert "Content-Encoding" not in plain.headers
        if "Content-Encoding" in small.headers:  # some are too small for it
            assert "Accept-Encoding" in plain.headers["Vary"] and "Accept-Encoding" in small.headers["Vary"]
            assert plain.headers["ETag"] != small.headers["ETag"]
        again = model.get(path, headers={"Accept-Encoding": "br, gzip",
                                         "If-None-Match": small.headers["ETag"]})
        assert again.status_code == 304
        refused = model.get(path, headers={"Accept-Encoding": "gzip;q=0"})
        assert "Content-Encoding" not in refused.headers
    assert model.get("/nothing.js").status_code == 404
    assert model.post("/nothing.js").status_code == 404
    assert model.post("/dashboard.js").status_code == 405
    assert "MIT" in model.get("/uPlot.LICENSE.txt").text


def test_what_is_loaded_before_the_first_paint_is_small(model, open_page):
    """As it comes over the network; what the page asks for its data comes later."""
    page = open_page(model)
    shown(page, "#model-title", lambda text: text == "Model streamlit")
    loaded = dict(page.evaluate("""[...performance.getEntriesByType("navigation"),
        ...performance.getEntriesByType("resource")]
        .filter((one) => !new URL(one.name).pathname.startsWith("/v1/"))
        .map((one) => [new URL(one.name).pathname, one.encodedBodySize])"""))
    files = {f"/{path.name}" for path in DASHBOARD.iterdir() if path.suffix in (".js", ".css")}
    assert files | {"/", "/uPlot.iife.min.js", "/uPlot.min.css"} <= set(loaded)
    assert all(size > 0 for size in loaded.values()), loaded
    print(f"{sum(loaded.values())} bytes")
    assert sum(loaded.values()) < 100_000, loaded
