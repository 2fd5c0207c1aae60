# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit trail: tokens' names, reasons, kept on HDFS beside the models."""
from support import wait_until
from support.models import bars, publish

TOKENS = {"ana": ("ana-0123456789abcdef", "read,write"),
          "bo": ("bo-0123456789abcdef", "read,write,admin")}
SPEC = {"name": "mine", "records": "bars", "target": "close", "features": ["open"]}


def test_who_did_what_and_why(service, hdfs, names, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("".join(f"{token} {scopes} {name}\n"
                              for name, (token, scopes) in TOKENS.items()))
    publish(hdfs, names.hdfs_root, bars(400))
    model = service("model", wait_ready=False, autotrain=False, token_file=tokens)
    model.wait_listening()

    def as_(name):
        return {"headers": {"Authorization": f"Bearer {TOKENS[name][0]}"}}

    def events():
        told = model.get("/v1/audit?model=mine", **as_("ana")).json()["events"]
        return [(e["action"], e["by"], e["reason"], e["version"]) for e in told][::-1]

    assert model.post("/v1/models", SPEC, **as_("ana")).status_code == 201
    begun = model.post("/v1/models/mine/train", {"reason": "a try"}, **as_("ana"))
    assert begun.status_code == 202, begun.text
    expected = [("create", "ana", "", None), ("train", "ana", "a try", None),
                ("promote", "gate", "the first version", 1)]
    wait_until(lambda: events() == expected, "the gate's promotion is recorded")
    told = model.get("/v1/audit?model=mine", **as_("ana")).json()
    assert told["total"] == 3 and told["events"][1]["job"] == begun.json()["id"]
    denied = model.post("/v1/models/mine/versions/1/promote", **as_("ana"))
    assert denied.status_code == 403
    assert model.post("/v1/models/mine/versions/1/promote", {"reason": "again"},
                      **as_("bo")).status_code == 200
    assert model.request("DELETE", "/v1/models/mine?reason=done%20with", **as_("bo")
                         ).status_code == 204
    expected += [("promote", "bo", "again", 1), ("delete", "bo", "done with", None)]
    assert events() == expected
    wait_until(lambda: len(hdfs.list(f"{names.hdfs_root}/models/_audit")) == 5, "all are on HDFS")
    model.kill()
    model.start(wait_ready=False)
    model.wait_listening()
    assert events() == expected
