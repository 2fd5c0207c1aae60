# SPDX-License-Identifier: GPL-3.0-or-later
"""Ticks whose CSV line is known beforehand: tick number `i` is told by its volatility."""
import datetime
import json

START = datetime.datetime(2025, 7, 1)


def fields(i):
    stamp = (START + datetime.timedelta(seconds=i)).isoformat() + ".000000Z"
    return {"timestamp": stamp, "buy_price": 20000.5 + i % 30000, "sell_price": 20001.5 + i % 30000,
            "volume": 1000 + i % 3000, "volatility": i, "buy_price_normalized": 0.25,
            "sell_price_normalized": 0.5, "volume_normalized": 0.75}


def json_of(i):
    return json.dumps(fields(i))


def line(i):
    return ",".join(str(value) for value in fields(i).values())


def number_of(line_of_file):
    return int(line_of_file.split(",")[4])
