# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of a model last: over restarts, kills, lost disks, and while HDFS is away."""
import concurrent.futures
import json
import time
from types import SimpleNamespace

import numpy as np
import pytest

from support import wait_until
from support.hdfs import DATASETS
from support.trainings import (TICKS, WHOLE, ended, lines, make_model, publish, report,
                               start_training, starter, ticks, train, write_file)

PREDICT = {"buy_price": 30000, "volume": 3000, "volatility": 0.02}


@pytest.fixture
def model(service, tmp_path):
    return starter(service, tmp_path)


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
