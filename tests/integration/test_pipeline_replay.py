# SPDX-License-Identifier: GPL-3.0-or-later
"""Real bars, replayed by the gateway: sent = acknowledged = rows in Kafka = rows on HDFS, equal value
for value, each offset in exactly one file. The excerpts in tests/data always run; the whole files run
where they lie beside the project."""
import csv
import json
import pathlib

import pytest

from support import wait_until
from support.ticks import row_values, values

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIELDS = ["timestamp", "open", "high", "low", "close", "volume"]
FOLDERS = [ROOT / "tests" / "data", ROOT.parent / "shared" / "data"]
FILES = [path for folder in FOLDERS for path in sorted(folder.glob("btc*.csv"))]
REPLAY_LIMIT_S = 120


def bars_of(path):
    """[(microseconds, open, high, low, close, volume)], read by Python's own CSV reader."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        return [values({"timestamp": row.get("timestamp") or row["open_time"], **row}, FIELDS)
                for row in csv.DictReader(file)]


def replay(gateway, path):
    """Sends the file's text and waits for the end; returns what the source says then."""
    made = gateway.post("/v1/sources?records=bars&speed=0", path.read_bytes(), "text/csv")
    assert made.status_code == 201, made.text
    where = made.headers["Location"]

    def ended():
        source = gateway.get(where).json()
        return source["state"] not in ("running", "waiting") and source["pending"] == 0 and source
    return wait_until(ended, f"the replay of {path.name} ends", REPLAY_LIMIT_S)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_row_arrives_once_and_unchanged(path, service, kafka, hdfs, names):
    bars = bars_of(path)
    gateway, ingest = service("gateway"), service("ingest")

    source = replay(gateway, path)
    assert source["state"] == "done", source
    assert (source["sent"], source["acknowledged"]) == (len(bars), len(bars)), source
    assert gateway.metric("gateway_records_total", source=source["type"],
                          outcome="accepted") == len(bars)

    messages = kafka.read_all(names.bars_topic)
    assert [values(json.loads(message.value), FIELDS) for message in messages] == bars
    assert [list(json.loads(message.value)) for message in messages[:3]] == [FIELDS] * 3
    assert [message.timestamp_ms for message in messages] == [bar[0] // 1000 for bar in bars]

    assert ingest.post("/v1/flush").status_code == 200
    rows = wait_until(lambda: (lambda found: len(found) >= len(bars) and found)(
        hdfs.rows_by_offset(names.hdfs_root, "bars")), "every bar is published")
    assert [row_values(rows[message.partition, message.offset]) for message in messages] == bars
    assert hdfs.offsets(names.hdfs_root, "bars") == {0: [(0, len(bars) - 1)]}
    assert hdfs.dead_letters(names.hdfs_root, "bars") == []
    assert ingest.metric("ingest_published_rows_total", dataset="bars") == len(bars)
