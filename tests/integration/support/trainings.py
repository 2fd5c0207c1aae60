# SPDX-License-Identifier: GPL-3.0-or-later
"""Ticks and bars as published files, and a model service that trains on them."""
import csv
import datetime
import pathlib

import numpy as np
import requests

from . import wait_until
from .hdfs import DATASETS

BARS = pathlib.Path(__file__).resolve().parents[3] / "deploy/local/data/btc_usd_2023-03-01.csv"
START = datetime.datetime(2025, 7, 1, tzinfo=datetime.timezone.utc)
WHOLE = {"kind": "seeded", "train": 1, "seed": 1}
TICKS = {"records": "ticks", "target": "sell_price",
         "features": ["buy_price", "volume", "volatility"]}


# --- data ----------------------------------------------------------------------------------------

def when(seconds):
    return (START + datetime.timedelta(seconds=float(seconds))).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def ticks(count, seed=1):
    """Rows of numbers: buy, sell, volume, volatility, three normalised columns."""
    random = np.random.default_rng(seed)
    buy = np.round(random.uniform(20000, 60000, count), 2)
    volume = np.round(random.uniform(1000, 5000, count), 2)
    volatility = np.round(random.uniform(0, 0.1, count), 4)
    sell = np.round(buy * 1.002 + 0.01 * volume + random.normal(0, 30, count), 2)
    return np.column_stack([buy, sell, volume, volatility, (buy - 20000) / 40000,
                            (sell - 20000) / 40000, (volume - 1000) / 4000])


def bars(count, seed=1, step_s=60, volume=None):
    random = np.random.default_rng(seed)
    close = np.round(100000 * np.exp(np.cumsum(random.normal(0, 5e-4, count))), 2)
    open_ = np.round(close * (1 + random.normal(0, 2e-4, count)), 2)
    high = np.round(np.maximum(open_, close) * (1 + random.exponential(2e-4, count)), 2)
    low = np.round(np.minimum(open_, close) * (1 - random.exponential(2e-4, count)), 2)
    amount = np.round(random.exponential(5, count), 6) if volume is None else np.full(count, volume)
    return np.column_stack([open_, high, low, close, amount])


def real_bars():
    with open(BARS, newline="") as file:
        return [list(row.values()) for row in csv.DictReader(file)]


def lines(rows, first_s=0, step_s=1):
    return "".join(",".join([when(first_s + step_s * i), *(repr(float(v)) for v in row)]) + "\n"
                   for i, row in enumerate(rows)).encode()


def write_file(hdfs, names, dataset, first, data, count=None, partition=0):
    count = data.count(b"\n") if count is None else count
    path = (f"{names.hdfs_root}/data/{DATASETS[dataset]}/"
            f"part-{partition:05d}-{first:020d}-{first + max(count, 1) - 1:020d}.csv")
    hdfs.write(path, data)
    return path


def publish(hdfs, names, dataset, rows, files=1, step_s=1, partition=0, first_s=0):
    """The rows in so many files of one partition, as ingest would have published them."""
    first = 0
    for part in np.array_split(np.asarray(rows), files):
        write_file(hdfs, names, dataset, first,
                   lines(part, first_s + first * step_s, step_s), partition=partition)
        first += len(part)


# --- the service ---------------------------------------------------------------------------------

def starter(service, tmp_path):
    """start(**settings): a model service that trains when it is told to."""
    def start(**settings):
        settings = {"state_dir": tmp_path / "state", "autotrain": False, **settings}
        server = service("model", wait_ready=False, **settings)
        wait_until(lambda: listens(server), "it listens")
        return server
    return start


def listens(server):
    assert server.process.poll() is None, server.log()
    try:
        return server.get("/v1/models").status_code == 200
    except requests.ConnectionError:
        return False


def start_training(server, name):
    answer = server.post(f"/v1/models/{name}/train")
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"/v1/jobs/{answer.json()['id']}"
    return answer.json()["id"]


def ended(server, job):
    def look():
        found = server.get(f"/v1/jobs/{job}").json()
        return found if found["ended"] else None
    return wait_until(look, f"job {job} ends", 60)


def train(server, name, state="done"):
    job = ended(server, start_training(server, name))
    assert job["state"] == state, job
    return job


def report(server, name, version):
    answer = server.get(f"/v1/models/{name}/versions/{version}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def make_model(server, **spec):
    answer = server.post("/v1/models", spec)
    assert answer.status_code == 201, answer.text
