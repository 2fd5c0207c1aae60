# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the integration tests. Kafka and HDFS start once per worker, on free ports, with their
data under build/integration; each test has topics, an HDFS root and a consumer group of its own.

  stack      the running Kafka and HDFS: stack.addresses, stop_server, start_server, kill, wait
  kafka      KafkaClient: create_topic, produce, read_all, end_offsets
  hdfs       HdfsClient as the superuser: list, read, write, published, offsets, rows
  names      this test's own ticks_topic, bars_topic, hdfs_root, group
  service    service("ingest", batch_rows=10): a started, ready Service with this test's names
"""
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile
import types

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "deploy" / "local"), str(pathlib.Path(__file__).parent)]

from servers.stack import Stack  # noqa: E402  (found by the path above)
from support.hdfs import HdfsClient  # noqa: E402
from support.kafka import KafkaClient  # noqa: E402
from support.services import Service  # noqa: E402

LOG_END_BYTES = 4000
# No test's model service looks at what listens on the default ports of this machine.
NO_NEIGHBOURS = {f"{name}_{kind}": "" for name in ("gateway", "ingest")
                 for kind in ("url", "management_url")}


def pytest_addoption(parser):
    parser.addoption("--results", metavar="DIR", help="write the counts to DIR/integration.json")
    parser.addoption("--bin", metavar="DIR", default=os.environ.get("TICKLINE_BIN", "build/bin"),
                     help="where the services are, to test a sanitized build; or TICKLINE_BIN")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """The long ones first: what is left at the end is short, and no worker waits for another."""
    def limit_s(item):
        marker = item.get_closest_marker("timeout")
        return marker.args[0] if marker else 0
    items.sort(key=limit_s, reverse=True)


# --- reports -------------------------------------------------------------------------------------

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        for service in Service.started:
            end = service.log()[-LOG_END_BYTES:]
            report.sections.append((f"log of {service.name} ({service.log_path})", end))
    return report


def pytest_sessionfinish(session):
    folder = session.config.getoption("--results")
    is_worker = hasattr(session.config, "workerinput")  # pytest-xdist's; only the run itself counts
    if folder is None or session.config.option.collectonly or is_worker:
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")

    def count(*kinds):
        return sum(len(reporter.stats.get(kind, [])) for kind in kinds)
    counts = {"passed": count("passed", "xpassed"), "failed": count("failed", "error"),
              "skipped": count("skipped", "xfailed")}
    path = pathlib.Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    (path / "integration.json").write_text(json.dumps(counts))


# --- servers -------------------------------------------------------------------------------------

@pytest.fixture(scope="session")
def run_folder(request):
    """Of this run; it stays when a test failed."""
    base = ROOT / "build" / "integration"
    base.mkdir(parents=True, exist_ok=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="run-", dir=base))
    yield folder
    if request.session.testsfailed == 0:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def stack(run_folder):
    servers = Stack(run_folder / "state", free_ports=True)
    servers.start()
    yield servers
    servers.stop()


@pytest.fixture(scope="session")
def kafka(stack):
    return KafkaClient(stack.addresses["kafka"])


@pytest.fixture(scope="session")
def hdfs(stack):
    return HdfsClient(stack.addresses["namenode"], stack.hdfs.superuser)


# --- per test ------------------------------------------------------------------------------------

_tests = {}


@pytest.fixture
def names(request, stack):
    word = re.sub(r"\W+", "-", request.node.name)[:40].strip("-")
    _tests[word] = _tests.get(word, 0) + 1
    word = f"{word}-{_tests[word]}"
    root = f"/tests/{word}"
    stack.hdfs.make_home(root)
    return types.SimpleNamespace(ticks_topic=f"ticks-{word}", bars_topic=f"bars-{word}",
                                 hdfs_root=root, group=f"group-{word}")


@pytest.fixture
def settings(names, stack, tmp_path):
    """settings("ingest"): what a service needs to work on this test's topics and folders."""
    kafka = {"kafka_brokers": stack.addresses["kafka"], "ticks_topic": names.ticks_topic,
             "bars_topic": names.bars_topic}
    hdfs = {"hdfs_urls": stack.addresses["namenode"], "hdfs_user": "bitcoin",
            "hdfs_root": names.hdfs_root}
    # Tests that list and then read lose no file on the way: test_joins.py turns the joins on.
    own = {"gateway": {}, "ingest": {**hdfs, "group": names.group, "join_bytes": 0},
           "model": {**hdfs, "state_dir": tmp_path / "model", **NO_NEIGHBOURS}}
    return lambda service: {**kafka, **own[service]}


@pytest.fixture
def service(settings, request, tmp_path):
    """service(name, wait_ready=True, **settings): started and ready; stopped by SIGTERM after the
    test, which must end with 0."""
    Service.started.clear()
    made = []

    def start(name, wait_ready=True, **more):
        more = {k.replace("__", "."): v for k, v in more.items()}
        made.append(Service(name, {**settings(name), **more}, tmp_path,
                            ROOT / request.config.getoption("--bin"), wait_ready))
        return made[-1]
    yield start
    errors = []
    for one in reversed(made):
        try:
            one.clean_up()
        except Exception as error:  # the others must go as well
            errors.append(error)
    if errors:
        raise errors[0]
