# SPDX-License-Identifier: GPL-3.0-or-later
"""The services in containers, for `make test-containers`: root, podman, runc and debootstrap. Kafka and
HDFS are those of the other integration tests, reached over the host's network.

  images   {service: image}, built from Debian 13
  contained  contained("ingest", batch_rows=10): like `service`, but a container
"""
import json
import os
import pathlib
import subprocess

import pytest

from support.services import Service, setting_text

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SERVICES = ("gateway", "ingest", "model")
BASE = "docker.io/library/debian:trixie-slim"
USER = 10001
BUILD_LIMIT_S = 900
os.environ["CONTAINERS_CONF"] = str(HERE / "containers.conf")


def podman(*arguments, limit_s=60):
    done = subprocess.run(["podman", *arguments], capture_output=True, text=True, timeout=limit_s)
    assert done.returncode == 0, f"podman {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def inspect(image):
    return json.loads(podman("image", "inspect", image))[0]


@pytest.fixture(scope="session")
def images():
    subprocess.run([HERE / "base.sh", BASE], check=True, timeout=BUILD_LIMIT_S)
    flags = "--isolation=chroot --network=host --format=docker"
    done = subprocess.run(["make", "--no-print-directory", "images", f"PODMAN_BUILD_FLAGS={flags}"],
                          cwd=ROOT, capture_output=True, text=True, timeout=BUILD_LIMIT_S)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return {name: f"localhost/tickline/{name}" for name in SERVICES}


class Contained(Service):
    """A service whose process is `podman run`, which passes signals on and ends with its code."""

    image = ""

    def start(self, wait_ready=True):
        assert self.process is None, f"{self.name} runs already"
        self.container = f"tickline-test-{self.name}-{self.port}"
        more = []
        for name, value in self.settings.items():
            more += ["-e", f"{self.name.upper()}_{name.upper().replace('.', '_')}="
                           f"{setting_text(value)}"]
        if "state_dir" in self.settings:
            folder = pathlib.Path(self.settings["state_dir"])
            folder.mkdir(parents=True, exist_ok=True)
            os.chown(folder, USER, USER)
            more += ["-v", f"{folder}:{folder}"]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                ["podman", "run", "--rm", "--name", self.container, "--network=host", "--read-only",
                 "--read-only-tmpfs=false", "--cap-drop=all", "--security-opt=no-new-privileges",
                 *more, self.image], stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        if wait_ready:
            self.wait_ready()

    def run_in(self, *command):
        """(exit code, output) of a command in the container."""
        done = subprocess.run(["podman", "exec", self.container, *command], capture_output=True,
                              text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def kill(self):
        subprocess.run(["podman", "rm", "-f", self.container], capture_output=True, timeout=60)
        if self.process is not None:
            self.process.wait(60)
        self.process = None


@pytest.fixture
def contained(images, settings, tmp_path):
    Service.started.clear()
    made = []

    def start(name, wait_ready=True, **more):
        kind = type("Contained", (Contained,), {"image": images[name]})
        address = {"http_address": "127.0.0.1"}
        made.append(kind(name, {**settings(name), **address, **more}, tmp_path, "", wait_ready))
        return made[-1]
    yield start
    errors = []
    for one in reversed(made):
        try:
            one.clean_up()
        except Exception as error:  # the others must go as well
            errors.append(error)
            one.kill()
    if errors:
        raise errors[0]
