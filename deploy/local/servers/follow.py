# SPDX-License-Identifier: GPL-3.0-or-later
"""Follows log files and prints their new lines, each with the name of who wrote it.

One thread reads; start() and stop() are called by its owner. What was in the files before start()
is not shown. A rotated file is read to its end first, then the new one from its beginning."""
import os
import threading

POLL_S = 0.2
PIECE_BYTES = 1 << 16


class _File:
    def __init__(self, path):
        self.path, self.stream, self.rest = path, None, b""
        self._open(at_end=True)

    def _open(self, at_end=False):
        try:
            self.stream = open(self.path, "rb")
        except FileNotFoundError:
            return
        if at_end:
            self.stream.seek(0, os.SEEK_END)

    def _was_replaced(self):
        try:
            return os.stat(self.path).st_ino != os.fstat(self.stream.fileno()).st_ino
        except FileNotFoundError:
            return False

    def lines(self):
        """Whole new lines."""
        if self.stream is None:
            self._open()
        if self.stream is None:
            return
        while True:
            piece = self.stream.read(PIECE_BYTES)
            if piece:
                *whole, self.rest = (self.rest + piece).split(b"\n")
                yield from whole
            elif self._was_replaced():
                self.stream.close()
                self._open()
            else:
                return


class Follower:
    """`files`: {name: path}; `show(name, line)` is called on the follower's thread."""

    def __init__(self, files, show):
        self.files = {name: _File(path) for name, path in files.items()}
        self.show = show
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._run, name="follower", daemon=True)

    def start(self):
        self.thread.start()

    def stop(self):
        """After what was written until now has been shown."""
        self.ending.set()
        self.thread.join()

    def _run(self):
        while not self.ending.wait(POLL_S):
            self._show_new()
        self._show_new()

    def _show_new(self):
        for name, file in self.files.items():
            for line in file.lines():
                self.show(name, line.decode(errors="replace"))
