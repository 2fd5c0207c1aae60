# SPDX-License-Identifier: GPL-3.0-or-later
"""The model service trains on published files; numpy and the rows themselves say what is right."""
import json
import pathlib

import numpy as np
import pytest

from support import wait_until
from support.hdfs import DATASETS, HdfsError
from support.trainings import (TICKS, WHOLE, bars, ended, lines, make_model, publish, real_bars,
                               report, start_training, starter, ticks, train, write_file)


@pytest.fixture
def model(service, tmp_path):
    return starter(service, tmp_path)


def coefficients(found):
    return {c["name"]: c for c in found["coefficients"]}


def least_squares(x, y):
    """Values, standard errors, residual standard error and R2 by numpy."""
    design = np.column_stack([np.ones(len(x)), x])
    shift = np.r_[0, x.mean(axis=0)]
    q, r = np.linalg.qr(design - shift)
    b = np.linalg.solve(r, q.T @ y)
    residual = y - (design - shift) @ b
    s = np.sqrt(residual @ residual / (len(y) - design.shape[1]))
    inverse = np.linalg.inv(r)
    error = s * np.sqrt((inverse ** 2).sum(axis=1))
    g = -x.mean(axis=0)
    intercept = b[0] + g @ b[1:]
    combination = np.r_[1, g] @ inverse
    error[0] = s * np.sqrt(combination @ combination)
    return (np.r_[intercept, b[1:]], error, s,
            1 - residual @ residual / ((y - y.mean()) @ (y - y.mean())))


# --- what a training finds -------------------------------------------------------------------------

def test_ticks_in_many_files_agree_with_numpy(model, hdfs, names):
    rows = ticks(5000)
    publish(hdfs, names, "ticks", rows, files=7)
    server = model()
    make_model(server, name="whole", split=WHOLE, **TICKS)
    job = train(server, "whole")
    assert (job["files_done"], job["rows"], job["rows_used"]) == (7, 5000, 5000)
    assert job["bytes_done"] == job["bytes"] > 0 and job["serves"]
    found = report(server, "whole", job["version"])
    value, error, s, r2 = least_squares(rows[:, [0, 2, 3]], rows[:, 1])
    got = coefficients(found)
    for i, name in enumerate(["(intercept)", "buy_price", "volume", "volatility"]):
        assert got[name]["value"] == pytest.approx(value[i], rel=1e-9)
        assert got[name]["standard_error"] == pytest.approx(error[i], rel=1e-9)
        assert got[name]["t"] == pytest.approx(value[i] / error[i], rel=1e-9)
    assert found["residual_standard_error"] == pytest.approx(s, rel=1e-10)
    assert found["r2"] == pytest.approx(r2, rel=1e-10)
    assert found["rows"] == 5000 and found["held_out"] is None
    row = {"buy_price": 40000, "volume": 2000, "volatility": 0.05}
    answer = server.post("/v1/models/whole/predict", row).json()
    assert answer["prediction"] == pytest.approx(value @ [1, 40000, 2000, 0.05], rel=1e-12)


def test_ia_leaves_out_what_gives_the_price_away(model, hdfs, names):
    rows = ticks(3000, seed=2)
    publish(hdfs, names, "ticks", rows, files=3)
    server = model()
    job = train(server, "ia")
    found = report(server, "ia", job["version"])
    assert {d["name"]: d["reason"] for d in found["dropped"]} == {
        "buy_price_normalized": "dependent", "sell_price_normalized": "leaking",
        "volume_normalized": "dependent"}
    assert found["leakage"] and any("sell_price_normalized" in w for w in found["warnings"])
    held_out = found["held_out"]["rows"]
    assert found["rows"] + held_out == 3000 and 450 < held_out < 750
    assert found["held_out"]["rmse"] == pytest.approx(30, rel=0.1)
    assert found["held_out"]["skill_mean"] > 0.99 and found["held_out"]["skill_last"] is None
    assert coefficients(found)["buy_price"]["value"] == pytest.approx(1.002, rel=1e-3)
    row = dict(zip(["buy_price", "volume", "volatility"], [40000.0, 2000.0, 0.05]))
    first = server.post("/v1/models/ia/predict", row).json()
    assert first["prediction"] == pytest.approx(40100, abs=5)
    assert found["intervals"]["plain_half_width"] == pytest.approx(1.96 * 30, rel=0.05)
    # The 95% quantile of some 600 errors is known to about 4%.
    assert first["interval_kind"] == found["intervals"]["served"] == "conformal"
    assert first["interval_factor"] == found["intervals"]["conformal_factor"] == 1
    assert first["interval"][1] - first["interval"][0] == pytest.approx(2 * 1.96 * 30, rel=0.16)


