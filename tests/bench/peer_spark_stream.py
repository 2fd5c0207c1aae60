# SPDX-License-Identifier: GPL-3.0-or-later
"""The prototype's consumer, Spark Structured Streaming: it drains a topic to CSV on HDFS and stops.
  peer_spark_stream.py FOLDER JARS BROKERS TOPIC     then asked by lines: a new place on HDFS, minPartitions
Answers {rows, batches_s, whole_s, peak_mb}: of the batches by the query's own progress reports (planning and
the checkpoint's log included), and from its start until it has ended. Ends with its standard input."""
import sys
import time

import peer_spark

FOLDER, JARS, BROKERS, TOPIC = sys.argv[1:]
SCHEMA = "timestamp STRING, buy_price DOUBLE, sell_price DOUBLE, volume INT, volatility DOUBLE, " \
    "buy_price_normalized DOUBLE, sell_price_normalized DOUBLE, volume_normalized DOUBLE"
LIMIT_S = 600


def ticks(spark, min_partitions):
    from pyspark.sql.functions import col, from_json
    return (spark.readStream.format("kafka").option("kafka.bootstrap.servers", BROKERS)
            .option("subscribe", TOPIC).option("startingOffsets", "earliest")
            .option("minPartitions", min_partitions).load()
            .selectExpr("CAST(value AS STRING) as json_data")
            .select(from_json(col("json_data"), SCHEMA).alias("data")).select("data.*"))


def main():
    spark = peer_spark.session(FOLDER, JARS)

    def drain(output, min_partitions):
        begun = time.monotonic()
        query = (ticks(spark, min_partitions).writeStream.outputMode("append")
                 .format("csv").option("path", output)
                 .option("checkpointLocation", f"{output}_checkpoint")
                 .trigger(availableNow=True).start())
        if not query.awaitTermination(LIMIT_S):
            sys.exit(f"the query did not end within {LIMIT_S} s")
        whole_s = time.monotonic() - begun
        batches = [batch for batch in query.recentProgress if batch["numInputRows"] > 0]
        return {"rows": sum(batch["numInputRows"] for batch in batches), "whole_s": whole_s,
                "batches_s": sum(batch["durationMs"]["triggerExecution"] for batch in batches) / 1e3}
    peer_spark.answer(spark, drain)


if __name__ == "__main__":
    main()
