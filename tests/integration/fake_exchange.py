# SPDX-License-Identifier: GPL-3.0-or-later
"""An exchange that answers as a test wants: Yahoo's chart, Binance's klines, Coinbase's candles and
ticker, in their own forms, or any fault. It remembers what it was asked."""
import http.server
import json
import threading
import time
import urllib.parse

MINUTE = 60


def bar(time_s, close=107120.0, volume=1.5):
    """(time, open, high, low, close, volume)"""
    return (time_s, close - 5, close + 10, close - 10, close, volume)


def grid(count, end_s=None, step_s=MINUTE):
    """The open times of `count` finished bars in a row, the last of which ended at or before
    `end_s` (now)."""
    last = int(end_s or time.time()) // step_s * step_s - step_s
    return [last - step_s * i for i in reversed(range(count))]


def chart(bars, symbol="BTC-USD", interval="1m"):
    """Yahoo's: a None among the values is a null."""
    columns = list(zip(*bars)) or [[]] * 6
    quote = dict(zip(("open", "high", "low", "close", "volume"), map(list, columns[1:])))
    return {"chart": {"error": None, "result": [{
        "meta": {"symbol": symbol, "dataGranularity": interval},
        "timestamp": list(columns[0]), "indicators": {"quote": [quote]}}]}}


def klines(bars):
    return [[t * 1000, *(f"{v:.8f}" for v in values), t * 1000 + 59999, "0", 1, "0", "0", "0"]
            for t, *values in bars]


def candles(bars):
    return [[t, low, high, opening, close, volume]
            for t, opening, high, low, close, volume in reversed(bars)]


class FakeExchange:
    """`answer(path, query)` gives (status, headers, body); a body that is no str goes as JSON."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = []  # (monotonic seconds, path, {name: value})
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                address = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(address.query))
                outer.asked.append((time.monotonic(), address.path, query))
                status, headers, body = outer.answer(address.path, query)
                text = (body if isinstance(body, str) else json.dumps(body)).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
