# SPDX-License-Identifier: GPL-3.0-or-later
"""The Open Inference Protocol as Triton's own client speaks it."""
import numpy
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from support.models import bars, publish, start_model, train

FEATURES = ("open", "high", "low", "volume", "return")
ROWS = [{"open": 60010.5 + i, "high": 60013.75 + i, "low": 60008 + i, "volume": 250 * i,
         "return": 0.0001 * i} for i in range(5)]


@pytest.fixture
def model(service, hdfs, names):
    publish(hdfs, names.hdfs_root, bars(400))
    return start_model(service)


def tensors(rows):
    made = []
    for name in FEATURES:
        tensor = triton.InferInput(name, [len(rows)], "FP64")
        tensor.set_data_from_numpy(numpy.array([float(row[name]) for row in rows]),
                                   binary_data=False)
        made.append(tensor)
    return made


def asked(*names):
    return [triton.InferRequestedOutput(name, binary_data=False) for name in names]


def test_tritons_client_gets_what_predict_answers(model):
    client = triton.InferenceServerClient(model.url.removeprefix("http://"))
    assert client.is_server_live() and not client.is_server_ready()
    assert not client.is_model_ready("streamlit")
    assert train(model)["serves"]
    assert client.is_server_ready() and client.is_model_ready("streamlit")
    assert client.get_server_metadata()["name"] == "tickline-model"
    told = client.get_model_metadata("streamlit")
    assert told["versions"] == ["1"]
    assert [tensor["name"] for tensor in told["inputs"]] == list(FEATURES)

    got = client.infer("streamlit", tensors(ROWS), outputs=asked("prediction", "low", "high"),
                       request_id="7", model_version="1")
    expected = model.post("/v1/models/streamlit/predict", ROWS).json()
    assert got.get_response()["id"] == "7"
    assert got.get_response()["parameters"] == {
        name: expected[0][name] for name in ("interval_kind", "interval_factor")}
    assert got.as_numpy("prediction").tolist() == [p["prediction"] for p in expected]
    assert numpy.stack([got.as_numpy("low"), got.as_numpy("high")], 1).tolist() == \
        [p["interval"] for p in expected]
    # As the client does when it is not told otherwise: in binary form, without names of outputs.
    rows = numpy.array([[float(row[name]) for name in FEATURES] for row in ROWS])
    for kind, datatype in ((numpy.float64, "FP64"), (numpy.float32, "FP32")):
        binary = [triton.InferInput(name, [len(ROWS)], datatype) for name in FEATURES]
        for tensor, column in zip(binary, rows.T):
            tensor.set_data_from_numpy(column.astype(kind))
        got = client.infer("streamlit", binary)
        close = 0 if kind is numpy.float64 else 1e-6
        assert got.as_numpy("prediction") == pytest.approx([p["prediction"] for p in expected],
                                                           rel=close, abs=0)
    with pytest.raises(InferenceServerException, match='input "open" is missing'):
        client.infer("streamlit", tensors(ROWS)[1:], outputs=asked("prediction"))
    client.close()
