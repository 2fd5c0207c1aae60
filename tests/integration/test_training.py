# SPDX-License-Identifier: GPL-3.0-or-later
"""The model service trains on published files; numpy and the rows themselves say what is right."""
import concurrent.futures
import csv
import datetime
import json
import pathlib
import time
from types import SimpleNamespace

import numpy as np
import pytest
import requests

from support import wait_until
from support.hdfs import DATASETS, HdfsError

BARS = pathlib.Path(__file__).resolve().parents[2] / "deploy/local/data/btc_usd_2023-03-01.csv"
START = datetime.datetime(2025, 7, 1, tzinfo=datetime.timezone.utc)


# --- data ----------------------------------------------------------------------------------------

def when(seconds):
    return (START + datetime.timedelta(seconds=float(seconds))).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def ticks(count, seed=1):
    """Rows of numbers: buy, sell, volume, volatility, three normalised columns."""
    random = np.random.default_rng(seed)
    buy = np.round(random.uniform(20000, 60000, count), 2)
    volume = np.round(random.uniform(1000, 5000, count), 2)
    volatility = np.round(random.uniform(0, 0.1, count), 4)
    sell = np.round(buy * 1.002 + 0.01 * volume + random.normal(0, 30, count), 2)
    return np.column_stack([buy, sell, volume, volatility, (buy - 20000) / 40000,
                            (sell - 20000) / 40000, (volume - 1000) / 4000])


def bars(count, seed=1, step_s=60, volume=None):
    random = np.random.default_rng(seed)
    close = np.round(100000 * np.exp(np.cumsum(random.normal(0, 5e-4, count))), 2)
    open_ = np.round(close * (1 + random.normal(0, 2e-4, count)), 2)
    high = np.round(np.maximum(open_, close) * (1 + random.exponential(2e-4, count)), 2)
    low = np.round(np.minimum(open_, close) * (1 - random.exponential(2e-4, count)), 2)
    amount = np.round(random.exponential(5, count), 6) if volume is None else np.full(count, volume)
    return np.column_stack([open_, high, low, close, amount])


def real_bars():
    with open(BARS, newline="") as file:
        return [list(row.values()) for row in csv.DictReader(file)]


def lines(rows, first_s=0, step_s=1):
    return "".join(",".join([when(first_s + step_s * i), *(repr(float(v)) for v in row)]) + "\n"
                   for i, row in enumerate(rows)).encode()


def write_file(hdfs, names, dataset, first, data, count=None, partition=0):
    count = data.count(b"\n") if count is None else count
    path = (f"{names.hdfs_root}/data/{DATASETS[dataset]}/"
            f"part-{partition:05d}-{first:020d}-{first + max(count, 1) - 1:020d}.csv")
    hdfs.write(path, data)
    return path


def publish(hdfs, names, dataset, rows, files=1, step_s=1, partition=0, first_s=0):
    """The rows in so many files of one partition, as ingest would have published them."""
    first = 0
    for part in np.array_split(np.asarray(rows), files):
        write_file(hdfs, names, dataset, first,
                   lines(part, first_s + first * step_s, step_s), partition=partition)
        first += len(part)


# --- the service ---------------------------------------------------------------------------------

@pytest.fixture
def model(service, tmp_path):
    def start(**settings):
        settings = {"state_dir": tmp_path / "state", "autotrain": False, **settings}
        server = service("model", wait_ready=False, **settings)
        wait_until(lambda: listens(server), "it listens")
        return server
    return start


def listens(server):
    assert server.process.poll() is None, server.log()
    try:
        return server.get("/v1/models").status_code == 200
    except requests.ConnectionError:
        return False


def start_training(server, name):
    answer = server.post(f"/v1/models/{name}/train")
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"/v1/jobs/{answer.json()['id']}"
    return answer.json()["id"]


def ended(server, job):
    def look():
        found = server.get(f"/v1/jobs/{job}").json()
        return found if found["ended"] else None
    return wait_until(look, f"job {job} ends", 60)


