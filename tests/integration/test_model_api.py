# SPDX-License-Identifier: GPL-3.0-or-later
"""The model service by REST, on real Kafka and HDFS: every answer and every refusal."""
import datetime
import json
import re
import time

import pytest
import requests

from support import wait_until
from support.models import (START, bar, bars, live_of, now_bars, produce, publish, start_model,
                            train)


@pytest.fixture
def model(service):
    return start_model(service)


@pytest.fixture
def trained(model, hdfs, names):
    publish(hdfs, names.hdfs_root, bars(400))
    job = train(model)
    assert job["state"] == "done" and job["serves"], job
    return model


def problem(answer, status, slug):
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == f"urn:tickline:problem:{slug}", body
    assert body["status"] == status
    return body


# --- without a version ---------------------------------------------------------------------------

def test_without_a_version(model):
    said = model.wait_not_ready()
    assert "no model has a version yet" in json.loads(said)["conditions"]["model"]["reason"]
    answer = model.post("/v1/models/ia/predict", {"buy_price": 1})
    assert "no version" in problem(answer, 503, "no-version")["detail"]
    assert int(answer.headers["Retry-After"]) >= 1
    live = wait_until(lambda: (lambda a: a.status_code == 200 and a.json())(
        model.get("/v1/models/ia/live")), "ia is followed live")
    assert live["version"] is None and live["prediction"] is None and live["last"] is None
    assert live["reason"] == "no-version" and live["stale"] is True
    assert live["score"]["count"] == 0 and live["score"]["rmse"] is None
    problem(model.get("/v1/models/ia/versions/1"), 404, "no-such-version")
    versions = model.get("/v1/models/ia/versions").json()
    assert versions == {"model": "ia", "serving": None, "total": 0, "versions": []}
    problem(model.post("/v1/models/ia/rollback"), 409, "conflict")


@pytest.mark.parametrize("rows, reason", [
    ([], "no rows"),
    (bars(1), "no rows"),
    (bars(3), "too few rows"),
    ([{**row, "open": 60000, "high": 60000, "low": 60000, "close": 60000} for row in bars(50)],
     "constant target"),
], ids=["empty", "one", "three", "constant"])
def test_data_that_allow_no_training(model, hdfs, names, rows, reason):
    if rows:
        publish(hdfs, names.hdfs_root, rows)
    job = train(model)
    assert job["state"] == "refused" and reason in job["reason"], job
    assert job["version"] is None and job["serves"] is False
    assert reason in json.loads(model.wait_not_ready())["conditions"]["model"]["reason"]
    problem(model.post("/v1/models/streamlit/predict", {}), 503, "no-version")


# --- prediction by name --------------------------------------------------------------------------

ROW = {"open": 60010.5, "high": 60013.75, "low": 60008, "volume": 250, "return": 0.0001}


def test_the_order_of_names_means_nothing(trained):
    first = trained.post("/v1/models/streamlit/predict", ROW).json()
    turned = trained.post("/v1/models/streamlit/predict",
                          dict(reversed(list(ROW.items())))).json()
    assert first == turned
    assert abs(first["prediction"] - (60010.5 + 1.25 - 0.25)) < 2
    low, high = first["interval"]
    assert low < first["prediction"] < high and high - low < 5
    assert first["level"] == 0.95 and first["version"] == 1


def test_many_rows_answer_in_order(trained):
    rows = [{**ROW, "open": 60000 + i} for i in range(50)]
    many = trained.post("/v1/models/streamlit/predict", rows).json()
    assert many == [trained.post("/v1/models/streamlit/predict", row).json() for row in rows]
    assert trained.post("/v1/models/streamlit/predict", []).json() == []
    assert trained.metric("model_predict_rows_total") == 100


