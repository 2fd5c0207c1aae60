# SPDX-License-Identifier: GPL-3.0-or-later
"""What one would write in Python: a tick checked by pydantic, put into Kafka, answered after Kafka
acknowledged it.
  peer_fastapi.py BROKERS TOPIC LOOP HTTP     prints its port; POST /p; ends with its standard input
LOOP and HTTP are uvicorn's: asyncio and h11 are what `pip install uvicorn` serves with, uvloop and
httptools are its faster extras."""
import asyncio
import json
import os
import socket
import sys
import threading

import uvicorn
from confluent_kafka import Producer
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

BROKERS, TOPIC, LOOP, HTTP = sys.argv[1:]
LINGER_MS = 1  # with 0 it is slower: each message leaves alone


class Tick(BaseModel):
    timestamp: str
    buy_price: float
    sell_price: float
    volume: float
    volatility: float


producer = Producer({"bootstrap.servers": BROKERS, "enable.idempotence": True,
                     "linger.ms": LINGER_MS})
app = FastAPI()


def poll_for_ever():
    while True:
        producer.poll(0.1)


@app.post("/p")
async def post(tick: Tick):
    loop = asyncio.get_running_loop()
    future = loop.create_future()

    def delivered(error, message):
        loop.call_soon_threadsafe(future.set_result, (error, None if error else message.offset()))
    producer.produce(TOPIC, json.dumps({
        **tick.model_dump(), "buy_price_normalized": (tick.buy_price - 20000) / 40000,
        "sell_price_normalized": (tick.sell_price - 20000) / 40000,
        "volume_normalized": (tick.volume - 1000) / 4000}).encode(), on_delivery=delivered)
    error, offset = await future
    if error:
        raise HTTPException(503, str(error))
    return {"offset": offset}


def end_with_input():
    sys.stdin.read()
    os._exit(0)


def main():
    # By its protocol asyncio knows that it may turn Nagle's algorithm off.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    print(listener.getsockname()[1], flush=True)
    for job in (poll_for_ever, end_with_input):
        threading.Thread(target=job, daemon=True).start()
    config = uvicorn.Config(app, loop=LOOP, http=HTTP, log_level="error")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
