# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the page."""
import pathlib
import re

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
