# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers of a test as processes of its own, without a supervisor."""
import signal
import subprocess
import time

from .errors import StackError
from .supervisor import tail

START_LIMIT_S, STOP_LIMIT_S, POLL_S = 90, 30, 0.1


class Processes:
    def __init__(self, folder):
        self.folder, self.running = folder, {}

    def log_of(self, name):
        return self.folder / f"{name}.log"

    def start(self, name, command):
        with open(self.log_of(name), "ab") as log:
            self.running[name] = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT,
                                                  stdin=subprocess.DEVNULL, cwd=self.folder,
                                                  start_new_session=True)

    def wait(self, condition, what):
        """Until it holds; StackError when one of them ended meanwhile, or the limit passed."""
        limit = time.monotonic() + START_LIMIT_S
        while not condition():
            for name, process in self.running.items():
                if process.poll() is not None or time.monotonic() > limit:
                    raise StackError(f"not within {START_LIMIT_S} s: {what}; the end of "
                                     f"{self.log_of(name)}:\n{tail(self.log_of(name))}")
            time.sleep(POLL_S)

    def kill(self, name):
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def stop(self):
        for sent in (signal.SIGTERM, signal.SIGKILL):
            for process in self.running.values():
                if process.poll() is None:
                    process.send_signal(sent)
            limit = time.monotonic() + STOP_LIMIT_S
            while any(process.poll() is None for process in self.running.values()) and \
                    time.monotonic() < limit:
                time.sleep(POLL_S)
        self.running.clear()
