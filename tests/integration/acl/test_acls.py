# SPDX-License-Identifier: GPL-3.0-or-later
"""The services with the rights that README.md's table names, and no others, on a Kafka that looks at
rights: from a request to a live prediction's input, with dead letters sent again on the way."""
import collections
import json
import pathlib
import re
import subprocess

import pytest

from support import numbered_ticks as ticks, wait_until
from support.models import answers

ROOT = pathlib.Path(__file__).resolve().parents[3]
NEVER = {"rotate_age_ms": 3_600_000, "rotate_idle_ms": 3_600_000}
# Prices are divided by almost nothing, and what comes out is no number any more.
NARROW = {"price_low": 0, "price_high": 1e-305}

# (user, topic): who makes which, where one is missing
MAKES = [("gateway", "{ticks_topic}"), ("gateway", "{bars_topic}"),
         ("ingest", "{ticks_topic}.replayed")]

Right = collections.namedtuple("Right", "user kind name operation prefixed")


# --- the table -----------------------------------------------------------------------------------

def table():
    """[(service, resource, [operation])] of README.md; without a service it is the one above."""
    text = (ROOT / "README.md").read_text()
    lines = text[text.index("| service | resource | operations |"):].split("\n\n")[0].splitlines()
    service, rows = None, []
    for line in lines[2:]:
        first, resource, operations, _ = (cell.strip() for cell in line.strip("|").split("|"))
        service = first or service
        rows.append((service, resource, operations.split(", ")))
    return rows


def resources(text, names):
    """[(kind, name, prefixed)]"""
    topics = [names.ticks_topic, names.bars_topic]
    if text == "both topics":
        return [("TOPIC", topic, False) for topic in topics]
    if text == "`TOPIC.replayed`":
        return [("TOPIC", f"{topic}.replayed", False) for topic in topics]
    if text == "group `group`":
        return [("GROUP", names.group, False)]
    if found := re.fullmatch(r"transactional ids `([\w-]+)TOPIC-PARTITION`", text):
        return [("TRANSACTIONAL_ID", f"{found[1]}{topic}-", True) for topic in topics]
    raise AssertionError(f"README.md names a resource that this test does not know: {text}")


def rights(names, without=None):
    """What the table asks for, of each dataset; but for (service, resource, operation)."""
    return [Right({"ingest `--verify`": "verify"}.get(service, service), kind, name,
                  re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).upper(), prefixed)
            for service, resource, operations in table()
            for kind, name, prefixed in resources(resource, names)
            for operation in operations if (service, resource, operation) != without]


# --- the way of a record -------------------------------------------------------------------------

def bare(i):
    """A tick whose normalised prices ingest has to compute."""
    return {k: v for k, v in ticks.fields(i).items() if not k.endswith("_normalized")}


@pytest.fixture
def pipeline(service, secured, names, hdfs):
    """pipeline(): a tick from the gateway to HDFS and the model, dead letters sent again, all
    proved; returns the services. An AssertionError where something is missing."""
    def start(name, **more):
        return service(name, **{**secured.settings(name), "wait_ready": False, **more})

    def send(gateway, numbers):
        answer = gateway.post("/v1/ticks", [bare(i) for i in numbers])
        assert answer.status_code == 200, answer.text

    def replay(ingest):
        answer = ingest.post("/v1/dead-letters/replay?dataset=ticks", timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()["replayed"], answer.json()["skipped"]

    def flush(ingest):
        answer = ingest.post("/v1/flush", timeout=60)
        assert answer.status_code == 200, answer.text

    def run():
        gateway = start("gateway")
        gateway.wait_ready()  # who starts first makes the topics
        ingest = start("ingest", **NEVER, **NARROW)
        ingest.wait_ready()
        secured.produce(names.ticks_topic, [json.dumps(bare(i)) for i in range(3)])
        flush(ingest)
        ingest.stop()
        for name in NARROW:
            del ingest.settings[name]
        ingest.start()
        assert replay(ingest) == (3, 0)
        assert replay(ingest) == (0, 3)
        send(gateway, range(3, 5))
        flush(ingest)
        rows = hdfs.rows(names.hdfs_root, "ticks")
        assert sorted(map(ticks.number_of, rows)) == [0, 1, 2, 3, 4]
        model = start("model", autotrain=False)
        wait_until(lambda: answers(model), "the model answers")
        wait_until(lambda: model.metric("model_live_records_total", records="ticks") == 8,
                   "the model follows the topic")
        verified = subprocess.run([ingest.binary, "--verify"], capture_output=True, text=True,
                                  timeout=120, env={**ingest.environment(),
                                                    **environment(secured.settings("verify"))})
        assert verified.returncode == 0, verified.stdout + verified.stderr
        return [gateway, ingest, model]
    return run


def environment(settings):
    return {f"INGEST_{name.upper().replace('.', '_')}": value for name, value in settings.items()}


def complaints(services):
    return [line for one in services for line in one.log().splitlines()
            if re.search("authoriz", line, re.IGNORECASE)]


def make_topics(secured, names):
    for topic in (names.ticks_topic, names.bars_topic):
        secured.create_topic(topic)
        secured.create_topic(f"{topic}.replayed", **{"cleanup.policy": "compact"})


# --- tests ---------------------------------------------------------------------------------------

@pytest.mark.timeout(300)
def test_the_rights_of_the_readme_are_enough(pipeline, secured, names):
    make_topics(secured, names)
    for right in rights(names):
        secured.grant(*right)
    assert complaints(pipeline()) == []


@pytest.mark.timeout(300)
def test_with_the_right_to_make_them_topics_may_be_missing(pipeline, secured, names):
    for right in rights(names):
        secured.grant(*right)
    for user, topic in MAKES:
        secured.grant(user, "TOPIC", topic.format(**vars(names)), "CREATE")
    assert complaints(pipeline()) == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("without", [(service, resource, operation)
                                     for service, resource, operations in table()
                                     for operation in operations], ids=" ".join)
def test_without_any_of_them_something_is_amiss(without, pipeline, secured, names):
    make_topics(secured, names)
    for right in rights(names, without):
        secured.grant(*right)
    try:
        said = complaints(pipeline())
    except AssertionError as missing:
        said = [str(missing)]
    assert said != []
    print(said[0])
