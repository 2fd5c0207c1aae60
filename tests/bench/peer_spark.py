# SPDX-License-Identifier: GPL-3.0-or-later
"""What the programs peer_spark_*.py share: a session on this machine's two cores, and answers to questions by
lines, so that one JVM stays warm over all rounds."""
import json
import os
import sys

from measure import peak_mb

HOST = "127.0.0.1"
CORES = 2
HEAP = "4g"  # its limit: with less it collects garbage more often


def session(folder, jars=""):
    """Its files go below `folder`."""
    os.environ.update(SPARK_LOCAL_IP=HOST, HADOOP_USER_NAME="bitcoin")
    from pyspark.sql import SparkSession  # after the environment that it reads
    settings = {"spark.driver.bindAddress": HOST, "spark.driver.host": HOST,
                "spark.driver.memory": HEAP, "spark.ui.enabled": "false",
                "spark.sql.session.timeZone": "UTC", "spark.hadoop.dfs.replication": "1",
                "spark.sql.shuffle.partitions": str(CORES), "spark.jars": jars,
                "spark.local.dir": f"{folder}/spark",
                "spark.sql.warehouse.dir": f"{folder}/spark-warehouse"}
    builder = SparkSession.builder.appName("bench").master(f"local[{CORES}]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def answer(spark, run):
    """For each line of the standard input what run(its words) returned, as a line of JSON."""
    jvm = spark._jvm.java.lang.ProcessHandle.current().pid()  # the Python beside it only asks
    for line in sys.stdin:
        print(json.dumps({**run(*line.split()), "peak_mb": peak_mb(jvm)}), flush=True)
    spark.stop()
