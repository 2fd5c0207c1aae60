# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input, each with its exact answer: status, problem type, field and reason. Nothing refused
reaches Kafka, everything acknowledged does, and no body takes the process or its memory."""
import gzip
import json
import socket
import types

import pytest
import requests

from support import wait_until
from support.services import ROOT, Service

PROBLEM = "urn:tickline:problem:"
TICK = {"timestamp": "2026-01-02T03:04:05Z", "buy_price": 107120.5, "sell_price": 107119.25,
        "volume": 1000, "volatility": 0.5}
pytestmark = pytest.mark.xdist_group("bad-input")  # they share the services
MEMORY_LIMIT_MB = 128
GIGABYTE = 10 ** 9
NESTED = "[" * 60000


def tick(**changes):
    return json.dumps({**TICK, **changes})


def tick_with(text):
    """A tick whose buy_price is this JSON text."""
    return tick(buy_price=0).replace('"buy_price": 0', f'"buy_price": {text}')


def without(name):
    return json.dumps({k: v for k, v in TICK.items() if k != name})


# --- one of each for all tests of this file ----------------------------------------------------------

@pytest.fixture(scope="module")
def services(shared_stack, run_folder, request):
    binaries = ROOT / request.config.getoption("--bin")
    root = "/tests/bad-input"
    stack = shared_stack
    stack.hdfs.make_home(root)
    kafka = {"kafka_brokers": stack.addresses["kafka"], "ticks_topic": "ticks-bad-input",
             "bars_topic": "bars-bad-input"}
    hdfs = {"hdfs_urls": stack.addresses["namenode"], "hdfs_user": "bitcoin", "hdfs_root": root}
    made = {"gateway": Service("gateway", kafka, run_folder, binaries),
            "ingest": Service("ingest", {**kafka, **hdfs}, run_folder, binaries),
            "model": Service("model", {**kafka, **hdfs}, run_folder, binaries, wait_ready=False)}
    wait_until(lambda: answers(made["model"]), "the model service answers")
    yield types.SimpleNamespace(**made, all=made)
    for one in reversed(made.values()):
        one.clean_up()


def answers(service):
    """Without a model it is never ready, but answers."""
    try:
        return service.get("/v1/models").status_code == 200
    except requests.ConnectionError:
        return False


@pytest.fixture
def gateway(services):
    """Alive before and after; its memory stays under the cap."""
    yield services.gateway
    assert services.gateway.process.poll() is None, services.gateway.log()[-3000:]
    assert services.gateway.peak_mb() < MEMORY_LIMIT_MB


def assert_problem(answer, status, slug):
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == PROBLEM + slug
    assert body["status"] == status
    assert body["title"] and body["detail"]
    return body


# --- one bad record --------------------------------------------------------------------------------

REFUSED = {
    "wrong type": (tick(buy_price=[1]), "buy_price", "wrong-type",
                   "buy_price is an array: it must be a number"),
    "boolean": (tick(volume=True), "volume", "wrong-type",
                "volume is a boolean: it must be a number"),
    "null": (tick(volume=None), "volume", "wrong-type", "volume is null: it must be a number"),
    "text": (tick(buy_price="abc"), "buy_price", "wrong-type",
             'buy_price is "abc": it is not a number'),
    "missing": (without("sell_price"), "sell_price", "missing",
                "sell_price is missing: a tick needs it"),
    "unknown member": (tick(colour="red"), "colour", "unknown-member",
                       None),
    "member twice": (tick()[:-1] + ', "volume": 5}', "volume", "duplicate-member",
                     "volume is given twice"),
    "NaN": (tick_with("NaN"), "buy_price", "not-finite", "buy_price is NaN: it must be finite"),
    "NaN in quotes": (tick_with('"NaN"'), "buy_price", "not-finite",
                      'buy_price is "NaN": it must be finite'),
    "infinity": (tick_with("-Infinity"), "buy_price", "not-finite",
                 "buy_price is -Infinity: it must be finite"),
    "1e999 in quotes": (tick_with('"1e999"'), "buy_price", "not-finite",
                        'buy_price is "1e999": it is beyond the range of a double'),
    "1e999": (tick_with("1e999"), "buy_price", "not-finite",
              "buy_price is 1e999: it is beyond the range of a double"),
    "decimal comma": (tick_with('"107120,55"'), "buy_price", "wrong-type",
                      'buy_price is "107120,55": it is not a number'),
    "hexadecimal": (tick_with('"0x1A"'), "buy_price", "wrong-type",
                    'buy_price is "0x1A": it is not a number'),
    "blank before": (tick_with('" 1"'), "buy_price", "wrong-type",
                     'buy_price is " 1": it is not a number'),
    "empty text": (tick_with('""'), "buy_price", "wrong-type",
                   'buy_price is "": it is not a number'),
    "negative price": (tick(buy_price=-1), "buy_price", "out-of-range",
                       "buy_price is -1: a price must be above 0"),
    "price of 0": (tick(sell_price=0), "sell_price", "out-of-range",
                   "sell_price is 0: a price must be above 0"),
    "negative volume": (tick(volume=-1), "volume", "out-of-range",
                        "volume is -1: it must not be negative"),
    "year 1970": (tick(timestamp="1970-01-01T00:00:00Z"), "timestamp", "bad-timestamp",
                  "timestamp is 1970-01-01T00:00:00.000000Z: it must not be before 2009-01-03"),
    "epoch 0": (tick(timestamp=0), "timestamp", "bad-timestamp",
                "timestamp is 0: it is no epoch time in s, ms, us or ns since 2009"),
    "year 2100": (tick(timestamp="2100-01-01T00:00:00Z"), "timestamp", "bad-timestamp",
                  "timestamp is 2100-01-01T00:00:00.000000Z: it must not be more than a day from "
                  "now"),
    "February 30": (tick(timestamp="2026-02-30T00:00:00Z"), "timestamp", "bad-timestamp", None),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_record_is_refused_by_field_and_reason(gateway, case):
    body, field, code, reason = REFUSED[case]
    answer = assert_problem(gateway.post("/v1/ticks", body), 422, "records-refused")
    assert (answer["accepted"], answer["rejected"], answer["error_count"]) == (0, 1, 1)
    error = answer["errors"][0]
    assert (error["index"], error["field"], error["code"]) == (0, field, code)
    assert reason is None or error["reason"] == reason
    assert answer["detail"] == "no record was accepted; the first error: " + error["reason"]


def test_a_bar_that_contradicts_itself(gateway):
    bar = {"timestamp": "2026-01-02T03:04:00Z", "open": 1, "high": 2, "low": 3, "close": 1,
           "volume": 1}
    answer = assert_problem(gateway.post("/v1/bars", bar), 422, "records-refused")
    assert answer["errors"][0]["field"] == "low"
    assert answer["errors"][0]["reason"] == "low is 3: it must not be above high, which is 2"


# --- bodies that are no records at all -------------------------------------------------------------

BROKEN = {
    "cut": (tick()[:-5], "it ends within the object"),
    "nested": (NESTED, "it is nested too deep"),
    "nested in a member": (tick()[:-1] + ', "x": ' + NESTED, "it is nested too deep"),
    "a number": ("42", "it begins neither with { nor with ["),
    "two objects": (tick() + tick(), "more follows the object; several go as an array or as "
                                     "application/x-ndjson"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_body_is_told(gateway, case):
    body, reason = BROKEN[case]
    answer = assert_problem(gateway.post("/v1/ticks", body), 400, "broken-body")
    assert answer["accepted"] == 0
    assert answer["errors"][0]["reason"] == reason


def test_no_body(gateway):
    for body in ("", " \n"):
        answer = assert_problem(gateway.post("/v1/ticks", body), 400, "no-records")
        assert answer["detail"].startswith("the body holds no record")
    assert_problem(gateway.request("POST", "/v1/ticks"), 400, "no-records")


def test_wrong_content_type(gateway):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/xml"):
        answer = gateway.post("/v1/ticks", tick(), kind)
        assert_problem(answer, 415, "unsupported-media-type")
        assert answer.headers["Accept-Post"] == "application/json, application/x-ndjson, text/csv"
    answer = gateway.post("/v1/ticks", tick(), headers={"Content-Encoding": "br"})
    assert_problem(answer, 415, "unknown-content-encoding")


def test_content_types_compare_without_case_and_parameters(gateway):
    assert gateway.post("/v1/ticks", tick(), "Application/JSON; charset=utf-8").status_code == 200
    assert gateway.request("POST", "/v1/ticks", data=tick().encode()).status_code == 200


# --- batches ---------------------------------------------------------------------------------------

def values_of(kafka, topic, answer):
    """The values at the offsets that were acknowledged, in order."""
    stored = {(m.partition, m.offset): json.loads(m.value) for m in kafka.read_all(topic)}
    return [stored[r["partition"], offset] for r in answer["ranges"]
            for offset in range(r["first_offset"], r["last_offset"] + 1)]


def test_one_bad_record_in_the_middle(gateway, kafka):
    batch = [{**TICK, "volume": 1}, {**TICK, "volume": 2, "buy_price": -5}, {**TICK, "volume": 3}]
    answer = gateway.post("/v1/ticks", batch)
    assert answer.status_code == 207
    body = answer.json()
    assert (body["accepted"], body["rejected"], body["error_count"]) == (2, 1, 1)
    assert body["errors"] == [{"index": 1, "line": 1, "outcome": "rejected",
                               "code": "out-of-range", "field": "buy_price",
                               "reason": "buy_price is -5: a price must be above 0"}]
    assert [v["volume"] for v in values_of(kafka, "ticks-bad-input", body)] == [1, 3]


def test_ndjson_with_blank_lines_and_a_bad_one(gateway, kafka):
    lines = (tick(volume=1) + "\n" + tick(volume=2) + "\r\n\n" + tick(volume=3, buy_price=-5) + "\n"
             + tick(volume=4))
    answer = gateway.post("/v1/ticks", lines, "application/x-ndjson; charset=utf-8")
    assert answer.status_code == 207
    body = answer.json()
    assert (body["accepted"], body["rejected"]) == (3, 1)
    assert (body["errors"][0]["index"], body["errors"][0]["line"]) == (2, 4)
    assert [v["volume"] for v in values_of(kafka, "ticks-bad-input", body)] == [1, 2, 4]


def test_two_objects_glued_on_a_line_are_refused_whole(gateway):
    answer = assert_problem(gateway.post("/v1/ticks", tick() + tick(), "application/x-ndjson"), 422,
                            "records-refused")
    assert (answer["accepted"], answer["errors"][0]["code"]) == (0, "not-json")


def test_a_deep_line_does_not_take_its_neighbours(gateway, kafka):
    lines = tick(volume=1) + "\n" + tick()[:-1] + ', "x": ' + NESTED + "\n" + tick(volume=3)
    answer = gateway.post("/v1/ticks", lines, "application/x-ndjson")
    assert answer.status_code == 207
    body = answer.json()
    assert (body["accepted"], body["rejected"]) == (2, 1)
    assert (body["errors"][0]["index"], body["errors"][0]["line"]) == (1, 2)
    assert [v["volume"] for v in values_of(kafka, "ticks-bad-input", body)] == [1, 3]


def test_volumes_beyond_32_bits_stay_exact(gateway, kafka):
    volumes = [4294967296, 31661563904, 2 ** 53]
    answer = gateway.post("/v1/ticks", [{**TICK, "volume": v} for v in volumes])
    assert answer.status_code == 200
    assert [v["volume"] for v in values_of(kafka, "ticks-bad-input", answer.json())] == volumes


# --- large bodies ----------------------------------------------------------------------------------

PLACES = {"gateway": "/v1/ticks", "model": "/v1/models"}


def upload(service, path, framing, piece, limit):
    """Sends `piece` until it is taken no longer; returns the bytes sent, and the answer's text."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{framing}\r\n\r\n"
    sent = 0
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
        connection.sendall(head.encode())
        try:
            while sent < limit:
                connection.sendall(piece)
                sent += len(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = b""
        try:
            while piece_of_answer := connection.recv(65536):
                answer += piece_of_answer
        except ConnectionResetError:
            pass
    return sent, answer.decode()


@pytest.mark.parametrize("name", PLACES)
def test_a_body_of_a_gigabyte_is_refused_by_its_length(services, name):
    service = services.all[name]
    sent, answer = upload(service, PLACES[name], f"Content-Length: {GIGABYTE}", b" " * 65536,
                          GIGABYTE)
    assert answer.startswith("HTTP/1.1 413 ")
    assert f'"type":"{PROBLEM}body-too-large"' in answer
    assert "Connection: close" in answer
    assert sent < GIGABYTE / 10
    assert service.peak_mb() < MEMORY_LIMIT_MB


@pytest.mark.parametrize("name", PLACES)
def test_a_body_without_a_length_is_cut_at_the_limit(services, name):
    service = services.all[name]
    sent, answer = upload(service, PLACES[name], "Transfer-Encoding: chunked",
                          b"10000\r\n" + b" " * 65536 + b"\r\n", GIGABYTE)
    assert answer.startswith("HTTP/1.1 413 ")
    assert f'"type":"{PROBLEM}body-too-large"' in answer
    assert sent < GIGABYTE / 10
    assert service.peak_mb() < MEMORY_LIMIT_MB


@pytest.mark.parametrize("name", PLACES)
def test_a_gzip_bomb(services, name):
    service = services.all[name]
    bomb = gzip.compress(b" " * (128 << 20))
    answer = service.post(PLACES[name], bomb, headers={"Content-Encoding": "gzip"})
    assert "after unpacking" in assert_problem(answer, 413, "body-too-large")["detail"]
    assert service.process.poll() is None
    assert service.peak_mb() < MEMORY_LIMIT_MB


def test_a_bomb_of_values(services):
    """As small, and good JSON: each value of it takes fifty times its bytes."""
    for path in ("/v1/models", "/v1/models/streamlit/predict", "/v2/models/streamlit/infer",
                 "/invocations", "/v1/models/streamlit/train"):
        for value in (b"1,", b"{},"):
            bomb = gzip.compress(b"[" + value * ((16 << 20) // len(value) - 2) + b"1]", 1)
            answer = services.model.post(path, bomb, headers={"Content-Encoding": "gzip"})
            assert_problem(answer, 413, "too-many-values")
    assert services.model.peak_mb() < MEMORY_LIMIT_MB


def test_gzip_is_read(gateway):
    packed = gzip.compress(tick().encode())
    assert gateway.post("/v1/ticks", packed,
                        headers={"Content-Encoding": "gzip"}).status_code == 200
    answer = gateway.post("/v1/ticks", packed[:-9], headers={"Content-Encoding": "gzip"})
    assert_problem(answer, 400, "bad-gzip")


# --- every service ---------------------------------------------------------------------------------

WRONG_METHODS = {
    "gateway": ("PUT", "/v1/ticks", "POST, OPTIONS"),
    "ingest": ("GET", "/v1/flush", "POST, OPTIONS"),
    "model": ("DELETE", "/v1/records/ticks", "GET, HEAD, OPTIONS"),
}
OBJECTS = {"gateway": "/v1/sources", "model": "/v1/models"}


@pytest.mark.parametrize("name", WRONG_METHODS)
def test_wrong_method(services, name):
    method, path, allowed = WRONG_METHODS[name]
    answer = services.all[name].request(method, path)
    assert_problem(answer, 405, "method-not-allowed")
    assert answer.headers["Allow"] == allowed


@pytest.mark.parametrize("name", WRONG_METHODS)
def test_unknown_path(services, name):
    for path in ("/v1/nope", "/v1/ticks/", "/etc/passwd", "/v1/%2e%2e/%2e%2e/etc/passwd", "/v2/nope"):
        answer = assert_problem(services.all[name].get(path), 404, "no-such-path")
        assert answer["detail"].startswith("there is nothing at /")


@pytest.mark.parametrize("name", OBJECTS)
def test_bad_json_where_an_object_is_wanted(services, name):
    post, path = services.all[name].post, OBJECTS[name]
    assert_problem(post(path, ""), 400, "no-body")
    assert assert_problem(post(path, '{"name": "x"'), 400, "bad-json")["offset"] == 12
    assert assert_problem(post(path, NESTED), 400, "nested-too-deep")["offset"] == 64
    assert_problem(post(path, '{"name": NaN}'), 400, "bad-json")
    assert assert_problem(post(path, '{"a": 1e999}'), 400, "number-out-of-range")["field"] == "a"
    assert assert_problem(post(path, '{"a": 1, "a": 2}'), 400, "duplicate-member")["field"] == "a"
    assert_problem(post(path, b'{"\xff": 1}'), 400, "bad-json")
    assert_problem(post(path, "{}", "text/plain"), 415, "unsupported-media-type")


def test_bad_parameters_are_named(services):
    for query, field in (("limit=x", "limit"), ("limit=0", "limit"), ("since=1970", "since")):
        answer = services.model.get(f"/v1/records/ticks?{query}")
        assert assert_problem(answer, 400, "bad-parameter")["field"] == field


def test_nothing_refused_reached_kafka(services, kafka):
    accepted = services.gateway.metric("gateway_records_total", outcome="accepted")
    stored = kafka.read_all("ticks-bad-input") + kafka.read_all("bars-bad-input")
    assert len(stored) == accepted > 0
    assert all(json.loads(m.value)["buy_price"] == TICK["buy_price"] for m in stored)
