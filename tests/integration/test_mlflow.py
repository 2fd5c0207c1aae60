# SPDX-License-Identifier: GPL-3.0-or-later
"""MLflow's scoring protocol, with the bodies that its client sends (ScoringServerClient.invoke):
a DataFrame goes as dataframe_split, an array or a list as inputs."""
import io
import json

import pandas
import pytest

from support.models import bars, publish, start_model, train

FEATURES = ["open", "high", "low", "volume", "return"]
FRAME = pandas.DataFrame([[60010.5 + i, 60013.75 + i, 60008.0 + i, 250 * i, 0.0001 * i]
                          for i in range(5)], columns=FEATURES)


@pytest.fixture
def model(service, hdfs, names):
    publish(hdfs, names.hdfs_root, bars(400))
    return start_model(service)


def invoked(model, body, content_type="application/json", path="/invocations"):
    answer = model.post(path, body, content_type=content_type)
    assert answer.status_code == 200, answer.text
    return answer.json()["predictions"]


def test_mlflows_client_gets_what_predict_answers(model):
    assert model.get("/ping").status_code == 404
    assert train(model)["serves"]
    ping = model.get("/ping")
    assert (ping.status_code, ping.content) == (200, b"\n")
    records = FRAME.to_dict(orient="records")
    expected = model.post("/v1/models/streamlit/predict?level=0.8", records).json()
    values = [row["prediction"] for row in expected]
    turned = FRAME[FEATURES[::-1]]
    assert invoked(model, {"dataframe_split": FRAME.to_dict(orient="split")}) == values
    assert invoked(model, {"dataframe_split": turned.to_dict(orient="split")}) == values
    assert invoked(model, {"dataframe_records": records}) == values
    assert invoked(model, {"instances": records}) == values
    assert invoked(model, {"inputs": FRAME.to_dict(orient="list")}) == values
    assert invoked(model, {"inputs": FRAME.to_numpy().tolist()}) == values
    assert invoked(model, turned.to_csv(index=False), "text/csv; charset=utf-8") == values
    with_intervals = invoked(model, {"inputs": records, "params": {"level": 0.8}},
                             path="/v1/models/streamlit/invocations")
    assert [[p["low"], p["high"]] for p in with_intervals] == [p["interval"] for p in expected]
    bad = model.post("/invocations", {"dataframe_records": [*records, {"open": 1}]})
    assert bad.status_code == 400
    assert bad.json()["message"] == 'row 5: feature "volume" is missing'
    assert bad.json()["error_code"] == "BAD_REQUEST"


def test_predict_reads_and_writes_csv(model):
    assert train(model)["serves"]
    path = "/v1/models/streamlit/predict"
    rows = model.post(path, json.loads(FRAME.to_json(orient="records"))).json()
    text = FRAME[FEATURES[::-1]].to_csv(index=False, lineterminator="\r\n")
    assert model.post(path, text, content_type="text/csv").json() == rows
    answer = model.post(path, text, content_type="text/csv", headers={"Accept": "text/csv"})
    assert answer.headers["Content-Type"] == "text/csv"
    table = pandas.read_csv(io.StringIO(answer.text))
    assert table["prediction"].tolist() == [row["prediction"] for row in rows]
    assert table[["low", "high"]].values.tolist() == [row["interval"] for row in rows]
    assert table["version"].tolist() == [1] * 5
    bad = model.post(path, "open,return\n1,2\n", content_type="text/csv")
    assert bad.status_code == 400 and bad.json()["feature"] == "volume"
    with_index = model.post(path, FRAME.to_csv(), content_type="text/csv")
    assert with_index.status_code == 400 and with_index.json()["feature"] == ""
