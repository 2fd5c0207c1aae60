# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus with the configuration of deploy/prometheus, as it stands but for ports and intervals: it scrapes the
services in their containers, evaluates every rule, and its alert comes when one of them is gone."""
import shutil
import subprocess

import pytest
import requests

from servers import ports
from servers.processes import Processes
from support import models, wait_until

from .conftest import ROOT

FOLDER = ROOT / "deploy" / "prometheus"
TOOLS = ROOT / "build" / "tools"
FETCH = """set -euo pipefail
rm -f prometheus_*.deb
apt-get -q download prometheus >fetch.log 2>&1 || { cat fetch.log; exit 1; }
dpkg-deb --fsys-tarfile prometheus_*.deb | tar -xO ./usr/bin/prometheus >prometheus.new
rm -f prometheus_*.deb
chmod +x prometheus.new
mv prometheus.new prometheus"""


def program():
    """The program out of Debian's package, which starts a server when it is installed."""
    found = shutil.which("prometheus") or TOOLS / "prometheus"
    if not shutil.which(found):
        TOOLS.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["bash", "-c", FETCH], cwd=TOOLS, capture_output=True, text=True,
                              timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
    return found


class Prometheus:
    def __init__(self, folder, services):
        port = ports.free(1)[0]
        self.url = f"http://127.0.0.1:{port}/api/v1/"
        text = (FOLDER / "prometheus.yml").read_text()
        for default, one in zip((6550, 6551, 6552), services, strict=True):
            assert f"127.0.0.1:{default}" in text
            text = text.replace(f"127.0.0.1:{default}", f"127.0.0.1:{one.management_port}")
        (folder / "prometheus.yml").write_text(text.replace("15s", "1s"))
        shutil.copy(FOLDER / "rules.yml", folder)
        self.processes = Processes(folder)
        self.processes.start("prometheus", [
            program(), f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{port}"])
        self.processes.wait(lambda: not ports.is_free(port), "Prometheus listens")

    def ask(self, path, **query):
        answer = requests.get(self.url + path, params=query, timeout=10)
        return answer.json().get("data", {}) if answer.ok else {}

    def targets(self):
        """{job: (health, last error)}"""
        return {target["labels"]["job"]: (target["health"], target["lastError"])
                for target in self.ask("targets").get("activeTargets", [])}

    def rules(self):
        """{name: (health, last error)}"""
        return {rule["name"]: (rule["health"], rule.get("lastError"))
                for group in self.ask("rules").get("groups", []) for rule in group["rules"]}

    def value(self, query):
        found = self.ask("query", query=query).get("result", [])
        return float(found[0]["value"][1]) if found else None

    def firing(self):
        """{(alert, job)}"""
        return {(alert["labels"]["alertname"], alert["labels"].get("job"))
                for alert in self.ask("alerts").get("alerts", []) if alert["state"] == "firing"}


@pytest.mark.timeout(900)
def test_prometheus_scrapes_and_alerts(contained, tmp_path):
    gateway, ingest = contained("gateway"), contained("ingest")
    model = models.start_model(contained)
    folder = tmp_path / "prometheus"
    folder.mkdir()
    prometheus = Prometheus(folder, (gateway, ingest, model))
    try:
        wait_until(lambda: prometheus.targets() == {
            name: ("up", "") for name in ("gateway", "ingest", "model")}, "all are scraped", 60)
        made = gateway.post("/v1/sources", {"type": "simulator", "count": 300, "rate_per_s": 100})
        assert made.status_code == 201, made.text
        wait_until(lambda: prometheus.value('ingest_published_rows_total{dataset="ticks"}') == 300,
                   "Prometheus has seen the rows", 60)
        wait_until(lambda: set(prometheus.rules().values()) == {("ok", None)},
                   "every rule was evaluated", 60)
        assert len(prometheus.rules()) > 10 and ("ServiceDown", "ingest") not in prometheus.firing()
        ingest.stop()
        wait_until(lambda: ("ServiceDown", "ingest") in prometheus.firing(), "the alert fires", 180)
        assert ("ServiceDown", "gateway") not in prometheus.firing()
    finally:
        prometheus.processes.stop()
