# SPDX-License-Identifier: GPL-3.0-or-later
"""ingest beside what its users would run instead, where that could be fetched: Spark Structured Streaming."""
import time

import spark_peers
from measure import head, in_turn, median, row

# How Spark's side reads the one partition: as the prototype's consumer does, and in a task for each core.
# (its option minPartitions, what, target)
READERS = ((1, "the prototype's consumer", 10), (2, "the same with minPartitions 2", None))


class Drained:
    """Rows per s: by the batches' own reports, and with the query's start and end; with all that was
    before, which only counts of a first run."""

    def __init__(self, said, since_start_s):
        self.per_s = said["rows"] / said["batches_s"]
        self.query_per_s = said["rows"] / said["whole_s"]
        self.cold_per_s = said["rows"] / since_start_s
        self.peak_mb = said["peak_mb"]


def beside_spark(stack, folder, options, ours):
    """`ours()` drains the topic once. One JVM for all rounds, so that no start-up is in its rates."""
    peer = spark_peers.start(options.python, folder, "peer_spark_stream.py",
                             stack.addresses["kafka"], "peer", needs_jars=True)
    if peer is None:
        return True
    runs = []

    def theirs(min_partitions):
        home = f"/bench-spark-{len(runs)}"
        stack.hdfs.make_home(home)
        said = peer.ask(f"{stack.addresses['namenode_rpc']}{home}/ticks", min_partitions)
        runs.append(Drained(said, time.monotonic() - peer.begun))
        return runs[-1]
    with peer:
        # Theirs first: the first run tells what the start of their program takes.
        *results, ours_runs = in_turn(options.rounds, *(lambda n=n: theirs(n) for n, _, _ in READERS),
                                      ours)
    return told(options, ours_runs, results, runs[0])


def told(options, ours, results, first):
    head(f"{options.rows:,} ticks from one partition to HDFS (peer: Spark Structured Streaming, a warm "
         f"JVM),\nmedians of {options.rounds} runs, after one that is not counted")
    per_s, met = median(ours, "per_s"), True
    for runs, (_, what, target) in zip(results, READERS):
        met &= row(f"rows/s, {what}", per_s, median(runs, "per_s"), target)
        row("  with the query's start and end", per_s, median(runs, "query_per_s"), None)
    row("  from both programs' start, cold", median(ours, "whole_per_s"), first.cold_per_s, None)
    row("peak resident, MB", max(run.peak_mb for run in ours), results[-1][-1].peak_mb, None)
    return met
