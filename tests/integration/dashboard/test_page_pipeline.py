# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel of the pipeline: the real services, one that is away, simulators."""
from support import wait_until
from support.browser import shown
from support.models import start_model


def neighbours(**services):
    """The model's settings that name these services."""
    return {f"{name}_{kind}": address for name, one in services.items()
            for kind, address in (("url", one.url), ("management_url", one.management))}


def card(page, name):
    return page.get_attribute(f"#{name}-card", "data-state")


def test_the_pipeline_is_shown_and_steered(service, kafka, names, open_page):
    kafka.create_topic(names.bars_topic)
    gateway, ingest = service("gateway"), service("ingest", rotate_age_ms=1000)
    model = start_model(service, **neighbours(gateway=gateway, ingest=ingest))
    page = open_page(model)
    wait_until(lambda: page.wait_for_timeout(50) or
               [card(page, n) for n in ("gateway", "ingest", "hdfs")] == ["up"] * 3, "all are up")
    kafka.produce(names.ticks_topic, [b"no record"])
    page.select_option("#simulator-model", "heston")
    page.fill("#simulator-rate", "200")
    page.click("#start")
    shown(page, "#gateway-said", lambda text: text == "simulator-1 runs.")
    source = gateway.get("/v1/sources").json()["sources"][0]
    assert source["definition"]["model"] == "heston" and source["definition"]["rate_per_s"] == 200
    shown(page, "#sources", lambda text: "simulator heston" in text and "running" in text)
    shown(page, "#gateway-facts", lambda text: "per s" in text and "Stored in Kafka0" not in text)
    shown(page, "#ingest-facts", lambda text: text.endswith("Dead letters since1"))
    shown(page, "#partitions", lambda text: f"{names.ticks_topic}[0]" in text and "rows, " in text)
    shown(page, "#hdfs-facts", lambda text: "NameNodeOperational" in text and "1 live, 0 dead" in text)
    page.click("[aria-label='Stop simulator-1']")
    shown(page, "#gateway-said", lambda text: text.startswith("simulator-1 is stopped after"))
    assert gateway.get("/v1/sources").json() == {"sources": []}
    answer = model.post("/v1/pipeline/gateway/sources", {"type": "simulator", "rate_per_s": -1})
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == "rate_per_s"
    gateway.kill()
    wait_until(lambda: page.wait_for_timeout(50) or card(page, "gateway") == "away", "it is away")
    assert page.text_content("#gateway-state") == "away" and page.is_disabled("#start")
    assert card(page, "ingest") == "up" and page.is_hidden("#sources-part")
    gateway.start()
    wait_until(lambda: page.wait_for_timeout(50) or card(page, "gateway") == "up", "it is back")
    assert page.complaints == []


def test_a_token_goes_along(service, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("a-token-for-everything read,write,admin operator\n")
    tokens.chmod(0o600)
    gateway = service("gateway", token_file=tokens)
    model = start_model(service, **neighbours(gateway=gateway))
    seen = model.get("/v1/pipeline/gateway").json()
    assert seen["state"] == "failed" and "answers 401" in seen["reason"] and seen["ready"]["ready"]
    good = {"headers": {"Authorization": "Bearer a-token-for-everything"}}
    seen = model.get("/v1/pipeline/gateway", **good).json()
    assert seen["state"] == "up" and seen["sources"] == {"sources": []}
    refused = model.post("/v1/pipeline/gateway/sources", {"type": "simulator"})
    assert refused.status_code == 401 and "WWW-Authenticate" in refused.headers
    assert model.post("/v1/pipeline/gateway/sources", {"type": "simulator", "count": 1},
                      **good).status_code == 201
    assert model.get("/v1/pipeline/ingest").json()["state"] == "off"
