# SPDX-License-Identifier: GPL-3.0-or-later
"""The model service beside what its users would run instead, where that could be fetched: Spark ML trains,
MLServer predicts."""
import math
import pathlib

import spark_peers
from measure import Load, head, in_turn, median, not_measured, peak_mb, row, serving
from servers import ports  # the benchmark has put deploy/local into the path

HERE = pathlib.Path(__file__).parent

# How Spark's side reads: as the prototype's script does, and told the types. (what, target)
READERS = {"cast": ("the prototype's script", 40), "typed": ("the same with a schema", None)}
# MLServer's parallel_workers: without, and its default.
WORKERS = (0, 1)


class Fit:
    def __init__(self, rows, spent_s, most_mb):
        self.per_s, self.spent_s, self.peak_mb = rows / spent_s, spent_s, most_mb


def beside_spark(bench):
    """One JVM for all rounds; what it took to start isn't counted."""
    csv = f"{bench.stack.addresses['namenode_rpc']}{bench.data}"
    peer = spark_peers.start(bench.options.spark_python, bench.folder, "peer_spark_fit.py", csv)
    if peer is None:
        return True
    errors = []

    def theirs(reader):
        said = peer.ask(reader)
        errors.append(said["rmse"])
        return Fit(bench.rows, said["spent_s"], said["peak_mb"])

    def ours():
        name = bench.new_model()
        spent_s = bench.model.train(name)
        errors.append(bench.model.held_out_rmse(name))
        return Fit(bench.rows, spent_s, peak_mb(bench.model.process.pid))
    with peer:
        results = in_turn(bench.options.rounds, ours,
                          *(lambda reader=reader: theirs(reader) for reader in READERS))
    if not all(math.isclose(error, errors[0], rel_tol=0.05) for error in errors):
        raise SystemExit(f"the fits differ: RMSE {errors}")
    return told(bench, *results)


def told(bench, ours, *theirs):
    head(f"training on {bench.rows:,} ticks on HDFS (peer: Spark ML, a warm JVM),\nmedians of "
         f"{bench.options.rounds} runs, after one that is not counted")
    met = True
    for runs, (what, target) in zip(theirs, READERS.values()):
        met &= row(f"rows per s, {what}", median(ours, "per_s"), median(runs, "per_s"), target)
        row("s", median(ours, "spent_s"), median(runs, "spent_s"), None, form="{:,.2f}")
    row("peak resident, MB", ours[-1].peak_mb, theirs[-1][-1].peak_mb, None)
    return met


def beside_mlserver(bench):
    """The better one of MLServer's two ways counts."""
    python = bench.options.mlserver_python
    if not python.exists():
        return not_measured("MLServer", f"there is no {python} (make bench-model installs it)")
    url = f"{bench.model.url}/v2/models/{bench.trained()}/infer"
    found = []
    for workers in WORKERS:
        with serving(python, HERE / "peer_mlserver.py", bench.folder / f"mlserver-{workers}",
                     *ports.free(3), workers) as port:
            peer = f"http://127.0.0.1:{port}/v2/models/line/infer"
            found.append(in_turn(bench.options.rounds,
                                 lambda: Load(peer, 32, 3, HERE / "post_infer_matrix.lua"),
                                 lambda: Load(url, 32, 3, HERE / "post_infer.lua")))
    best = max(range(len(WORKERS)), key=lambda i: median(found[i][0], "per_s"))
    met = True
    for i, (theirs, ours) in enumerate(found):
        head(f"predictions by the Open Inference Protocol, 32 connections (peer: MLServer, "
             f"parallel_workers {WORKERS[i]}{', its better way' if i == best else ''})")
        met &= row("per s", median(ours, "per_s"), median(theirs, "per_s"), 30 if i == best else None)
        row("p50, us", median(ours, "p50_s") * 1e6, median(theirs, "p50_s") * 1e6, None)
        row("p99, us", median(ours, "p99_s") * 1e6, median(theirs, "p99_s") * 1e6, None)
    return met