def test_streamlit_takes_the_return_across_files(model, hdfs, names):
    rows = bars(2000, seed=3)
    publish(hdfs, names, "bars", rows, files=9, step_s=60)
    server = model()
    make_model(server, name="bars_whole", split=WHOLE, records="bars", target="close",
               features=["open", "high", "low", "volume",
                         {"name": "return", "column": "close", "transform": "return"}])
    job = train(server, "bars_whole")
    found = report(server, "bars_whole", job["version"])
    change = rows[1:, 3] / rows[:-1, 3] - 1
    x = np.column_stack([rows[1:, [0, 1, 2, 4]], change])
    value, error, s, _ = least_squares(x, rows[1:, 3])
    got = coefficients(found)
    for i, name in enumerate(["(intercept)", "open", "high", "low", "volume", "return"]):
        assert got[name]["value"] == pytest.approx(value[i], rel=1e-7), name
        assert got[name]["standard_error"] == pytest.approx(error[i], rel=1e-7), name
    assert found["rows"] == 1999 and found["lineage"]["rows"]["no-history"] == 1
    assert report(server, "streamlit", train(server, "streamlit")["version"])["rank"] == 6


def records_of(hdfs, factors):
    if not hdfs.exists(factors):
        return None
    try:
        return json.loads(hdfs.read(factors))["body"]["factors"]["records"]
    except HdfsError:  # just being replaced
        return None


def test_a_new_file_alone_is_read_and_changes_nothing_else(model, hdfs, names):
    rows = bars(3000, seed=9)
    publish(hdfs, names, "bars", rows[:2000], files=4, step_s=60)
    server = model()
    for name in ("streamlit", "forecast_5m"):
        assert train(server, name)["files"] == 4
    write_file(hdfs, names, "bars", 2000, lines(rows[2000:], 2000 * 60, 60))
    found = {}
    for name in ("streamlit", "forecast_5m"):
        job = train(server, name)
        assert (job["files"], job["rows"]) == (1, 1000)
        found[name] = report(server, name, job["version"])
        assert found[name]["lineage"]["resumed"] and found[name]["lineage"]["files"] == 5
        # They follow the job to HDFS; only then it is sure that they do not come after the removal.
        kept = f"{names.hdfs_root}/models/{name}/factors.json"
        wait_until(lambda: records_of(hdfs, kept) == 3000, "the factors are on HDFS")
        hdfs.delete(kept)
    for name, before in found.items():
        job = train(server, name)
        assert (job["files"], job["rows"]) == (5, 3000)
        full = report(server, name, job["version"])
        assert full["held_out"]["rmse"] == pytest.approx(before["held_out"]["rmse"], rel=1e-12)
        assert full["lineage"]["rows"] == before["lineage"]["rows"]
        for a, b in zip(full["coefficients"], before["coefficients"]):
            if a["status"] != "kept":
                assert a == b
                continue
            assert abs(a["value"] - b["value"]) < 1e-9 * b["standard_error"]
            assert a["standard_error"] == pytest.approx(b["standard_error"], rel=1e-11)


def test_forecast_of_real_bars_tells_its_skill(model, hdfs, names):
    rows = real_bars()
    data = "".join(f"{r[0].replace('Z', '.000000Z')},{','.join(r[1:])}\n" for r in rows)
    write_file(hdfs, names, "bars", 0, data.encode())
    server = model()
    job = train(server, "forecast_5m")
    found = report(server, "forecast_5m", job["version"])
    close = np.array([float(r[4]) for r in rows])
    since = found["held_out"]["since"].replace(".000000Z", "Z")
    first = [r[0] for r in rows].index(since)
    assert 0.7 * len(rows) < first < 0.85 * len(rows)
    off = close[first + 5:] - close[first:-5]
    assert found["held_out"]["last_price_rmse"] == pytest.approx(np.sqrt((off ** 2).mean()), rel=1e-9)
    assert found["held_out"]["rows"] == len(off)
    assert found["lineage"]["rows"]["pending"] == 5
    assert coefficients(found)["close"] == {**coefficients(found)["close"], "status": "fixed",
                                            "value": 1}
    better = found["held_out"]["skill_last_test"]["verdict"] == "better than the last price"
    assert job["serves"] == found["gate"]["serves"] == better
    assert found["gate"]["rule"] == "beats-last-price"
    assert server.get("/v1/models/forecast_5m").json()["serving"]["version"] == \
        (job["version"] if better else 0)
    # Version 0 is the last price, with intervals as wide as it was off.
    zero = report(server, "forecast_5m", 0)
    assert zero["kind"] == "last-price"
    server.post("/v1/models/forecast_5m/versions/0/promote")
    row = {name: 0 for name in coefficients(found) if name != "(intercept)"} | {"close": 23456.5}
    answer = server.post("/v1/models/forecast_5m/predict", row).json()
    low, high = answer["interval"]
    everywhere = np.abs(close[15 + 5:] - close[15:-5])
    # The factor is of the data's end; without it the interval is that of all rows.
    covered = (everywhere <= (high - low) / 2 / answer["interval_factor"]).mean()
    assert answer["prediction"] == 23456.5 and answer["version"] == 0
    assert 0.945 < covered < 0.965


