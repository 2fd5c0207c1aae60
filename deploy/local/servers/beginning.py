# SPDX-License-Identifier: GPL-3.0-or-later
"""What a new pipeline gets once: a history of real bars, and its first models.

One thread, Beginning.run, which only talks HTTP and Kafka; everything that fails is tried again
with a back-off until stop() is called, since services may be away or restarting meanwhile."""
import threading

from . import java, kafka_wire, rest

BARS = java.FOLDER / "data" / "btc_usd_2023-03-01.csv"
BARS_TOPIC = "bitcoinbars"
MODELS = ("ia", "streamlit")
FIRST_DELAY_S, LONGEST_DELAY_S = 2, 60
POLL_S = 0.5
JOB_LIMIT_S = 600


class NotYet(Exception):
    """Why a step is to be tried again later."""


def _answer(method, url, body=None, good=(200,)):
    try:
        status, answer = rest.call_json(method, url, body)
    except (OSError, ValueError) as error:
        raise NotYet(f"{method} {url}: {error}") from None
    if status not in good:
        detail = (answer or {}).get("detail", "") if isinstance(answer, dict) else ""
        raise NotYet(f"{method} {url}: {status} {detail}")
    return status, answer


class Beginning:
    """`say` gets a line per event, on the thread."""

    def __init__(self, stack, services, say, bars_topic=BARS_TOPIC):
        self.kafka = stack.addresses["kafka"]
        self.gateway, self.ingest, self.model = (
            services[name].url for name in ("gateway", "ingest", "model"))
        self.bars_topic = bars_topic
        self.say = say
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._run, name="beginning", daemon=True)

    def start(self):
        self.thread.start()

    def stop(self):
        self.ending.set()
        self.thread.join()

    def _run(self):
        steps = [self._replay, *((lambda name=name: self._train(name)) for name in MODELS)]
        for step in steps:
            self._repeat(step)

    def _repeat(self, step):
        delay, told = FIRST_DELAY_S, None
        while not self.ending.is_set():
            try:
                return step()
            except NotYet as why:
                if str(why) != told:
                    self.say(f"{why}; trying again")
                    told = str(why)
            self.ending.wait(delay)
            delay = min(delay * 2, LONGEST_DELAY_S)

    def _poll(self, url, finished, limit_s=JOB_LIMIT_S):
        """The first answer of the URL for which finished(answer) is true."""
        for _ in range(int(limit_s / POLL_S)):
            _, answer = _answer("GET", url)
            if finished(answer):
                return answer
            if self.ending.wait(POLL_S):
                break
        raise NotYet(f"{url} is not finished")

    # --- steps ----------------------------------------------------------------------------------

    def _replay(self):
        try:
            if kafka_wire.end_offset(self.kafka, self.bars_topic) > 0:
                return
        except kafka_wire.KafkaError as error:
            raise NotYet(f"Kafka: {error}") from None
        self.say(f"replaying the bars of {BARS.name}")
        _, source = _answer("POST", f"{self.gateway}/v1/sources", {
            "type": "replay", "dataset": "bars", "file": str(BARS), "speed": 0}, good=(201,))
        done = self._poll(f"{self.gateway}/v1/sources/{source['id']}",
                          lambda answer: answer["state"] not in ("starting", "running"))
        self.say(f"the replay is {done['state']}: {done.get('acknowledged')} bars")

    def _train(self, name):
        """Only a model without a version, and again until its rows are enough."""
        _, model = _answer("GET", f"{self.model}/v1/models/{name}")
        if model.get("serving") is not None:
            return
        _answer("POST", f"{self.ingest}/v1/flush")
        _, job = _answer("POST", f"{self.model}/v1/models/{name}/train", good=(202, 409))
        job = self._poll(f"{self.model}/v1/jobs/{job['id']}",
                         lambda answer: answer["state"] not in ("queued", "running"))
        if job["state"] != "done":
            raise NotYet(f"training {name}: {job['state']}: {job.get('reason')}")
        self.say(f"{name} is trained: version {job.get('version')}")
