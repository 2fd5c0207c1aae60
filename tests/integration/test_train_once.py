# SPDX-License-Identifier: GPL-3.0-or-later
"""`model --train MODEL`: one training from the command line, beside a service at work."""
import signal
import socket
import subprocess

from support.models import bars, publish, start_model


def test_a_training_from_the_command_line(service, hdfs, names, tmp_path):
    publish(hdfs, names.hdfs_root, bars(400))
    model = start_model(service)
    environment = {**model.environment(), "TMPDIR": str(tmp_path)}

    def run(*flags):
        done = subprocess.run([model.binary, *flags], env=environment, capture_output=True,
                              text=True, timeout=120)
        return done.returncode, done.stdout, done.stderr
    code, report, said = run("--train", "streamlit", "--train-engine", "local")
    assert code == 0, said
    assert "version 1 of streamlit serves" in report
    assert all(word in report for word in ("open", "high", "low", "R-squared")), report
    code, report, said = run("--train", "streamlit")
    assert code == 0 and "version 2 of streamlit" in report, said  # it knows of the first
    code, report, said = run("--train", "ia")
    assert code == 1 and report == "" and "the training of ia is refused: " in said, (code, said)
    code, report, said = run("--train", "nothing")
    assert code == 1 and 'there is no model "nothing"' in said
    assert not list(tmp_path.glob("tickline-train-*"))
    # The service finds it: at once when it is started.
    model.stop()
    model.start(wait_ready=False)
    model.wait_ready()
    report = model.get("/v1/models/streamlit/versions/1", headers={"Accept": "text/plain"})
    assert report.status_code == 200
    done = [e for e in model.get("/v1/audit").json()["events"] if e["by"] == "command line"]
    assert {e["action"] for e in done} >= {"train"}


def test_a_signal_cancels_it(service, hdfs, names, tmp_path):
    publish(hdfs, names.hdfs_root, bars(400))
    model = start_model(service)
    with socket.create_server(("127.0.0.1", 0)) as cluster:  # one that never answers
        cluster.settimeout(60)
        environment = {**model.environment(), "TMPDIR": str(tmp_path),
                       "MODEL_YARN_URLS": f"http://127.0.0.1:{cluster.getsockname()[1]}"}
        training = subprocess.Popen([model.binary, "--train", "streamlit", "--train-engine", "yarn"],
                                    env=environment, stderr=subprocess.PIPE, text=True)
        silent, _ = cluster.accept()
        training.send_signal(signal.SIGTERM)
        _, said = training.communicate(timeout=60)
        silent.close()
    assert training.returncode == 1 and "the training of streamlit is cancelled" in said, said
    assert not list(tmp_path.glob("tickline-train-*"))