def test_levels(trained):
    def width(level):
        low, high = trained.post(f"/v1/models/streamlit/predict?level={level}", ROW).json()["interval"]
        return high - low
    assert width(0.5) < width(0.95) < width(0.999)
    for bad in ("0", "1", "-1", "1.5", "nan", "x", "", "0,9"):
        body = problem(trained.post(f"/v1/models/streamlit/predict?level={bad}", ROW), 400,
                       "bad-parameter")
        assert "level" in body["detail"]


@pytest.mark.parametrize("change, slug, feature", [
    ({"open": None}, "wrong-type", "open"),
    ({"open": "12"}, "wrong-type", "open"),
    ({"volume": True}, "wrong-type", "volume"),
    ({"volume": [1]}, "wrong-type", "volume"),
    ({"foo": 1}, "unknown-feature", "foo"),
    ({"Open": 1}, "unknown-feature", "Open"),
    ({"": 1}, "unknown-feature", ""),
])
def test_refused_features_are_named(trained, change, slug, feature):
    body = problem(trained.post("/v1/models/streamlit/predict", {**ROW, **change}), 400, slug)
    assert body["feature"] == feature and f'"{feature}"' in body["detail"]
    body = problem(trained.post("/v1/models/streamlit/predict", [ROW, {**ROW, **change}]), 400, slug)
    assert body["feature"] == feature and body["row"] == 1 and "row 1" in body["detail"]


def test_other_refusals(trained):
    path = "/v1/models/streamlit/predict"
    body = problem(trained.post(path, {k: v for k, v in ROW.items() if k != "volume"}), 400,
                   "missing-feature")
    assert body["feature"] == "volume"
    assert "open" in problem(trained.post(path, '{"open":1,"open":2}'), 400,
                             "duplicate-member")["detail"]
    assert "open" in problem(trained.post(path, json.dumps(ROW).replace("60010.5", "1e999")), 400,
                             "number-out-of-range")["detail"]
    assert "nan" not in trained.post(path, json.dumps(ROW).replace("60010.5", "1e308")).text.lower()
    problem(trained.post(path, "[1]"), 400, "wrong-type")
    problem(trained.post(path, '"text"'), 400, "wrong-type")
    problem(trained.post(path, "{"), 400, "bad-json")
    problem(trained.post(path, ""), 400, "no-body")
    problem(trained.post(path, ROW, content_type="text/html"), 415, "unsupported-media-type")
    problem(trained.post("/v1/models/nothing/predict", ROW), 404, "no-such-model")
    refused = trained.get(path)
    assert refused.status_code == 405 and "POST" in refused.headers["Allow"]


def test_too_many_rows(service, hdfs, names):
    one = start_model(service, rows_limit=2500)
    publish(hdfs, names.hdfs_root, bars(400))
    train(one)
    assert one.post("/v1/models/streamlit/predict", [ROW] * 2500).status_code == 200
    body = problem(one.post("/v1/models/streamlit/predict", [ROW] * 2501), 413, "too-many-rows")
    assert "2501" in body["detail"] and "2500" in body["detail"]


# --- quiet minutes -------------------------------------------------------------------------------

def test_a_zero_denominator_never_becomes_nan(model, hdfs, kafka, names):
    spec = {"name": "per_volume", "records": "bars", "target": "close",
            "features": ["open", {"name": "price_per_volume", "column": "close",
                                  "transform": "ratio", "other": "volume"}]}
    made = model.post("/v1/models", spec)
    assert made.status_code == 201, made.text
    assert made.headers["Location"] == "/v1/models/per_volume"
    rows = bars(400)
    publish(hdfs, names.hdfs_root, rows)
    job = train(model, "per_volume")
    assert job["state"] == "done", job
    report = model.get("/v1/models/per_volume/versions/1").text
    quiet = sum(row["volume"] == 0 for row in rows)
    assert quiet > 100
    assert json.loads(report)["lineage"]["rows"]["zero-denominator"] == quiet
    produce(kafka, names.bars_topic, [bar(minute, 60000, 0) for minute in range(10)])
    wait_until(lambda: live_of(model, "per_volume").get("reason") == "zero-denominator",
               "the page says why there is no prediction")
    texts = [report, model.get("/v1/models/per_volume/versions").text,
             model.get("/v1/models").text, model.get("/v1/models/per_volume/live").text]
    for text in texts + [metrics_text(model)]:
        assert not re.search(r"[:, \[][-+]?(nan|inf)", text.replace('le="+Inf"', ""), re.I), text


