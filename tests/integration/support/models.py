# SPDX-License-Identifier: GPL-3.0-or-later
"""Bars to learn from, and a model service that has learned from them."""
import datetime
import json
import random

from . import wait_until

START = datetime.datetime(2026, 3, 2, tzinfo=datetime.timezone.utc)


def bar(minute, price, volume, start=START):
    time_text = (start + datetime.timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {"timestamp": time_text, "open": price, "high": price + 3.25, "low": price - 2.5,
            "close": round(price + 1.25 - volume / 1000, 4), "volume": volume}


def bars(count, seed=1, **more):
    """A random walk whose close follows from open and volume but for a little noise."""
    rng, price, made = random.Random(seed), 60000.0, []
    for minute in range(count):
        price = round(price + rng.gauss(0, 20), 2)
        row = bar(minute, price, rng.choice([0, 0, rng.randint(1, 5000)]), **more)
        row["close"] = round(min(max(row["close"] + rng.gauss(0, .2), row["low"]), row["high"]), 4)
        made.append(row)
    return made


def publish(hdfs, root, rows, first=0):
    lines = "".join(",".join(str(value) for value in row.values()) + "\n" for row in rows)
    last = first + len(rows) - 1
    hdfs.write(f"{root}/data/bitcoin_bars/part-00000-{first:020}-{last:020}.csv", lines.encode())


def produce(kafka, topic, rows):
    kafka.produce(topic, [row if row is None or isinstance(row, (bytes, str)) else json.dumps(row)
                          for row in rows], key=b"BTC-USD", partition=0)


def start_model(service, **settings):
    """Not ready without a version, so nobody waits for that."""
    one = service("model", **{"wait_ready": False, "autotrain": False, **settings})
    wait_until(lambda: answers(one), "the service answers")
    return one


def answers(one, **more):
    try:
        return one.get("/v1/models", **more).status_code == 200
    except OSError:
        return False


def train(one, name="streamlit", **more):
    started = one.post(f"/v1/models/{name}/train", **more)
    assert started.status_code == 202, started.text
    return ended(one, started.headers["Location"], **more)


def ended(one, location, **more):
    return wait_until(lambda: (lambda job: job["state"] not in ("queued", "running") and job)(
        one.get(location, **more).json()), "the job ends", 60)


def live_of(one, name="streamlit"):
    return one.get(f"/v1/models/{name}/live").json()


def now_bars(count, seed=3):
    start = datetime.datetime.now(datetime.timezone.utc).replace(second=0, microsecond=0)
    return bars(count, seed, start=start - datetime.timedelta(minutes=count - 1))
