# SPDX-License-Identifier: GPL-3.0-or-later
"""The three OpenAPI documents: valid, complete, the same as the code, and kept by the services."""
import datetime
import math
import os
import pathlib
import re
import subprocess
import sys

import pytest
import requests
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from support import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVICES = ["gateway", "ingest", "model"]
METHODS = ["get", "head", "post", "put", "patch", "delete", "options"]
PROBED = ["GET", "POST", "PUT", "PATCH", "DELETE"]
SCHEMATHESIS_LIMIT_S = 150

every_service = pytest.mark.parametrize("name", SERVICES)


def document(name):
    return yaml.safe_load((ROOT / "openapi" / f"{name}.yaml").read_text())


def resolve(whole, node):
    while "$ref" in node:
        target = whole
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = {**target, **{k: v for k, v in node.items() if k != "$ref"}}
    return node


def operations(whole):
    for path, item in whole["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method.upper(), item[method]


def documented_methods(whole):
    methods = {}
    for path, method, _ in operations(whole):
        methods.setdefault(path, set()).add(method)
    return methods


# --- the documents -------------------------------------------------------------------------------

@every_service
def test_document_is_valid_3_1(name):
    whole = document(name)
    assert whole["openapi"].startswith("3.1")
    errors = [f"{list(e.absolute_path)}: {e.message}"
              for e in OpenAPIV31SpecValidator(whole).iter_errors()]
    assert errors == []
    assert whole["paths"], "nothing is documented"
    assert whole["info"]["license"]["identifier"] == "GPL-3.0-or-later"


@every_service
def test_operations_are_complete(name):
    whole, missing, ids = document(name), [], []
    for path, method, operation in operations(whole):
        where = f"{method} {path}"
        ids.append(operation.get("operationId"))
        missing += [f"{where}: {key}" for key in ("operationId", "summary") if key not in operation]
        responses = {code: resolve(whole, r) for code, r in operation["responses"].items()}
        if path.startswith("/v1/") and not any(code.startswith("4") for code in responses):
            missing.append(f"{where}: a 4xx response")
        for code, response in responses.items():
            kinds = set(response.get("content", {}))
            if code[0] in "45" and kinds != {"application/problem+json"}:
                missing.append(f"{where}: {code} is no problem+json but {kinds or 'empty'}")
    assert missing == []
    assert len(ids) == len(set(ids)), "an operationId is used twice"


@every_service
def test_requests_have_examples(name):
    whole, missing = document(name), []
    for path, method, operation in operations(whole):
        body = resolve(whole, operation.get("requestBody", {}))
        for kind, media in body.get("content", {}).items():
            schema = resolve(whole, media.get("schema", {}))
            if not {"example", "examples"} & (set(media) | set(schema)):
                missing.append(f"{method} {path}: {kind} has no example")
    assert missing == []


@every_service
def test_routes_are_the_documented_ones(name):
    """Both ways: what the code's tables of routes have, and what the document says."""
    route = re.compile(r'(?:\{\s*"([A-Z]+)",\s*|STATIC_FILE\()"(/[^"*]*)"')
    coded = {}
    for source in (ROOT / "services" / name).rglob("*.[ch]"):
        for method, path in route.findall(source.read_text()):
            coded.setdefault(path, set()).add(method or "GET")
    documented = {path: methods - {"HEAD", "OPTIONS"}
                  for path, methods in documented_methods(document(name)).items()
                  if path != "/openapi.json"}
    served_files = {path for path in coded if not path.startswith(("/v1", "/v2"))} - set(documented)
    assert {p: m for p, m in coded.items() if p not in served_files} == documented


# --- the running services ------------------------------------------------------------------------

def bars(count):
    start = datetime.datetime(2025, 7, 1, tzinfo=datetime.timezone.utc)
    for i in range(count):
        close = 107000 + 40 * math.sin(i / 7) + i % 13
        at = start + datetime.timedelta(minutes=i)
        yield (f"{at:%Y-%m-%dT%H:%M:%S}.000000Z,{close - i % 5},{close + 9},{close - 8},"
               f"{close},{i * 37 % 1000}")


@pytest.fixture
def running(service, hdfs, names):
    """running(name): the service; a model service has learned from a few bars, so that every call
    has something to answer."""
    def start(name):
        if name == "gateway":  # a feed that schemathesis starts asks nobody
            return service(name, **{f"{feed}_url": "http://127.0.0.1:9"
                                    for feed in ("yahoo", "coinbase", "binance")})
        if name != "model":
            return service(name)
        rows = list(bars(400))
        hdfs.write(f"{names.hdfs_root}/data/bitcoin_bars/part-00000-{0:020}-{len(rows) - 1:020}.csv",
                   "".join(row + "\n" for row in rows).encode())
        model = service(name, wait_ready=False)
        wait_until(lambda: answers(model), "model answers", 20)
        job = model.post("/v1/models/streamlit/train", {})
        assert job.status_code in (202, 409), job.text  # 409: it trains by itself already
        done = wait_until(lambda: ended(model.get(job.headers["Location"]).json()),
                          "the training ends", 60)
        assert done["state"] == "done", done
        model.wait_ready()
        return model
    return start


def answers(one):
    try:
        return one.get("/openapi.json").status_code == 200
    except requests.RequestException:
        return False


def ended(job):
    return job if job["state"] not in ("queued", "running") else None


@every_service
def test_document_is_served(running, name):
    served = running(name).get("/openapi.json")
    assert served.status_code == 200
    assert served.headers["Content-Type"].split(";")[0] == "application/json"
    assert served.json() == document(name)


@every_service
def test_other_methods_are_refused(running, name):
    whole, one = document(name), running(name)
    for path, methods in documented_methods(whole).items():
        filled = re.sub(r"\{\w+\}", "1", path)
        allowed = methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
        for method in set(PROBED) - methods:
            answer = one.request(method, filled)
            assert answer.status_code == 405, f"{method} {path}: {answer.status_code}"
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert set(re.split(r",\s*", answer.headers["Allow"])) == allowed, path
        options = one.request("OPTIONS", filled)
        assert options.status_code in (200, 204)
        assert set(re.split(r",\s*", options.headers["Allow"])) == allowed, path
    unknown = one.get("/v1/nothing-here")
    assert unknown.status_code == 404
    assert unknown.json()["type"].startswith("urn:tickline:problem:")


@every_service
@pytest.mark.timeout(SCHEMATHESIS_LIMIT_S + 60)
def test_schemathesis_finds_nothing(running, name, tmp_path):
    one = running(name)
    config = pathlib.Path(__file__).with_name("schemathesis.toml")
    hooks = config.with_name("schemathesis_hooks.py")
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "--config-file", config, "run",
         f"{one.url}/openapi.json", "--url", one.url],
        cwd=tmp_path, env={**os.environ, "SCHEMATHESIS_HOOKS": str(hooks)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=SCHEMATHESIS_LIMIT_S)
    assert done.returncode == 0, done.stdout[-20000:]
    tested = re.search(r"(\d+) generated", done.stdout)
    assert tested and int(tested[1]) > 50, done.stdout[-5000:]
    assert one.process.poll() is None
    assert one.get("/openapi.json").status_code == 200
