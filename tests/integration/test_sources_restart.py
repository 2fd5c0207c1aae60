# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources that go on after a restart of the gateway: exactly after a stop, with at most what was not
noted yet twice after a kill."""
import collections
import json

import pytest

from support import wait_until

ROWS, SPEED = 2000, 30000  # of a minute each: a row every two milliseconds
NOTED_EVERY_S = 1


@pytest.fixture
def gateway(service, tmp_path):
    return service("gateway", state_dir=str(tmp_path / "sources"))


def csv():
    return "timestamp,open,high,low,close,volume\n" + "".join(
        f"{1751328000 + 60 * i},5,6,4,5,{i}\n" for i in range(ROWS))


def upload(gateway):
    answer = gateway.post(f"/v1/sources?speed={SPEED}", csv(), "text/csv")
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def wait_for(gateway, name, count):
    def enough():
        now = gateway.get(f"/v1/sources/{name}").json()
        return now if now["acknowledged"] >= count else None
    return wait_until(enough, f"{name} has sent {count}")


def wait_done(gateway, name):
    def done():
        now = gateway.get(f"/v1/sources/{name}").json()
        return (now["state"], now["pending"]) == ("done", 0) and now
    return wait_until(done, f"{name} is done", 60)


def volumes(kafka, topic):
    return [json.loads(m.value)["volume"] for m in kafka.read_all(topic)]


def test_a_stopped_gateway_goes_on_exactly(gateway, kafka, names):
    name = upload(gateway)
    for part in (500, 1200):
        wait_for(gateway, name, part)
        gateway.stop()
        gateway.start()
    now = wait_done(gateway, name)
    assert (now["sent"], now["refused"]) == (ROWS, 0)
    assert volumes(kafka, names.bars_topic) == list(range(ROWS))
    gateway.stop()
    gateway.start()  # what has ended is forgotten
    assert gateway.get("/v1/sources").json() == {"sources": []}


def test_a_killed_gateway_loses_nothing(gateway, kafka, names):
    name = upload(gateway)
    wait_for(gateway, name, 1000)
    gateway.kill()
    gateway.start()
    wait_done(gateway, name)
    counts = collections.Counter(volumes(kafka, names.bars_topic))
    assert set(counts) == set(range(ROWS))
    twice = [volume for volume, count in counts.items() if count > 1]
    assert max(counts.values()) <= 2
    # 500 rows a second; a loaded machine notes later than it should.
    assert len(twice) <= 500 * NOTED_EVERY_S * 3, len(twice)


def test_the_simulator_of_the_settings_is_started_once(service, tmp_path):
    gateway = service("gateway", state_dir=str(tmp_path / "sources"), simulator_autostart="true",
                      simulator_rate_per_s=5)
    own = gateway.post("/v1/sources", {"type": "simulator", "rate_per_s": 0.1, "seed": 7}).json()
    for _ in range(2):
        gateway.stop()
        gateway.start()
        sources = gateway.get("/v1/sources").json()["sources"]
        assert len(sources) == 2
        assert {s["definition"]["rate_per_s"] for s in sources} == {5, 0.1}
    kept = gateway.get(f"/v1/sources/{own['id']}").json()
    assert kept["definition"]["seed"] == 7 and kept["created"] == own["created"]


def test_a_state_folder_that_cannot_be_used_is_told(service, tmp_path):
    (tmp_path / "file").write_text("")
    gateway = service("gateway", wait_ready=False, state_dir=str(tmp_path / "file" / "below"))
    assert gateway.process.wait(30) != 0
    assert str(tmp_path / "file") in gateway.log()
    gateway.process = None
