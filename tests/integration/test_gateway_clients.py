# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that are many, idle, slow, silent or greedy: none of them keeps the others out."""
import contextlib
import json
import socket
import time

import pytest

from support import wait_until

THREADS, FEW = 64, 4
TICK = {"timestamp": 1751328000000, "buy_price": 107120.5, "sell_price": 107120.5, "volume": 1,
        "volatility": 1.5}
TOKENS = {"feed": "feed-token-0123456789", "script": "script-token-0123456789"}


@pytest.fixture
def gateway(service):
    return service("gateway", http_threads=THREADS, http_request_timeout_ms=1500,
                   http_keep_alive_timeout_ms=300000)


def post_bytes(body=None, path="/v1/ticks"):
    text = json.dumps(TICK if body is None else body).encode()
    return (f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(text)}\r\n\r\n").encode() + text


@contextlib.contextmanager
def connections(gateway, count):
    sockets = []
    try:
        for _ in range(count):
            sockets.append(socket.create_connection(("127.0.0.1", gateway.port), timeout=60))
        yield sockets
    finally:
        for one in sockets:
            one.close()


def answer_on(one):
    """(status, body) of one answer on a kept connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = one.recv(65536)
        assert piece, data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(next(line for line in head.lower().split(b"\r\n")
                      if line.startswith(b"content-length")).split(b":")[1])
    while len(body) < length:
        body += one.recv(65536)
    return int(head.split()[1]), json.loads(body)


def test_a_thousand_idle_connections_do_not_stop_new_ones(gateway, kafka, names):
    sent = 0
    with connections(gateway, 0) as idle:
        for _ in range(1000):
            one = socket.create_connection(("127.0.0.1", gateway.port), timeout=60)
            idle.append(one)
            one.sendall(post_bytes())
            status, body = answer_on(one)
            assert (status, body["accepted"]) == (200, 1)
            sent += 1
        # They were told by a close, not by a failed request; a new one has its answer.
        assert gateway.metric("http_idle_closed_total") >= 1000 - THREADS
        assert gateway.post("/v1/ticks", TICK).status_code == 200
        assert idle[0].recv(100) == b""
    assert len(kafka.read_all(names.ticks_topic)) == sent + 1


def test_silent_connections_are_cut_off(gateway):
    with connections(gateway, 2 * THREADS):
        began = time.monotonic()
        assert gateway.post("/v1/ticks", TICK, timeout=60).status_code == 200
        assert time.monotonic() - began < 50
        assert gateway.get("/v1/sources").status_code == 200


def test_clients_that_do_not_read_their_answers_are_cut_off(service):
    """Each answer is some megabytes; nobody takes them."""
    gateway = service("gateway", http_threads=FEW, http_request_timeout_ms=3000)
    body = "\n".join([json.dumps(TICK)] * 10000)
    head = ("POST /v1/ticks?detail=records HTTP/1.1\r\nHost: x\r\nContent-Type: "
            f"application/x-ndjson\r\nContent-Length: {len(body)}\r\n\r\n")
    with contextlib.ExitStack() as deaf:
        for _ in range(FEW):
            one = deaf.enter_context(socket.socket())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.settimeout(60)
            one.connect(("127.0.0.1", gateway.port))
            one.sendall((head + body).encode())
        assert gateway.post("/v1/ticks", TICK, timeout=60).status_code == 200
        listener = f"127.0.0.1:{gateway.port}"
        wait_until(lambda: not gateway.metric("http_in_flight", listener=listener), "nobody is waited for", 60)
    assert gateway.metric("gateway_records_total", outcome="accepted") == 10000 * FEW + 1


def test_a_greedy_token_is_told_and_no_other(service, kafka, names, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("".join(f"{token} read,write {name}\n" for name, token in TOKENS.items()))
    gateway = service("gateway", token_file=str(tokens), http_rate_limit_per_s=0.5,
                      http_rate_limit_burst=20)

    def post(name):
        return gateway.post("/v1/ticks", TICK,
                            headers={"Authorization": f"Bearer {TOKENS[name]}"})
    answers = [post("feed") for _ in range(30)]
    taken = [a for a in answers if a.status_code == 200]
    refused = [a for a in answers if a.status_code == 429]
    assert len(taken) >= 20 and refused and len(taken) + len(refused) == 30
    assert taken[0].headers["RateLimit"] == '"token";r=19;t=2'
    assert taken[0].headers["RateLimit-Policy"] == '"token";q=20;w=40'
    assert refused[0].json()["type"] == "urn:tickline:problem:rate-limited"
    assert 1 <= int(refused[0].headers["Retry-After"]) <= 2
    assert post("script").status_code == 200
    assert gateway.metric("http_rate_limited_total") == len(refused)
    assert len(kafka.read_all(names.ticks_topic)) == len(taken) + 1
