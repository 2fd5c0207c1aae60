# SPDX-License-Identifier: GPL-3.0-or-later
"""One service as a process, on ports of its own, with its settings in the environment."""
import json
import os
import pathlib
import re
import signal
import subprocess

import requests

from servers import ports
from . import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[3]
READY_LIMIT_S = 30
STOP_LIMIT_S = 40


class Service:
    """`settings`: {name: value} as in the service's --help (http_port); names with dots pass
    through ("kafka.linger.ms"). Ports are chosen once and kept over restarts."""

    started = []  # of the running test, for the report of a failure

    def __init__(self, name, settings, folder, binaries, wait_ready=True):
        self.name = name
        self.settings = dict(settings)
        self.binary = pathlib.Path(binaries) / name
        self.port, self.management_port = ports.free(2)
        self.settings.setdefault("http_port", self.port)
        self.settings.setdefault("management_port", self.management_port)
        self.log_path = pathlib.Path(folder) / f"{name}-{self.port}.log"
        self.url = f"http://127.0.0.1:{self.settings['http_port']}"
        self.management = f"http://127.0.0.1:{self.settings['management_port']}"
        self.process = None
        Service.started.append(self)
        self.start(wait_ready)

    def environment(self):
        prefix = self.name.upper()
        return {**os.environ,
                **{f"{prefix}_{k.upper().replace('.', '_')}": setting_text(v)
                   for k, v in self.settings.items()}}

    def start(self, wait_ready=True):
        assert self.process is None, f"{self.name} runs already"
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([self.binary], env=self.environment(), stdout=log,
                                            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        if wait_ready:
            self.wait_ready()

    # --- state ----------------------------------------------------------------------------------

    def ready(self):
        """(True or False, what /readyz says)"""
        assert self.process.poll() is None, \
            f"{self.name} ended with {self.process.returncode}:\n{self.log()[-3000:]}"
        try:
            answer = requests.get(f"{self.management}/readyz", timeout=5)
        except requests.RequestException as error:
            return False, str(error)
        return answer.status_code == 200, answer.text

    def wait_ready(self, limit_s=READY_LIMIT_S):
        said = [""]

        def now():
            good, said[0] = self.ready()
            return good
        try:
            wait_until(now, f"{self.name} is ready", limit_s)
        except AssertionError as late:
            raise AssertionError(f"{late}; /readyz: {said[0]}") from None

    def peak_mb(self):
        """Resident memory at its highest since the start."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024

    def wait_listening(self, limit_s=READY_LIMIT_S):
        """Until it answers requests, ready or not."""
        def answers():
            try:
                return requests.get(f"{self.url}/openapi.json", timeout=5).status_code
            except requests.ConnectionError:
                self.ready()  # which complains when it ended
                return 0
        wait_until(answers, f"{self.name} listens", limit_s)

    def wait_not_ready(self, limit_s=READY_LIMIT_S):
        """What /readyz says then."""
        return wait_until(lambda: (lambda state: not state[0] and state[1])(self.ready()),
                          f"{self.name} is not ready", limit_s)

    def metric(self, name, **labels):
        """The sum over all series of the metric that have these labels; 0 where there is none."""
        total = 0.0
        for line in requests.get(f"{self.management}/metrics", timeout=5).text.splitlines():
            found = re.fullmatch(r"([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)", line)
            if found and found[1] == name:
                has = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', found[2] or ""))
                if all(has.get(k) == str(v) for k, v in labels.items()):
                    total += float(found[3])
        return total

    def log(self):
        return self.log_path.read_text(errors="replace")

    # --- end ------------------------------------------------------------------------------------

    def stop(self, limit_s=STOP_LIMIT_S):
        """SIGTERM; it must drain and leave with 0."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(limit_s)
        self.process = None
        assert code == 0, f"{self.name} left with {code} after SIGTERM:\n{self.log()[-3000:]}"

    def kill(self):
        """SIGKILL."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def clean_up(self):
        """At the end of a test: stop() where it still runs; always gone afterwards."""
        if self.process is None:
            return
        try:
            if self.process.poll() is None:
                self.stop()
            else:
                assert self.process.returncode == 0, \
                    f"{self.name} ended with {self.process.returncode}:\n{self.log()[-3000:]}"
        finally:
            if self.process is not None:
                self.kill()

    # --- requests -------------------------------------------------------------------------------

    def request(self, method, path, **arguments):
        arguments.setdefault("timeout", 30)
        return requests.request(method, self.url + path, **arguments)

    def get(self, path, **arguments):
        return self.request("GET", path, **arguments)

    def post(self, path, body=None, content_type="application/json", **arguments):
        """A str or bytes body goes as it is, anything else as JSON."""
        if body is not None:
            data = body if isinstance(body, (str, bytes)) else json.dumps(body)
            arguments["data"] = data.encode() if isinstance(data, str) else data
            arguments["headers"] = {"Content-Type": content_type, **arguments.get("headers", {})}
        return self.request("POST", path, **arguments)


def setting_text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)
