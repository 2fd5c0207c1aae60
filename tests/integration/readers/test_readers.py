# SPDX-License-Identifier: GPL-3.0-or-later
"""pyarrow and pandas read our folders as they are, each row once; of folders of dates only those that they ask
for. Spark's reading is in test_spark.py."""
import json
import pathlib
import subprocess

import pytest

from support import numbered_ticks as ticks, wait_until
from support.hdfs import HdfsClient
from support.ticks import values

HERE = pathlib.Path(__file__).parent
PYTHON = HERE.parents[2] / "build" / "readers" / "bin" / "python"
FOLDER = "data/bitcoin_data"
DAY = 86400
FIRST, SECOND = "2025-07-01", "2025-07-02"
NUMBERS = {FIRST: [*range(30), 40], SECOND: [*range(DAY, DAY + 20)]}


@pytest.fixture
def read(hdfs, names):
    """read("csv", date): the paths and rows that it took."""
    def run(kind, *date):
        address = hdfs.url.removeprefix("http://")
        done = subprocess.run([PYTHON, HERE / "read_dataset.py", address,
                               f"{names.hdfs_root}/{FOLDER}", kind, *date],
                              capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        return said["fragments"], [tuple(row) for row in said["rows"]]
    return run


def rows_of(*dates):
    """With the column that the folder's name gives, sorted."""
    return sorted((tick["timestamp"], *values(tick)[1:], date) for date in dates
                  for tick in map(ticks.fields, NUMBERS[date]))


def publish(service, kafka, names, **settings):
    """Two batches, joined: a packed file then has a member for each."""
    kafka.create_topic(names.ticks_topic)
    ingest = service("ingest", **settings)
    numbers = [*NUMBERS[FIRST], *NUMBERS[SECOND]]
    for some in (numbers[:15], numbers[15:]):
        kafka.produce(names.ticks_topic, [ticks.json_of(i) for i in some])
        assert ingest.post("/v1/flush", timeout=60).status_code == 200
    return ingest


@pytest.mark.parametrize("form, kind", [("csv", "csv"), ("csv.gz", "csv"), ("jsonl", "json"),
                                        ("jsonl.gz", "json")])
def test_each_row_once_and_only_the_folder_of_the_date(service, kafka, hdfs, names, read, form, kind):
    publish(service, kafka, names, format=form, split_by_date="day", join_bytes=1_000_000,
            join_files=2)
    root = f"{names.hdfs_root}/{FOLDER}"

    def files(date):
        return [f"{root}/dt={date}/{name}" for name in hdfs.names(f"{root}/dt={date}")]
    wait_until(lambda: len(files(FIRST)) == len(files(SECOND)) == 1, "the files are joined", 60)
    paths, rows = read(kind)
    assert sorted(paths) == sorted(files(FIRST) + files(SECOND))
    assert sorted(rows) == rows_of(FIRST, SECOND)
    paths, rows = read(kind, SECOND)
    assert (paths, sorted(rows)) == (files(SECOND), rows_of(SECOND))


def test_files_beside_the_folders_are_read_without_a_date(service, kafka, hdfs, names, read):
    publish(service, kafka, names, split_by_date="day")
    HdfsClient(hdfs.url, "bitcoin").write(
        f"{names.hdfs_root}/{FOLDER}/part-00007-{0:020}-{0:020}.csv", f"{ticks.line(99)}\n".encode())
    _, rows = read("csv")
    assert [row[-1] for row in rows].count(None) == 1
    assert sorted(row for row in rows if row[-1]) == rows_of(FIRST, SECOND)
    _, rows = read("csv", FIRST)
    assert sorted(rows) == rows_of(FIRST)
