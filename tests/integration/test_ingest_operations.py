# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator can ask ingest for: pause and resume, the files it published."""
from support import numbered_ticks as ticks, wait_until

EARLY = {"rotate_age_ms": 300, "rotate_idle_ms": 200}


def partitions(ingest):
    return [p for p in ingest.get("/v1/status").json()["partitions"] if p["dataset"] == "ticks"]


def files(ingest, **query):
    answer = ingest.get("/v1/files", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_pause_holds_everything_and_resume_goes_on(service, kafka, hdfs, names):
    kafka.create_topic(names.ticks_topic, 3)
    ingest = service("ingest", **EARLY)
    wait_until(lambda: [p["state"] for p in partitions(ingest)] == ["reading"] * 3, "it reads")
    kafka.produce(names.ticks_topic, [ticks.json_of(i) for i in range(100)])
    wait_until(lambda: len(hdfs.rows(names.hdfs_root, "ticks")) == 100, "a hundred are published")
    answer = ingest.post("/v1/pause")
    assert answer.status_code == 200 and answer.json()["paused"] is True, answer.text
    since = answer.json()["paused_since"]
    assert ingest.post("/v1/pause").json()["paused_since"] == since  # it is so already
    kafka.produce(names.ticks_topic, [ticks.json_of(i) for i in range(100, 160)])
    wait_until(lambda: ingest.metric("ingest_lag_records", dataset="ticks") == 60, "lag is told")
    status = ingest.get("/v1/status").json()
    assert status["paused"] and status["paused_since"] == since and status["in_flight"] == 0
    assert [p["state"] for p in partitions(ingest)] == ["paused"] * 3
    assert ingest.metric("ingest_paused") == 1
    ready, said = ingest.ready()
    assert ready and since in said
    refused = ingest.post("/v1/flush")
    assert refused.status_code == 409 and refused.json()["type"].endswith(":paused")
    # another instance comes and takes partitions over: it is not paused, we still are
    other = service("ingest", **EARLY)
    wait_until(lambda: len(partitions(other)) > 0 and
               len(partitions(ingest)) + len(partitions(other)) == 3, "they share", 60)
    theirs = {p["partition"] for p in partitions(other)}
    ends = kafka.end_offsets(names.ticks_topic)
    wait_until(lambda: {p["partition"]: p["published_offset"] for p in partitions(other)} ==
               {p: ends[p] - 1 for p in theirs}, "the other one publishes", 60)
    assert {p["state"] for p in partitions(ingest)} == {"paused"}
    assert len(hdfs.rows(names.hdfs_root, "ticks")) < 160
    assert ingest.post("/v1/resume").json() == {"paused": False, "paused_since": None,
                                                "in_flight": 0}
    wait_until(lambda: len(hdfs.rows(names.hdfs_root, "ticks")) == 160, "all is published", 60)
    assert sorted(map(ticks.number_of, hdfs.rows(names.hdfs_root, "ticks"))) == list(range(160))
    assert ingest.metric("ingest_paused") == 0
    wait_until(lambda: ingest.metric("ingest_unpublished_age_seconds") == 0, "nothing waits")


def check_pages(ingest, hdfs, names):
    everything = files(ingest)
    assert not everything["more"]
    assert {f["path"] for f in everything["files"]} == {
        r.path for r in hdfs.published(names.hdfs_root, "ticks")}
    times = [f["published_at"] for f in everything["files"]]
    assert times == sorted(set(times)) and everything["complete_since"] < times[0]
    pages, since = [], everything["complete_since"]
    while not pages or pages[-1]["more"]:
        pages.append(files(ingest, since=since, limit=4))
        since = pages[-1]["files"][-1]["published_at"]
    assert [f for page in pages for f in page["files"]] == everything["files"]
    assert files(ingest, limit=3)["files"] == everything["files"][-3:]
    assert files(ingest, since=times[-1]) == {**everything, "files": []}
    for query in ({"limit": 0}, {"limit": "x"}, {"since": "yesterday"}):
        refused = ingest.get("/v1/files", params=query)
        assert refused.status_code == 400 and list(query)[0] in refused.json()["detail"]


def test_files_are_told_and_what_was_read_before_a_pause_waits(service, kafka, hdfs, names):
    ingest = service("ingest", rotate_rows=10, rotate_age_ms=3_600_000,
                     rotate_idle_ms=3_600_000)
    kafka.produce(names.ticks_topic, [ticks.json_of(i) for i in range(100)])
    wait_until(lambda: len(files(ingest)["files"]) == 10, "ten files are told")
    check_pages(ingest, hdfs, names)
    kafka.produce(names.ticks_topic, [ticks.json_of(i) for i in range(100, 105)])
    wait_until(lambda: partitions(ingest)[0]["open"]["rows"] == 5, "five rows are open")
    assert ingest.post("/v1/pause").status_code == 200
    wait_until(lambda: ingest.metric("ingest_unpublished_age_seconds", dataset="ticks") > 0.3,
               "its age is told")
    wait_until(lambda: partitions(ingest)[0]["unpublished_age_ms"] > 300, "the status tells it too")
    ingest.stop()  # is no reason to publish: whoever is next reads them again
    assert len(hdfs.rows(names.hdfs_root, "ticks")) == 100
    ingest.start()
    assert ingest.get("/v1/status").json()["paused"] is False
    assert ingest.post("/v1/flush", timeout=60).status_code == 200
    assert hdfs.rows(names.hdfs_root, "ticks") == [ticks.line(i) for i in range(105)]
