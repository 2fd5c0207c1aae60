# SPDX-License-Identifier: GPL-3.0-or-later
"""A new pipeline gets a history of real bars, once: they are replayed into a topic without any.

One thread, which only talks HTTP and Kafka; what fails is tried again with a back-off until stop()
is called, since services may be away or restarting meanwhile."""
import threading

from . import java, kafka_wire, rest

FOLDER = java.FOLDER / "data"
BARS = "btc_usd_2023-03-01.csv"
FIRST_DELAY_S, LONGEST_DELAY_S = 1, 60
POLL_S = 0.5


class NotYet(Exception):
    """Why it is to be tried again later."""


def _ask(method, url, body=None, good=200):
    try:
        status, answer = rest.call_json(method, url, body)
    except (OSError, ValueError) as error:
        raise NotYet(f"{method} {url}: {error}") from None
    if status != good:
        detail = answer.get("detail") if isinstance(answer, dict) else answer
        raise NotYet(f"{method} {url}: {status} {detail}")
    return answer


class History:
    """`say` gets a line per event, on the thread."""

    def __init__(self, kafka_address, topic, gateway_url, say):
        self.kafka_address, self.topic, self.gateway_url = kafka_address, topic, gateway_url
        self.say = say
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._run, name="history", daemon=True)

    def start(self):
        self.thread.start()

    def stop(self):
        self.ending.set()
        self.thread.join()

    def _run(self):
        delay, told = FIRST_DELAY_S, None
        while not self.ending.is_set():
            try:
                return self._replay_once()
            except NotYet as why:
                if str(why) != told:
                    self.say(f"the history of bars has to wait: {why}")
                    told = str(why)
            self.ending.wait(delay)
            delay = min(delay * 2, LONGEST_DELAY_S)

    def _replay_once(self):
        try:
            if kafka_wire.end_offset(self.kafka_address, self.topic) > 0:
                return
        except kafka_wire.KafkaError as error:
            raise NotYet(f"Kafka: {error}") from None
        source = _ask("POST", f"{self.gateway_url}/v1/sources",
                      {"type": "replay", "records": "bars", "file": BARS, "speed": 0}, good=201)
        self.say(f"replaying the bars of {BARS}, since {self.topic} is empty")
        source = self._ended(source)
        if source is not None:
            error = source.get("last_error", {}).get("reason", "")
            self.say(f"the replay is {source['state']}: {source['acknowledged']} bars, "
                     f"{source['refused']} refused {error}".rstrip())

    def _ended(self, source):
        """The source when it came to its end; None when stop() came first."""
        while source["state"] in ("running", "waiting"):
            if self.ending.wait(POLL_S):
                return None
            source = _ask("GET", f"{self.gateway_url}/v1/sources/{source['id']}")
        return source