def metrics_text(one):
    return requests.get(f"{one.management}/metrics", timeout=5).text


def test_nearly_dependent_columns_are_told(model, hdfs, names):
    """Field case M02: high is the close in all bars but one. It gives the target away; as features of
    another target the two are kept, with a condition number and a warning. Two features of which
    none gives the target away, but their sum does, are told as well."""
    rows = bars(5000)
    for row in rows:
        row["high"] = row["close"] = max(row["open"], row["close"])
    rows[2500]["high"] = round(rows[2500]["close"] + 0.01, 4)
    publish(hdfs, names.hdfs_root, rows)
    assert model.post("/v1/models", {"name": "low", "records": "bars", "target": "low",
                                     "features": ["high", "close"]}).status_code == 201
    before = {"name": "before", "column": "close", "lag_s": 300}
    step = {"name": "step", "column": "close", "transform": "difference", "lag_s": 300}
    assert model.post("/v1/models", {"name": "sum", "records": "bars", "target": "close",
                                     "features": [before, step]}).status_code == 201
    for name, word in (("streamlit", "high gives the target away"),
                       ("sum", "together the features give the target away"),
                       ("low", "nearly dependent")):
        job = train(model, name)
        assert job["state"] == "done", job
        report = model.get(f"/v1/models/{name}/versions/1").json()
        assert any(word in warning for warning in report["warnings"]), report["warnings"]
        assert "nan" not in json.dumps(report).lower()
    assert report["condition_number"] > 1e6
    close = rows[-1]["close"]
    row = {"open": rows[-1]["open"], "high": close + 50, "low": rows[-1]["low"], "volume": 0,
           "return": close / rows[-2]["close"] - 1}
    for name, features in (("streamlit", row), ("low", {"high": close + 50, "close": close})):
        said = model.post(f"/v1/models/{name}/predict", features).json()
        assert name == "low" or abs(said["prediction"] / close - 1) < 0.01, said
        assert said["extrapolated"] is True, said  # the two were never 50 apart


# --- models, versions, jobs ----------------------------------------------------------------------

def test_models_are_made_and_deleted(model):
    names_of = [m["name"] for m in model.get("/v1/models").json()["models"]]
    assert names_of == sorted(names_of) and {"ia", "streamlit"} <= set(names_of)
    spec = {"name": "mine", "records": "ticks", "target": "sell_price", "features": ["buy_price"]}
    made = model.post("/v1/models", spec).json()
    assert made["serving"] is None and made["builtin"] is False
    problem(model.post("/v1/models", spec), 409, "exists")
    assert model.get("/v1/models/mine").json() == made
    assert model.request("DELETE", "/v1/models/mine").status_code == 204
    problem(model.get("/v1/models/mine"), 404, "no-such-model")
    problem(model.request("DELETE", "/v1/models/mine"), 404, "no-such-model")
    problem(model.request("DELETE", "/v1/models/ia"), 409, "conflict")


@pytest.mark.parametrize("change, named", [
    ({"records": "trades"}, "records"),
    ({"target": "price"}, "target"),
    ({"features": []}, "features"),
    ({"features": [{"name": "x", "column": "open", "lag_s": -1}]}, "features[0].lag_s"),
    ({"name": "Mine"}, "name"),
    ({"extra": 1}, "extra"),
    ({"horizon_s": 1e9}, "horizon_s"),
])
def test_a_bad_spec_is_named(model, change, named):
    spec = {"name": "mine", "records": "bars", "target": "close", "features": ["open"], **change}
    assert named in problem(model.post("/v1/models", spec), 400, "invalid-spec")["detail"]


