# SPDX-License-Identifier: GPL-3.0-or-later
"""The Deployments of the local overlay, played by podman: as they stand, but for the host's network, and
without probes by HTTP, for which podman wants a curl in the image."""
import shutil
import subprocess

import pytest
import requests
import yaml

from servers import ports
from support import numbered_ticks, wait_until
from support.services import setting_text
from .conftest import ROOT, USER, podman

OVERLAY = ROOT / "deploy" / "kubernetes" / "overlays" / "local"
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


def rendered():
    kubectl = shutil.which("kubectl")
    if not kubectl:
        pytest.skip("kubectl, which renders the overlay, is not installed")
    done = subprocess.run([kubectl, "kustomize", OVERLAY], capture_output=True, text=True,
                          timeout=60, check=True)
    return list(yaml.safe_load_all(done.stdout))


class Played:
    def __init__(self, name, settings, folder):
        self.name, (port, management) = name, ports.free(2)
        self.url = f"http://127.0.0.1:{port}"
        self.management = f"http://127.0.0.1:{management}"
        settings = {**settings, "http_port": port, "management_port": management,
                    "http_address": "127.0.0.1"}
        self.manifest = folder / f"{name}.yaml"
        self.manifest.write_text(yaml.safe_dump_all(
            [self.adapted(item, settings) for item in rendered()
             if item["kind"] in ("Deployment", "ConfigMap") and
             item["metadata"]["name"].split("-")[0] == name]))
        self.container = f"{name}-pod-0-{name}"

    def up(self):
        podman("kube", "play", str(self.manifest), limit_s=120)
        wait_until(self.is_ready, f"{self.name} is ready", 60)

    def adapted(self, item, settings):
        if item["kind"] == "ConfigMap":
            item["data"].update({f"{self.name.upper()}_{key.upper()}": setting_text(value)
                                 for key, value in settings.items()})
        else:
            spec = item["spec"]["template"]["spec"]
            spec["hostNetwork"] = True
            for unwanted in ("ports", *PROBES):
                spec["containers"][0].pop(unwanted)
        return item

    def is_ready(self):
        try:
            return requests.get(f"{self.management}/readyz", timeout=5).ok
        except requests.ConnectionError:
            return False

    def down(self):
        podman("kube", "play", "--down", str(self.manifest), limit_s=120)


@pytest.fixture
def played(images, settings, tmp_path):
    made = []

    def start(name):
        made.append(Played(name, settings(name), tmp_path))
        made[-1].up()
        return made[-1]
    yield start
    for one in reversed(made):
        one.down()


@pytest.mark.timeout(900)
def test_the_manifests_run(played, hdfs, names):
    gateway, ingest = played("gateway"), played("ingest")
    for one in (gateway, ingest):
        shown = podman("inspect", one.container, "--format",
                       "{{.HostConfig.ReadonlyRootfs}} {{.Config.User}} {{.EffectiveCaps}}")
        assert shown == f"true {USER}:{USER} []"
    body = "\n".join(map(numbered_ticks.json_of, range(200)))
    answer = requests.post(f"{gateway.url}/v1/ticks", data=body, timeout=30,
                           headers={"Content-Type": "application/x-ndjson"})
    assert answer.json()["accepted"] == 200, answer.text
    # The overlay's simulator adds its own, one a second.
    wait_until(lambda: len(hdfs.rows(names.hdfs_root, "ticks")) >= 200, "they are on HDFS", 60)
