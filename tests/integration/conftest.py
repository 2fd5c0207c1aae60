# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the integration tests. One Kafka and one HDFS serve all workers, on free ports, with
their data under build/integration; each test has topics, an HDFS root and a consumer group of its
own. Tests that stop, kill or pause a server are marked `disturbs`: they get a second pair.

  stack      the running Kafka and HDFS: stack.addresses, stop_server, start_server, kill, wait
  kafka      KafkaClient: create_topic, produce, read_all, end_offsets
  hdfs       HdfsClient as the superuser: list, read, write, published, offsets, rows
  names      this test's own ticks_topic, bars_topic, hdfs_root, group
  service    service("ingest", batch_rows=10): a started, ready Service with this test's names
"""
import fcntl
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

from servers import ports  # noqa: E402  (found by the path above)
from servers.stack import Stack  # noqa: E402
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


def pytest_configure():
    """Each worker has free ports of its own: one that a test holds in its hand, or leaves for a while,
    is none that another worker finds."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker:
        count, every = int(os.environ["PYTEST_XDIST_WORKER_COUNT"]), ports.free_range()
        size = len(every) // count
        first = every.start + int(worker.removeprefix("gw")) % count * size
        os.environ[ports.FREE_RANGE] = f"{first}-{first + size - 1}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """The long ones first: what is left at the end is short, and no worker waits for another. Those
    that disturb share a worker, and so their servers."""
    def limit_s(item):
        marker = item.get_closest_marker("timeout")
        return marker.args[0] if marker else 0
    items.sort(key=limit_s, reverse=True)
    for item in items:
        if item.get_closest_marker("disturbs"):
            item.add_marker(pytest.mark.xdist_group("disturbs"))


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
    """Of this run, the same for all its workers; it stays when a test failed."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"alone{os.getpid()}")[:12]
    folder = ROOT / "build" / "integration" / f"run-{run}"
    folder.mkdir(parents=True, exist_ok=True)
    users = open(folder / "users", "w")
    fcntl.flock(users, fcntl.LOCK_SH)
    yield folder
    failed = folder / "failed"
    if request.session.testsfailed > 0:
        failed.touch()
    if only_user(users) and not failed.exists():
        shutil.rmtree(folder, ignore_errors=True)


def only_user(file):
    """Whether no other worker holds the file's lock; nobody takes it from now on."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@pytest.fixture(scope="session")
def shared_stack(run_folder):
    """The first worker starts it, the last one stops it."""
    users = open(run_folder / "stack-users", "w")
    with open(run_folder / "stack-lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        fcntl.flock(users, fcntl.LOCK_SH)
        servers = Stack(run_folder / "state", free_ports=True)
        servers.start()
    yield servers
    if only_user(users):
        servers.stop()


@pytest.fixture(scope="session")
def own_stack(run_folder):
    servers = Stack(pathlib.Path(tempfile.mkdtemp(prefix="own-", dir=run_folder)), free_ports=True)
    servers.start()
    yield servers
    servers.stop()


@pytest.fixture
def stack(request):
    disturbs = request.node.get_closest_marker("disturbs")
    return request.getfixturevalue("own_stack" if disturbs else "shared_stack")


@pytest.fixture
def kafka(stack):
    return KafkaClient(stack.addresses["kafka"])


@pytest.fixture
def hdfs(stack):
    return HdfsClient(stack.addresses["namenode"], stack.hdfs.superuser)


# --- per test ------------------------------------------------------------------------------------

_tests = {}
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")


@pytest.fixture
def names(request, stack):
    word = re.sub(r"\W+", "-", request.node.name)[:40].strip("-")
    _tests[word] = _tests.get(word, 0) + 1
    word = f"{word}-{_tests[word]}{WORKER}"
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