def test_versions_are_promoted_and_rolled_back(trained, hdfs, names):
    publish(hdfs, names.hdfs_root, bars(400, seed=2, start=START + datetime.timedelta(days=1)), 400)
    second = train(trained)
    assert second["version"] == 2, second
    path = "/v1/models/streamlit"
    serving = trained.get(f"{path}/versions").json()["serving"]
    other = {1: 2, 2: 1}[serving]
    promoted = trained.post(f"{path}/versions/{other}/promote", {"reason": "a test"})
    assert promoted.json() == {"model": "streamlit", "serving": other}, promoted.text
    assert trained.post(f"{path}/predict", ROW).json()["version"] == other
    newest = trained.get(f"{path}/history?limit=1").json()["history"][0]
    assert (newest["version"], newest["reason"]) == (other, "a test")
    assert trained.post(f"{path}/rollback").json()["serving"] == serving
    assert trained.post(f"{path}/predict", ROW).json()["version"] == serving
    listed = trained.get(f"{path}/versions").json()
    assert [v["version"] for v in listed["versions"]] == [2, 1] and listed["total"] == 2
    report = trained.get(f"{path}/versions/1").json()
    assert report["lineage"]["partitions"] == [
        {"partition": 0, "first_offset": 0, "last_offset": 399, "files": 1}]
    problem(trained.post(f"{path}/versions/9/promote"), 404, "no-such-version")
    problem(trained.post(f"{path}/versions/x/promote"), 404, "no-such-version")
    problem(trained.post(f"{path}/versions/1/promote", {"why": 1}), 400, "invalid-body")
    problem(trained.post("/v1/models/none/versions/1/promote"), 404, "no-such-model")


def test_jobs(trained):
    problem(trained.post("/v1/models/nothing/train"), 404, "no-such-model")
    problem(trained.post("/v1/models/ia/train", {"engine": "abacus"}), 400, "invalid-engine")
    body = problem(trained.post("/v1/models/ia/train", {"motor": 1}), 400, "unknown-member")
    assert "motor" in body["detail"]
    jobs = trained.get("/v1/jobs?model=streamlit").json()["jobs"]
    assert len(jobs) == 1 and jobs[0]["state"] == "done" and jobs[0]["version"] == 1
    assert trained.get(f"/v1/jobs/{jobs[0]['id']}").json() == jobs[0]
    assert trained.get("/v1/jobs?model=ia").json() == {"jobs": []}
    problem(trained.request("DELETE", f"/v1/jobs/{jobs[0]['id']}"), 409, "conflict")
    problem(trained.get("/v1/jobs/nothing"), 404, "no-such-job")
    problem(trained.request("DELETE", "/v1/jobs/nothing"), 404, "no-such-job")
    for bad in ("0", "-1", "1001", "x"):
        assert "limit" in problem(trained.get(f"/v1/jobs?limit={bad}"), 400,
                                  "bad-parameter")["detail"]


# --- live ----------------------------------------------------------------------------------------