# --- what is refused -------------------------------------------------------------------------------

def test_only_whole_published_files_are_read(model, hdfs, names):
    folder = f"{names.hdfs_root}/data/{DATASETS['ticks']}"
    good = lines(ticks(300, seed=4))
    write_file(hdfs, names, "ticks", 0, good)
    write_file(hdfs, names, "ticks", 300, b"", count=5)
    cut = write_file(hdfs, names, "ticks", 400, lines(ticks(50, seed=5)) + b'{"price":1071')
    write_file(hdfs, names, "ticks", 600, b"no record\n" + lines(ticks(10, seed=6)), count=11)
    hdfs.write(f"{folder}/staging/part-00000-{0:020d}-{299:020d}.csv", good)
    hdfs.write(f"{folder}/part-00000-{700:020d}-{999:020d}.csv._COPYING_", good)
    hdfs.write(f"{folder}/_SUCCESS", b"")
    server = model()
    job = train(server, "ia")
    assert (job["files"], job["files_done"], job["files_refused"]) == (4, 4, 1)
    found = report(server, "ia", job["version"])
    assert found["lineage"]["records"] == 311
    assert found["lineage"]["rows"]["used"] == 310 and found["lineage"]["rows"]["malformed"] == 1
    assert found["lineage"]["names_ignored"] == 3
    assert [r["file"] for r in found["lineage"]["refused"]] == [pathlib.Path(cut).name]
    assert "no end" in found["lineage"]["refused"][0]["reason"]


@pytest.mark.parametrize("rows, reason", [
    (None, "no rows: there are no published files"),
    (ticks(1), "too few rows"),
    (ticks(3), "too few rows"),
    ([[60000, 60000, 1000 + i, 0.01 * i, 1, 1, 0.1 * i] for i in range(50)], "constant target"),
    ([["x"] * 7] * 5, "no rows: no record gave one"),
], ids=["no-file", "one-row", "three-rows", "constant", "none-valid"])
def test_too_little_to_learn_from_is_refused(model, hdfs, names, rows, reason):
    if rows is not None:
        data = lines(rows) if rows[0][0] != "x" else b"x,x,x,x,x,x,x,x\n" * 5
        write_file(hdfs, names, "ticks", 0, data)
    server = model()
    job = train(server, "ia", "refused")
    assert job["reason"].startswith(reason) and "files" in job["reason"]
    assert job["version"] is None
    answer = server.post("/v1/models/ia/predict", {"buy_price": 1, "volume": 1, "volatility": 1})
    assert answer.status_code == 503 and answer.json()["type"].endswith("no-version")
    ready, said = server.ready()
    assert not ready and reason.split(":")[0] in said


def test_a_refused_training_leaves_the_serving_version(model, hdfs, names):
    path = write_file(hdfs, names, "ticks", 0, lines(ticks(200)))
    server = model()
    assert train(server, "ia")["version"] == 1
    hdfs.delete(path)
    job = train(server, "ia", "refused")
    assert "no published files" in job["reason"]
    assert server.get("/v1/models/ia").json()["serving"]["version"] == 1
    server.wait_ready()


def test_flat_bars_are_fitted_and_predicted_sanely(model, hdfs, names):
    close = 107000 + 50 * np.sin(np.arange(200) / 7)
    publish(hdfs, names, "bars", np.column_stack([close] * 4 + [np.zeros(200)]), files=2,
            step_s=60)
    server = model()
    found = report(server, "streamlit", train(server, "streamlit")["version"])
    dropped = {d["name"]: d["reason"] for d in found["dropped"]}
    assert dropped["high"] == dropped["low"] == "dependent" and dropped["volume"] == "constant"
    assert coefficients(found)["high"]["standard_error"] is None
    row = {"open": 107000, "high": 107100, "low": 106900, "volume": 0,
           "return": 107050 / 107000 - 1}
    answer = server.post("/v1/models/streamlit/predict", row).json()
    assert abs(answer["prediction"] - 107050) < 2000
    assert "nan" not in json.dumps(found).lower() and "inf" not in json.dumps(found).lower()


