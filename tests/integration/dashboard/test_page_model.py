# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel of the model: training, versions, report."""
from support import wait_until
from support.browser import shown
from support.models import answers, bars, live_of, now_bars, produce, publish, train


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


def confirm(page, verb, reason=""):
    page.wait_for_selector("#confirm-dialog[open]")
    page.fill("#confirm-reason", reason)
    page.click(f"#confirm-dialog button:has-text('{verb}')")


def test_versions_are_promoted_and_rolled_back(trained, hdfs, names, open_page):
    publish(hdfs, names.hdfs_root, bars(300, seed=2), first=400)
    assert train(trained)["version"] == 2
    serving = trained.get("/v1/models/streamlit/versions").json()["serving"]
    other = 3 - serving
    page = open_page(trained)
    shown(page, "#versions", lambda text: "serves" in text and "Promote" in text)
    page.click(f"[aria-label='Promote version {other}']")
    assert f"Version {serving} " in page.text_content("#confirm-text")
    page.click("#confirm-dialog [data-close]")
    assert trained.get("/v1/models/streamlit/versions").json()["serving"] == serving
    page.click(f"[aria-label='Promote version {other}']")
    confirm(page, "Promote", "a try")
    shown(page, "#versions-said", lambda text: text == f"Version {other} of streamlit serves now.")
    event = trained.get("/v1/models/streamlit/history").json()["history"][0]
    assert (event["version"], event["reason"]) == (other, "a try")
    shown(page, "#coefficients-title", lambda text: text == f"Coefficients of version {other}")
    page.click("#rollback")
    confirm(page, "Roll back")
    shown(page, "#versions-said", lambda text: text == f"Version {serving} of streamlit serves now.")
    page.click(f"[aria-label='Show the report of version {other}']")
    shown(page, "#held-out-title", lambda text: text.endswith(f"of version {other}"))
    assert page.complaints == []


def test_the_report_is_what_rest_says(trained, kafka, names, open_page):
    produce(kafka, names.bars_topic, now_bars(60))
    wait_until(lambda: live_of(trained)["score"]["in_training"] == 59, "all have their outcome")
    page = open_page(trained)
    report = trained.get("/v1/models/streamlit/versions/1").json()
    shown(page, "#coefficients", lambda text: "open" in text)
    rows = page.locator("#coefficients tr")
    assert rows.locator("th").all_text_contents() == [c["name"] for c in report["coefficients"]]
    for row, c in zip(rows.all(), report["coefficients"]):
        value = row.locator("td").nth(1).text_content().replace(",", "")
        kept = c["value"] is not None
        assert abs(float(value) - c["value"]) <= 1e-5 * abs(c["value"]) if kept else value == "–", c
        assert row.locator("svg .dot").count() == kept and row.locator("svg .bar").count() == 3 * kept
    held = report["held_out"]
    errors = page.locator("#held-out td.number").all_text_contents()
    assert errors == [f"${held[name]:,.2f}" for name in ("rmse", "last_price_rmse", "mean_rmse")]
    shown(page, "#residuals-note", lambda text: text.startswith("59 outcomes of version 1"))
    assert page.locator("#residual-plot path.seen").get_attribute("d").count("M") == 59
    counts = page.evaluate("""async () => {
        const { histogram } = await import("/residuals.js");
        return [histogram([-1, 0, 0, 2]), histogram([0])].map((h) => [h.edge, h.counts.length,
            h.counts.reduce((a, b) => a + b), h.counts[15]]);
    }""")
    assert counts == [[2, 31, 4, 2], [1, 31, 1, 1]]
    assert page.complaints == []


def test_a_token_is_asked_for_when_it_is_needed(service, hdfs, names, tmp_path, open_page):
    tokens = tmp_path / "tokens"
    tokens.write_text("a-token-that-reads read viewer\n"
                      "a-token-for-everything read,write,admin operator\n")
    tokens.chmod(0o600)
    publish(hdfs, names.hdfs_root, bars(400))
    admin = {"headers": {"Authorization": "Bearer a-token-for-everything"}}
    one = service("model", wait_ready=False, autotrain=False, token_file=tokens)
    wait_until(lambda: answers(one, **admin), "the service answers")
    assert train(one, **admin)["version"] == 1 and train(one, **admin)["version"] == 2
    page = open_page(one)

    def give(token):
        page.wait_for_selector("#token-dialog[open]")
        page.fill("#token", token)
        page.click("#token-dialog button[value=use]")
    give("a-token-that-reads")
    page.click("[aria-label='Promote version 2']")
    confirm(page, "Promote")
    page.wait_for_selector("#token-dialog[open]")
    assert "admin" in page.text_content("#token-why")
    give("a-token-for-everything")
    shown(page, "#versions-said", lambda text: text == "Version 2 of streamlit serves now.")
    history = one.get("/v1/models/streamlit/history", **admin).json()["history"]
    assert history[0]["by"] == "operator"
    kept = page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")
    assert "token" not in kept
