# SPDX-License-Identifier: GPL-3.0-or-later
"""What the page lets no one do, and how it asks for a token."""
from support import wait_until
from support.browser import shown, wait_true
from support.models import now_bars, produce

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
    wait_true(page, "window.violations.length >= 2")
    assert page.title() != "x"
    assert {v.split("-")[0] for v in page.evaluate("window.violations")} == {"script"}


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
    page.click("#token-dialog button[value=use]")
    shown(page, "#model-title", lambda text: text == "Model streamlit")
    page.click("#train")
    page.wait_for_selector("#token-dialog[open]")
    assert "write" in page.text_content("#token-why")
