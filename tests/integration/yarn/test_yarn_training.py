# SPDX-License-Identifier: GPL-3.0-or-later
"""Trainings on a real YARN: the same result as the local engine's, a killed mapper, a cancel, a cluster
without a node, a job that fails."""
import datetime
import math
import os
import pathlib
import signal
import subprocess
import time

import numpy as np
import pytest

from servers.yarn import RESOURCEMANAGER, Yarn
from support import models, wait_until

FILES, ROWS, PER_SECOND = 4, 1_000_000, 50
JOB_LIMIT_S = 400
# How large a price is, and what each coefficient is multiplied by to make one.
PRICE = 40000
SIZES = {"(intercept)": 1, "buy_price": 40000, "volume": 4000, "volatility": 4}
START = datetime.datetime(2025, 7, 1, tzinfo=datetime.timezone.utc)


def write_ticks(hdfs, root, files, rows):
    """Files of `rows` ticks each, 50 a second; their values are those of the first file again, but for a
    shift of the volatility."""
    rng = np.random.default_rng(5)
    buy = np.round(rng.uniform(20000, 60000, rows), 2)
    volume = rng.integers(1000, 5000, rows)
    sell = np.round(1.002 * buy + 0.01 * volume + rng.normal(0, 30, rows), 2)
    table = zip(buy.tolist(), sell.tolist(), volume.tolist(),
                ((buy - 20000) / 40000).tolist(), ((sell - 20000) / 40000).tolist(),
                ((volume - 1000) / 4000).tolist())
    heads, tails = zip(*((f"Z,{b},{s},{v},", f",{nb},{ns},{nv}\n") for b, s, v, nb, ns, nv in table))
    for number in range(files):
        out, first = [], number * rows
        for i in range(0, rows, PER_SECOND):
            stamp = START + datetime.timedelta(seconds=(first + i) // PER_SECOND)
            second = stamp.strftime("%Y-%m-%dT%H:%M:%S.")
            out += [f"{second}{part * 20000:06}{heads[i + part]}{number + i % 977 / 1000}"
                    f"{tails[i + part]}" for part in range(min(PER_SECOND, rows - i))]
        hdfs.write(f"{root}/data/bitcoin_data/part-00000-{first:020}-{first + rows - 1:020}.csv",
                   "".join(out).encode())


def start(server, name, engine="yarn"):
    answer = server.post(f"/v1/models/{name}/train", {"engine": engine})
    assert answer.status_code == 202, answer.text
    assert answer.json()["engine"] == engine
    return answer.headers["Location"]


def end(server, location, state="done"):
    job = wait_until(lambda: (lambda job: job["ended"] and job)(server.get(location).json()),
                     f"{location} ends", JOB_LIMIT_S, 0.2)
    assert job["state"] == state, job
    return job


def phase(server, location, wanted):
    return wait_until(lambda: (lambda job: (job["phase"] == wanted or job["ended"]) and job)(
        server.get(location).json()), f"{location} is {wanted}", JOB_LIMIT_S)


def report(server, name, version):
    return server.get(f"/v1/models/{name}/versions/{version}").json()


def near(a, b):
    return a == b or math.isclose(a, b, rel_tol=1e-12, abs_tol=0)


def assert_same(a, b):
    """Two reports of the same data: what is counted is equal, what is computed is so to 1e-12, and a
    coefficient to that part of the largest of itself, its standard error, and what it is worth in a price:
    an effect that isn't there is a difference of numbers as large as the prices."""
    assert (a["rows"], a["rank"], a["dropped"]) == (b["rows"], b["rank"], b["dropped"])
    for name in ("residual_standard_error", "r2", "condition_number", "rmse"):
        if a.get(name) is not None:
            assert near(a[name], b[name]), (name, a[name], b[name])
    for one, other in zip(a["coefficients"], b["coefficients"], strict=True):
        assert one["name"] == other["name"]
        if one["standard_error"] is None:
            assert one["value"] == other["value"]
            continue
        assert near(one["standard_error"], other["standard_error"]), (one, other)
        worth = PRICE / SIZES.get(one["name"], math.inf)
        scale = max(abs(one["value"]), one["standard_error"], worth)
        assert abs(one["value"] - other["value"]) <= 1e-12 * scale, (one, other)
    assert (a["held_out"] or {}).get("rows") == (b["held_out"] or {}).get("rows")
    if a["held_out"]:
        assert near(a["held_out"]["rmse"], b["held_out"]["rmse"])


def left_behind(hdfs, names):
    return hdfs.names(f"{names.hdfs_root}/staging/yarn")


def mappers():
    """Pids of our program as a mapper."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"./train-step" in words and b"map" in words:
            found.append(int(folder.name))
    return found


@pytest.mark.timeout(1200)
def test_four_million_rows_with_a_mapper_killed(node, trainer, hdfs, names):
    write_ticks(hdfs, names.hdfs_root, FILES, ROWS)
    server = trainer(yarn_maps=6)  # more than files: splits begin and end inside them
    began = time.monotonic()
    location = start(server, "ia")
    os.kill(wait_until(mappers, "a mapper runs", JOB_LIMIT_S)[0], signal.SIGKILL)
    job = end(server, location)
    yarn_s = time.monotonic() - began
    assert (job["files"], job["files_done"], job["rows"]) == (FILES, FILES, FILES * ROWS)
    assert job["bytes_done"] == job["bytes"] and job["serves"]
    applications = node.applications()
    assert any(app["state"] == "FINISHED" and app["finalStatus"] == "SUCCEEDED"
               for app in applications)
    assert left_behind(hdfs, names) == []
    began = time.monotonic()
    # The factors that the job left spare the reading: without them everything is read here.
    hdfs.delete(f"{names.hdfs_root}/models/ia/factors.json")
    here = end(server, start(server, "ia", "local"))
    print(f"{FILES * ROWS} rows: yarn {yarn_s:.1f} s, local {time.monotonic() - began:.1f} s")
    assert here["rows"] == FILES * ROWS
    assert_same(report(server, "ia", job["version"]), report(server, "ia", here["version"]))


@pytest.mark.timeout(600)
def test_rows_that_depend_on_each_other(node, trainer, hdfs, names):
    rows = models.bars(6000)
    for i in range(3):
        models.publish(hdfs, names.hdfs_root, rows[2000 * i:2000 * (i + 1)], 2000 * i)
    # Cut: left out whole by both engines.
    hdfs.write(f"{names.hdfs_root}/data/bitcoin_bars/part-00000-{6000:020}-{6001:020}.csv",
               b"2026-03-07T00:00:00.000000Z,1,2,1,2,5\n2026-03-07T00:01")
    server = trainer(yarn_maps=7)
    for name in ("streamlit", "forecast_5m"):
        there = end(server, start(server, name))
        assert there["files_refused"] == 1
        here = end(server, start(server, name, "local"))
        assert here["rows"] == 6000  # a refused file may become whole, so nothing is kept
        assert_same(report(server, name, there["version"]), report(server, name, here["version"]))
    hdfs.delete(f"{names.hdfs_root}/data/bitcoin_bars/part-00000-{6000:020}-{6001:020}.csv")
    end(server, start(server, "forecast_5m"))
    # Where the streams stood goes on in the next local training.
    models.publish(hdfs, names.hdfs_root, models.bars(7000)[6000:], 6000)
    more = end(server, start(server, "forecast_5m", "local"))
    assert more["rows"] == 1000
    there = end(server, start(server, "forecast_5m"))
    assert_same(report(server, "forecast_5m", there["version"]),
                report(server, "forecast_5m", more["version"]))


@pytest.mark.timeout(600)
def test_a_cancel_ends_the_job_on_the_cluster(node, trainer, hdfs, names):
    write_ticks(hdfs, names.hdfs_root, 1, 20000)
    server = trainer()
    before = len(node.applications())
    location = start(server, "ia")
    assert phase(server, location, "submitted")["state"] == "running"
    assert server.request("DELETE", location).status_code == 202
    end(server, location, "cancelled")
    ended = node.applications()
    assert len(ended) > before
    assert all(app["state"] in ("FINISHED", "FAILED", "KILLED") for app in ended), ended
    assert left_behind(hdfs, names) == []
    location = start(server, "ia")
    phase(server, location, "running")
    server.request("DELETE", location)
    end(server, location, "cancelled")
    assert all(app["state"] in ("FINISHED", "FAILED", "KILLED") for app in node.applications())


@pytest.mark.timeout(600)
def test_a_job_that_can_not_run_says_why(node, trainer, hdfs, names):
    write_ticks(hdfs, names.hdfs_root, 1, 1000)
    server = trainer(yarn_classpath="/nowhere/*")
    job = end(server, start(server, "ia"), "failed")
    assert "could not be launched" in job["reason"]
    assert left_behind(hdfs, names) == []


# --- from the command line -----------------------------------------------------------------------

def train_once(server, engine, folder):
    return subprocess.Popen([server.binary, "--train", "ia", "--train-engine", engine], text=True,
                            env={**server.environment(), "TMPDIR": str(folder)},
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.timeout(900)
def test_a_training_from_the_command_line(node, trainer, hdfs, names, tmp_path):
    write_ticks(hdfs, names.hdfs_root, 2, 50000)
    server = trainer()
    for version, engine in enumerate(("yarn", "local"), 1):
        training = train_once(server, engine, tmp_path)
        said, complaint = training.communicate(timeout=JOB_LIMIT_S)
        assert training.returncode == 0, complaint
        assert f"version {version} of ia" in said and "buy_price" in said, said
        assert left_behind(hdfs, names) == []
        # What is kept spares the next one the reading.
        hdfs.delete(f"{names.hdfs_root}/models/ia/factors.json")
    assert not list(tmp_path.glob("tickline-train-*"))
    server.stop()  # started again, it finds them at once
    server.start(wait_ready=False)
    server.wait_ready()
    one, other = report(server, "ia", 1), report(server, "ia", 2)
    assert one["lineage"]["records"] == other["lineage"]["records"] == 100000
    assert_same(one, other)


@pytest.mark.timeout(600)
def test_a_signal_ends_its_job_on_the_cluster(node, trainer, hdfs, names, tmp_path):
    write_ticks(hdfs, names.hdfs_root, 1, 20000)
    server = trainer()
    before = {app["id"] for app in node.applications()}

    def started():
        assert training.poll() is None, training.communicate()
        return {app["id"] for app in node.applications()} - before
    training = train_once(server, "yarn", tmp_path)
    wait_until(started, "the cluster has its application", JOB_LIMIT_S)
    training.send_signal(signal.SIGTERM)
    _, complaint = training.communicate(timeout=JOB_LIMIT_S)
    assert training.returncode == 1 and "is cancelled" in complaint, complaint
    assert all(app["state"] in ("FINISHED", "FAILED", "KILLED") for app in node.applications())
    assert left_behind(hdfs, names) == []


# --- without a node ------------------------------------------------------------------------------

@pytest.mark.timeout(300)
def test_a_cluster_without_a_node_is_not_waited_for_for_ever(service, run_folder, stack, hdfs, names):
    folder = run_folder / "yarn-without-a-node"
    folder.mkdir()
    lonely = Yarn(folder, stack.hdfs)
    try:
        lonely.start(RESOURCEMANAGER)
        write_ticks(hdfs, names.hdfs_root, 1, 1000)
        server = models.start_model(service, yarn_urls=lonely.url, yarn_start_timeout_s=3,
                                    yarn_classpath=lonely.classpath)
        job = end(server, start(server, "ia"), "failed")
        assert "no node took the job within 3 s" in job["reason"]
        assert [app["state"] for app in lonely.applications()] == ["KILLED"]
        assert left_behind(hdfs, names) == []
    finally:
        lonely.stop()
    job = end(server, start(server, "ia"), "failed")
    assert "ResourceManager" in job["reason"] and "new-application" in job["reason"]