# --- jobs ------------------------------------------------------------------------------------------

def test_one_training_of_a_model_at_a_time_and_cancel(model, hdfs, names):
    write_file(hdfs, names, "ticks", 0, lines(ticks(200)))
    many = lines(ticks(20000)) * 20
    for part in range(1, 5):
        write_file(hdfs, names, "ticks", part * 10**7, many)
    server = model(train_threads=1)
    job = start_training(server, "ia")
    again = server.post("/v1/models/ia/train")
    assert again.status_code == 409 and again.json()["job"] == job
    assert again.headers["Location"] == f"/v1/jobs/{job}"
    assert server.request("DELETE", f"/v1/jobs/{job}").status_code == 202
    done = ended(server, job)
    assert done["state"] == "cancelled" and done["version"] is None
    assert server.request("DELETE", f"/v1/jobs/{job}").status_code == 409
    assert server.request("DELETE", "/v1/jobs/none").status_code == 404
    assert [j["id"] for j in server.get("/v1/jobs").json()["jobs"]] == [job]
    assert server.metric("model_training_jobs_total", state="cancelled") == 1


def test_a_better_version_serves_and_a_worse_one_does_not(model, hdfs, names):
    random = np.random.default_rng(8)
    write_file(hdfs, names, "ticks", 0, lines(ticks(15, seed=7)))
    server = model()
    assert train(server, "ia")["serves"]
    same = train(server, "ia")
    assert not same["serves"] and "not below that of version 1" in same["reason"]
    write_file(hdfs, names, "ticks", 15, lines(ticks(4000, seed=int(random.integers(1000))), 15))
    better = train(server, "ia")
    assert better["serves"] and better["version"] == 3
    found = report(server, "ia", 3)
    assert found["held_out"]["serving"]["version"] == 1
    assert found["held_out"]["rmse"] < found["held_out"]["serving"]["rmse"]
    assert server.post("/v1/models/ia/versions/2/promote").status_code == 200
    assert server.get("/v1/models/ia").json()["serving"]["version"] == 2
    assert server.post("/v1/models/ia/rollback").status_code == 200
    assert server.get("/v1/models/ia").json()["serving"]["version"] == 3
    events = server.get("/v1/models/ia/history").json()
    assert [e["version"] for e in next(v for v in events.values() if isinstance(v, list))] == \
        [3, 2, 3, 1]


def test_the_last_price_gives_its_place_to_skill_alone_and_takes_it_back(model, hdfs, names):
    random = np.random.default_rng(5)
    rows = bars(4000, seed=12, volume=1)
    # For two days a third of each minute's change comes again in the next one; then it does not.
    change = random.normal(0, 50, 4000)
    for i in range(1, 2000):
        change[i] += change[i - 1] / 3
    rows[:, :4] = (100000 + np.cumsum(change)).round(2)[:, None]
    write_file(hdfs, names, "bars", 0, lines(rows[:2000], 0, 60))
    server = model()
    def serving():
        return server.get("/v1/models/forecast_1m").json()["serving"]["version"]
    assert train(server, "forecast_1m")["serves"] and serving() == 1
    assert report(server, "forecast_1m", 1)["gate"]["rule"] == "beats-last-price"
    write_file(hdfs, names, "bars", 2000, lines(rows[2000:], 2000 * 60, 60))
    job = train(server, "forecast_1m")
    assert not job["serves"] and "; the last price serves again: " in job["reason"], job
    assert serving() == 0
    newest = server.get("/v1/models/forecast_1m/history").json()
    newest = next(v for v in newest.values() if isinstance(v, list))[0]
    assert newest["by"] == "gate" and "error of version 1, " in newest["reason"]
    # What an admin wants, the gate leaves.
    assert server.post("/v1/models/forecast_1m/versions/1/promote").status_code == 200
    assert not train(server, "forecast_1m")["serves"] and serving() == 1


def test_trains_by_itself_once_there_is_enough(model, hdfs, names):
    write_file(hdfs, names, "ticks", 0, lines(ticks(50)))
    server = model(autotrain=True, autotrain_check_s=1, autotrain_rows=100)
    assert "no model has a version" in server.ready()[1]
    write_file(hdfs, names, "ticks", 50, lines(ticks(300, seed=2), 50))
    server.wait_ready()
    job = ended(server, server.get("/v1/jobs?model=ia").json()["jobs"][0]["id"])
    assert job["state"] == "done" and job["by"] == "autotrain"
    write_file(hdfs, names, "ticks", 350, lines(ticks(700, seed=3), 350))
    wait_until(lambda: len(server.get("/v1/models/ia/versions").json()["versions"]) >= 2,
               "it trains again when the data have doubled")
