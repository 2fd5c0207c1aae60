# SPDX-License-Identifier: GPL-3.0-or-later
"""MLServer with a line that scikit-learn fitted, by the Open Inference Protocol.
  peer_mlserver.py FOLDER HTTP GRPC METRICS WORKERS     prints HTTP, its port, when it is ready; POST
  /v2/models/line/infer; ends with its standard input
WORKERS are MLServer's `parallel_workers`: 0 predicts in the process that serves, 1 is its default."""
import json
import pathlib
import subprocess
import sys
import time
import urllib.error
import urllib.request

import joblib
import numpy
from sklearn.linear_model import LinearRegression

FOLDER = pathlib.Path(sys.argv[1])
HTTP, GRPC, METRICS, WORKERS = map(int, sys.argv[2:])
LIMIT_S = 120


def write():
    """The model and its settings."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows = numpy.random.default_rng(1).uniform(1, 1000, (1000, 3))
    joblib.dump(LinearRegression().fit(rows, rows @ [1, 2, 3]), FOLDER / "line.joblib")
    (FOLDER / "model-settings.json").write_text(json.dumps({
        "name": "line", "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": "./line.joblib", "version": "v1"}}))
    (FOLDER / "settings.json").write_text(json.dumps({
        "host": "127.0.0.1", "http_port": HTTP, "grpc_port": GRPC, "metrics_port": METRICS,
        "parallel_workers": WORKERS, "debug": False}))


def is_ready():
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{HTTP}/v2/models/line/ready", timeout=5):
            return True
    except (urllib.error.URLError, ConnectionError):
        return False


def main():
    write()
    program = pathlib.Path(sys.executable).parent / "mlserver"
    with open(FOLDER / "mlserver.log", "wb") as log:
        server = subprocess.Popen([program, "start", FOLDER], cwd=FOLDER, stdout=log, stderr=log)
    limit = time.monotonic() + LIMIT_S
    while not is_ready():
        if server.poll() is not None or time.monotonic() > limit:
            server.kill()
            sys.exit((FOLDER / "mlserver.log").read_text()[-3000:])
        time.sleep(0.2)
    print(HTTP, flush=True)
    sys.stdin.read()
    server.terminate()
    server.wait(15)


if __name__ == "__main__":
    main()
