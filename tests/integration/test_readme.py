# SPDX-License-Identifier: GPL-3.0-or-later
"""README.md's examples, run as they stand against a running pipeline.

Every block fenced as ```console is a session: a line that starts with "$ " is a command (with its
lines that a backslash continues), and what follows it is what it shows. Those with curl run in
order, from the repository's root, with the default ports replaced by those of this test. Each must
answer 2xx, or the status that its shown answer names ("HTTP/1.1 404" or "status": 404); an answer
that is shown as whole JSON must have the shown members."""
import json
import re
import subprocess

import pytest

from support import wait_until
from support.services import ROOT

README = ROOT / "README.md"
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHOWN_STATUS = re.compile(r'HTTP/1\.1 (\d{3})|"status": ?(\d{3})')
# Tells the status of each request beside what the example prints.
WITH_STATUS = "curl() { command curl -sS \"$@\" -w '%{stderr}status %{http_code}\\n'; }\n"


def examples():
    """[(command, shown answer)] in the order of the text."""
    found = []
    for block in BLOCK.findall(README.read_text() if README.exists() else ""):
        continued = False
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(([line[2:]], []))
            elif continued:
                found[-1][0].append(line)
            elif found:
                found[-1][1].append(line)
            continued = line.endswith("\\") and (line.startswith("$ ") or continued)
    pairs = (("\n".join(command), "\n".join(shown)) for command, shown in found)
    return [pair for pair in pairs if re.search(r"\bcurl ", pair[0])]


@pytest.fixture
def pipeline(service, stack, hdfs, tmp_path):
    """A pipeline with both built-in models trained: {default port: this test's}, and its services."""
    gateway = service("gateway", replay_dir=ROOT / "deploy" / "local" / "data",
                      simulator_autostart=True)
    ingest = service("ingest", hdfs_root="/bitcoin", rotate_age_ms=1000)
    model = service("model", wait_ready=False, hdfs_root="/bitcoin", autotrain=False,
                    state_dir=tmp_path / "model")
    model.wait_listening()
    for source in ({"type": "replay", "file": "btc_usd_2023-03-01.csv", "speed": 0},
                   {"type": "simulator", "rate_per_s": 1000, "count": 1000}):
        made = gateway.post("/v1/sources", source)
        assert made.status_code == 201, made.text
    for dataset, rows, name in (("ticks", 1000, "ia"), ("bars", 4320, "streamlit")):
        wait_until(lambda: len(hdfs.rows("/bitcoin", dataset)) >= rows, f"{dataset} on HDFS", 60)
        assert model.post(f"/v1/models/{name}/train").status_code == 202
        wait_until(lambda: model.get(f"/v1/models/{name}").json().get("serving") is not None,
                   f"{name} is trained", 60)
    return {5550: gateway.port, 5551: ingest.port, 5552: model.port,
            6550: gateway.management_port, 6551: ingest.management_port,
            6552: model.management_port, 9870: stack.ports["namenode-http"]}, (gateway, ingest, model)


def members(value):
    return set(value) if isinstance(value, dict) else set()


def check(command, shown, ports):
    for default, port in ports.items():
        command = re.sub(rf"(localhost|127\.0\.0\.1):{default}\b", rf"127.0.0.1:{port}", command)
    done = subprocess.run(["bash", "-o", "pipefail", "-c", WITH_STATUS + command], cwd=ROOT,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    wanted = SHOWN_STATUS.search(shown)
    wanted = wanted and (wanted[1] or wanted[2])
    for status in re.findall(r"^status (\d+)$", done.stderr, re.MULTILINE):
        good = status == wanted if wanted else status.startswith("2")
        assert good, f"{command}\nanswered {status}\n{done.stdout}"
    try:
        told = json.loads(shown)
    except ValueError:
        return
    got = json.loads(done.stdout)
    assert members(told) <= members(got), f"{command}\nshows {shown}\nanswers {done.stdout}"


@pytest.mark.timeout(300)
def test_the_examples_of_readme(pipeline):
    ports, services = pipeline
    pairs = examples()
    assert pairs, "README.md has no ```console block with a curl command"
    for command, shown in pairs:
        for one in services if "readyz" in command else ():
            one.wait_ready()
        check(command, shown, ports)