def train(server, name, state="done"):
    job = ended(server, start_training(server, name))
    assert job["state"] == state, job
    return job


def report(server, name, version):
    answer = server.get(f"/v1/models/{name}/versions/{version}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def coefficients(found):
    return {c["name"]: c for c in found["coefficients"]}


def make_model(server, **spec):
    answer = server.post("/v1/models", spec)
    assert answer.status_code == 201, answer.text


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


WHOLE = {"kind": "seeded", "train": 1, "seed": 1}
TICKS = {"records": "ticks", "target": "sell_price",
         "features": ["buy_price", "volume", "volatility"]}


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


# --- what lasts ------------------------------------------------------------------------------------

PREDICT = {"buy_price": 30000, "volume": 3000, "volatility": 0.02}


def stop_when_all_is_on_hdfs(server):
    """A stop waits for HDFS no longer than three seconds, and this is not about the stop."""
    wait_until(lambda: server.metric("model_registry_versions_behind") == 0, "all is on HDFS")
    server.stop()


def test_versions_outlive_the_service_and_its_local_copy(model, hdfs, names, tmp_path):
    write_file(hdfs, names, "ticks", 0, lines(ticks(500)))
    server = model()
    make_model(server, name="mine", split=WHOLE, **TICKS)
    train(server, "ia")
    train(server, "mine")
    said = [server.post(f"/v1/models/{m}/predict", PREDICT).json() for m in ("ia", "mine")]
    stop_when_all_is_on_hdfs(server)
    # A new machine: everything comes from HDFS.
    server.settings["state_dir"] = tmp_path / "elsewhere"
    server.start()
    wait_until(lambda: server.get("/v1/models/mine").status_code == 200 and
               server.get("/v1/models/mine").json()["serving"], "it reads the models")
    assert [server.post(f"/v1/models/{m}/predict", PREDICT).json()
            for m in ("ia", "mine")] == said
    assert server.request("DELETE", "/v1/models/ia").status_code == 409
    assert server.request("DELETE", "/v1/models/mine").status_code in (200, 204)
    assert not hdfs.exists(f"{names.hdfs_root}/models/mine")
    assert server.get("/v1/models/mine").status_code == 404


def test_odd_folder_names(model, hdfs, names, stack, tmp_path):
    """Field case I05: what is read, written and found again."""
    root = names.hdfs_root + "/btc ticks/p=100%/a+b/é"
    stack.hdfs.make_home(root)
    write_file(hdfs, SimpleNamespace(hdfs_root=root), "ticks", 0, lines(ticks(500)))
    server = model(hdfs_root=root)
    assert train(server, "ia")["files"] == 1
    assert report(server, "ia", 1)["lineage"]["folder"] == f"{root}/data/{DATASETS['ticks']}"
    said = server.post("/v1/models/ia/predict", PREDICT).json()
    stop_when_all_is_on_hdfs(server)
    assert "version-00000001.json" in hdfs.names(f"{root}/models/ia")
    server.settings["state_dir"] = tmp_path / "elsewhere"
    server.start()
    assert server.post("/v1/models/ia/predict", PREDICT).json() == said


@pytest.mark.disturbs
def test_serving_goes_on_while_hdfs_is_away(model, hdfs, names, stack):
    write_file(hdfs, names, "ticks", 0, lines(ticks(500)))
    server = model(hdfs_connect_timeout_ms=500)
    train(server, "ia")
    said = server.post("/v1/models/ia/predict", PREDICT).json()
    server.stop()
    stack.stop_server("namenode")
    try:
        server.start()
        assert server.post("/v1/models/ia/predict", PREDICT).json() == said
        job = ended(server, start_training(server, "ia"))
        assert job["state"] == "failed" and job["reason"]
        assert server.get("/v1/models/ia").json()["serving"]["version"] == 1
    finally:
        stack.start_server("namenode")
        stack.wait()
    assert wait_until(lambda: (lambda j: j["state"] == "done" and j)(
        ended(server, start_training(server, "ia"))), "it trains again", 60)


def test_a_broken_model_file_is_never_loaded(model, hdfs, names, tmp_path):
    write_file(hdfs, names, "ticks", 0, lines(ticks(500)))
    server = model()
    train(server, "ia")
    said = server.post("/v1/models/ia/predict", PREDICT).json()
    stop_when_all_is_on_hdfs(server)
    local = tmp_path / "state/models/ia/version-00000001.json"
    text = local.read_text()
    local.write_text(text[:len(text) // 2])
    hdfs.write(f"{names.hdfs_root}/models/ia/version-00000002.json", text.replace("1", "2").encode())
    server.start()
    assert wait_until(lambda: server.get("/v1/models/ia").json()["serving"], "it is read again")
    assert server.post("/v1/models/ia/predict", PREDICT).json() == said
    assert server.get("/v1/models/ia/versions/2").status_code == 404
    assert server.metric("model_registry_bad_files_total") >= 2


def test_killed_at_any_moment_of_a_training(model, hdfs, names):
    for part in range(20):
        write_file(hdfs, names, "ticks", part * 1000, lines(ticks(1000, seed=part), part * 1000))
    server = model()
    train(server, "ia")
    random = np.random.default_rng(5)
    for _ in range(6):
        start_training(server, "ia")
        time.sleep(random.uniform(0, 0.3))  # the moment of the kill, not a wait
        server.kill()
        server.start()
        wait_until(lambda: server.get("/v1/models/ia").json()["serving"], "a version serves")
        assert server.post("/v1/models/ia/predict", PREDICT).status_code == 200
        for version in server.get("/v1/models/ia/versions").json()["versions"]:
            assert report(server, "ia", version["version"])["rows"] > 15000
    assert server.metric("model_registry_bad_files_total") == 0


def all_on_hdfs(server):
    versions = server.get("/v1/models/ia/versions").json()["versions"]
    return all(version["on_hdfs"] for version in versions) and versions


def test_a_version_outlives_a_kill_right_after_its_training(model, hdfs, names, tmp_path):
    """Its number is claimed on HDFS by then, and its bytes follow, before a stop or after a kill."""
    write_file(hdfs, names, "ticks", 0, lines(ticks(1000)))
    server = model()
    for stop in (server.kill, server.stop):
        number = train(server, "ia")["version"]
        stop()
        file = f"{names.hdfs_root}/models/ia/version-{number:08}.json"
        assert hdfs.exists(file)
        if stop == server.stop and "wait for the next start" not in server.log():  # HDFS was slow
            assert json.loads(hdfs.read(file))["body"]["version"] == number
        server.start()
        assert wait_until(lambda: all_on_hdfs(server), "what was left is brought to HDFS")
        assert json.loads(hdfs.read(file))["body"]["version"] == number
    other = model(state_dir=tmp_path / "other")
    wait_until(lambda: [version["version"] for version in all_on_hdfs(other) or []] == [2, 1],
               "another instance reads them")
    other.wait_ready()  # which one serves is read after them
    assert (other.get("/v1/models/ia").json()["serving"]["version"]
            == server.get("/v1/models/ia").json()["serving"]["version"])


def test_predictions_never_fail_during_training_and_promotion(model, hdfs, names):
    publish(hdfs, names, "ticks", ticks(20000), files=10)
    server = model()
    train(server, "ia")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        stop = [False]

        def ask():
            count = 0
            while not stop[0]:
                answer = server.post("/v1/models/ia/predict", PREDICT)
                assert answer.status_code == 200, answer.text
                count += 1
            return count
        asking = [pool.submit(ask) for _ in range(4)]
        for _ in range(3):
            version = train(server, "ia")["version"]
            server.post(f"/v1/models/ia/versions/{version}/promote")
        stop[0] = True
        assert sum(a.result() for a in asking) > 50