def test_each_new_bar_is_predicted_and_scored(trained, kafka, names):
    rows = now_bars(5)
    produce(kafka, names.bars_topic, rows)
    live = wait_until(lambda: (lambda a: a["prediction"] and a["prediction"]["timestamp"] ==
                               a["last"]["timestamp"] == rows[-1]["timestamp"] and a)(live_of(trained)),
                      "the newest bar is predicted")
    assert live["last"]["price"] == rows[-1]["close"] and 0 <= live["last"]["age_s"] < 120
    assert live["stale"] is False and live["reason"] is None and live["version"] == 1
    made = trained.get("/v1/predictions?model=streamlit").json()
    assert [p["timestamp"] for p in made["predictions"]] == [r["timestamp"] for r in rows[1:]]
    for p, row, before in zip(made["predictions"], rows[1:], rows):
        features = {k: row[k] for k in ("open", "high", "low", "volume")}
        features["return"] = row["close"] / before["close"] - 1
        asked = trained.post("/v1/models/streamlit/predict", features).json()
        assert p["prediction"] == pytest.approx(asked["prediction"], rel=1e-12)
        assert p["interval"] == pytest.approx(asked["interval"], rel=1e-12)
        assert p["actual"] == row["close"] and p["last_price"] == before["close"]
    # The fit has seen offsets up to 399 by its lineage, so these four prove nothing.
    assert live["score"]["count"] == 0 and live["score"]["in_training"] == 4


def test_the_score_counts_what_the_fit_has_not_seen(model, hdfs, kafka, names):
    rows = now_bars(405)
    produce(kafka, names.bars_topic, rows[:400])
    publish(hdfs, names.hdfs_root, rows[:400])
    train(model)
    wait_until(lambda: live_of(model)["score"]["in_training"] == 399, "the past is predicted too")
    produce(kafka, names.bars_topic, rows[400:])
    score = wait_until(lambda: (lambda s: s["count"] == 5 and s)(live_of(model)["score"]),
                       "the new bars are scored")
    made = model.get("/v1/predictions?model=streamlit&limit=5").json()["predictions"]
    errors = [p["actual"] - p["prediction"] for p in made]
    steps = [p["actual"] - p["last_price"] for p in made]
    def rms(values):
        return (sum(v * v for v in values) / len(values)) ** .5
    assert score["rmse"] == pytest.approx(rms(errors), rel=1e-9)
    assert score["skill_last"] == pytest.approx(1 - rms(errors) / rms(steps), rel=1e-9)
    assert score["coverage"] == sum(p["interval"][0] <= p["actual"] <= p["interval"][1]
                                    for p in made) / 5
    # Whoever asks now gets an interval that has learned from those errors as well.
    wait_until(lambda: (lambda a: a["interval_kind"] == "adaptive" and
                        a["interval_factor"] == live_of(model)["interval_factor"] != 1)(
        model.post("/v1/models/streamlit/predict", ROW).json()), "the interval follows the errors")
    live = live_of(model)
    # Five rows are too few for an index.
    assert {f["psi"] for f in live["drift"]["features"]} == {live["drift"]["residuals"]["psi"]} == {None}
    wait_until(lambda: model.metric("model_live_scored_predictions", model="streamlit") == 5,
               "the metric says so")


def test_foreign_and_bad_values(trained, kafka, names):
    rows = now_bars(3)
    produce(kafka, names.bars_topic,
            [rows[0], None, "", "{", b"\xff\xfe\x00", {**rows[1], "close": -1},
             {**rows[1], "exchange": "elsewhere"}, {**rows[2], "volume": "12"}])
    wait_until(lambda: trained.metric("model_live_records_total", records="bars") == 3,
               "the good ones are taken")
    assert trained.metric("model_live_bad_records_total", records="bars") == 5
    held = trained.get("/v1/records/bars").json()
    assert held["records"] == [rows[0], rows[1], {**rows[2], "volume": 12}]


def test_old_data_are_stale(trained, kafka, names):
    old = bars(3, start=datetime.datetime.now(datetime.timezone.utc)
               - datetime.timedelta(minutes=22))
    produce(kafka, names.bars_topic, old)
    live = wait_until(lambda: (lambda a: a["prediction"] and a)(live_of(trained)), "a prediction")
    assert live["stale"] is True and live["last"]["age_s"] > 1100
    assert live["stale_after_s"] == 180 and "180 s" in live["stale_rule"]


