# SPDX-License-Identifier: GPL-3.0-or-later
"""Trainings read blocks from the DataNode itself, and by WebHDFS where that fails: what they learn is
the same."""
import contextlib
import http.server
import json
import re
import shutil
import threading

import pytest
import requests

from support.models import bars, start_model, train

MIB = 1024 * 1024  # the smallest block that HDFS allows
ROWS = 40000
DEAD_PORT = 9  # nobody listens there


def lines(rows):
    return "".join(",".join(map(str, row.values())) + "\n" for row in rows).encode()


def blocks_of(hdfs, path):
    answer = hdfs.call("GET", path, "GET_BLOCK_LOCATIONS").json()["LocatedBlocks"]
    return [block["block"]["numBytes"] for block in answer["locatedBlocks"]]


@pytest.fixture
def blocks(hdfs, names):
    """Publishes bars in one file of three blocks and one that was joined of two files, so that its
    blocks are short in the middle; the number of all blocks."""
    folder, rows = f"{names.hdfs_root}/data/bitcoin_bars", bars(ROWS)
    ends = [0, ROWS * 8 // 10, ROWS * 9 // 10, ROWS]
    paths = []
    for first, end in zip(ends, ends[1:]):
        paths.append(f"{folder}/part-00000-{first:020}-{end - 1:020}.csv")
        hdfs.write(paths[-1], lines(rows[first:end]), blocksize=MIB)
    joined = f"{folder}/part-00000-{ends[1]:020}-{ends[3] - 1:020}.csv"
    hdfs.call("POST", paths[1], "CONCAT", sources=paths[2])
    hdfs.call("PUT", paths[1], "RENAME", destination=joined)
    found = [blocks_of(hdfs, path) for path in (paths[0], joined)]
    assert list(map(len, found)) == [3, 2] and found[1][0] < MIB
    return sum(map(len, found))


@contextlib.contextmanager
def namenode_that_tells_a_dead_port(url):
    """In front of the real one: all but the DataNodes' data port is as it says."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = requests.request(self.command, url + self.path, data=body, timeout=60,
                                      allow_redirects=False,
                                      headers={"Content-Type": "application/octet-stream"})
            told = re.sub(rb'"xferPort":\d+', b'"xferPort":%d' % DEAD_PORT, answer.content)
            self.send_response(answer.status_code)
            for name in ("Content-Type", "Location"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        do_GET = do_PUT = do_POST = do_DELETE = forward

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": .05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


SAME = ("coefficients", "rows", "rmse", "aic", "held_out")


@pytest.fixture
def learn(service, hdfs, names, tmp_path):
    """learn(settings…): (what a version says, metrics, log) of a service that reads all of it anew."""
    def run(**settings):
        one = start_model(service, state_dir=tmp_path / "state", train_threads=1, **settings)
        job = train(one)
        assert job["state"] == "done", job
        report = one.get(f"/v1/models/streamlit/versions/{job['version']}").json()
        metrics = {kind: one.metric(name, **{label: kind}) for name, label, kinds in (
            ("hdfs_block_reads_total", "outcome", ("ok", "unreachable")),
            ("hdfs_file_reads_total", "way", ("direct", "webhdfs")),
            ("webhdfs_requests_total", "op", ("GET_BLOCK_LOCATIONS",))) for kind in kinds}
        metrics["blocks"] = one.metric("hdfs_block_reads_total")
        one.stop()
        hdfs.delete(f"{names.hdfs_root}/models")
        shutil.rmtree(one.settings["state_dir"])
        return json.dumps([report[name] for name in SAME]), metrics, one.log()
    return run


def test_what_is_read_directly_is_what_webhdfs_gives(learn, stack, blocks):
    directly, metrics, _ = learn()
    assert metrics == {"ok": blocks, "blocks": blocks, "unreachable": 0, "direct": 2, "webhdfs": 0,
                       "GET_BLOCK_LOCATIONS": 2}

    by_webhdfs, metrics, _ = learn(hdfs_direct_reads=False)
    assert by_webhdfs == directly
    assert metrics["webhdfs"] == 2 and metrics["blocks"] == metrics["GET_BLOCK_LOCATIONS"] == 0

    with namenode_that_tells_a_dead_port(stack.addresses["namenode"]) as url:
        shut_out, metrics, log = learn(hdfs_urls=url)
    assert shut_out == directly
    # The port was tried once: for a minute it is known not to answer.
    assert metrics["unreachable"] == metrics["blocks"] == 1
    assert metrics["webhdfs"] == 2 and metrics["direct"] == 0
    assert log.count("not read directly from HDFS's DataNodes") == 1
