# SPDX-License-Identifier: GPL-3.0-or-later
"""Ticks as the original producer makes them, and how their rows stand in our files."""
import datetime
import random

FIELDS = ["timestamp", "buy_price", "sell_price", "volume", "volatility", "buy_price_normalized",
          "sell_price_normalized", "volume_normalized"]


def original_tick(source=random):
    """The dictionary that the original producer sends: local time without a zone, and the three
    normalised values that it computes itself."""
    tick = {"timestamp": datetime.datetime.now().isoformat(),
            "buy_price": round(source.uniform(10000, 80000), 2),
            "sell_price": round(source.uniform(10000, 80000), 2),
            "volume": source.randint(100, 8000),
            "volatility": round(source.uniform(0.5, 5), 2)}
    for name in ("buy_price", "sell_price"):
        tick[f"{name}_normalized"] = (tick[name] - 20000) / 40000
    tick["volume_normalized"] = (tick["volume"] - 1000) / 4000
    return tick


def microseconds(text):
    """Of a timestamp in any of our forms; one without a zone is UTC."""
    time = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    if time.tzinfo is None:
        time = time.replace(tzinfo=datetime.timezone.utc)
    since = time - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return since // datetime.timedelta(microseconds=1)


def values(record, fields=FIELDS):
    """A record as a tuple: microseconds, then doubles. Equal tuples are the same record value for
    value."""
    return (microseconds(record[fields[0]]), *(float(record[name]) for name in fields[1:]))


def row_values(line):
    """The same of a line of our CSV files."""
    first, *rest = line.split(",")
    return (microseconds(first), *map(float, rest))