def test_lists_by_since_limit_and_every(model, kafka, names):
    rows = now_bars(10)
    produce(kafka, names.bars_topic, rows[::-1])  # newest first
    wait_until(lambda: model.get("/v1/records/bars").json()["held"] == 10, "all are read", 90)

    def times(query):
        return [r["timestamp"] for r in model.get(f"/v1/records/bars{query}").json()["records"]]
    every = [r["timestamp"] for r in rows]
    assert times("") == every
    assert times("?limit=3") == every[-3:]
    assert times(f"?since={every[3]}") == every[4:]
    assert times(f"?since={every[3]}&limit=2") == every[4:6]
    answer = model.get(f"/v1/records/bars?since={every[3]}&limit=2").json()
    assert answer["more"] is True and (answer["oldest"], answer["newest"]) == (every[0], every[-1])
    thinned = times("?every=300")
    buckets = {int(datetime.datetime.fromisoformat(t).timestamp()) // 300: t for t in every}
    assert thinned == list(buckets.values())
    again = model.get("/v1/records/bars")
    same = model.get("/v1/records/bars", headers={"If-None-Match": again.headers["ETag"]})
    assert same.status_code == 304 and same.content == b""
    for query, name in (("limit=0", "limit"), ("limit=x", "limit"), ("limit=10001", "limit"),
                        ("every=-1", "every"), ("since=yesterday", "since")):
        assert name in problem(model.get(f"/v1/records/bars?{query}"), 400,
                               "bad-parameter")["detail"]
    problem(model.get("/v1/records/trades"), 404, "no-such-records")
    problem(model.get("/v1/predictions"), 400, "missing-parameter")
    problem(model.get("/v1/predictions?model=none"), 404, "no-such-model")


def test_a_restart_keeps_versions_and_reads_the_past_again(trained, kafka, names):
    rows = now_bars(20)
    produce(kafka, names.bars_topic, rows)
    before = wait_until(lambda: (lambda p: len(p) == len(rows) - 1 and p)(  # the first has no return
        trained.get("/v1/predictions?model=streamlit").json()["predictions"]), "all are predicted")
    trained.kill()
    trained.settings["hdfs_urls"] = "http://127.0.0.1:1"  # HDFS is away: the local copy serves
    trained.start()
    after = wait_until(lambda: (lambda p: len(p) == len(before) and p)(
        trained.get("/v1/predictions?model=streamlit").json()["predictions"]), "the past is back")
    assert [{**p, "made": 0} for p in after] == [{**p, "made": 0} for p in before]
    assert trained.post("/v1/models/streamlit/predict", ROW).json()["version"] == 1


def test_a_model_of_the_past_that_is_kept_bounded(service, hdfs, names, kafka):
    publish(hdfs, names.hdfs_root, bars(400))
    one = start_model(service, live_bars=10, live_predictions=4)
    train(one)
    one.wait_ready()
    rows = now_bars(25)
    produce(kafka, names.bars_topic, rows)
    newest = [row["timestamp"] for row in rows[-10:]]  # who joins late reads no more than these
    wait_until(lambda: [r["timestamp"] for r in one.get("/v1/records/bars").json()["records"]]
               == newest, "the newest are held, and no others")
    wait_until(lambda: one.get("/v1/predictions?model=streamlit").json()["held"] == 4,
               "the newest are predicted")


# --- without Kafka -------------------------------------------------------------------------------

def test_kafka_away(service, hdfs, names):
    publish(hdfs, names.hdfs_root, bars(400))
    one = start_model(service, kafka_brokers="127.0.0.1:1")
    train(one)
    conditions = json.loads(one.wait_not_ready())["conditions"]
    assert conditions["kafka"]["met"] is False and conditions["model"]["met"] is True
    wait_until(lambda: one.metric("model_live_kafka_retries_total") >= 1, "it is tried again")
    assert one.post("/v1/models/streamlit/predict", ROW).status_code == 200
    assert one.get("/v1/records/bars").json()["records"] == []
    began = time.monotonic()
    one.stop()
    assert time.monotonic() - began < 15
